//! The app that a sign-in leads to, as told by the address that follows it.

use url::form_urlencoded;

use super::KnownApps;

/// Where a sign-in leads to.
#[derive(Clone, Debug, Default)]
pub struct Destination {
    /// The name of the app.
    pub app: Option<String>,
    /// Whom the app expects.
    pub login_hint: String,
}

/// The page of the authorization endpoint.
pub const AUTHORIZE: &str = "/authorize";

/// `next`: the address that follows. It may be anybody's text, so only the name of a known app is shown.
pub async fn of(apps: &KnownApps, next: &str) -> Destination {
    let Some(query) = next.strip_prefix(AUTHORIZE).and_then(|rest| rest.strip_prefix('?')) else {
        return Destination::default();
    };
    // Without the database, the page lacks only a name.
    let Ok(apps) = apps.get().await else { return Destination::default() };
    let get = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    };
    let app = get("client_id").and_then(|id| Some(apps.find(&id)?.name.clone()));
    let login_hint = get("login_hint").filter(|hint| app.is_some() && hint.len() <= 254);
    Destination { app, login_hint: login_hint.unwrap_or_default() }
}
