//! The OpenAPI 3.1 document, made from the doors in `json.rs`.

use axum::{Json, extract::State};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document, Server,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{json, reply::ProblemDetails, state::AppState};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Latchkey",
        description = "Accounts for your app: sign-up, sign-in and profile. \
                       Every error is a problem details object (RFC 9457)."
    ),
    paths(
        json::sign_up, json::sign_in, json::sign_out, json::profile, json::profile_at_old_address,
        json::healthz, json::readyz,
    ),
    components(schemas(ProblemDetails)),
    modifiers(&Proofs)
)]
struct Api;

/// The two ways to prove who one is.
struct Proofs;

impl Modify for Proofs {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(
            "accessToken",
            SecurityScheme::Http(
                HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build(),
            ),
        );
        components.add_security_scheme(
            "sessionCookie",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("latchkey"))),
        );
    }
}

/// The document, as this server would have it: with its own address and cookie.
#[must_use]
pub fn document(state: &AppState) -> Document {
    let mut document = Api::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.servers = Some(vec![Server::new(state.public_url.origin())]);
    if let Some(components) = &mut document.components {
        let name = state.sessions.cookie_name();
        let scheme = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(name)));
        components.add_security_scheme("sessionCookie", scheme);
    }
    document
}

pub(super) async fn serve(State(state): State<AppState>) -> Json<Document> {
    Json(document(&state))
}
