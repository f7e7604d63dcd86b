import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import TableView from "@cloudscape-design/components/table";
import { useLoaded, type Thing, type ThingDetail } from "../api";
import { time } from "../format";
import { ListTable } from "../parts/ListTable";
import { Await, Empty } from "../parts/states";
import { follow, useRoute } from "../route";

function attributes(thing: Thing): string {
  return Object.entries(thing.attributes).map(([name, value]) => `${name}: ${value}`).join(", ") || "–";
}

export function Things() {
  const things = useLoaded<Thing[]>("/api/things", 15_000);
  return (
    <ContentLayout header={<Header variant="h1" description="The devices that are registered, each with its certificate and policy.">Things</Header>}>
      <ListTable
        title="Things" from={things} trackBy="name"
        empty={<Empty title="No thing is registered">Register one with the IoT API, or start the simulator: it registers its wells.</Empty>}
        columns={[
          { id: "name", header: "Name", sortingField: "name", isRowHeader: true,
            cell: (thing) => <Link href={"/thing?name=" + encodeURIComponent(thing.name)} onFollow={follow as never}>{thing.name}</Link> },
          { id: "type", header: "Type", sortingField: "type", cell: (thing) => thing.type ?? "–" },
          { id: "attributes", header: "Attributes", cell: attributes },
          { id: "version", header: "Version", sortingField: "version", cell: (thing) => thing.version },
        ]}
      />
    </ContentLayout>
  );
}

export function ThingPage() {
  const name = useRoute().query.get("name") ?? "";
  const thing = useLoaded<ThingDetail>("/api/thing?name=" + encodeURIComponent(name), 15_000);
  return (
    <ContentLayout header={<Header variant="h1">{name}</Header>}>
      <Await from={thing}>
        {(value) => (
          <SpaceBetween size="l">
            <Container header={<Header variant="h2">Details</Header>}>
              <KeyValuePairs columns={3} items={[
                { label: "Type", value: value.type ?? "–" },
                { label: "Attributes", value: attributes(value) },
                { label: "ARN", value: <Box variant="code">{value.arn}</Box> },
              ]} />
            </Container>
            <TableView
              header={<Header variant="h2" counter={`(${value.certificates.length})`}>Certificates</Header>}
              items={value.certificates} trackBy="id"
              empty={<Empty title="No certificate is attached">Without one the thing cannot connect.</Empty>}
              columnDefinitions={[
                { id: "id", header: "Certificate", cell: (each) => <Box variant="code">{each.id.slice(0, 16)}…</Box>, isRowHeader: true },
                { id: "status", header: "Status", cell: (each) => <StatusIndicator type={each.status === "ACTIVE" ? "success" : "stopped"}>{each.status}</StatusIndicator> },
                { id: "policies", header: "Policies", cell: (each) => each.policies.join(", ") || "none: nothing is allowed" },
                { id: "created", header: "Created", cell: (each) => time(each.created) },
              ]}
            />
            {value.shadow !== undefined && (
              <Container header={<Header variant="h2">Shadow</Header>}>
                <Box variant="pre">{JSON.stringify(value.shadow, null, 2)}</Box>
              </Container>
            )}
          </SpaceBetween>
        )}
      </Await>
    </ContentLayout>
  );
}
