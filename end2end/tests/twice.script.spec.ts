// A form that is sent twice by a double click ends like one that is sent once.

import { expect, newName, PASSWORD, signUp, test } from "./latchkey";

test("a double click on a slow line makes one account and signs in", async ({ page }) => {
  await page.goto("/signup");
  await page.getByLabel("Full name").fill("Test Person");
  await page.getByLabel("Username").fill(newName());
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  let sent = 0;
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/api/sign_up", async (route) => {
    sent += 1;
    await released;
    await route.continue();
  });
  const button = page.getByRole("button", { name: "Create an account" });
  const { x, y } = (await button.boundingBox())!;
  await page.mouse.click(x + 5, y + 5);
  await expect.poll(() => sent).toBe(1);
  await page.mouse.click(x + 5, y + 5);
  release();
  await expect(page).toHaveURL("/profile");
  expect(sent).toBe(1);
});

test("a button works again when the page comes back", async ({ page }) => {
  await signUp(page);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status")).toContainText("That's already your name.");
  await page.goBack();
  await expect(page.getByRole("button", { name: "Save" })).toBeEnabled();
  await page.getByLabel("Full name").fill("Another Person");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status")).toHaveText("Name updated.");
});

test("the same form, sent again without the answer to the first, signs in too", async ({ page, server }) => {
  await page.goto("/signup");
  const username = newName();
  const answers = await page.evaluate(
    async ([username, password]) => {
      const form = document.querySelector("main form") as HTMLFormElement;
      const fields = new URLSearchParams(new FormData(form) as unknown as Record<string, string>);
      fields.set("fullName", "Test Person");
      fields.set("username", username);
      fields.set("password", password);
      const send = () => fetch(form.action, { method: "POST", body: fields, redirect: "manual" });
      const both = await Promise.all([send(), send()]);
      return both.map((answer) => answer.type);
    },
    [username, PASSWORD],
  );
  expect(answers).toEqual(["opaqueredirect", "opaqueredirect"]);
  await page.goto(`${server}/profile`);
  await expect(page.getByText(username)).toBeVisible();
});
