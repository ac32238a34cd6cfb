//! Apps that act for themselves, without a person (RFC 6749, section 4.4): what the operator allows them.

use super::{
    client::{Answer, Failed},
    covers,
    tokens::{ACCESS, AccessClaims, Granted},
    united,
};
use crate::{
    apps::App,
    platform::{
        clock::{now, seconds},
        random,
    },
    services::Services,
    signing::{Algorithm, LONGEST_TOKEN},
};

/// A token for an app that acts for itself. `scope`: some of what the operator allows it, or nothing for all.
/// `resource`: the audience, which may be left out if there is only one.
pub async fn grant(
    services: &Services,
    app: &App,
    (scope, resource): (Option<&str>, Option<&str>),
) -> Answer<Granted> {
    let refuse = |error, why| Err(Failed::Request(error, why));
    let definition = &app.definition;
    if !may(app) {
        return refuse("unauthorized_client", "The app may not act for itself.");
    }
    let all = definition.scopes.join(" ");
    let scope = match scope.map(|scope| united("", scope)) {
        None => all,
        Some(scope) if !scope.is_empty() && covers(&all, &scope) => scope,
        Some(_) => return refuse("invalid_scope", "The scope is more than the app is allowed."),
    };
    let apps = services.apps.get().await?;
    let resource = match (resource, &*definition.resources) {
        (Some(resource), _) => apps.audience(app, resource),
        (None, [only]) => apps.audience(app, only),
        (None, []) => Some(services.issuer().to_owned()),
        (None, _) => return refuse("invalid_target", "Name one of the app's resources."),
    };
    let Some(resource) = resource else {
        return refuse("invalid_target", "The app may not ask for this resource.");
    };
    let now = now();
    let ttl = seconds(services.settings.sessions.access_token_ttl).min(LONGEST_TOKEN);
    let claims = AccessClaims {
        iss: services.issuer().to_owned(),
        sub: app.id.clone(),
        aud: resource,
        client_id: app.id.clone(),
        scope: scope.clone(),
        jti: random::label()?,
        iat: now,
        exp: now + ttl,
        of_person: None,
    };
    services.signing.prepare().await?;
    Ok(Granted {
        access_token: services.signing.sign(Algorithm::Es256, ACCESS, &claims).await?,
        token_type: "Bearer",
        expires_in: ttl,
        id_token: None,
        refresh_token: None,
        scope,
    })
}

/// Whether an app may act for itself.
pub(super) fn may(app: &App) -> bool {
    app.definition.client_credentials && app.definition.is_confidential()
}
