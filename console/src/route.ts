// Where in the console we are: the path of the address, without a library.
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
window.addEventListener("popstate", () => listeners.forEach((tell) => tell()));

export function go(href: string) {
  if (href === location.pathname + location.search) return;
  history.pushState(null, "", href);
  window.scrollTo(0, 0);
  listeners.forEach((tell) => tell());
}
export function replace(href: string) {
  history.replaceState(null, "", href);
  listeners.forEach((tell) => tell());
}
export function useRoute(): { path: string; query: URLSearchParams } {
  const href = useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => location.pathname + location.search,
  );
  const at = new URL(href, location.origin);
  return { path: at.pathname, query: at.searchParams };
}
// For Cloudscape's onFollow: stays in the page for our own links.
export function follow(event: CustomEvent<{ href?: string; external?: boolean }>) {
  if (!event.detail.href || event.detail.external) return;
  event.preventDefault();
  go(event.detail.href);
}
