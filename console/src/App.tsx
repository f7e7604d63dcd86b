import AppLayout from "@cloudscape-design/components/app-layout";
import SideNavigation from "@cloudscape-design/components/side-navigation";
import TopNavigation from "@cloudscape-design/components/top-navigation";
import { useState, type ReactNode } from "react";
import { useLoaded, type Session } from "./api";
import { chooseLook, useLook } from "./look";
import { Catalog } from "./pages/Catalog";
import { Live } from "./pages/Live";
import { Objects } from "./pages/Objects";
import { Overview } from "./pages/Overview";
import { Sql } from "./pages/Sql";
import { StreamPage, Streams } from "./pages/Streams";
import { ThingPage, Things } from "./pages/Things";
import { Empty } from "./parts/states";
import { follow, useRoute } from "./route";

const pages: { path: string; title: string; page: () => ReactNode; wide?: boolean }[] = [
  { path: "/", title: "Overview", page: () => <Overview />, wide: true },
  { path: "/live-charts", title: "Live", page: () => <Live />, wide: true },
  { path: "/things", title: "Things", page: () => <Things /> },
  { path: "/thing", title: "Thing", page: () => <ThingPage /> },
  { path: "/streams", title: "Streams", page: () => <Streams /> },
  { path: "/stream", title: "Stream", page: () => <StreamPage /> },
  { path: "/objects", title: "Objects", page: () => <Objects /> },
  { path: "/catalog", title: "Catalog", page: () => <Catalog /> },
  { path: "/sql", title: "SQL", page: () => <Sql />, wide: true },
];
const parentOf: Record<string, string> = { "/thing": "/things", "/stream": "/streams" };

export function App() {
  const { path } = useRoute();
  const look = useLook();
  const session = useLoaded<Session>("/api/session", 60_000);
  const [navigation, setNavigation] = useState(true);
  const found = pages.find((each) => each.path === path);
  document.title = (found ? found.title + " · " : "") + "Wellhead";
  return (
    <>
      <div id="top">
        <TopNavigation
          identity={{ href: "/", title: "Wellhead", logo: { src: "/icon.svg", alt: "" }, onFollow: follow as never }}
          utilities={[
            {
              type: "button", iconName: look === "dark" ? "star" : "star-filled",
              text: look === "dark" ? "Light" : "Dark", disableUtilityCollapse: false,
              onClick: () => chooseLook(look === "dark" ? "light" : "dark"),
            },
            ...(session.value
              ? [
                  { type: "button" as const, text: session.value.region, disableTextCollapse: true },
                  {
                    type: "menu-dropdown" as const, iconName: "user-profile" as const, text: session.value.user,
                    description: session.value.email ?? `Account ${session.value.account}`,
                    items: [{ id: "out", text: "Sign out" }],
                    onItemClick: () => void signOut(),
                  },
                ]
              : []),
          ]}
        />
      </div>
      <AppLayout
        headerSelector="#top"
        toolsHide
        navigationOpen={navigation}
        onNavigationChange={({ detail }) => setNavigation(detail.open)}
        navigationWidth={220}
        maxContentWidth={found?.wide ? 1760 : 1320}
        navigation={
          <SideNavigation
            activeHref={parentOf[path] ?? path}
            onFollow={follow as never}
            items={[
              { type: "link", text: "Overview", href: "/" },
              { type: "link", text: "Live", href: "/live-charts" },
              { type: "divider" },
              { type: "section-group", title: "Ingest", items: [
                { type: "link", text: "Things", href: "/things" },
                { type: "link", text: "Streams", href: "/streams" },
              ] },
              { type: "section-group", title: "Lake", items: [
                { type: "link", text: "Objects", href: "/objects" },
                { type: "link", text: "Catalog", href: "/catalog" },
                { type: "link", text: "SQL", href: "/sql" },
              ] },
            ]}
          />
        }
        content={found ? found.page() : <Empty title="No such page">The address names no page of this console.</Empty>}
      />
    </>
  );
}

async function signOut() {
  await fetch("/sign-out", { method: "POST", headers: { "x-wellhead-console": "1" } }).catch(() => undefined);
  location.href = "/";
}
