// Serves the files of this folder, the library and the settings.

import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const { OIDC_ISSUER, OIDC_CLIENT_ID, PORT = "3004" } = process.env;
const file = (name) => readFileSync(fileURLToPath(new URL(name, import.meta.url)));
const settings = `export const authority = ${JSON.stringify(OIDC_ISSUER)};
export const client_id = ${JSON.stringify(OIDC_CLIENT_ID)};`;
const script = "text/javascript";
const files = {
  "/": ["text/html", file("index.html")],
  "/app.js": [script, file("app.js")],
  "/settings.js": [script, settings],
  "/oidc-client-ts.js": [script, file("node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js")],
};

const server = createServer((request, response) => {
  const [type, text] = files[new URL(request.url, "http://localhost").pathname] ?? [];
  if (!type) return response.writeHead(404).end();
  response.writeHead(200, { "Content-Type": `${type}; charset=utf-8` }).end(text);
});
server.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on port ${server.address().port}`));
