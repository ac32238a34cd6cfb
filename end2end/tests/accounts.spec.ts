// A user's whole journey, with JavaScript and without.

import { expect, newName, PASSWORD, signUp, test } from "./latchkey";

test("a person signs up, sees the profile, signs out and signs in again", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("link", { name: "Create an account" }).click();
  const username = await signUp(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your profile");
  await expect(page.getByText("Test Person")).toBeVisible();
  await expect(page.getByText(username)).toBeVisible();

  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/");
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("Username").fill(username.toUpperCase());
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL("/profile");
  await expect(page.getByText("Test Person")).toBeVisible();
});

test("a stranger who wants the profile signs in first and gets there", async ({ page }) => {
  const username = await signUp(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/");
  await page.goto("/profile");
  await expect(page).toHaveURL("/signin?next=%2Fprofile");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL("/profile");
});

test("a refused form says what to do, keeps what was typed, and can be mended", async ({ page }) => {
  const username = newName();
  const password = page.getByLabel("Password", { exact: true });
  const send = page.getByRole("button", { name: "Create an account" });
  await page.goto("/signup");
  await page.getByLabel("Username").fill(username);
  await password.fill("password");
  await send.click();

  const summary = page.getByRole("alert");
  await expect(summary).toBeFocused();
  await expect(summary).toContainText("Check the following");
  await expect(page).toHaveTitle(/^Error: /);
  await expect(page.getByLabel("Username")).toHaveValue(username);
  await expect(password).toHaveValue("");
  await expect(password).toHaveAccessibleDescription(/too easy to guess/);

  await summary.getByRole("link", { name: "Enter your full name" }).click();
  await expect(page.getByLabel("Full name")).toBeFocused();
  await page.keyboard.type("Zoë <b>");
  await password.fill("password");
  await send.click();

  // The only error needs no summary: its field takes the focus.
  await expect(password).toBeFocused();
  await expect(summary).toHaveCount(0);
  await expect(page.getByLabel("Full name")).toHaveValue("Zoë <b>");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/profile");
  await expect(page.getByText("Zoë <b>")).toBeVisible();
});

test("a wrong password is refused without telling more", async ({ page }) => {
  const username = await signUp(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  for (const name of [username, "nobody-here"]) {
    await page.goto("/signin");
    await page.getByLabel("Username").fill(name);
    await page.getByLabel("Password", { exact: true }).fill("wrong wrong wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("alert")).toHaveText("Wrong username or password. Try again.");
    await expect(page.getByRole("alert")).toBeFocused();
    await expect(page.getByLabel("Username")).toHaveValue(name);
  }
});

test("after signing out the back button shows nothing", async ({ page }) => {
  await signUp(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/");
  await page.goBack();
  await expect(page).toHaveURL(/\/signin/);
  await expect(page.getByText("Test Person")).toHaveCount(0);
});

test("someone who is signed in is not asked to sign in again", async ({ page }) => {
  await signUp(page);
  for (const path of ["/signin", "/signup"]) {
    await page.goto(path);
    await expect(page).toHaveURL("/profile");
  }
  await page.goto("/");
  await expect(page.getByText("You're signed in as")).toBeVisible();
});

test("an address that does not exist says so and leads on", async ({ page }) => {
  const response = await page.goto("/nowhere");
  expect(response?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Page not found");
  await page.getByRole("link", { name: "Go to home page" }).click();
  await expect(page).toHaveURL("/");
});

test("another site can neither sign anybody in nor put the pages in a frame", async ({ page, context, server }) => {
  const username = await signUp(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/");
  // To the browser, the same server under another name is another site.
  const other = server.replace("localhost", "127.0.0.1");
  const evil = await context.newPage();
  await evil.route(`${other}/evil`, (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<form method="post" action="${server}/api/sign_in">
        <input name="username" value="${username}"><input name="password" value="${PASSWORD}">
        <button>Win a prize</button></form><iframe src="${server}/signin"></iframe>`,
    }),
  );
  await evil.goto(`${other}/evil`);
  await expect(evil.frameLocator("iframe").getByLabel("Username")).toHaveCount(0);
  const answer = evil.waitForResponse((response) => response.url().endsWith("/api/sign_in"));
  await evil.getByRole("button").click();
  expect((await answer).status()).toBe(403);
  await page.goto("/profile");
  await expect(page).toHaveURL(/\/signin/);
});
