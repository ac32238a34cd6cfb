// Makes the pictures in the README: `make pictures`.

import type { BrowserContextOptions, Page } from "@playwright/test";
import { alive, PASSWORD, signUp, test } from "./tests/latchkey";

const AGENTS = [
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
];

const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" fill="none" stroke="#b4402a" stroke-width="4">
  <path fill="#b4402a" d="M8 16h28v11a11 11 0 0 1-11 11h-6A11 11 0 0 1 8 27z"/><path d="M36 20h3a5 5 0 0 1 0 10h-4"/></svg>`;

const TEAHOUSE = { BRAND_NAME: "Teahouse", BRAND_LOGO: "logo.svg", BRAND_COLOR: "#b4402a" };

test("the pictures in the README", async ({ browser, startServer }) => {
  const own = await startServer();
  const teahouse = await startServer(
    { ...TEAHOUSE, SUPPORT_URL: "https://example.org/help", BRAND_LINKS: "Imprint=https://example.org/imprint" },
    { "logo.svg": LOGO },
  );
  const open = async (baseURL: string, options: BrowserContextOptions) =>
    (await browser.newContext({ baseURL, ...options })).newPage();
  const save = (page: Page, name: string) => page.screenshot({ path: `pictures/${name}.png` });
  const wide = { viewport: { width: 1100, height: 700 } };
  const narrow = { viewport: { width: 430, height: 800 } };

  const account = await open(own.url, wide);
  const username = await signUp(account, "alice");
  for (const agent of AGENTS) {
    const page = await open(own.url, { userAgent: agent });
    await page.goto("/signin");
    await page.getByLabel("Username").fill(username);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL("/profile");
  }
  await account.getByLabel("Full name").fill("Alice Liddell");
  await account.getByRole("button", { name: "Save" }).click();
  await account.goto("/account");
  await save(account, "account");

  const signIn = await open(teahouse.url, narrow);
  await signIn.goto("/signin");
  await alive(signIn, true);
  await save(signIn, "sign-in");

  const errors = await open(teahouse.url, narrow);
  await errors.goto("/signup");
  await errors.getByLabel("Full name").fill("Alice Liddell");
  await errors.getByLabel("Username").fill("alice@example.org");
  await errors.getByRole("button", { name: "Create an account" }).click();
  await alive(errors, true);
  await save(errors, "errors");

  const phone = await open(own.url, { ...narrow, colorScheme: "dark", storageState: await account.context().storageState() });
  await phone.goto("/account/sessions");
  await save(phone, "phone");
});
