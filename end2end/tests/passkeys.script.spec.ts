// Passkeys, with Chromium's virtual authenticator.

import { code, expect, operate, PASSWORD, setUpApp, signUp, test } from "./latchkey";
import type { CDPSession, Page } from "@playwright/test";

interface Device {
  cdp: CDPSession;
  authenticatorId: string;
}

/** Puts an authenticator into the browser of a page. */
async function plugIn(page: Page, more: object = {}): Promise<Device> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const options = {
    protocol: "ctap2" as const,
    transport: "internal" as const,
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
    ...more,
  };
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", { options });
  return { cdp, authenticatorId };
}

async function credentials({ cdp, authenticatorId }: Device) {
  return (await cdp.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
}

async function addPasskey(page: Page) {
  await page.goto("/account/security");
  await page.getByRole("link", { name: "Add a passkey" }).click();
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page).toHaveURL("/account/security");
  await expect(page.getByRole("status")).toContainText("Passkey added.");
}

const signOut = (page: Page) => page.getByRole("button", { name: "Sign out", exact: true }).first().click();

/** Takes the browser's own offer away, which a virtual authenticator accepts at once. */
const offerNothing = (page: Page) =>
  page.addInitScript(() => {
    PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  });

/** Makes an authenticator wait for its user. */
const still = (device: Device, enabled: boolean) =>
  device.cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId: device.authenticatorId, enabled });

test("a person adds a passkey, signs in with it by the button, renames it and removes it", async ({ page }) => {
  await offerNothing(page);
  const username = await signUp(page);
  const device = await plugIn(page);
  await addPasskey(page);
  expect(await credentials(device)).toMatchObject([{ isResidentCredential: true, rpId: "localhost" }]);
  await expect(page.getByText("10 codes are left.")).toBeVisible();
  await signOut(page);

  await page.goto("/signin?next=%2Faccount%2Fsecurity");
  await expect(page.getByRole("button", { name: "Use a passkey" })).toBeVisible();
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await expect(page).toHaveURL("/account/security");
  await expect(page.getByText("Last used a moment ago")).toBeVisible();

  await page.getByText("Change", { exact: true }).click();
  await page.getByLabel("Name", { exact: true }).fill("My computer");
  await page.getByRole("button", { name: "Save the name" }).click();
  await expect(page.getByText("My computer")).toBeVisible();
  await page.getByText("Change", { exact: true }).click();
  await page.getByRole("button", { name: "Remove the passkey" }).click();
  await expect(page.getByRole("status")).toContainText("Passkey removed.");
  // The browser's password manager forgets it, too.
  await expect.poll(() => credentials(device)).toEqual([]);
  await signOut(page);
  await page.goto("/signin");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL("/profile");
});

test("the browser offers the passkey by itself, and nothing is typed", async ({ page }) => {
  await signUp(page);
  await plugIn(page);
  await addPasskey(page);
  await signOut(page);
  await page.goto("/signin");
  await expect(page).toHaveURL("/profile");
});

test("a passkey is the second step, and confirms who one is", async ({ page }) => {
  const username = await signUp(page);
  const device = await plugIn(page);
  await addPasskey(page);
  await still(device, false);
  await signOut(page);
  await page.goto("/signin");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL("/signin/second-factor");
  await still(device, true);
  await page.getByLabel("Trust this device for 30 days").check();
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await expect(page).toHaveURL("/profile");
  await signOut(page);
  await still(device, false);
  await page.goto("/signin");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.goto("/account/data");
  await expect(page).toHaveURL(/\/confirm/);
  await still(device, true);
  await page.getByRole("button", { name: "Confirm with a passkey" }).click();
  await expect(page).toHaveURL("/account/data");
});

test("an authenticator that keeps no passkeys, or knows no user, is told of in words", async ({ page }) => {
  await signUp(page);
  const lesser = await plugIn(page, { hasResidentKey: false });
  await page.goto("/account/security/passkey");
  const said = page.getByText("That didn't work, or was cancelled.");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(said).toBeVisible();
  await lesser.cdp.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId: lesser.authenticatorId });
  await plugIn(page, { isUserVerified: false });
  await page.reload();
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(said).toBeVisible();
});

test("an authenticator that has one already is told of", async ({ page }) => {
  await signUp(page);
  await plugIn(page);
  await addPasskey(page);
  await page.goto("/account/security/passkey");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page.getByText("already has a passkey for your account")).toBeVisible();
});

test("a passkey that the server has forgotten is refused, and the browser forgets it", async ({ page, server }) => {
  await offerNothing(page);
  const username = await signUp(page);
  const device = await plugIn(page);
  await addPasskey(page);
  operate(server, "user", "reset-factors", username, "--yes");
  // Her session has ended, too; the server knows within a second.
  await expect(async () => {
    await page.goto("/signin");
    await expect(page).toHaveURL("/signin", { timeout: 100 });
  }).toPass();
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await expect(page.getByRole("alert")).toContainText("This passkey didn't work.");
  await expect.poll(() => credentials(device)).toEqual([]);
});

test("a passkey that is gone from the device leaves the other ways", async ({ page }) => {
  const username = await signUp(page);
  await page.goto("/account/security");
  await page.getByRole("button", { name: "Set up an authenticator app" }).click();
  const { secret } = await setUpApp(page);
  const device = await plugIn(page);
  await addPasskey(page);
  await device.cdp.send("WebAuthn.clearCredentials", { authenticatorId: device.authenticatorId });
  await signOut(page);
  await page.goto("/signin");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await expect(page.getByText("That didn't work, or was cancelled.")).toBeVisible();
  await page.getByLabel("Code", { exact: true }).fill(code(secret, 1));
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page).toHaveURL("/profile");
});

test("an answer that another site of the same host was given opens nothing", async ({ page, server, startServer }) => {
  await signUp(page);
  const device = await plugIn(page);
  await addPasskey(page);
  await still(device, true);
  const other = await startServer();
  await page.goto(`${other.url}/docs`);
  const options = await (await fetch(`${server}/auth/passkey/options`, { method: "POST" })).json();
  const credential = await page.evaluate(async (publicKey) => {
    // @ts-expect-error newer than the types
    const parsed = PublicKeyCredential.parseRequestOptionsFromJSON(publicKey);
    const credential = await navigator.credentials.get({ publicKey: parsed });
    // @ts-expect-error newer than the types
    return credential.toJSON();
  }, options.publicKey);
  const body = JSON.stringify({ challenge: options.challenge, credential });
  const headers = { "content-type": "application/json" };
  const refused = await fetch(`${server}/auth/passkey`, { method: "POST", headers, body });
  expect(refused.status).toBe(400);
});

test("a passkey is offered after a password, and never again if one declines", async ({ page }) => {
  const username = await signUp(page);
  const again = async () => {
    await signOut(page);
    await page.goto("/signin");
    await page.getByLabel("Username").fill(username);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page).toHaveURL("/profile");
  };
  await again();
  const offer = page.getByRole("region", { name: "Sign in with your fingerprint next time?" });
  await expect(offer).toBeVisible();
  await offer.getByRole("button", { name: "Don't ask again" }).click();
  await expect(page.getByRole("status")).toContainText("we won't ask again");
  await again();
  await expect(offer).toBeHidden();
});
