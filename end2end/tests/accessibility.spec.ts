// By keyboard, on a narrow screen and magnified.

import { alive, expect, newName, OPEN, overflow, PASSWORD, signUp, test } from "./latchkey";

test("the keyboard alone is enough", async ({ page, javaScriptEnabled }) => {
  await page.goto("/signup");
  await alive(page, javaScriptEnabled);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await expect(page.getByLabel("Full name")).toBeFocused();
  await page.keyboard.type("Key Board");
  await page.keyboard.press("Tab");
  await page.keyboard.type(newName());
  await page.keyboard.press("Tab");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Tab");
  if (javaScriptEnabled !== false) {
    await expect(page.getByRole("button", { name: "Show password" })).toBeFocused();
    await page.keyboard.press("Tab");
  }
  await expect(page.getByRole("button", { name: "Create an account" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/profile");
  const out = page.getByRole("button", { name: "Sign out" });
  await out.focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/");
});

// 1280 pixels at 200% are 640; 320 is WCAG's narrowest (1.4.10, reflow).
for (const width of [320, 640]) {
  test(`nothing is cut off or scrolls sideways at ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 700 });
    const fits = async () => expect(await overflow(page)).toBe(0);
    for (const path of OPEN) {
      await page.goto(path);
      await fits();
    }
    await page.goto("/signup");
    await page.getByLabel("Username").fill("a");
    await page.getByRole("button", { name: "Create an account" }).click();
    await expect(page.getByRole("alert")).toBeVisible();
    await fits();
    await signUp(page, newName());
    await fits();
  });
}
