// Light or dark: the system's choice until the user makes one.
import { applyMode, Mode } from "@cloudscape-design/global-styles";
import { useSyncExternalStore } from "react";

type Look = "light" | "dark";
const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function current(): Look {
  const chosen = localStorage.getItem("look");
  if (chosen === "light" || chosen === "dark") return chosen;
  return system.matches ? "dark" : "light";
}
function apply() {
  applyMode(current() === "dark" ? Mode.Dark : Mode.Light);
  document.documentElement.style.colorScheme = current();
  listeners.forEach((tell) => tell());
}
system.addEventListener("change", apply);
export const startLook = apply;
export function chooseLook(look: Look) {
  localStorage.setItem("look", look);
  apply();
}
export function useLook(): Look {
  return useSyncExternalStore((tell) => {
    listeners.add(tell);
    return () => listeners.delete(tell);
  }, current);
}
// Ten hues that stay apart from each other on white and on near-black.
export const seriesColors: Record<Look, string[]> = {
  light: ["#0972d3", "#d45200", "#037f51", "#962eac", "#c33d69", "#6f6b00", "#007a8c", "#4a4fd8", "#9a5b00", "#5f6b7a"],
  dark: ["#44b9ff", "#ff9900", "#2ea597", "#c98bff", "#f78f9f", "#dfb52c", "#7ee0ea", "#8f9bff", "#c2a37a", "#b6bec9"],
};
