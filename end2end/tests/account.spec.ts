// Managing your account, with JavaScript and without.

import { CLOSED, expect, newName, operate, overflow, PASSWORD, signIn, signUp, test } from "./latchkey";

const NEW = "another horse and battery";

test("a person changes the name, and sees that it is done", async ({ page }) => {
  await signUp(page);
  await page.getByLabel("Full name").fill("Zoë 李 O'Neil <b>");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status")).toHaveText("Name updated.");
  await expect(page.getByRole("banner").getByText("Zoë 李 O'Neil <b>")).toBeVisible();
  await expect(page.getByLabel("Full name")).toHaveValue("Zoë 李 O'Neil <b>");
  await page.getByLabel("Full name").fill("");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByLabel("Full name")).toBeFocused();
  await expect(page.getByLabel("Full name")).toHaveAccessibleDescription(/Enter your full name/);
});

test("a person changes the password and stays signed in, and other browsers do not", async ({ page, browser, server }) => {
  const username = await signUp(page);
  const elsewhere = await browser.newContext({ baseURL: server });
  const other = await elsewhere.newPage();
  await signIn(other, username);

  await page.getByRole("link", { name: "Security" }).click();
  await page.getByLabel("Current password").fill("wrong wrong wrong");
  await page.getByLabel("New password").fill(NEW);
  await page.getByRole("button", { name: "Change your password" }).click();
  await expect(page.getByLabel("Current password")).toBeFocused();
  await expect(page.getByLabel("Current password")).toHaveAccessibleDescription(/Wrong password/);
  await page.getByLabel("Current password").fill(PASSWORD);
  await page.getByLabel("New password").fill(NEW);
  await page.getByRole("button", { name: "Change your password" }).click();
  await expect(page.getByRole("status")).toContainText("Password changed. You've been signed out everywhere else.");
  await expect(page.getByRole("listitem").getByText("Password changed", { exact: true })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("status")).toHaveCount(0);

  await other.reload();
  await expect(other).toHaveURL(/\/signin/);
  await elsewhere.close();
});

test("a person sees the sessions and ends another one", async ({ page, browser, server }) => {
  const username = await signUp(page);
  const elsewhere = await browser.newContext({ baseURL: server });
  const other = await elsewhere.newPage();
  await signIn(other, username, PASSWORD, true);

  await page.getByRole("link", { name: "Devices" }).click();
  await expect(page.getByText("This device")).toHaveCount(1);
  await expect(page.getByText("Chrome on Linux")).toHaveCount(2);
  await page.getByRole("button", { name: "Sign out: Chrome on Linux" }).click();
  await expect(page.getByRole("status")).toHaveText("Signed out of that device.");
  await expect(page.getByText("You aren't signed in anywhere else.")).toBeVisible();
  await other.reload();
  await expect(other).toHaveURL(/\/signin/);
  await elsewhere.close();
});

test("a person downloads the data", async ({ page }) => {
  const username = await signUp(page);
  await page.getByRole("link", { name: "Data" }).click();
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download" }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe("account-data.json");
  const stream = await file.createReadStream();
  let text = "";
  for await (const chunk of stream) text += chunk;
  expect(JSON.parse(text).username).toBe(username);
});

test("a person deletes the account, thinks better of it, and has it back", async ({ page }) => {
  const username = await signUp(page);
  await page.getByRole("link", { name: "Data" }).click();
  await page.getByRole("button", { name: "Delete my account" }).click();
  await expect(page.getByLabel("Yes, delete my account")).toBeFocused();
  await expect(page.getByLabel("Yes, delete my account")).toHaveAccessibleDescription(/Check the box/);
  await page.getByLabel("Yes, delete my account").check();
  await page.getByRole("button", { name: "Delete my account" }).click();
  await expect(page.getByRole("status")).toContainText("Your account will be deleted on");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("status")).toContainText("cancelled the deletion of your account");
});

test("a person sets a password by a link of the operator's", async ({ page, server }) => {
  const username = await signUp(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/");
  const link = operate(server, "user", "set-password-link", username);
  await page.goto(link);
  await expect(page.getByText(/^For the account /)).toContainText(username);
  await page.getByRole("button", { name: "Deutsch" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Passwort festlegen");
  await page.getByRole("button", { name: "English" }).click();
  await page.getByLabel("New password").fill(NEW);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page).toHaveURL("/signin");
  await expect(page.getByRole("status")).toContainText("Password saved.");
  await signIn(page, username, NEW);
  const again = await page.goto(link);
  expect(again?.status()).toBe(400);
});

test("a person chooses German, and gets it everywhere", async ({ page }) => {
  await page.goto("/signin");
  await page.getByLabel("Username").fill("typed before");
  await page.getByRole("button", { name: "Deutsch" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Anmelden");
  await expect(page.getByLabel("Benutzername")).toHaveValue("typed before");
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await page.getByLabel("Benutzername").fill(newName());
  await page.getByLabel("Passwort", { exact: true }).fill("falsch falsch");
  await page.getByRole("button", { name: "Anmelden" }).click();
  await expect(page.getByRole("alert")).toContainText("Benutzername oder Passwort ist falsch");
  await expect(page).toHaveTitle(/^Fehler: /);
  await page.getByRole("button", { name: "English" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
});

for (const width of [320, 640]) {
  test(`nothing of the account is cut off or scrolls sideways at ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 700 });
    await signUp(page);
    for (const language of ["en", "de"]) {
      await page.goto(`/language/${language}`);
      for (const path of CLOSED) {
        await page.goto(path);
        expect(await overflow(page), path).toBe(0);
      }
    }
  });
}
