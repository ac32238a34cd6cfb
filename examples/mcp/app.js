// An MCP server whose tools act for the people who sign in with Latchkey: docs/apps/mcp.md explains it.

import { discoverAuthorizationServerMetadata } from "@modelcontextprotocol/sdk/client/auth.js";
import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import {
  getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter,
} from "@modelcontextprotocol/sdk/server/auth/router.js";
import { createMcpExpressApp } from "@modelcontextprotocol/sdk/server/express.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import * as z from "zod";

const { OIDC_ISSUER, MCP_RESOURCE, PORT } = process.env;
const resource = new URL(MCP_RESOURCE);
const scopes = ["notes"];

// Everything else is found from the issuer.
const metadata = await discoverAuthorizationServerMetadata(OIDC_ISSUER);
if (metadata?.issuer !== OIDC_ISSUER) throw new Error(`${OIDC_ISSUER} says that it is ${metadata?.issuer}`);
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));

/** Whether it is the token's fault: when the keys cannot be had, it is not. */
const isBad = ({ code }) => code?.startsWith("ERR_J") && !/GENERIC|JWKS_INVALID|TIMEOUT/.test(code);

const verifier = {
  async verifyAccessToken(token) {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: OIDC_ISSUER,
        audience: MCP_RESOURCE,
        typ: "at+jwt",
        algorithms: ["ES256"],
        requiredClaims: ["sub", "client_id", "exp"],
      });
      const { sub, client_id: clientId, scope = "", exp: expiresAt } = payload;
      return { token, clientId, scopes: scope.split(" "), expiresAt, resource, extra: { sub } };
    } catch (error) {
      if (error instanceof errors.JOSEError && isBad(error)) {
        throw new InvalidTokenError("This token is not valid here");
      }
      console.error(error);
      throw error;
    }
  },
};

// The notes of each person, by sub: a name or an address may come to be somebody else's.
const notes = new Map();
const say = (value) => ({ content: [{ type: "text", text: JSON.stringify(value) }] });

/** The tools. Who calls is in the token, and never in the arguments: those come from a model. */
function tools() {
  const server = new McpServer({ name: "notes", version: "1.0.0" });
  server.registerTool("whoami", { description: "Tells whom the tools act for, and through which app" },
    ({ authInfo }) => say({ sub: authInfo.extra.sub, client_id: authInfo.clientId }));
  server.registerTool("add_note", {
    description: "Keeps a note",
    inputSchema: { text: z.string().min(1).max(1000) },
  }, ({ text }, { authInfo: { extra } }) => {
    const mine = notes.get(extra.sub) ?? [];
    if (mine.length >= 100) return { ...say("That is enough notes."), isError: true };
    notes.set(extra.sub, [...mine, text]);
    return say("Noted.");
  });
  server.registerTool("list_notes", { description: "Lists the notes" },
    ({ authInfo }) => say(notes.get(authInfo.extra.sub) ?? []));
  return server;
}

// Answers only to its own name, against DNS rebinding.
const app = createMcpExpressApp({ allowedHosts: [resource.hostname] });

// Where a client that has no token finds Latchkey (RFC 9728).
app.use(mcpAuthMetadataRouter({
  oauthMetadata: metadata,
  resourceServerUrl: resource,
  scopesSupported: scopes,
  resourceName: "Notes",
}));

app.use(resource.pathname, requireBearerAuth({
  verifier,
  requiredScopes: scopes,
  resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
}));

// Each request stands for itself, so no session can outlive its token or pass to somebody else.
app.post(resource.pathname, async (request, response) => {
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
  const server = tools();
  response.on("close", () => server.close());
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
});

app.all(resource.pathname, (request, response) => response.set("Allow", "POST").status(405).end());

const server = app.listen(Number(PORT ?? 4000), "127.0.0.1", () => {
  console.log(`listening on port ${server.address().port}`);
});
