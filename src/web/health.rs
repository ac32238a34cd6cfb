//! Liveness and readiness checks.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    routes::{Map, Policy},
    state::AppState,
};
use crate::platform::error::{Error, Fault, Result};

pub(crate) fn routes(map: &mut Map) {
    map.json(Policy::Public, routes!(healthz));
    map.json(Policy::Public, routes!(readyz));
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Check that the process is alive
///
/// Checks nothing else.
#[utoipa::path(
    get, path = "/healthz", tag = "operations", operation_id = "healthz",
    responses((status = 200, description = "Alive", body = Health))
)]
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Check that the server can serve
///
/// Queries the database.
#[utoipa::path(
    get, path = "/readyz", tag = "operations", operation_id = "readyz",
    responses(
        (status = 200, description = "Ready", body = Health),
    )
)]
pub(crate) async fn readyz(State(state): State<AppState>) -> Result<Json<Health>, Error> {
    // The database is unusable now, for whatever reason.
    state.store.ping().await.map_err(Fault::into_unavailable)?;
    Ok(Json(Health { status: "ok" }))
}
