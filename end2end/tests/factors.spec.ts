// Second factors without passkeys, with JavaScript and without: an app, recovery codes, and a device
// that is trusted.

import { code, expect, PASSWORD, setUpApp, signUp, test } from "./latchkey";
import type { Page } from "@playwright/test";

async function firstStep(page: Page, username: string) {
  await page.goto("/signin");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL("/signin/second-factor");
}

test("a person sets up an app, signs in with it, and trusts the device", async ({ page }) => {
  const username = await signUp(page);
  await page.goto("/account/security");
  await page.getByRole("button", { name: "Set up an authenticator app" }).click();
  await expect(page.getByRole("img", { name: /QR code/ })).toBeVisible();
  await page.getByLabel("Code", { exact: true }).fill("000000");
  await page.getByRole("button", { name: "Switch it on" }).click();
  await expect(page.getByLabel("Code", { exact: true })).toHaveAccessibleDescription(/This code is wrong/);
  const { secret, codes } = await setUpApp(page);
  expect(codes).toHaveLength(10);
  await expect(page.getByText("10 codes are left.")).toBeVisible();
  await page.getByRole("button", { name: "Sign out", exact: true }).first().click();

  await firstStep(page, username);
  await page.getByLabel("Code", { exact: true }).fill("000 000");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByLabel("Code", { exact: true })).toBeFocused();
  await page.getByLabel("Code", { exact: true }).fill(code(secret, 1));
  await page.getByLabel("Trust this device for 30 days").check();
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page).toHaveURL("/profile");
  await page.getByRole("button", { name: "Sign out", exact: true }).first().click();

  await page.goto("/signin");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL("/profile");
  await page.goto("/account/security");
  await expect(page).toHaveURL(/\/confirm/);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByText("Use a recovery code instead").click();
  await page.getByLabel("Recovery code").fill(codes[0]!.toLowerCase());
  await page.getByRole("button", { name: "Confirm", exact: true }).click();
  await expect(page).toHaveURL("/account/security");
  await page.getByRole("button", { name: "Stop trusting" }).click();
  await expect(page.getByRole("status")).toContainText("asked for the second step again");
});

test("a person who lost the phone gets in with a recovery code and makes new ones", async ({ page }) => {
  const username = await signUp(page);
  await page.goto("/account/security");
  await page.getByRole("button", { name: "Set up an authenticator app" }).click();
  const { codes } = await setUpApp(page);
  await page.getByRole("button", { name: "Sign out", exact: true }).first().click();

  await firstStep(page, username);
  await page.getByText("Use a recovery code instead").click();
  await page.getByLabel("Recovery code").fill(codes[4]!);
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page).toHaveURL("/profile");
  await page.goto("/account/security");
  await expect(page.getByText("9 codes are left.")).toBeVisible();
  await page.getByRole("link", { name: "Make new recovery codes" }).click();
  const shown = (await page.locator("pre code").textContent())!.split("\n");
  expect(shown).toHaveLength(10);
  expect(shown).not.toContain(codes[0]);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download" }).click();
  expect((await download).suggestedFilename()).toBe("recovery-codes.txt");
  await page.getByRole("button", { name: /Use these codes/ }).click();
  await expect(page.getByText("10 codes are left.")).toBeVisible();
});

test("whoever must have a second factor is led to it, and nowhere else", async ({ browser, startServer }) => {
  const { url } = await startServer({ SECOND_FACTOR: "required" });
  const page = await (await browser.newContext({ baseURL: url })).newPage();
  await page.goto("/signup");
  await page.getByLabel("Full name").fill("Test Person");
  await page.getByLabel("Username").fill("alice");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create an account" }).click();
  await expect(page.getByRole("heading", { name: "Protect your account" })).toBeVisible();
  await page.goto("/account/data");
  await expect(page).toHaveURL("/account/security/second-factor?next=%2Faccount%2Fdata");
  await page.getByRole("button", { name: "Set up an app" }).click();
  await setUpApp(page);
  await expect(page).toHaveURL("/account/data");
});
