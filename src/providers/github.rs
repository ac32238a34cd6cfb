//! GitHub: OAuth without OpenID Connect. Its API says who somebody is.

use reqwest::RequestBuilder;
use serde::Deserialize;
use url::Url;

use super::{Failed, Person, Provider, Providers, upstream::Sent};
use crate::platform::fetch::Fetched;

/// The address of an endpoint below another one.
fn below(base: &Url, path: &str) -> Result<Url, Failed> {
    let text = format!("{}{path}", base.as_str().trim_end_matches('/'));
    Url::parse(&text).map_err(|error| Failed::Wrong(error.to_string()))
}

/// Where people are sent.
pub(super) fn authorize(provider: &Provider) -> Url {
    below(&provider.issuer, "/login/oauth/authorize").unwrap_or_else(|_| provider.issuer.clone())
}

/// Errors come with status 200.
#[derive(Deserialize)]
struct Tokens {
    access_token: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct User {
    id: i64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

/// Asks the API, which is at an address of its own. The operator has named it as well.
async fn read(
    providers: &Providers,
    api: &Url,
    path: &str,
    token: &str,
) -> Result<Fetched, Failed> {
    let change = |request: RequestBuilder| {
        request.bearer_auth(token).header("accept", "application/vnd.github+json")
    };
    Ok(providers.fetcher.get_with(api, &below(api, path)?, change).await?)
}

pub(super) async fn person(
    providers: &Providers,
    provider: &Provider,
    api: &Url,
    sent: &Sent<'_>,
    code: &str,
) -> Result<Person, Failed> {
    let url = below(&provider.issuer, "/login/oauth/access_token")?;
    let tokens: Tokens = providers.exchange(provider, &url, sent, code, true).await?.json()?;
    let Some(token) = tokens.access_token else {
        return Err(Failed::Wrong(tokens.error.unwrap_or_else(|| "it gave no token".to_owned())));
    };
    let user: User = read(providers, api, "/user", &token).await?.json()?;
    let reads_mail = provider.scopes.iter().any(|scope| scope == "user:email" || scope == "user");
    let addresses: Vec<Address> = match reads_mail {
        true => read(providers, api, "/user/emails", &token).await?.json()?,
        false => Vec::new(),
    };
    // Only the primary one is surely the person's own.
    let address = addresses.into_iter().find(|address| address.primary);
    Ok(Person {
        subject: user.id.to_string(),
        username: Some(user.login),
        name: user.name.filter(|name| !name.trim().is_empty()),
        email_verified: address.as_ref().is_some_and(|address| address.verified),
        email: address.map(|address| address.email),
        second_factor: false,
        auth_time: None,
    })
}
