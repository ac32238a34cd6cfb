//! What `latchkey app add` prints: blocks to paste. docs/apps.md has a page for each.

use super::{App, definition::CALLBACK};
use crate::platform::terminal::say;

/// Prints how to connect an app. `port`: where Latchkey listens. `secret`: if it was just made.
pub(super) fn print(app: &App, issuer: &str, port: u16, secret: Option<&str>) {
    let definition = &app.definition;
    say(&format!("issuer         {issuer}"));
    say(&format!("client_id      {}", app.id));
    if let Some(secret) = secret {
        say(&format!("client_secret  {secret}   (shown only now)"));
    }
    if let Some(uri) = definition.redirect_uris.first() {
        of_openid(app, issuer, secret, uri);
    }
    if !definition.serves.is_empty() {
        of_service(app, issuer, secret);
    }
    if let Some(host) = &definition.host {
        of_proxy(port, host);
    }
}

fn of_openid(app: &App, issuer: &str, secret: Option<&str>, uri: &str) {
    let id = &app.id;
    say(&format!("discovery      {issuer}/.well-known/openid-configuration"));
    let shown = secret.unwrap_or("CLIENT_SECRET");
    if app.definition.public {
        say(&format!(
            "
JavaScript in a browser (npm install oidc-client-ts):

    import {{ UserManager }} from \"oidc-client-ts\";
    const users = new UserManager({{
      authority: \"{issuer}\",
      client_id: \"{id}\",
      redirect_uri: \"{uri}\",
      scope: \"openid profile email\",
    }});
    await users.signinRedirect();"
        ));
        return;
    }
    say(&format!(
        "
The settings of the examples, and of many apps:

    OIDC_ISSUER={issuer}
    OIDC_CLIENT_ID={id}
    OIDC_CLIENT_SECRET={shown}
    OIDC_REDIRECT_URI={uri}

Node.js (npm install openid-client):

    import * as client from \"openid-client\";
    const config = await client.discovery(
      new URL(\"{issuer}\"), \"{id}\", \"{shown}\",{insecure}
    );

Python (pip install Authlib):

    oauth.register(
        \"latchkey\",
        server_metadata_url=\"{issuer}/.well-known/openid-configuration\",
        client_id=\"{id}\",
        client_secret=\"{shown}\",
        client_kwargs={{\"scope\": \"openid profile email\", \"code_challenge_method\": \"S256\"}},
    )

Apache (libapache2-mod-auth-openidc):

    OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
    OIDCClientID {id}
    OIDCClientSecret {shown}
    OIDCRedirectURI {uri}
    OIDCPKCEMethod S256
    OIDCCryptoPassphrase A-RANDOM-TEXT   # openssl rand -hex 32

Rust: the crate openidconnect; docs/apps/axum.md is a whole app.",
        insecure = if issuer.starts_with("http:") {
            "\n      undefined, { execute: [client.allowInsecureRequests] },"
        } else {
            ""
        },
    ));
}

fn of_service(app: &App, issuer: &str, secret: Option<&str>) {
    let (id, secret) = (&app.id, secret.unwrap_or("CLIENT_SECRET"));
    for audience in &app.definition.serves {
        say(&format!("audience       {audience}"));
    }
    say(&format!(
        "
Ask whether a token holds (docs/apps/service.md shows how to check it without asking):

    curl -u \"{id}:{secret}\" {issuer}/introspect -d \"token=$TOKEN\""
    ));
}

/// The example for Caddy, which the tests run with the real proxy.
const CADDYFILE: &str = include_str!("../../deploy/forward-auth/Caddyfile");

/// `port`: where Latchkey listens.
fn of_proxy(port: u16, host: &str) {
    // Without https, Caddy must be told so.
    let site = host.strip_prefix("https://").unwrap_or(host);
    let (_, block) = CADDYFILE.split_once("\n\n").unwrap_or_default();
    let block = block
        .replace("wiki.example.org", site)
        .replace("127.0.0.1:3000", &format!("127.0.0.1:{port}"))
        .replace("127.0.0.1:8080", "YOUR-APP:PORT");
    say(&format!("host           {host}"));
    say(&format!("callback       {host}{CALLBACK}"));
    say("");
    say("Caddy, on the machine of Latchkey:");
    say("");
    for line in block.lines() {
        say(format!("    {}", line.replace('\t', "    ")).trim_end());
    }
    say("");
    say("nginx, HAProxy and Traefik: deploy/forward-auth has a file for each.");
    say("The proxy's address must be in TRUSTED_PROXIES of the server.");
}
