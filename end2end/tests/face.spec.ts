// What the pages look like, as far as that can be measured, with JavaScript and without.

import { expect, overflow, PASSWORD, signUp, test } from "./latchkey";

const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
  <script>document.documentElement.setAttribute("data-ran", "yes")</script>
  <rect width="32" height="32" fill="#b4402a" onload="this.setAttribute('fill', 'red')"/>
  <image href="/favicon.svg"/></svg>`;

test("a logo that is opened by itself runs nothing and loads nothing", async ({ browser, javaScriptEnabled, startServer }) => {
  const server = await startServer({ BRAND_NAME: "Teahouse", BRAND_LOGO: "logo.svg" }, { "logo.svg": LOGO });
  const context = await browser.newContext({ baseURL: server.url, javaScriptEnabled });
  const page = await context.newPage();
  await page.goto("/signin");
  const logo = page.getByRole("banner").locator("img");
  expect(await logo.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  const address = (await logo.getAttribute("src"))!;
  const loaded: string[] = [];
  page.on("requestfinished", (request) => loaded.push(new URL(request.url()).pathname));
  await page.goto(address);
  await expect(page.locator("rect")).toHaveAttribute("fill", "#b4402a");
  await expect(page.locator("svg")).not.toHaveAttribute("data-ran");
  expect(loaded).toEqual([address]);
  await context.close();
});

test("the navigation of the account is one row on a phone, and a column on a wide screen", async ({ page }) => {
  await signUp(page);
  const links = page.getByRole("navigation", { name: "Your account" }).getByRole("link");
  const places = async () => links.evaluateAll((all) => all.map((link) => link.getBoundingClientRect().top));
  for (const width of [320, 390, 800]) {
    await page.setViewportSize({ width, height: 700 });
    expect(new Set(await places()).size, `${width} px`).toBe(1);
    expect(await overflow(page), `${width} px`).toBe(0);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  expect(new Set(await places()).size).toBe(await links.count());
});

test("text of twice the size, the longest name and fifty sessions fit on a narrow screen", async ({ page, server }) => {
  await page.setViewportSize({ width: 320, height: 700 });
  const username = await signUp(page);
  await page.getByLabel("Full name").fill("W".repeat(100));
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status")).toHaveText("Name updated.");
  for (let session = 1; session < 50; session += 1)
    await fetch(`${server}/auth/signin`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username, password: PASSWORD }),
    });
  for (const path of ["/account", "/profile", "/account/security", "/account/sessions", "/account/data"]) {
    await page.goto(path);
    expect(await overflow(page), path).toBe(0);
    // Every size is in rem.
    await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
    expect(await overflow(page), `${path} at 200%`).toBe(0);
  }
  await page.goto("/account/sessions");
  await expect(page.getByText("This device")).toHaveCount(1);
  await expect(page.getByRole("button", { name: /^Sign out: / })).toHaveCount(9);
  await page.getByText("Show all 50").click();
  await expect(page.getByRole("button", { name: /^Sign out: / })).toHaveCount(49);
  expect(await overflow(page)).toBe(0);
});

test("someone whose session has ended is told so", async ({ page, context }) => {
  await signUp(page);
  const cookies = await context.cookies();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/");
  await context.addCookies(cookies);
  await page.goto("/account");
  await expect(page).toHaveURL("/signin?next=%2Faccount");
  await expect(page.getByRole("status")).toHaveText("You've been signed out. Sign in to continue.");
  await expect(page.getByRole("status")).toBeFocused();
});

test("the components are on no page of a release", async ({ page }) => {
  const response = await page.goto("/docs/design");
  expect(response?.status()).toBe(404);
});

test("the documentation is at most a third of what it was, and routes open", async ({ page, javaScriptEnabled }) => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto("/docs");
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  expect(height).toBeLessThanOrEqual(5500);
  await page.getByText("/user/sessions/{id}", { exact: true }).click();
  await expect(page.getByText(`curl -X DELETE`).filter({ hasText: "/user/sessions/{id}" })).toBeVisible();
  // A link opens what it leads to, where scripts run.
  await page.getByRole("navigation", { name: "Contents" }).getByRole("link", { name: "Create an account" }).click();
  if (javaScriptEnabled !== false) await expect(page.getByText("/auth/signup \\")).toBeVisible();
});
