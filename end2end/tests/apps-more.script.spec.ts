// Devices, tools of AI agents and programs, with clients that nobody here wrote: openid-client, and the SDK of the
// Model Context Protocol.

import { AxeBuilder } from "@axe-core/playwright";
import { expect, newName, operate, PASSWORD, signUp, start, test } from "./latchkey";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttps } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const load = (path: string): Promise<any> => import(pathToFileURL(resolve(path)).href);

const openid = () => load("../examples/express/node_modules/openid-client/build/index.js");

interface Added {
  client_id: string;
  client_secret: string;
}

const add = (server: string, ...how: string[]) => JSON.parse(operate(server, "app", "add", ...how, "--json")) as Added;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

test("a TV is let in by a person who types its code", async ({ page, startServer }) => {
  const server = await startServer();
  const client = await openid();
  const tv = add(server.url, "Living-room TV", "--device", "--public");
  const config = await client.discovery(new URL(server.url), tv.client_id, undefined, client.None(), {
    execute: [client.allowInsecureRequests],
  });
  const waiting = await client.initiateDeviceAuthorization(config, { scope: "openid profile offline_access" });
  const tokens = client.pollDeviceAuthorizationGrant(config, waiting);

  const username = await signUp(page, newName(), server.url);
  await page.goto(waiting.verification_uri);
  await page.getByLabel("Code on the device").fill(waiting.user_code.toLowerCase());
  await page.getByRole("button", { name: "Next" }).click();
  await expect(page.getByRole("heading", { name: "Let ⁨Living-room TV⁩ in?" })).toBeVisible();
  await expect(page.locator(".facts")).toContainText(waiting.user_code);
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.getByRole("button", { name: "Let it in", exact: true }).click();
  await expect(page.getByText("Your device is connected.")).toBeVisible();

  const { access_token, refresh_token, claims } = await tokens;
  expect(claims).toBeDefined();
  const info = await client.fetchUserInfo(config, access_token, client.skipSubjectCheck);
  expect(info.preferred_username).toBe(username);
  // It stays, though the person leaves.
  await page.getByRole("button", { name: "Sign out", exact: true }).first().click();
  await expect(page.getByText("You've signed out.")).toBeVisible();
  await page.waitForLoadState();
  const next = await client.refreshTokenGrant(config, refresh_token);
  expect(next.access_token).toBeTruthy();
});

test("a wrong code is refused, and what is refused gets nothing", async ({ page, startServer }) => {
  const server = await startServer();
  const client = await openid();
  const tv = add(server.url, "TV", "--device", "--public");
  const config = await client.discovery(new URL(server.url), tv.client_id, undefined, client.None(), {
    execute: [client.allowInsecureRequests],
  });
  const waiting = await client.initiateDeviceAuthorization(config, { scope: "openid" });
  await signUp(page, newName(), server.url);
  await page.goto(waiting.verification_uri_complete!);
  await expect(page.getByLabel("Code on the device")).toHaveValue(waiting.user_code);
  await page.getByLabel("Code on the device").fill("BBBB-BBBB");
  await page.getByRole("button", { name: "Next" }).click();
  await expect(page.getByText("This code is wrong or no longer works.")).toBeVisible();
  await page.getByLabel("Code on the device").fill(waiting.user_code);
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByRole("button", { name: "Don't let it in" }).click();
  await expect(page.getByText("The device was not let in.")).toBeVisible();
  const refused = client.pollDeviceAuthorizationGrant(config, waiting);
  await expect(refused).rejects.toMatchObject({ error: "access_denied" });
});

test("openid-client pushes its request, signs its assertions, and acts for itself", async ({ page, startServer }) => {
  const server = await startServer();
  const client = await openid();
  const folder = mkdtempSync(join(tmpdir(), "keys-"));
  const { privateKey, publicKey } = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"],
  );
  const jwk = { ...(await crypto.subtle.exportKey("jwk", publicKey)), alg: "ES256", use: "sig" };
  writeFileSync(join(folder, "jwks.json"), JSON.stringify({ keys: [jwk] }));
  const callback = "http://localhost:9/callback";
  const app = add(
    server.url, "Robot", "--redirect-uri", callback, "--jwks", join(folder, "jwks.json"),
    "--client-credentials", "--scope", "jobs",
  );
  rmSync(folder, { recursive: true });
  const config = await client.discovery(new URL(server.url), app.client_id, undefined, client.PrivateKeyJwt(privateKey), {
    execute: [client.allowInsecureRequests],
  });
  const own = await client.clientCredentialsGrant(config, { scope: "jobs" });
  expect(own.scope).toBe("jobs");

  await signUp(page, newName(), server.url);
  const verifier = client.randomPKCECodeVerifier();
  const to = await client.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: callback,
    scope: "openid profile",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state: "a state",
  });
  expect([...to.searchParams.keys()].sort()).toEqual(["client_id", "request_uri"]);
  // Nobody listens there: the address is enough.
  const back = page.waitForRequest((request) => request.url().startsWith(callback));
  await page.goto(to.href).catch(() => {});
  const checks = { pkceCodeVerifier: verifier, expectedState: "a state", idTokenExpected: true };
  const tokens = await client.authorizationCodeGrant(config, new URL((await back).url()), checks);
  expect(tokens.claims().name).toBe("Test Person");
});

/** Runs a program, and returns it with the lines it says. */
function run(script: string, env: Record<string, string>): { child: ChildProcess; said: AsyncIterator<string> } {
  const child = spawn("node", [script], {
    cwd: resolve("../examples/mcp"),
    env: { PATH: process.env.PATH!, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  return { child, said: createInterface({ input: child.stdout! })[Symbol.asyncIterator]() };
}

async function line(said: AsyncIterator<string>, beginning: string): Promise<string> {
  for (;;) {
    const { value, done } = await said.next();
    if (done) throw new Error(`it has ended without ${beginning}`);
    if (value.startsWith(beginning)) return value.slice(beginning.length).trim();
  }
}

test("an MCP client that nobody registered signs in for the first time", async ({ page }) => {
  const folder = mkdtempSync(join(tmpdir(), "mcp-"));
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  execFileSync("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
    "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", certificate,
  ], { stdio: "ignore" });
  const [mcpPort, callbackPort] = [await freePort(), await freePort()];
  const site = createHttps({ key: readFileSync(key), cert: readFileSync(certificate) });
  let document = "";
  site.on("request", (_, response) => response.setHeader("Content-Type", "application/json").end(document));
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  const id = `https://localhost:${(site.address() as { port: number }).port}/client.json`;
  document = JSON.stringify({
    client_id: id,
    client_name: "First sign-in",
    // The port is free.
    redirect_uris: ["http://127.0.0.1/callback"],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  });

  const server = await start({ DYNAMIC_APPS: "yes", FETCH_ALLOW: "127.0.0.1,::1", SSL_CERT_FILE: certificate });
  const resource = `http://localhost:${mcpPort}/mcp`;
  operate(server.url, "app", "add", "Notes", "--serves", resource, "--scope", "notes");
  const children: ChildProcess[] = [];
  try {
    const mcp = run("app.js", { OIDC_ISSUER: server.url, MCP_RESOURCE: resource, PORT: String(mcpPort) });
    children.push(mcp.child);
    await line(mcp.said, "listening");
    const tool = run("first-sign-in.js", {
      MCP_RESOURCE: resource, CLIENT_METADATA_URL: id, CALLBACK_PORT: String(callbackPort),
    });
    children.push(tool.child);
    const address = await line(tool.said, "OPEN");

    await page.goto(`${server.url}/signup`);
    const username = newName();
    await page.getByLabel("Full name").fill("Test Person");
    await page.getByLabel("Username").fill(username);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Create an account" }).click();
    await expect(page).toHaveURL(`${server.url}/profile`);
    await page.getByRole("button", { name: "Sign out", exact: true }).first().click();

    await page.goto(address);
    await page.getByLabel("Username").fill(username);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page.getByText("Nobody here has checked this app.")).toContainText("localhost");
    await expect(page.getByText("a program on this device")).toBeVisible();
    await expect(page.getByText(resource)).toBeVisible();
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    await page.getByRole("button", { name: "Allow", exact: true }).click();
    await expect(page.getByText("You can close this window.")).toBeVisible();

    const result = JSON.parse(await line(tool.said, "RESULT")) as { sub: string; client_id: string };
    expect(result.client_id).toBe(id);
    expect(result.sub).toMatch(/^\d+$/);
  } finally {
    await page.goto("about:blank");
    for (const child of children) child.kill("SIGKILL");
    site.closeAllConnections();
    site.close();
    await server.stop();
    rmSync(folder, { recursive: true });
  }
});
