// What an MCP client does the first time: it finds Latchkey from the MCP server, signs in, and calls a tool.

import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

const { MCP_RESOURCE, CLIENT_METADATA_URL, CLIENT_ID, CALLBACK_PORT } = process.env;
const redirectUrl = `http://127.0.0.1:${CALLBACK_PORT}/callback`;
const state = randomBytes(16).toString("base64url");

/** Keeps everything in memory. The SDK asks it for what it has kept, and hands it what is new. */
class Provider {
  redirectUrl = redirectUrl;
  clientMetadataUrl = CLIENT_METADATA_URL;
  clientMetadata = {
    client_name: "First sign-in",
    redirect_uris: [redirectUrl],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  };
  kept = { client: CLIENT_ID ? { client_id: CLIENT_ID } : undefined };

  state = () => state;
  clientInformation = () => this.kept.client;
  saveClientInformation = (client) => void (this.kept.client = client);
  tokens = () => this.kept.tokens;
  saveTokens = (tokens) => void (this.kept.tokens = tokens);
  codeVerifier = () => this.kept.verifier;
  saveCodeVerifier = (verifier) => void (this.kept.verifier = verifier);
  discoveryState = () => this.kept.discovery;
  saveDiscoveryState = (discovery) => void (this.kept.discovery = discovery);
  redirectToAuthorization = (url) => console.log(`OPEN ${url}`);
}

/** The query of the first request to the redirect URI that bears our state. */
function listen(server) {
  return new Promise((resolve) => {
    server.on("request", (request, response) => {
      const { pathname, searchParams } = new URL(request.url, redirectUrl);
      const isOurs = pathname === "/callback" && searchParams.get("state") === state;
      response.writeHead(isOurs ? 200 : 400, { "Content-Type": "text/plain", Connection: "close" });
      response.end(isOurs ? "You can close this window." : "This is not what we have asked for.");
      if (isOurs) resolve(searchParams);
    });
  });
}

/** The code, if it comes from the server that we have sent the person to (RFC 9207). */
function codeOf(answer, { authorizationServerUrl, authorizationServerMetadata: metadata }) {
  const iss = answer.get("iss");
  if (metadata.issuer !== authorizationServerUrl) {
    throw new Error(`${authorizationServerUrl} says that it is ${metadata.issuer}`);
  }
  const isExpected = iss !== null || metadata.authorization_response_iss_parameter_supported;
  if (isExpected && iss !== metadata.issuer) throw new Error(`The answer is from ${iss}, not from ${metadata.issuer}`);
  if (!answer.has("code")) throw new Error(`${answer.get("error")}: ${answer.get("error_description")}`);
  return answer.get("code");
}

const provider = new Provider();
const client = new Client({ name: "first-sign-in", version: "1.0.0" });
const connect = async () => {
  const transport = new StreamableHTTPClientTransport(new URL(MCP_RESOURCE), { authProvider: provider });
  return { transport, error: await client.connect(transport).then(() => undefined, (error) => error) };
};

const server = createServer().listen(Number(CALLBACK_PORT), "127.0.0.1");
await once(server, "listening");
const answered = listen(server);

const first = await connect();
if (!(first.error instanceof UnauthorizedError)) throw first.error ?? new Error("The server asks for no token");
await first.transport.finishAuth(codeOf(await answered, provider.kept.discovery));
server.close();

const { error } = await connect();
if (error) throw error;
const { content } = await client.callTool({ name: "whoami" });
console.log(`RESULT ${content[0].text}`);
await client.close();
