// Signing in with other providers: npm's oidc-provider, and a small GitHub. With and without JavaScript.

import { expect, newName, PASSWORD, signUp, start, test, type Server } from "./latchkey";
import type { Page } from "@playwright/test";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { resolve } from "node:path";

const SECRET = "upstream-secret-upstream-secret-42";

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

const running: ChildProcess[] = [];

/** Starts one of the providers, once it answers. */
async function upstream(script: string, home: string): Promise<string> {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const callbacks = ["work", "github"].map((id) => `${home}/signin/with/${id}/callback`).join(" ");
  const env = { PATH: process.env.PATH!, PORT: String(port), REDIRECT_URIS: callbacks };
  const child = spawn("node", [script], { cwd: resolve("upstream"), env, stdio: "ignore" });
  running.push(child);
  const answers = async () => {
    if (child.exitCode !== null) throw new Error(`${script} has ended`);
    return fetch(`${url}/misbehave`).then(() => true, () => false);
  };
  await expect.poll(answers).toBe(true);
  return url;
}

interface House {
  server: Server;
  work: string;
  github: string;
}

/** A server at a port that the providers know, and both of them. */
async function open(): Promise<House> {
  const port = await freePort();
  const home = `http://localhost:${port}`;
  const [work, github] = await Promise.all([upstream("provider.js", home), upstream("github.js", home)]);
  const providers = `
[[provider]]
id = "work"
name = "Work"
issuer = "${work}"
client_id = "latchkey"
client_secret = "${SECRET}"
trust_email = true

[[provider]]
id = "github"
name = "GitHub"
kind = "github"
issuer = "${github}"
api = "${github}"
client_id = "latchkey"
client_secret = "${SECRET}"
`;
  const settings = { PORT: String(port), PROVIDERS_FILE: "providers.toml" };
  return { server: await start(settings, { "providers.toml": providers }), work, github };
}

let house: House;

test.beforeAll(async () => {
  house = await open();
});

test.afterAll(async () => {
  await house.server.stop();
  for (const child of running.splice(0)) {
    child.kill("SIGKILL");
    if (child.exitCode === null) await once(child, "exit");
  }
});

test.afterEach(async () => {
  await misbehave("none");
});

async function misbehave(mode: string) {
  const body = JSON.stringify({ mode });
  await fetch(`${house.work}/misbehave`, { method: "POST", body, headers: { "Content-Type": "application/json" } });
}

/** Signs in there as this person. */
async function signInThere(page: Page, login: string) {
  await page.locator("[name=login]").fill(login);
  await page.locator("[name=email]").fill(`${login}@example.org`);
  await page.locator("[name=name]").fill("Ann Other");
  await page.locator("[name=email_verified]").check();
  await page.getByRole("button", { name: "Continue" }).click();
}

async function signOut(page: Page) {
  await page.getByRole("button", { name: "Sign out", exact: true }).first().click();
}

test("a newcomer chooses a username, and comes back later", async ({ page }) => {
  const login = newName();
  await page.goto(`${house.server.url}/signup`);
  await page.getByRole("link", { name: "Continue with ⁨Work⁩" }).click();
  await signInThere(page, login);
  await expect(page.getByRole("heading", { name: "Choose a username" })).toBeVisible();
  await expect(page.getByLabel("Username")).toHaveValue(login);
  await expect(page.getByLabel("Full name")).toHaveValue("Ann Other");
  // Too short.
  await page.getByLabel("Username").fill("x");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("heading", { name: "Choose a username" })).toBeVisible();
  await page.getByLabel("Username").fill(login);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL(`${house.server.url}/profile`);
  await signOut(page);

  await page.goto(`${house.server.url}/signin?next=%2Faccount%2Fsecurity`);
  await page.getByRole("link", { name: "Work" }).click();
  await signInThere(page, login);
  await expect(page).toHaveURL(`${house.server.url}/account/security`);
  await expect(page.locator("#links")).toContainText(login);
  // The back button leads nowhere bad.
  await page.goBack();
  await page.goto(`${house.server.url}/profile`);
  await expect(page).toHaveURL(`${house.server.url}/profile`);
});

test("an account is linked, and unlinked with a confirmation", async ({ page }) => {
  const username = await signUp(page, newName(), house.server.url);
  await page.goto(`${house.server.url}/account/security`);
  await page.getByRole("button", { name: "Link ⁨Work⁩" }).click();
  await signInThere(page, `${username}-there`);
  await expect(page).toHaveURL(`${house.server.url}/account/security`);
  await expect(page.getByText("Linked. You can sign in with it")).toBeVisible();
  await page.getByRole("button", { name: "Unlink" }).click();
  await expect(page.getByText("Unlinked.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Unlink" })).toHaveCount(0);
  await signOut(page);
  await page.goto(`${house.server.url}/signin`);
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(`${house.server.url}/profile`);
});

test("GitHub has no OpenID, and works the same", async ({ page }) => {
  const login = newName();
  await page.goto(`${house.server.url}/signin`);
  await page.getByRole("link", { name: "GitHub" }).click();
  await page.locator("[name=id]").fill("4711");
  await page.locator("[name=login]").fill(login);
  await page.locator("[name=name]").fill("Octo Cat");
  await page.locator("[name=email]").fill(`${login}@example.org`);
  await page.getByRole("button", { name: "Authorize" }).click();
  await expect(page.getByLabel("Username")).toHaveValue(login);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL(`${house.server.url}/profile`);
});

test("who says no there is offered other ways in", async ({ page }) => {
  await page.goto(`${house.server.url}/signin`);
  await page.getByRole("link", { name: "Work" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByText("Sign-in cancelled.")).toBeVisible();
  await expect(page.getByLabel("Username")).toBeVisible();
});

for (const mode of [
  "wrong-iss",
  "wrong-aud",
  "wrong-nonce",
  "alg-none",
  "alg-hs256",
  "alg-hs256-public",
  "expired",
  "other-keys",
  "sub-missing",
  "no-id-token",
  "wrong-authorization-iss",
  "no-authorization-iss",
  "redirect-token",
  "huge-token",
]) {
  test(`a provider that misbehaves signs nobody in: ${mode}`, async ({ page }) => {
    await page.goto(`${house.server.url}/signin`);
    await page.getByRole("link", { name: "Work" }).click();
    await misbehave(mode);
    await signInThere(page, newName());
    await expect(page).toHaveURL(`${house.server.url}/signin`);
    await expect(page.locator(".notice")).toContainText("use another way in");
    await page.goto(`${house.server.url}/profile`);
    await expect(page).toHaveURL(/\/signin/);
  });
}
