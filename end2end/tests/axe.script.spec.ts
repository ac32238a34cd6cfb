// WCAG 2.2 AA by axe-core, in light and in dark, one page per test. axe is itself a script, so it
// cannot run without scripts: for pages without JavaScript, the islands are kept from starting.

import { AxeBuilder } from "@axe-core/playwright";
import { type Page } from "@playwright/test";
import {
  alive,
  CLOSED,
  expect,
  letter,
  linkIn,
  MAIL,
  OPEN,
  operate,
  overflow,
  signUp,
  signUpWithAddress,
  test,
} from "./latchkey";

async function isAccessible(page: Page) {
  const results = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  expect(results.violations).toEqual([]);
  expect(results.passes.length).toBeGreaterThan(5);
}

/** Pages with islands: they are tested both ways. */
const LIVE = ["/signup", "/signin", "/profile", "/confirm", "/account/security"];

for (const colorScheme of ["light", "dark"] as const)
  for (const islands of [true, false]) {
    const life = islands ? "alive" : "dead";
    const begin = async (page: Page) => {
      await page.emulateMedia({ colorScheme });
      if (!islands)
        await page.route("**/*.js", (route) =>
          route.fulfill({ contentType: "text/javascript", body: "export default () => new Promise(() => {})" }),
        );
    };
    const look = async (page: Page, path: string) => {
      await page.goto(path);
      if (LIVE.includes(path)) await alive(page, islands);
      await isAccessible(page);
    };

    for (const path of OPEN.filter((path) => islands || LIVE.includes(path)))
      test(`axe finds nothing on ${path} in ${colorScheme}, islands ${life}`, async ({ page }) => {
        await begin(page);
        await look(page, path);
      });

    test(`axe finds nothing on a refused form in ${colorScheme}, islands ${life}`, async ({ page }) => {
      await begin(page);
      await page.goto("/signup");
      await page.getByLabel("Username").fill("a");
      await page.getByRole("button", { name: "Create an account" }).click();
      await expect(page.getByRole("alert")).toBeVisible();
      await alive(page, islands);
      await isAccessible(page);
    });

    for (const path of CLOSED.filter((path) => islands || LIVE.includes(path)))
      test(`axe finds nothing on ${path} of an account in ${colorScheme}, islands ${life}`, async ({ page }) => {
        await begin(page);
        await signUp(page);
        for (const language of ["en", "de"]) {
          await page.goto(`/language/${language}`);
          await look(page, path);
        }
      });
  }

for (const colorScheme of ["light", "dark"] as const)
  for (const language of ["en", "de"])
    test(`axe finds nothing on the page that sets a password by a link, in ${colorScheme}, ${language}`, async ({ page, server }) => {
      await page.emulateMedia({ colorScheme });
      const username = await signUp(page);
      const link = operate(server, "user", "set-password-link", username);
      await page.context().clearCookies();
      await page.goto(`/language/${language}`);
      await page.goto(link);
      await alive(page, true);
      await isAccessible(page);
      await page.setViewportSize({ width: 320, height: 700 });
      await page.locator("#newPassword").fill("password");
      await page.locator("main button[type=submit]").click();
      await expect(page.locator("#newPassword")).toBeFocused();
      await isAccessible(page);
      expect(await overflow(page)).toBe(0);
    });

// A dark, a light and a loud one: what is too light is refused at the start.
for (const color of ["#1d1d1f", "#806b05", "#c2185b"])
  for (const colorScheme of ["light", "dark"] as const)
    test(`axe finds nothing with the brand color ${color} in ${colorScheme}`, async ({ browser, startServer }) => {
      const server = await startServer({ BRAND_NAME: "Teahouse", BRAND_COLOR: color, SUPPORT_URL: "https://example.org/help" });
      const context = await browser.newContext({ baseURL: server.url, colorScheme });
      const page = await context.newPage();
      for (const path of OPEN) {
        await page.goto(path);
        await isAccessible(page);
      }
      await page.goto("/signin");
      await page.getByRole("button", { name: "Sign in" }).click();
      await expect(page.getByRole("alert")).toBeVisible();
      await isAccessible(page);
      await signUp(page);
      await page.getByRole("button", { name: "Save" }).click();
      await expect(page.getByRole("status")).toBeVisible();
      await isAccessible(page);
      for (const path of CLOSED) {
        await page.goto(path);
        await isAccessible(page);
      }
      await context.close();
    });

for (const colorScheme of ["light", "dark"] as const)
  test(`axe finds nothing on the pages that need mail, in ${colorScheme}`, async ({ browser, startServer }) => {
    const server = await startServer({ MAIL_URL: "file:mails", MAIL_FROM: "Teahouse <accounts@example.org>" });
    const context = await browser.newContext({ baseURL: server.url, colorScheme });
    const page = await context.newPage();
    for (const path of ["/forgot-password", "/signup", "/signin"]) {
      await page.goto(path);
      await isAccessible(page);
    }
    await page.goto("/forgot-password");
    await page.getByRole("button", { name: "Send the link" }).click();
    await expect(page.getByLabel("Username or email address")).toBeFocused();
    await isAccessible(page);
    await signUp(page);
    await isAccessible(page);
    await page.getByLabel("Email address").fill("alice@example.org");
    await page.getByRole("button", { name: "Send a confirmation link" }).click();
    await expect(page.getByRole("status")).toContainText("We've sent you an email.");
    await isAccessible(page);
    await context.close();
  });

for (const colorScheme of ["light", "dark"] as const)
  test(`axe finds nothing on the pages of mail, in ${colorScheme}, and none is too wide for a phone`, async ({ browser, startServer }) => {
    const { url } = await startServer(MAIL);
    const context = await browser.newContext({ baseURL: url, colorScheme, viewport: { width: 320, height: 700 } });
    const page = await context.newPage();
    const { username, email } = await signUpWithAddress(page);
    const confirm = linkIn(await letter(url, email, "Confirm your email address"));
    for (const language of ["en", "de"]) {
      await page.goto(`/language/${language}`);
      for (const path of ["/profile", "/signin/code", "/forgot-password", "/verify-email/resend", confirm]) {
        await page.goto(path);
        await isAccessible(page);
        expect(await overflow(page), path).toBe(0);
      }
    }
    await context.clearCookies();
    for (const path of ["/signin", "/signup", confirm]) {
      await page.goto(path);
      await isAccessible(page);
      expect(await overflow(page), path).toBe(0);
    }
    await page.goto("/signin/code");
    await page.getByLabel("Username or email address").fill(username);
    await page.getByRole("button", { name: "Send the code" }).click();
    await page.getByLabel("Code").fill("1");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByLabel("Code")).toBeFocused();
    await isAccessible(page);
    expect(await overflow(page)).toBe(0);
  });
