// An upstream OpenID provider for tests: npm's oidc-provider, with a sign-in page that takes any
// identity, and with modes in which it misbehaves.
//
//   PORT=0 REDIRECT_URIS="http://localhost:8080/callback" node provider.js
//
// PORT           the port, 0 (the default) for any; "listening on http://localhost:PORT" is printed when ready
// REDIRECT_URIS  the client's redirect URIs, separated by spaces
// ISSUER         the issuer, http://localhost:PORT by default; it may have a path
// HOST           the address to listen on, 127.0.0.1 by default
// REMEMBER=1     keeps people signed in (the default asks each time, as if there were no cookie)
//
// POST /misbehave {"mode": "wrong-iss"} sets the mode, GET /misbehave tells it. See MODES.

import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { errors, interactionPolicy, Provider } from 'oidc-provider';

const CLIENT_ID = 'latchkey';
const CLIENT_SECRET = 'upstream-secret-upstream-secret-42';
const WRONG_ISSUER = 'https://wrong-issuer.example';

const MODES = new Set(['none', 'wrong-iss', 'wrong-aud', 'wrong-nonce', 'alg-none', 'alg-hs256', 'alg-hs256-public', 'expired',
  'other-keys', 'sub-missing', 'no-id-token', 'userinfo-other-sub',
  'wrong-authorization-iss', 'no-authorization-iss', 'wrong-discovery-issuer',
  'redirect-discovery', 'redirect-token', 'slow-token',
  'huge-token', 'huge-jwks', 'huge-discovery', 'down']);
let mode = 'none';

// Keys and ID tokens
const KID = 'upstream-1';
const [keys, otherKeys] = [1, 2].map(() => generateKeyPairSync('rsa', { modulusLength: 2048 }));

const base64url = (value) => Buffer.from(value).toString('base64url');

function encodeToken(header, claims, signature) {
  const input = [header, claims].map((part) => base64url(JSON.stringify(part))).join('.');
  return `${input}.${base64url(signature(Buffer.from(input)))}`;
}

const rs256 = (key) => (input) => sign('sha256', input, key);
const hs256 = (secret) => (input) => createHmac('sha256', secret).update(input).digest();

// The ID token as the mode wants it. In the modes that change a claim the signature is a good one.
function spoilIdToken(token) {
  const [header, claims] = token.split('.').slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url')));
  const now = Math.floor(Date.now() / 1000);
  const change = (changes) => encodeToken(header, { ...claims, ...changes }, rs256(keys.privateKey));
  switch (mode) {
    case 'wrong-iss': return change({ iss: WRONG_ISSUER });
    case 'wrong-aud': return change({ aud: 'another-client' });
    case 'wrong-nonce': return change({ nonce: 'another-nonce' });
    case 'sub-missing': return change({ sub: undefined });
    case 'expired': return change({ iat: now - 7200, auth_time: now - 7200, exp: now - 3600 });
    case 'other-keys': return encodeToken(header, claims, rs256(otherKeys.privateKey));
    case 'alg-none': return encodeToken({ ...header, alg: 'none' }, claims, () => '');
    case 'alg-hs256': return encodeToken({ ...header, alg: 'HS256' }, claims, hs256(CLIENT_SECRET));
    case 'alg-hs256-public': return encodeToken({ ...header, alg: 'HS256' }, claims,
      hs256(keys.publicKey.export({ type: 'spki', format: 'pem' })));
    default: return token;
  }
}

// Pages
const escapeHtml = (text) => String(text).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

function showPage(ctx, title, body) {
  ctx.type = 'html';
  ctx.set('Cache-Control', 'no-store');
  ctx.body = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
<link rel="icon" href="data:,"><h1>${title}</h1>${body}</html>`;
}

const showLoginForm = (ctx, loginHint = '') => showPage(ctx, 'Upstream sign-in', `<form method="post">
<p><label>Login <input name="login" required value="${escapeHtml(loginHint)}"></label>
<p><label>Email <input name="email"></label>
<p><label><input type="checkbox" name="email_verified" value="true"> Address is verified</label>
<p><label>Name <input name="name"></label>
<p><label>Methods (amr) <input name="amr"></label>
<p><label>Class (acr) <input name="acr"></label>
<p><button name="action" value="continue">Continue</button>
<button name="action" value="cancel" formnovalidate>Cancel</button></form>`);

// The accounts, by login: whatever was last typed.
const accounts = new Map();

async function readBody(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function interact(ctx) {
  const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
  let result;
  if (prompt.name !== 'login') {
    // prompt=select_account comes first, prompt=consent here if nobody had to sign in: neither has a page.
    result = { [prompt.name]: {} };
    if (prompt.name === 'consent') result.consent.grantId = await saveGrant(params.client_id, session.accountId);
  } else if (ctx.method !== 'POST') {
    return showLoginForm(ctx, params.login_hint);
  } else {
    const form = new URLSearchParams(await readBody(ctx.req));
    const sub = form.get('login');
    if (form.get('action') === 'cancel') {
      result = { error: 'access_denied', error_description: 'the person pressed Cancel' };
    } else if (!sub) {
      return showLoginForm(ctx);
    } else {
      const email = form.get('email') || undefined;
      accounts.set(sub, {
        sub,
        email,
        email_verified: email && form.has('email_verified'),
        name: form.get('name') || undefined,
        preferred_username: sub,
      });
      const amr = form.get('amr')?.split(/\s+/).filter(Boolean);
      result = {
        login: { accountId: sub, amr: amr?.length ? amr : undefined, acr: form.get('acr') || undefined },
        consent: { grantId: await saveGrant(params.client_id, sub) }, // for prompt=consent
      };
    }
  }
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: !result.error }));
  ctx.status = 303;
}

async function saveGrant(clientId, accountId) {
  const grant = new provider.Grant({ clientId, accountId });
  grant.addOIDCScope('openid profile email');
  return grant.save();
}

// A body that begins as good JSON and never ends.
function* endless() {
  yield '{"padding":"';
  for (;;) yield 'x'.repeat(64 * 1024);
}

function sendEndless(ctx) {
  ctx.type = 'json';
  ctx.body = Readable.from(endless());
}

// Around oidc-provider: what the mode spoils, and the sign-in page.
async function misbehave(ctx, next) {
  const isDiscovery = ctx.path.startsWith('/.well-known/');
  if (ctx.path === '/misbehave') {
    if (ctx.method === 'POST') {
      let wanted;
      try { ({ mode: wanted } = JSON.parse(await readBody(ctx.req))); } catch { /* not JSON: no mode */ }
      if (!MODES.has(wanted)) return Object.assign(ctx, { status: 400, body: { error: 'unknown mode', modes: [...MODES] } });
      mode = wanted;
    }
    ctx.body = { mode };
    return;
  }
  if (mode === 'down') return Object.assign(ctx, { status: 503, body: 'down' });
  if (mode === 'redirect-discovery' && isDiscovery) {
    return ctx.redirect(`${base}${ctx.path}?n=${Number(ctx.query.n ?? 0) + 1}`);
  }
  if (mode === 'redirect-token' && ctx.path === '/token') return ctx.redirect(`${base}/token`);
  if (mode === 'slow-token' && ctx.path === '/token') { ctx.respond = false; return; }
  if (mode === 'huge-token' && ctx.path === '/token') return sendEndless(ctx);
  if (mode === 'huge-jwks' && ctx.path === '/jwks') return sendEndless(ctx);
  if (mode === 'huge-discovery' && isDiscovery) return sendEndless(ctx);

  if (ctx.path.startsWith('/interaction/')) {
    try { return await interact(ctx); } catch (error) {
      if (!(error instanceof errors.SessionNotFound)) throw error;
      ctx.status = 400;
      return showPage(ctx, 'Upstream error', '<p>This sign-in has ended or was begun in another browser.');
    }
  }

  await next();

  if (mode === 'wrong-discovery-issuer' && isDiscovery) ctx.body.issuer = WRONG_ISSUER;
  if (mode === 'userinfo-other-sub' && ctx.path === '/me' && ctx.body?.sub) ctx.body.sub += '-other';
  if (ctx.path === '/token' && ctx.body?.id_token) {
    if (mode === 'no-id-token') delete ctx.body.id_token;
    else ctx.body.id_token = spoilIdToken(ctx.body.id_token);
  }
  const location = ctx.path.startsWith('/auth') && ctx.response.get('Location');
  if (location && mode.endsWith('-authorization-iss')) {
    const url = new URL(location, issuer);
    if (!url.searchParams.has('iss')) return; // on its way to the sign-in page
    if (mode === 'no-authorization-iss') url.searchParams.delete('iss');
    else url.searchParams.set('iss', WRONG_ISSUER);
    ctx.set('Location', url.href);
  }
}

// The server. It listens before the provider is made, for the issuer has the port in it.

let provider;
const server = createServer({ keepAliveTimeout: 120_000 });
await new Promise((resolve) => { server.listen(Number(process.env.PORT ?? 0), process.env.HOST ?? '127.0.0.1', resolve); });
const origin = `http://localhost:${server.address().port}`;
const issuer = process.env.ISSUER || origin;
const base = issuer.replace(/\/$/, '');
const mount = new URL(base).pathname.replace(/\/$/, '');

const policy = interactionPolicy.base();
policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0);

provider = new Provider(issuer, {
  clients: [{ client_id: CLIENT_ID, client_secret: CLIENT_SECRET, redirect_uris: (process.env.REDIRECT_URIS ?? '').split(/\s+/).filter(Boolean) }],
  jwks: { keys: [{ ...keys.privateKey.export({ format: 'jwk' }), kid: KID, alg: 'RS256', use: 'sig' }] },
  cookies: { keys: [randomBytes(32).toString('hex')], names: { session: 'upstream_session', interaction: 'upstream_interaction', resume: 'upstream_resume' } },
  scopes: ['openid', 'profile', 'email'],
  claims: {
    openid: ['sub', 'amr', 'acr', 'auth_time'],
    profile: ['name', 'preferred_username'],
    email: ['email', 'email_verified'],
  },
  responseTypes: ['code'],
  clientAuthMethods: ['client_secret_basic'],
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { policy, url: (ctx, interaction) => `${mount}/interaction/${interaction.uid}` },
  ttl: { AccessToken: 3600, AuthorizationCode: 60, Grant: 86400, IdToken: 3600, Interaction: 3600, Session: 86400 },
  findAccount: (ctx, sub) => accounts.has(sub) && { accountId: sub, claims: () => accounts.get(sub) },
  loadExistingGrant: async (ctx) => provider.Grant.find(await saveGrant(ctx.oidc.client.clientId, ctx.oidc.session.accountId)),
  renderError: (ctx, out) => showPage(ctx, 'Upstream error', `<p>${escapeHtml(out.error)}: ${escapeHtml(out.error_description ?? '')}`),
});
provider.proxy = Boolean(process.env.ISSUER); // then X-Forwarded-Proto and X-Forwarded-Host are heeded
provider.on('server_error', (ctx, error) => console.error(error));
provider.on('error', (error) => { // less those of clients that hang up on an endless body
  if (!['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(error.code)) console.error(error);
});
provider.use(misbehave);

const handle = provider.callback();
server.on('request', (req, res) => {
  if (mount && (req.url === mount || req.url.startsWith(`${mount}/`))) {
    req.originalUrl = req.url; // so that oidc-provider knows where it's mounted
    req.url = req.url.slice(mount.length) || '/';
  } else if (mount && req.url !== '/misbehave') return void res.writeHead(404).end();
  if (!process.env.REMEMBER) req.headers.cookie = req.headers.cookie?.replace(/upstream_session(\.sig)?=[^;]*;?\s*/g, '');
  handle(req, res);
});

console.log(`listening on ${origin}`);
