// A server for each worker, and the helpers that the specs share.

import { test as base, expect, type Page } from "@playwright/test";
import { execFileSync, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

export { expect };

const binary = resolve(process.env.LATCHKEY ?? "../target/release/latchkey");

/** Every page that is open to strangers, and the page of one that does not exist. */
export const OPEN = ["/", "/signup", "/signin", "/docs", "/problems/invalid-input", "/nowhere"];

export const PASSWORD = "correct horse battery staple";

const folders = new Map<string, string>();

/** Runs an operator's command beside a server, and returns the last line of its output. */
export function operate(server: string, ...command: string[]): string {
  return lines(server, ...command).at(-1)!;
}

/** The same, and returns all of it. */
export function lines(server: string, ...command: string[]): string[] {
  const options = { cwd: folders.get(server), env: { PUBLIC_URL: server }, encoding: "utf8" as const };
  return execFileSync(binary, command, options).trim().split("\n");
}

/** Settings of a server whose mail goes to a folder. */
export const MAIL = { MAIL_URL: "file:mails", MAIL_FROM: "Example <accounts@example.org>" };

/** Waits for a message to an address, and returns its text without the line breaks of MIME. */
export async function letter(server: string, to: string, about: string): Promise<string> {
  const folder = join(folders.get(server)!, "mails");
  const newest = () => {
    const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".eml")) : [];
    const byAge = files.map((name) => join(folder, name)).sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
    const texts = byAge.map((path) => readFileSync(path, "utf8").replaceAll("=\r\n", "").replaceAll("=3D", "="));
    return texts.find((text) => text.includes(`To: ${to}`) && text.includes(`Subject: ${about}`)) ?? "";
  };
  await expect.poll(newest).not.toBe("");
  return newest();
}

/** The path and the query of the link in a message. */
export function linkIn(letter: string): string {
  return /^https?:\/\/[^/]+(\/\S+\?link=\S+)/m.exec(letter)![1]!;
}

export interface Server {
  url: string;
  stop(): Promise<void>;
}

/** Starts a server in an empty folder, with these settings and files. */
export async function start(settings: Record<string, string> = {}, files: Record<string, string> = {}): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const child = spawn(binary, {
    cwd: folder,
    env: { PORT: "0", ...settings },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, "line")) as [string];
  // People use the name; the line has the number.
  const url = line.split(" ").at(-1)!.replace("127.0.0.1", "localhost");
  folders.set(url, folder);
  const stop = async () => {
    child.kill("SIGTERM");
    await once(child, "exit");
    rmSync(folder, { recursive: true });
  };
  return { url, stop };
}

/** A page that fails the test if it raises a console error or a violation of its policy. */
export const test = base.extend<{ quiet: void; startServer: typeof start }, { server: string }>({
  // Starts more servers, which are stopped at the end of the test.
  startServer: async ({}, use) => {
    const servers: Server[] = [];
    await use(async (...how) => {
      const server = await start(...how);
      servers.push(server);
      return server;
    });
    for (const server of servers) await server.stop();
  },
  server: [
    async ({}, use) => {
      const server = await start();
      await use(server.url);
      await server.stop();
    },
    { scope: "worker" },
  ],
  baseURL: async ({ server }, use) => use(server),
  quiet: [
    async ({ page }, use) => {
      const noise: string[] = [];
      page.on("console", (message) => {
        // A refused form is a page with status 400, which Chromium logs.
        if (message.type() === "error" && !/the server responded with a status of 4/.test(message.text()))
          noise.push(message.text());
      });
      page.on("pageerror", (error) => noise.push(String(error)));
      await use();
      expect(noise).toEqual([]);
    },
    { auto: true },
  ],
});

let people = 0;

/** A name that nobody has yet. */
export function newName(): string {
  people += 1;
  return `person-${process.pid}-${people}`;
}

/** Signs up on a server with mail. */
export async function signUpWithAddress(page: Page): Promise<{ username: string; email: string }> {
  const username = newName();
  const email = `${username}@example.org`;
  await page.goto("/signup");
  await page.getByLabel("Full name").fill("Test Person");
  await page.getByLabel("Email address").fill(email);
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create an account" }).click();
  await expect(page).toHaveURL("/profile");
  return { username, email };
}

/** `server`: another one than that of the worker. */
export async function signUp(page: Page, username = newName(), server = ""): Promise<string> {
  await page.goto(`${server}/signup`);
  await page.getByLabel("Full name").fill("Test Person");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create an account" }).click();
  await expect(page).toHaveURL(`${server}/profile`);
  return username;
}

export async function signIn(page: Page, username: string, password = PASSWORD, remember = false) {
  await page.goto("/signin");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(password);
  if (remember) await page.getByLabel("Keep me signed in").check();
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL("/profile");
}

/** The code of an authenticator app, so many steps from now (RFC 6238). */
export function code(secret: string, steps = 0): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g)!.map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac("sha1", key).update(counter).digest();
  const number = mac.readUInt32BE(mac.at(-1)! & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

/** On the page that sets up an app: confirms it by a code, and returns what the page showed. */
export async function setUpApp(page: Page): Promise<{ secret: string; codes: string[] }> {
  const secret = (await page.locator(".secret-words code").textContent())!.replaceAll(" ", "");
  const codes = (await page.locator("pre code").textContent())!.split("\n");
  await page.getByLabel("Code", { exact: true }).fill(code(secret));
  await page.getByRole("button", { name: "Switch it on" }).click();
  await expect(page.getByRole("status")).toContainText("Your authenticator app is set up.");
  return { secret, codes };
}

/** The pages of an account. */
export const CLOSED = [
  "/account",
  "/device",
  "/profile",
  "/confirm",
  "/account/security",
  "/account/security/passkey",
  "/account/sessions",
  "/account/data",
  "/",
];

/** How many pixels a page is wider than the window. */
export async function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Waits until the islands of the page are live, if this browser runs scripts. */
export async function alive(page: Page, javaScriptEnabled: boolean | undefined) {
  if (javaScriptEnabled !== false)
    await expect(page.locator("html")).toHaveAttribute("data-islands", "alive");
}
