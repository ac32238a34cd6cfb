// A small fake of GitHub's OAuth and the two API calls that signing people in needs, for tests:
// shaped as GitHub documents them (docs.github.com, "Authorizing OAuth apps" and "REST API: users, emails").
//
//   PORT=0 REDIRECT_URIS="http://localhost:8080/callback" node github.js
//
// PORT           the port, 0 (the default) for any; "listening on http://localhost:PORT" is printed when ready
// REDIRECT_URIS  the app's callback URLs, separated by spaces: a redirect_uri must be one of them or below one
// HOST           the address to listen on, 127.0.0.1 by default

import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const CLIENT_ID = 'latchkey';
const CLIENT_SECRET = 'upstream-secret-upstream-secret-42';
const CALLBACKS = (process.env.REDIRECT_URIS ?? '').split(/\s+/).filter(Boolean);
const CODE_LIFE = 10 * 60 * 1000;
const DOCS = 'https://docs.github.com';
const TROUBLES = `${DOCS}/apps/managing-oauth-apps/troubleshooting`;

const codes = new Map(); // code: {user, scopes, redirectUri, challenge, until}
const tokens = new Map(); // token: {user, scopes}

const ERRORS = {
  incorrect_client_credentials: 'The client_id and/or client_secret passed are incorrect.',
  bad_verification_code: 'The code passed is incorrect or expired.',
  redirect_uri_mismatch: 'The redirect_uri MUST match the registered callback URL for this application.',
};

const ERROR_URIS = {
  incorrect_client_credentials: `${TROUBLES}-oauth-app-access-token-request-errors/#incorrect-client-credentials`,
  bad_verification_code: `${TROUBLES}-oauth-app-access-token-request-errors/#bad-verification-code`,
  redirect_uri_mismatch: `${TROUBLES}-authorization-request-errors/#redirect-uri-mismatch2`,
};

// As GitHub does: the same origin, and the callback's path or one below it.
function callbackAllowed(uri) {
  if (!URL.canParse(uri)) return false;
  const { origin, pathname } = new URL(uri);
  return CALLBACKS.map((callback) => new URL(callback)).some((callback) => origin === callback.origin
    && (pathname === callback.pathname || pathname.startsWith(callback.pathname.replace(/\/?$/, '/'))));
}

const escapeHtml = (text) => String(text).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

function sendPage(res, status, title, body) {
  res.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
  res.end(`<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
<link rel="icon" href="data:,"><h1>${title}</h1>${body}</html>`);
}

function sendJson(res, status, body, headers = {}) {
  res.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store', ...headers });
  res.end(JSON.stringify(body));
}

function redirect(res, uri, params) {
  const url = new URL(uri);
  for (const [name, value] of Object.entries(params)) if (value !== null && value !== undefined) url.searchParams.set(name, value);
  res.writeHead(302, { Location: url.href }).end();
}

async function readForm(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  if (!req.headers['content-type']?.startsWith('application/json')) return new URLSearchParams(body);
  try { return new URLSearchParams(JSON.parse(body)); } catch { return new URLSearchParams(); }
}

// The sign-in and consent page; the form is posted to the same address, with the request's parameters in it.
async function authorize(req, res, query) {
  if (query.get('client_id') !== CLIENT_ID) return sendPage(res, 404, 'GitHub: not found', '<p>There is no such app.');
  const redirectUri = query.get('redirect_uri') ?? CALLBACKS[0];
  const state = query.get('state');
  if (!callbackAllowed(redirectUri)) {
    if (!CALLBACKS.length) return sendPage(res, 400, 'GitHub: error', '<p>The app has no callback URL.');
    const error = 'redirect_uri_mismatch';
    return redirect(res, CALLBACKS[0], { error, error_description: ERRORS[error], error_uri: `${TROUBLES}-authorization-request-errors/#redirect-uri-mismatch`, state });
  }
  const challenge = query.get('code_challenge');
  if (challenge && query.get('code_challenge_method') !== 'S256') return sendPage(res, 400, 'GitHub: error', '<p>code_challenge_method must be S256.');
  if (req.method !== 'POST') {
    return sendPage(res, 200, 'GitHub sign-in', `<form method="post">
<p><label>Id <input name="id" required inputmode="numeric" pattern="[0-9]+"></label>
<p><label>Login <input name="login" required value="${escapeHtml(query.get('login') ?? '')}"></label>
<p><label>Name <input name="name"></label>
<p><label>Primary email <input name="email"></label>
<p><label><input type="checkbox" name="verified" value="true"> Address is verified</label>
<p><label><input type="checkbox" name="public" value="true"> Address is public</label>
<p><label>Other verified addresses <input name="other_emails"></label>
<p><button name="action" value="authorize">Authorize</button>
<button name="action" value="cancel" formnovalidate>Cancel</button></form>`);
  }
  const form = await readForm(req);
  if (form.get('action') === 'cancel') {
    return redirect(res, redirectUri, { error: 'access_denied', error_description: 'The user has denied your application access.', error_uri: `${TROUBLES}-authorization-request-errors/#access-denied`, state });
  }
  if (!/^\d+$/.test(form.get('id') ?? '') || !form.get('login')) return sendPage(res, 400, 'GitHub: error', '<p>An id (a number) and a login are needed.');
  const email = form.get('email');
  const others = (form.get('other_emails') ?? '').split(/[\s,]+/).filter(Boolean);
  const user = {
    id: Number(form.get('id')),
    login: form.get('login'),
    name: form.get('name') || null,
    email: email && form.has('public') ? email : null,
    emails: [
      ...(email ? [{ email, primary: true, verified: form.has('verified'), visibility: form.has('public') ? 'public' : 'private' }] : []),
      ...others.map((other) => ({ email: other, primary: false, verified: true, visibility: null })),
    ],
  };
  const code = randomBytes(10).toString('hex');
  const scopes = (query.get('scope') ?? '').split(/[\s,]+/).filter(Boolean);
  codes.set(code, { user, scopes, redirectUri: query.get('redirect_uri'), challenge, until: Date.now() + CODE_LIFE });
  redirect(res, redirectUri, { code, state });
}

// Errors are answered with status 200, too. Without "Accept: application/json" the answer is a form.
async function accessToken(req, res) {
  const form = await readForm(req);
  const send = (body) => {
    if (req.headers.accept?.includes('application/json')) return sendJson(res, 200, body);
    res.writeHead(200, { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8' }).end(new URLSearchParams(body).toString());
  };
  const fail = (error) => send({ error, error_description: ERRORS[error], error_uri: ERROR_URIS[error] });

  if (form.get('client_id') !== CLIENT_ID || form.get('client_secret') !== CLIENT_SECRET) return fail('incorrect_client_credentials');
  const code = form.get('code');
  const grant = codes.get(code);
  codes.delete(code); // a code is good for one attempt
  if (!grant || grant.until < Date.now()) return fail('bad_verification_code');
  if (grant.redirectUri ? form.get('redirect_uri') !== grant.redirectUri : form.has('redirect_uri') && form.get('redirect_uri') !== CALLBACKS[0]) return fail('redirect_uri_mismatch');
  if (grant.challenge && createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url') !== grant.challenge) return fail('bad_verification_code');

  const token = `gho_${randomBytes(18).toString('hex')}`;
  tokens.set(token, grant);
  send({ access_token: token, token_type: 'bearer', scope: grant.scopes.join(',') });
}

function api(req, res, origin, path) {
  const documentation_url = `${DOCS}/rest`;
  if (!req.headers['user-agent']) {
    res.writeHead(403, { 'Content-Type': 'text/html' });
    return res.end('Request forbidden by administrative rules. Please make sure your request has a User-Agent header.\n');
  }
  const credentials = /^(?:bearer|token) +(\S+)$/i.exec(req.headers.authorization ?? '')?.[1];
  if (!credentials) return sendJson(res, 401, { message: 'Requires authentication', documentation_url, status: '401' });
  const grant = tokens.get(credentials);
  if (!grant) return sendJson(res, 401, { message: 'Bad credentials', documentation_url, status: '401' });
  const { scopes, user: { emails, ...user } } = grant;
  const headers = { 'X-OAuth-Scopes': scopes.join(', '), 'X-GitHub-Media-Type': 'github.v3; format=json' };
  if (path === '/user/emails') {
    if (scopes.includes('user') || scopes.includes('user:email')) return sendJson(res, 200, emails, headers);
    return sendJson(res, 404, { message: 'Not Found', documentation_url, status: '404' }, headers);
  }
  const url = `${origin}/users/${encodeURIComponent(user.login)}`;
  sendJson(res, 200, {
    login: user.login,
    id: user.id,
    node_id: Buffer.from(`04:User${user.id}`).toString('base64'),
    avatar_url: `${origin}/avatars/u/${user.id}?v=4`,
    gravatar_id: '',
    url,
    html_url: `${origin}/${encodeURIComponent(user.login)}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: 'User',
    user_view_type: 'public',
    site_admin: false,
    name: user.name,
    company: null,
    blog: '',
    location: null,
    email: user.email,
    hireable: null,
    bio: null,
    twitter_username: null,
    notification_email: user.email,
    public_repos: 0,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: '2015-01-01T00:00:00Z',
    updated_at: '2025-01-01T00:00:00Z',
  }, headers);
}

const server = createServer({ keepAliveTimeout: 120_000 });
await new Promise((resolve) => { server.listen(Number(process.env.PORT ?? 0), process.env.HOST ?? '127.0.0.1', resolve); });
const origin = `http://localhost:${server.address().port}`;

async function handle(req, res) {
  const { pathname, searchParams } = new URL(req.url, origin);
  if (pathname === '/login/oauth/authorize') return authorize(req, res, searchParams);
  if (pathname === '/login/oauth/access_token' && req.method === 'POST') return accessToken(req, res);
  if (['/user', '/user/emails'].includes(pathname) && req.method === 'GET') return api(req, res, origin, pathname);
  sendJson(res, 404, { message: 'Not Found', documentation_url: `${DOCS}/rest`, status: '404' });
}

server.on('request', (req, res) => {
  handle(req, res).catch((error) => {
    console.error(error);
    res.destroy();
  });
});

console.log(`listening on ${origin}`);
