//! The published keys.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::{
    platform::error::Result,
    web::{
        routes::{Door, Map, Policy},
        state::AppState,
    },
};

/// Where the keys are.
pub(crate) const JWKS: &str = "/.well-known/jwks.json";

pub(crate) fn routes(map: &mut Map) {
    map.get(Door::Open, Policy::Public, JWKS, jwks);
}

/// How long the keys may be remembered, in seconds: much less than a key is published ahead.
const REMEMBERED: &str = "public, max-age=300";

async fn jwks(State(state): State<AppState>) -> Result<Response> {
    let keys = state.signing.published().await?;
    let headers = [(header::CACHE_CONTROL, REMEMBERED)];
    Ok((headers, Json(keys)).into_response())
}
