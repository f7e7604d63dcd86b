import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { sampleBackend } from "./dev/sample_backend";

// `npm run dev` serves the page against made-up data (dev/); the build contains nothing of that.
export default defineConfig(({ command }) => ({
  plugins: command === "serve" ? [react(), sampleBackend()] : [react()],
  server: { host: "127.0.0.1" },
  build: {
    outDir: process.env.CONSOLE_OUT_DIR ?? "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000,
    rollupOptions: {
      output: {
        entryFileNames: "assets/[name]-[hash].js",
        chunkFileNames: "assets/[name]-[hash].js",
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
}));
