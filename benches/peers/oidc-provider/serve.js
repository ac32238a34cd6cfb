// npm's oidc-provider, as a measure: in memory, with its own pages for development. Prints its address.

import Provider from "oidc-provider";
import { createServer } from "node:http";

const server = createServer().listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: "app",
      client_secret: "0123456789abcdef0123456789abcdef",
      redirect_uris: ["https://app.example.org/callback"],
    }],
    cookies: { keys: ["a key of cookies"] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    // Access tokens that are signed, too.
    features: {
      resourceIndicators: {
        enabled: true,
        defaultResource: () => issuer,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: "openid profile", audience: issuer, accessTokenFormat: "jwt", jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
