// A life with mail, with JavaScript and without: an address, a way back in, and a thief.

import { expect, letter, linkIn, MAIL, signIn, signUpWithAddress, test } from "./latchkey";

const NEW = "another horse and battery";

test("a person confirms an address, forgets the password and comes back", async ({ browser, startServer }) => {
  const { url } = await startServer(MAIL);
  const page = await (await browser.newContext({ baseURL: url })).newPage();
  const { email } = await signUpWithAddress(page);
  await expect(page.getByText("Not confirmed yet")).toBeVisible();

  await page.goto(linkIn(await letter(url, email, "Confirm your email address")));
  await expect(page).toHaveURL("/verify-email");
  await page.getByRole("button", { name: "Confirm" }).click();
  await expect(page.getByRole("status")).toHaveText("Email address confirmed.");
  await page.getByRole("button", { name: "Sign out" }).click();

  await page.goto("/signin");
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.getByLabel("Username or email address").fill(email);
  await page.getByRole("button", { name: "Send the link" }).click();
  await expect(page.getByRole("status")).toContainText("an email is on its way");
  await page.goto(linkIn(await letter(url, email, "Set a new password")));
  await expect(page).toHaveURL("/set-password");
  await page.getByLabel("New password").fill("short");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByLabel("New password")).toHaveAccessibleDescription(/at least 8/);
  await page.getByLabel("New password").fill(NEW);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status")).toContainText("Password saved.");
  await signIn(page, email, NEW);
});

test("a person signs in with a code, in the browser that asked for it", async ({ browser, startServer }) => {
  const { url } = await startServer(MAIL);
  const context = await browser.newContext({ baseURL: url });
  const page = await context.newPage();
  const { username, email } = await signUpWithAddress(page);
  await page.goto(linkIn(await letter(url, email, "Confirm your email address")));
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();

  await page.goto("/signin?next=%2Faccount%2Fsecurity");
  await page.getByRole("link", { name: "Sign in with a code by email" }).click();
  await page.getByLabel("Username or email address").fill(username);
  await page.getByRole("button", { name: "Send the code" }).click();
  await expect(page.getByText("a code with 8 digits is on its way")).toBeVisible();
  const code = /^\d{8}/m.exec(await letter(url, email, "Your code"))![0];
  await page.getByLabel("Code").fill("0000 0000");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByLabel("Code")).toBeFocused();
  await expect(page.getByLabel("Code")).toHaveAccessibleDescription(/This code is wrong/);
  await page.getByLabel("Code").fill(code);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL("/account/security");
});

test("an owner takes the account back from a thief who changed the address", async ({ browser, startServer }) => {
  const { url } = await startServer(MAIL);
  const thief = await (await browser.newContext({ baseURL: url })).newPage();
  const { email } = await signUpWithAddress(thief);
  await thief.goto(linkIn(await letter(url, email, "Confirm your email address")));
  await thief.getByRole("button", { name: "Confirm" }).click();
  await thief.getByLabel("Email address").fill("thief@example.org");
  await thief.getByRole("button", { name: "Send a confirmation link" }).click();
  await expect(thief.getByRole("button", { name: "Send the link again" })).toBeVisible();
  await thief.goto(linkIn(await letter(url, "thief@example.org", "Confirm your email address")));
  await thief.getByRole("button", { name: "Confirm" }).click();

  const owner = await (await browser.newContext({ baseURL: url })).newPage();
  await owner.goto(linkIn(await letter(url, email, "Your email address was changed")));
  await expect(owner.getByText(email)).toBeVisible();
  await owner.getByRole("button", { name: "Bring it back" }).click();
  await expect(owner).toHaveURL("/set-password");
  await owner.getByLabel("New password").fill(NEW);
  await owner.getByRole("button", { name: "Save" }).click();
  await signIn(owner, email, NEW);
  await thief.goto("/profile");
  await expect(thief).toHaveURL(/\/signin/);
});
