import BreadcrumbGroup from "@cloudscape-design/components/breadcrumb-group";
import Button from "@cloudscape-design/components/button";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import Icon from "@cloudscape-design/components/icon";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import TableView from "@cloudscape-design/components/table";
import { useEffect, useState } from "react";
import { get, useLoaded, type Bucket, type ObjectEntry, type ObjectPage } from "../api";
import { bytes, time } from "../format";
import { ListTable } from "../parts/ListTable";
import { Empty, Failure } from "../parts/states";
import { follow, useRoute } from "../route";

export function Objects() {
  const { query } = useRoute();
  const bucket = query.get("bucket");
  return bucket === null ? <Buckets /> : <Folder key={bucket + "/" + query.get("prefix")} bucket={bucket} prefix={query.get("prefix") ?? ""} />;
}

function href(bucket: string, prefix = ""): string {
  return `/objects?bucket=${encodeURIComponent(bucket)}&prefix=${encodeURIComponent(prefix)}`;
}

function Buckets() {
  const buckets = useLoaded<Bucket[]>("/api/buckets", 15_000);
  return (
    <ContentLayout header={<Header variant="h1" description="The lake: every object is a file that SQL reads in place.">Objects</Header>}>
      <ListTable
        title="Buckets" from={buckets} trackBy="name"
        empty={<Empty title="There is no bucket yet">Deploy a pipeline or create one with any S3 client.</Empty>}
        columns={[
          { id: "name", header: "Name", sortingField: "name", isRowHeader: true, cell: (bucket) => <Link href={href(bucket.name)} onFollow={follow as never}>{bucket.name}</Link> },
          { id: "created", header: "Created", sortingField: "created", cell: (bucket) => time(bucket.created) },
        ]}
      />
    </ContentLayout>
  );
}

type Row = { kind: "folder"; key: string } | ({ kind: "object" } & ObjectEntry);

function Folder({ bucket, prefix }: { bucket: string; prefix: string }) {
  const path = `/api/objects?bucket=${encodeURIComponent(bucket)}&prefix=${encodeURIComponent(prefix)}`;
  const first = useLoaded<ObjectPage>(path, 10_000);
  const [more, setMore] = useState<ObjectPage[]>([]);
  const [loading, setLoading] = useState(false);
  useEffect(() => setMore([]), [path]);
  const pages = first.value ? [first.value, ...more] : [];
  const next = pages[pages.length - 1]?.next;
  const rows: Row[] = pages.flatMap((page) => [
    ...page.prefixes.map((key) => ({ kind: "folder" as const, key })),
    ...page.objects.filter((object) => object.key !== prefix).map((object) => ({ kind: "object" as const, ...object })),
  ]);
  const size = rows.reduce((sum, row) => sum + (row.kind === "object" ? row.size : 0), 0);
  const steps = prefix.split("/").filter((step) => step !== "");
  const loadMore = async () => {
    setLoading(true);
    try {
      const page = await get<ObjectPage>(path + "&next=" + encodeURIComponent(next!));
      setMore((before) => [...before, page]);
    } finally {
      setLoading(false);
    }
  };
  return (
    <ContentLayout
      header={
        <SpaceBetween size="xs">
          <BreadcrumbGroup onFollow={follow as never} items={[
            { text: "Buckets", href: "/objects" },
            { text: bucket, href: href(bucket) },
            ...steps.map((text, at) => ({ text, href: href(bucket, steps.slice(0, at + 1).join("/") + "/") })),
          ]} />
          <Header variant="h1">{steps[steps.length - 1] ?? bucket}</Header>
        </SpaceBetween>
      }
    >
      {first.error && <Failure error={first.error} retry={first.reload} />}
      {!first.error && (
        <TableView
          header={<Header variant="h2" counter={first.value && `(${rows.length}${next ? "+" : ""})`} description={size > 0 ? `${bytes(size)} in the objects below` : undefined}
            actions={<Button iconName="refresh" ariaLabel="Refresh" onClick={first.reload} />}>Objects</Header>}
          items={rows} trackBy="key" loading={first.loading && !first.value} loadingText="Loading"
          empty={<Empty title="Nothing here">Delivery writes its first files when its buffer is full or its time has passed.</Empty>}
          footer={next && <Button loading={loading} onClick={() => void loadMore()}>Load more</Button>}
          columnDefinitions={[
            { id: "name", header: "Name", isRowHeader: true, cell: (row) => {
              const name = row.key.slice(prefix.length);
              return row.kind === "folder"
                ? <Link href={href(bucket, row.key)} onFollow={follow as never}><Icon name="folder" /> {name}</Link>
                : <><Icon name="file" /> {name}</>;
            } },
            { id: "size", header: "Size", cell: (row) => <span className="numbers">{row.kind === "folder" ? "–" : bytes(row.size)}</span>, width: 120 },
            { id: "modified", header: "Last modified", cell: (row) => row.kind === "folder" ? "–" : time(row.modified), width: 200 },
            { id: "get", header: "", width: 130, cell: (row) => row.kind === "folder" ? "" :
              <Link href={`/api/object?bucket=${encodeURIComponent(bucket)}&key=${encodeURIComponent(row.key)}`}>Download</Link> },
          ]}
        />
      )}
    </ContentLayout>
  );
}
