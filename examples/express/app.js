// An Express app that people sign in to with Latchkey: docs/apps/express.md explains it.

import express from "express";
import session from "express-session";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { randomBytes } from "node:crypto";
import * as client from "openid-client";

const { OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_REDIRECT_URI } = process.env;
const home = new URL("/", OIDC_REDIRECT_URI).href;

// Everything else is found from the issuer. Plain http is for this machine only.
const options = OIDC_ISSUER.startsWith("http:") ? { execute: [client.allowInsecureRequests] } : undefined;
const config = await client.discovery(
  new URL(OIDC_ISSUER), OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, undefined, options,
);

const app = express();
app.use(session({
  secret: process.env.SESSION_SECRET ?? randomBytes(32).toString("hex"),
  resave: false,
  saveUninitialized: false,
  cookie: { httpOnly: true, sameSite: "lax", secure: home.startsWith("https:") },
}));

// Who has signed out at Latchkey: the sid of each session that has ended.
const ended = new Set();

app.get("/", (request, response) => {
  const { user } = request.session;
  if (user && ended.has(user.sid)) delete request.session.user;
  const page = request.session.user
    ? `<h1>Hello, <span id="name"></span></h1><p id="sub">${request.session.user.sub}</p>
       <p><a href="/refresh">Refresh</a> <a href="/sign-out">Sign out</a></p>`
    : `<h1>Hello</h1><p><a href="/sign-in">Sign in</a></p>`;
  const name = JSON.stringify(request.session.user?.name ?? "").replaceAll("<", "\\u003c");
  response.send(`<!DOCTYPE html><title>Express</title>${page}
    <script>for (const at of document.querySelectorAll("#name")) at.textContent = ${name}</script>`);
});

app.get("/sign-in", async (request, response) => {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  request.session.pending = { verifier, state, nonce };
  response.redirect(client.buildAuthorizationUrl(config, {
    redirect_uri: OIDC_REDIRECT_URI,
    scope: "openid profile email offline_access",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  }).href);
});

app.get(new URL(OIDC_REDIRECT_URI).pathname, async (request, response) => {
  const { pending } = request.session;
  // An old page, or the back button: begin anew.
  if (!pending) return response.redirect("/sign-in");
  const tokens = await client.authorizationCodeGrant(config, new URL(request.originalUrl, home), {
    pkceCodeVerifier: pending.verifier,
    expectedState: pending.state,
    expectedNonce: pending.nonce,
  });
  const { sub, name, sid } = tokens.claims();
  const info = await client.fetchUserInfo(config, tokens.access_token, sub);
  // A new session id for somebody who has just signed in.
  request.session.regenerate(() => {
    request.session.user = { sub, sid, name: info.name ?? name };
    request.session.tokens = { refresh: tokens.refresh_token, id: tokens.id_token };
    response.redirect("/");
  });
});

app.get("/refresh", async (request, response) => {
  if (!request.session.tokens) return response.redirect("/");
  const tokens = await client.refreshTokenGrant(config, request.session.tokens.refresh);
  request.session.tokens = { refresh: tokens.refresh_token, id: tokens.id_token ?? request.session.tokens.id };
  response.send(`<p id="refreshed">${tokens.claims().sub}</p>`);
});

app.get("/sign-out", (request, response) => {
  const id = request.session.tokens?.id;
  request.session.destroy(() => response.redirect(client.buildEndSessionUrl(config, {
    post_logout_redirect_uri: home,
    ...(id && { id_token_hint: id }),
  }).href));
});

// Latchkey tells that somebody has signed out (OpenID Connect Back-Channel Logout 1.0).
const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
app.post("/logged-out", express.urlencoded({ extended: false }), async (request, response) => {
  try {
    const { payload } = await jwtVerify(request.body.logout_token, keys, {
      issuer: OIDC_ISSUER, audience: OIDC_CLIENT_ID, typ: "logout+jwt",
    });
    const isLogout = payload.events?.["http://schemas.openid.net/event/backchannel-logout"];
    if (!isLogout || payload.nonce) throw new Error("this is no logout token");
    ended.add(payload.sid);
    response.status(200).end();
  } catch (error) {
    response.status(400).send({ error: "invalid_request", error_description: error.message });
  }
});

const server = app.listen(Number(new URL(OIDC_REDIRECT_URI).port || 3001), "127.0.0.1", () => {
  console.log(`listening on port ${server.address().port}`);
});
