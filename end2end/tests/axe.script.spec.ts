// WCAG 2.2 AA by axe-core, in light and in dark. axe is itself a script, so it cannot run where
// scripts do not: the pages without JavaScript are the ones whose islands never come to life.

import { AxeBuilder } from "@axe-core/playwright";
import { type Page } from "@playwright/test";
import { alive, expect, OPEN, operate, signUp, test } from "./latchkey";

async function isAccessible(page: Page) {
  const results = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  expect(results.violations).toEqual([]);
  expect(results.passes.length).toBeGreaterThan(5);
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const islands of [true, false]) {
    test(`axe finds nothing on any page in ${colorScheme}, islands ${islands ? "alive" : "dead"}`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      if (!islands)
        await page.route("**/*.js", (route) =>
          route.fulfill({ contentType: "text/javascript", body: "export default () => new Promise(() => {})" }),
        );
      for (const path of OPEN) {
        await page.goto(path);
        if (path === "/signup" || path === "/signin") await alive(page, islands);
        await isAccessible(page);
      }
      await page.goto("/signup");
      await page.getByLabel("Username").fill("a");
      await page.getByRole("button", { name: "Create an account" }).click();
      await expect(page.getByRole("alert")).toBeVisible();
      await alive(page, islands);
      await isAccessible(page);
      await signUp(page);
      await isAccessible(page);
      for (const language of ["en", "de"]) {
        await page.goto(`/language/${language}`);
        for (const path of ["/profile", "/confirm", "/account/security", "/account/sessions", "/account/data"]) {
          await page.goto(path);
          if (path === "/profile" || path === "/confirm" || path === "/account/security") await alive(page, islands);
          await isAccessible(page);
        }
      }
      await page.goto("/");
      await isAccessible(page);
    });
  }
}

for (const colorScheme of ["light", "dark"] as const)
  test(`axe finds nothing on the page that sets a password by a link, in ${colorScheme}`, async ({ page, server }) => {
    await page.emulateMedia({ colorScheme });
    const username = await signUp(page);
    const link = operate(server, "user", "set-password-link", username);
    await page.context().clearCookies();
    for (const language of ["en", "de"]) {
      await page.goto(`/language/${language}`);
      await page.goto(link);
      await alive(page, true);
      await isAccessible(page);
    }
    await page.setViewportSize({ width: 320, height: 700 });
    await page.locator("#newPassword").fill("password");
    await page.locator("main button[type=submit]").click();
    await expect(page.getByRole("alert")).toBeFocused();
    await isAccessible(page);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBe(0);
  });
