// Somebody who administers a server, and people on it.

import { type Page } from "@playwright/test";
import { MAIL, operate, signUp } from "./latchkey";

/** Settings of a server whose administrators need no second factor. */
export const SETTINGS = { ...MAIL, ADMIN_SECOND_FACTOR: "off", WEBHOOK_ALLOW: "127.0.0.0/8" };

/** Every page of the admin area, besides those of one person, app or webhook. */
export const ADMIN = [
  "/admin",
  "/admin?by=day",
  "/admin/people",
  "/admin/people?query=nobody-at-all",
  "/admin/people/new",
  "/admin/invitations",
  "/admin/groups",
  "/admin/apps",
  "/admin/apps/add/new",
  "/admin/audit",
  "/admin/outbox",
  "/admin/keys",
  "/admin/webhooks",
  "/admin/settings",
];

/** Signs up on this page, as somebody who administers. */
export async function administer(page: Page, server: string): Promise<string> {
  const username = await signUp(page);
  operate(server, "user", "groups", username, "--add", "admin");
  return username;
}

/** A server with an administrator, people, an app, invitations, an API key and a webhook that can't be reached. */
export async function busy(page: Page, server: string): Promise<{ person: string; app: string; webhook: string }> {
  await administer(page, server);
  const make = async (name: string, fullName: string) => {
    await page.goto("/admin/people/new");
    await page.getByLabel("Full name").fill(fullName);
    await page.getByLabel("Username").fill(name);
    await page.getByLabel("Email address").fill(`${name}@example.org`);
    await page.getByLabel("Groups").fill("crew editors");
    await page.getByRole("button", { name: "Create the account" }).click();
    return new URL(page.url()).pathname;
  };
  await page.goto("/admin/webhooks");
  await page.getByLabel("URL").fill("http://127.0.0.1:9/hook");
  await page.getByRole("button", { name: "Add a webhook" }).click();
  const webhook = new URL(page.url()).pathname;
  const person = await make("ada", "Ada Lovelace");
  await make("grace", "Grace Hopper");
  operate(server, "user", "disable", "grace");
  operate(server, "app", "add", "Wiki", "--client-id", "wiki", "--redirect-uri", "https://wiki.example.org/callback");
  operate(server, "invite", "add", "--uses", "3", "--group", "crew", "--note", "for the harbour");
  operate(server, "api-key", "add", "The shop", "--scope", "users:read,users:write", "--expires", "9d");
  return { person, app: "/admin/apps/wiki", webhook };
}
