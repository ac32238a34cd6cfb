// An operator's day in the admin area, with JavaScript and without.

import { ADMIN, administer, busy, SETTINGS } from "./administering";
import { expect, letter, linkIn, overflow, PASSWORD, setUpApp, signUp, test } from "./latchkey";

test("ten people are invited, and come in with a confirmed address and in their groups", async ({
  browser,
  javaScriptEnabled,
  startServer,
}) => {
  const server = await startServer({ ...SETTINGS });
  const context = await browser.newContext({ baseURL: server.url, javaScriptEnabled });
  const page = await context.newPage();
  await administer(page, server.url);
  await page.goto("/account");
  await page.getByRole("link", { name: "Administration" }).click();
  await page.getByRole("link", { name: "Invitations" }).click();
  for (let guest = 0; guest < 10; guest += 1) {
    await page.getByLabel("Email address").fill(`guest${guest}@example.org`);
    await page.getByLabel("Groups").fill("crew");
    await page.getByRole("button", { name: "Invite" }).click();
    await expect(page.getByRole("status")).toHaveText("Invitation made.");
    await expect(page.getByText("/signup?link=")).toBeVisible();
  }
  const invitation = linkIn(await letter(server.url, "guest7@example.org", "You're invited"));
  const guests = await browser.newContext({ baseURL: server.url, javaScriptEnabled });
  const guest = await guests.newPage();
  await guest.goto(invitation);
  await expect(guest).toHaveURL("/signup");
  await expect(guest.getByText("guest7@example.org")).toBeVisible();
  await guest.getByLabel("Full name").fill("Guest Seven");
  await guest.getByLabel("Username").fill("guest-seven");
  await guest.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await guest.getByRole("button", { name: "Create an account" }).click();
  await expect(guest).toHaveURL("/profile");
  await page.goto("/admin/people");
  await page.getByLabel("Name or email address").fill("guest7@");
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByRole("link", { name: "Guest Seven" }).click();
  await expect(page.getByLabel("Email address")).toHaveValue("guest7@example.org");
  await expect(page.getByLabel("Groups")).toHaveValue("crew");
  await guests.close();
  await context.close();
});

test("somebody who lost a phone gets in again, and sees who helped", async ({ browser, javaScriptEnabled, startServer }) => {
  const server = await startServer({ ...SETTINGS });
  const open = async () => {
    const context = await browser.newContext({ baseURL: server.url, javaScriptEnabled });
    return { context, page: await context.newPage() };
  };
  const theirs = await open();
  const username = await signUp(theirs.page);
  await theirs.page.goto("/account/security");
  await theirs.page.getByRole("button", { name: "Set up an authenticator app" }).click();
  await setUpApp(theirs.page);
  const ours = await open();
  const chief = await administer(ours.page, server.url);
  await ours.page.goto(`/admin/people?query=${username}`);
  await ours.page.getByRole("main").getByRole("link", { name: "Test Person" }).click();
  await ours.page.locator("summary", { hasText: "Remove the second factors" }).click();
  await ours.page.getByRole("button", { name: "Remove the second factors" }).click();
  await expect(ours.page.getByRole("status")).toHaveText("Second factors removed, and signed out everywhere.");
  await theirs.page.goto("/signin");
  await theirs.page.getByLabel("Username").fill(username);
  await theirs.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await theirs.page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(theirs.page).toHaveURL("/profile");
  await theirs.page.goto("/account/security");
  await expect(theirs.page.locator("#history").getByText(chief)).toBeVisible();
  await theirs.context.close();
  await ours.context.close();
});

test("somebody is thrown out at once, and the trail says by whom", async ({ browser, javaScriptEnabled, startServer }) => {
  const server = await startServer({ ...SETTINGS });
  const contexts = await Promise.all([0, 1].map(() => browser.newContext({ baseURL: server.url, javaScriptEnabled })));
  const [theirs, ours] = await Promise.all(contexts.map((context) => context.newPage()));
  const username = await signUp(theirs!);
  const chief = await administer(ours!, server.url);
  await ours!.goto(`/admin/people?query=${username}`);
  await ours!.getByRole("main").getByRole("link", { name: "Test Person" }).click();
  await ours!.locator("summary", { hasText: "Disable the account" }).click();
  await ours!.getByRole("button", { name: "Disable the account" }).click();
  await expect(ours!.getByRole("status")).toHaveText("Account disabled, and signed out everywhere.");
  await theirs!.goto("/profile");
  await expect(theirs!).toHaveURL(/\/signin/);
  await ours!.goto("/admin/audit");
  await ours!.getByLabel("Account").fill(username);
  await ours!.getByRole("button", { name: "Show" }).click();
  const row = ours!.getByRole("listitem").filter({ hasText: "Account disabled" });
  await expect(row.getByRole("link", { name: chief })).toBeVisible();
  await row.getByRole("link", { name: "Same request" }).click();
  await expect(ours!.locator("ol.list > li")).toHaveCount(1);
  for (const context of contexts) await context.close();
});

test("every page of the admin area fits on a phone, at twice the size of text, too", async ({
  browser,
  javaScriptEnabled,
  startServer,
}) => {
  const server = await startServer({ ...SETTINGS });
  const context = await browser.newContext({ baseURL: server.url, javaScriptEnabled });
  const page = await context.newPage();
  const { person, app, webhook } = await busy(page, server.url);
  await page.setViewportSize({ width: 320, height: 700 });
  for (const path of [...ADMIN, person, app, webhook]) {
    await page.goto(path);
    expect(await overflow(page), path).toBe(0);
    await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
    expect(await overflow(page), `${path} at 200%`).toBe(0);
  }
  await context.close();
});
