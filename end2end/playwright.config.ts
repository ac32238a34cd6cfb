import { defineConfig } from "@playwright/test";
import { existsSync } from "node:fs";

// Debian's Chromium where it is installed, else the one that Playwright brings.
const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path));

const browser = {
  browserName: "chromium" as const,
  launchOptions: {
    executablePath: process.env.CHROMIUM ?? chromium,
    args: [
      // Chromium's own sandbox does not work for root; the pages are ours.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  },
};

// Every spec runs twice. What needs JavaScript is named *.script.spec.ts.
export default defineConfig({
  testDir: "tests",
  fullyParallel: true,
  forbidOnly: true,
  workers: 2,
  // A busy machine breaks no test: these only end one that hangs.
  timeout: 300_000,
  expect: { timeout: 60_000 },
  reporter: [["list"]],
  use: { ...browser, trace: "retain-on-failure" },
  projects: [
    { name: "with JavaScript" },
    {
      name: "without JavaScript",
      use: { javaScriptEnabled: false },
      testIgnore: "*.script.spec.ts",
    },
  ],
});
