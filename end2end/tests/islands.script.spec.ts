// What JavaScript adds: immediate error messages, and a button to show the password.

import { alive, expect, newName, PASSWORD, signUp, test } from "./latchkey";

test.beforeEach(async ({ page }) => {
  await page.goto("/signup");
  await alive(page, true);
});

test("a field says what is wrong as soon as one leaves it, and stops when it is mended", async ({ page }) => {
  const username = page.getByLabel("Username");
  await username.fill("a@b");
  await page.keyboard.press("Tab");
  await expect(username).toHaveAttribute("aria-invalid", "true");
  await expect(username).toHaveAccessibleDescription(/can only contain letters/);
  await username.fill("alice");
  await expect(username).toHaveAttribute("aria-invalid", "false");

  const password = page.getByLabel("Password", { exact: true });
  await password.fill("short");
  await page.keyboard.press("Tab");
  await expect(password).toHaveAccessibleDescription(/at least 8 characters long$/);
});

test("the hint says when its rule is met", async ({ page }) => {
  const password = page.getByLabel("Password", { exact: true });
  await password.pressSequentially("4rfv%TGB");
  await expect(page.locator("#password-hint")).toContainText("Long enough.");
  await expect(page.locator("#password-hint")).toHaveAttribute("data-met");
  await password.press("Backspace");
  await expect(page.getByText("Long enough.")).toBeHidden();
});

test("a common password is told before it is sent, and only a part of its hash leaves the browser", async ({ page }) => {
  const password = page.getByLabel("Password", { exact: true });
  const asked = page.waitForRequest(/common-passwords/);
  await password.fill("PassWord1");
  await expect(password).toHaveAccessibleDescription(/too easy to guess/);
  const request = await asked;
  expect(new URL(request.url()).pathname).toMatch(/^\/common-passwords\/[0-9a-f]{2}$/);
  expect(request.postData()).toBeNull();
  await password.fill(PASSWORD);
  await expect(password).toHaveAttribute("aria-invalid", "false");
});

test("code can be copied", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  for (const path of ["/", "/docs"]) {
    await page.goto(path);
    const code = page.locator(".code").first();
    await code.getByRole("button", { name: "Copy" }).click();
    await expect(code.getByRole("button", { name: "Copied" })).toBeVisible();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toBe(await code.locator("pre").textContent());
  }
});

test("a field that one only passes through is not wrong yet", async ({ page }) => {
  await page.getByLabel("Full name").focus();
  for (let i = 0; i < 3; i += 1) await page.keyboard.press("Tab");
  await expect(page.locator("[aria-invalid=true]")).toHaveCount(0);
});

test("the password can be shown, and is sent as a password", async ({ page }) => {
  const password = page.getByLabel("Password", { exact: true });
  await password.fill(PASSWORD);
  await page.getByRole("button", { name: "Show password" }).click();
  await expect(password).toHaveAttribute("type", "text");
  await page.getByRole("button", { name: "Hide password" }).click();
  await expect(password).toHaveAttribute("type", "password");
  await page.getByRole("button", { name: "Show password" }).click();

  await page.getByLabel("Full name").fill("Test Person");
  await page.getByLabel("Username").fill(newName());
  await page.evaluate(() => {
    addEventListener("submit", () => {
      const input = document.querySelector<HTMLInputElement>("#password");
      sessionStorage.setItem("sent as", input?.type ?? "nothing");
    });
  });
  await page.getByRole("button", { name: "Create an account" }).click();
  await expect(page).toHaveURL("/profile");
  expect(await page.evaluate(() => sessionStorage.getItem("sent as"))).toBe("password");
});

test("a password can be pasted", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.evaluate((text) => navigator.clipboard.writeText(text), PASSWORD);
  await page.getByLabel("Password", { exact: true }).focus();
  await page.keyboard.press("ControlOrMeta+V");
  await expect(page.getByLabel("Password", { exact: true })).toHaveValue(PASSWORD);
});

test("a name that looks like markup stays text", async ({ page }) => {
  page.on("dialog", () => {
    throw new Error("a script of the name ran");
  });
  await page.getByLabel("Full name").fill(`</script><script>alert(1)</script>"><img src=x onerror=alert(1)>`);
  await page.getByLabel("Username").fill(newName());
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create an account" }).click();
  await expect(page).toHaveURL("/profile");
  await expect(page.getByText("onerror=alert(1)")).toBeVisible();
  await expect(page.locator("main img, main script")).toHaveCount(0);
});

test("the pages stay within their budget", async ({ page }) => {
  // Bytes over the wire, by the ending of the path.
  const sizes: Record<string, number> = { js: 0, wasm: 0, css: 0, signup: 0 };
  const wire = await page.context().newCDPSession(page);
  const kinds = new Map<string, string>();
  await wire.send("Network.enable");
  await wire.send("Network.setCacheDisabled", { cacheDisabled: true });
  wire.on("Network.responseReceived", ({ requestId, response }) =>
    kinds.set(requestId, new URL(response.url).pathname.split(/[./]/).at(-1)!),
  );
  wire.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const kind = kinds.get(requestId);
    if (kind !== undefined && kind in sizes) sizes[kind] = Math.max(sizes[kind], encodedDataLength);
  });
  await page.goto("/signup");
  await alive(page, true);
  await expect.poll(() => Object.values(sizes).every((size) => size > 0)).toBe(true);
  console.log("bytes on the wire, with their headers:", sizes);
  expect(sizes.js + sizes.wasm).toBeLessThanOrEqual(60 * 1024);
  // The page itself is not compressed, because it holds a token.
  expect(sizes.css + sizes.signup).toBeLessThanOrEqual(14 * 1024);
  expect(sizes.css).toBeLessThanOrEqual(6 * 1024);
});

test("what belongs to the browser stays out of the page of the account", async ({ page, context }) => {
  await signUp(page);
  const session = (await context.cookies()).find((cookie) => cookie.name === "latchkey");
  expect(session).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/" });
  expect(await page.evaluate(() => document.cookie)).toBe("");
  expect(await page.content()).not.toContain(session!.value);
});
