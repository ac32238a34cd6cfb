// WCAG 2.2 AA by axe-core on every page of the admin area, in light and in dark.

import { AxeBuilder } from "@axe-core/playwright";
import { ADMIN, busy, SETTINGS } from "./administering";
import { expect, test } from "./latchkey";

for (const colorScheme of ["light", "dark"] as const)
  test(`axe finds nothing in the admin area in ${colorScheme}`, async ({ browser, startServer }) => {
    const server = await startServer({ ...SETTINGS });
    const context = await browser.newContext({ baseURL: server.url, colorScheme });
    const page = await context.newPage();
    const { person, app, webhook } = await busy(page, server.url);
    const look = async (name: string) => {
      const results = await new AxeBuilder({ page })
        .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
        .analyze();
      expect(results.violations, name).toEqual([]);
    };
    for (const path of [...ADMIN, person, app, webhook]) {
      await page.goto(path);
      for (const summary of await page.locator("main summary").all()) await summary.click();
      await look(path);
    }
    // What is shown once, and a refused form.
    await page.goto("/admin/keys");
    await page.getByLabel("Name", { exact: true }).fill("A program");
    await page.getByRole("button", { name: "Create the key" }).click();
    await look("a refused key");
    await page.getByLabel("users:read").check();
    await page.getByRole("button", { name: "Create the key" }).click();
    await expect(page.getByText("lk_")).toBeVisible();
    await look("a new key");
    await context.close();
  });
