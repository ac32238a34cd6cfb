//! Signing out at an app's wish (OpenID Connect RP-Initiated Logout 1.0).
//!
//! Anybody can lead a browser here, so the cookie alone decides who is signed out, and a person is asked
//! unless the app shows an ID token of this very session.

use std::sync::Arc;

use super::{
    request::{Params, with_params},
    tokens::read_hint,
};
use crate::{
    apps::App,
    platform::{clock::now, error::Fault},
    services::Services,
    sessions::{caller::SignedIn, grants},
};

/// The page where people sign out.
pub const LOGOUT: &str = "/logout";

/// What an app wishes for.
pub struct Wish {
    pub app: Option<Arc<App>>,
    /// Where to go afterwards: an address that the app has registered.
    pub back: Option<String>,
    /// Whether the app has shown an ID token of the caller's session.
    pub is_of_session: bool,
}

/// Reads the wish. Whatever is wrong with it, the person can sign out; but is sent nowhere unknown.
pub async fn read(
    services: &Services,
    params: &Params,
    caller: Option<&SignedIn>,
) -> Result<Wish, Fault> {
    let hint = params.hint("id_token_hint").and_then(|token| read_hint(services, token));
    let named = params.hint("client_id");
    let id = match (&hint, named) {
        // They contradict each other: neither counts.
        (Some(hint), Some(named)) if hint.aud != named => None,
        (Some(hint), _) => Some(hint.aud.as_str()),
        (None, named) => named,
    };
    let app = match id {
        Some(id) => services.apps.find(id).await?,
        None => None,
    };
    let uri = params.hint("post_logout_redirect_uri");
    let uri =
        uri.filter(|uri| app.as_ref().is_some_and(|app| app.definition.allows_post_logout(uri)));
    let back = uri.map(|uri| with_params(uri, &[("state", params.hint("state"))]));
    let is_of_session = match (caller, &hint, &app) {
        (Some(caller), Some(hint), Some(app)) => {
            let mut db = services.store.read().await?;
            let grant = grants::find(&mut db, &hint.sid, now()).await?;
            grant
                .is_some_and(|grant| grant.app == app.id && grant.session.family == caller.family())
        }
        _ => false,
    };
    Ok(Wish { app, back, is_of_session })
}
