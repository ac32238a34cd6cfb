// Real apps with real clients that nobody here wrote, configured by discovery alone: the examples, and Apache.

import { expect, lines, newName, operate, PASSWORD, signUp, test, type Server } from "./latchkey";
import type { Page } from "@playwright/test";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const examples = resolve("../examples");

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

interface Added {
  client_id: string;
  client_secret: string;
}

/** Adds an app, and returns the settings of an example. */
function add(server: Server, name: string, redirect: string, ...more: string[]): Record<string, string> {
  const said = operate(server.url, "app", "add", name, "--json", "--redirect-uri", redirect, ...more);
  const { client_id, client_secret } = JSON.parse(said) as Added;
  return {
    OIDC_ISSUER: server.url,
    OIDC_CLIENT_ID: client_id,
    OIDC_CLIENT_SECRET: client_secret ?? "",
    OIDC_REDIRECT_URI: redirect,
  };
}

const running: ChildProcess[] = [];
const folders: string[] = [];

test.afterEach(async ({ page }) => {
  // The browser asks for an icon last of all: it must not find half of a site.
  await page.goto("about:blank");
  for (const child of running.splice(0)) {
    if (child.exitCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Runs a program until the end of the test, once it answers. */
async function run(home: string, command: string, args: string[], folder: string, env: Record<string, string>) {
  const path = `${process.env.PATH}:/usr/sbin`;
  const child = spawn(command, args, { cwd: folder, env: { PATH: path, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  running.push(child);
  let said = "";
  child.stdout!.on("data", (text) => (said += text));
  child.stderr!.on("data", (text) => (said += text));
  const answers = async () => {
    if (child.exitCode !== null) throw new Error(`${command} has ended: ${said}`);
    return fetch(home, { redirect: "manual" }).then(() => true, () => false);
  };
  await expect.poll(answers).toBe(true);
}

/** Rotates the signing keys, and waits until the server has done so. */
async function rotateKeys(server: Server, ...more: string[]) {
  operate(server.url, "keys", "rotate", ...more);
  const kept = lines(server.url, "keys", "list", "--json").map((line) => (JSON.parse(line) as { kid: string }).kid);
  const published = async () => {
    const answer = await fetch(`${server.url}/.well-known/jwks.json`);
    const { keys } = (await answer.json()) as { keys: { kid: string }[] };
    return keys.map(({ kid }) => kid).sort();
  };
  await expect.poll(published).toEqual(kept.sort());
}

/** Types the name and the password on the page that an app led to. */
async function signInHere(page: Page, app: string, username: string) {
  await expect(page.getByText(`To continue to`)).toContainText(app);
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Signs in, refreshes, meets rotated keys, and signs out, in an app with links for all that. */
async function goThrough(page: Page, server: Server, name: string, home: string) {
  const username = await signUp(page, newName(), server.url);
  await page.getByRole("button", { name: "Sign out", exact: true }).first().click();
  await page.goto(home);
  await page.getByRole("link", { name: "Sign in" }).click();
  await signInHere(page, name, username);
  await expect(page).toHaveURL(home);
  await expect(page.locator("#name")).toHaveText("Test Person");
  const subject = await page.locator("#sub").textContent();

  await page.getByRole("link", { name: "Refresh" }).click();
  await expect(page.locator("#refreshed")).toHaveText(subject!);

  await rotateKeys(server);
  await page.goto(`${home}refresh`);
  await expect(page.locator("#refreshed")).toHaveText(subject!);
  await rotateKeys(server, "--compromised");
  await page.goto(`${home}sign-in`);
  await expect(page).toHaveURL(home);
  await expect(page.locator("#name")).toHaveText("Test Person");

  await page.getByRole("link", { name: "Sign out" }).click();
  await expect(page).toHaveURL(home);
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await page.goto(`${server.url}/account`);
  await expect(page).toHaveURL(/\/signin/);
  return username;
}

test("an Express app with openid-client", async ({ page, startServer }) => {
  const server = await startServer();
  const port = await freePort();
  const home = `http://localhost:${port}/`;
  const told = `http://127.0.0.1:${port}/logged-out`;
  const env = add(server, "Express", `${home}callback`, "--post-logout-redirect-uri", home,
    "--backchannel-logout-uri", told);
  await run(home, process.execPath, ["app.js"], join(examples, "express"), env);
  const username = await goThrough(page, server, "Express", home);

  // Signing out anywhere signs out here, without a visit.
  await page.goto(home);
  await page.getByRole("link", { name: "Sign in" }).click();
  await signInHere(page, "Express", username);
  await expect(page.locator("#name")).toHaveText("Test Person");
  operate(server.url, "user", "sessions", username, "--end");
  await expect(async () => {
    await page.goto(home);
    await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible({ timeout: 100 });
  }).toPass();
});

test("a Flask app with Authlib", async ({ page, startServer }) => {
  const server = await startServer();
  const port = await freePort();
  const home = `http://localhost:${port}/`;
  const env = add(server, "Flask", `${home}callback`, "--post-logout-redirect-uri", home);
  await run(home, "python", ["app.py"], join(examples, "python"), { AUTHLIB_INSECURE_TRANSPORT: "1", ...env });
  await goThrough(page, server, "Flask", home);
});

test("an axum app with the crate openidconnect", async ({ page, startServer }) => {
  const server = await startServer();
  const port = await freePort();
  const home = `http://localhost:${port}/`;
  const env = add(server, "axum", `${home}callback`, "--post-logout-redirect-uri", home);
  const program = resolve("../target/examples/debug/latchkey-example-axum");
  await run(home, program, [], examples, env);
  await goThrough(page, server, "axum", home);
});

test("an app in the browser with oidc-client-ts, in its window and in one of its own", async ({ page, startServer }) => {
  const server = await startServer();
  const port = await freePort();
  const home = `http://localhost:${port}/`;
  const env = add(server, "Browser", home, "--redirect-uri", `${home}?popup`, "--public",
    "--post-logout-redirect-uri", home);
  await run(home, process.execPath, ["serve.js"], join(examples, "spa"), { ...env, PORT: String(port) });
  const username = await signUp(page, newName(), server.url);
  await page.getByRole("button", { name: "Sign out", exact: true }).first().click();

  await page.goto(home);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await signInHere(page, "Browser", username);
  await expect(page.locator("#name")).toHaveText(", Test Person");
  const subject = await page.locator("#sub").textContent();
  await page.getByRole("button", { name: "Refresh" }).click();
  await expect(page.locator("#said")).toHaveText(`refreshed: ${subject}`);
  await rotateKeys(server);
  await page.getByRole("button", { name: "Refresh" }).click();
  await expect(page.locator("#said")).toHaveText(`refreshed: ${subject}`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("button", { name: "Sign in", exact: true })).toBeVisible();
  await expect(page.locator("#sub")).toHaveText("");

  const opened = page.waitForEvent("popup");
  await page.getByRole("button", { name: "Sign in in a window" }).click();
  const popup = await opened;
  await signInHere(popup, "Browser", username);
  await expect(page.locator("#sub")).toHaveText(subject!);
  await expect.poll(() => popup.isClosed()).toBe(true);
});

test("a site behind Apache with mod_auth_openidc", async ({ page, startServer }) => {
  const server = await startServer();
  const port = await freePort();
  const home = `http://localhost:${port}/`;
  const env = add(server, "Apache", `${home}oidc`, "--post-logout-redirect-uri", home);
  const folder = mkdtempSync(join(tmpdir(), "apache-"));
  folders.push(folder);
  const modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc", "alias", "cgid"];
  const script = join(folder, "who");
  writeFileSync(script, `#!/bin/sh
printf 'Content-Type: text/html\\n\\n<p id="name">%s</p><p id="sub">%s</p><p id="token">%s</p>' \\
  "$OIDC_CLAIM_name" "$OIDC_CLAIM_sub" "$OIDC_access_token"
`);
  chmodSync(script, 0o755);
  const text = [
    `Listen 127.0.0.1:${port}`,
    "ServerName localhost",
    ...(process.getuid?.() === 0 ? ["User www-data", "Group www-data"] : []),
    `PidFile ${folder}/pid`,
    `ErrorLog ${folder}/error.log`,
    `ScriptSock ${folder}/sock`,
    ...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
    `ScriptAliasMatch "^/" ${script}`,
    readFileSync(join(examples, "apache/apache.conf"), "utf8"),
  ];
  writeFileSync(join(folder, "apache.conf"), text.join("\n"));
  chmodSync(folder, 0o755);
  await run(home, "apache2", ["-D", "FOREGROUND", "-f", join(folder, "apache.conf")], folder, {
    ...env,
    OIDC_PASSPHRASE: "0123456789abcdef0123456789abcdef",
  });
  const username = await signUp(page, newName(), server.url);
  await page.getByRole("button", { name: "Sign out", exact: true }).first().click();
  await page.goto(`${home}page`);
  await signInHere(page, "Apache", username);
  await expect(page.locator("#name")).toHaveText("Test Person");
  const token = await page.locator("#token").textContent();

  // The module's own refresh.
  await page.goto(`${home}oidc?refresh=${encodeURIComponent(`${home}page`)}&access_token=${token}`);
  await expect(page.locator("#name")).toHaveText("Test Person");
  expect(await page.locator("#token").textContent()).not.toBe(token);
  // It meets a key that it has not seen.
  await rotateKeys(server, "--compromised");
  await page.goto(`${home}oidc?logout=${encodeURIComponent(home)}`);
  // It shows a token that the dropped key has signed, which proves nothing: so the person is asked.
  await page.getByRole("main").getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "You're signed out" })).toBeVisible();
  await page.goto(home);
  await signInHere(page, "Apache", username);
  await expect(page.locator("#name")).toHaveText("Test Person");
});

test("a person who is signed in here goes to an app without a question, and ends it on the page of apps", async ({
  page,
  startServer,
}) => {
  const server = await startServer();
  const port = await freePort();
  const home = `http://localhost:${port}/`;
  const env = add(server, "Express", `${home}callback`);
  await run(home, process.execPath, ["app.js"], join(examples, "express"), env);
  await signUp(page, newName(), server.url);
  await page.goto(`${home}sign-in`);
  await expect(page.locator("#name")).toHaveText("Test Person");
  await page.goto(`${server.url}/account/apps`);
  await page.getByRole("button", { name: /Sign out of .*Express/ }).click();
  await expect(page.getByRole("status")).toContainText("Signed out of that app.");
  const refreshed = await page.goto(`${home}refresh`);
  expect(refreshed!.status()).toBe(400);
});
