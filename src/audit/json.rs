//! The JSON API of your security history.

use axum::{
    Extension, Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::AuditRow;
use crate::{
    domain::{Code, Field},
    platform::{
        clock::rfc3339,
        error::{Refusal, Result},
    },
    sessions::caller::SignedIn,
    web::{
        client::known_device,
        reply::ProblemDetails,
        routes::{Map, Policy},
        state::AppState,
    },
};

pub(crate) fn routes(map: &mut Map) {
    map.json(Policy::SignedIn, routes!(history));
}

/// The default number of events per page.
const HISTORY: i64 = 50;

/// The maximum number of events per page.
pub(crate) const MAX_HISTORY: i64 = 200;

/// An event in the history of an account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryEntry {
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    at: String,
    /// A word of the OWASP Logging Vocabulary, perhaps followed by a colon and a reason.
    #[schema(example = "authn_login_success")]
    event: String,
    /// The actor: `owner`, `stranger`, `operator`, `administrator`, `api-key` or `server`.
    #[schema(example = "owner")]
    by: String,
    #[schema(example = "Firefox, Linux")]
    device: String,
    #[schema(example = "203.0.113.0/24")]
    network: String,
    /// How somebody signed in, such as `password+totp`. Only with sign-ins.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false, example = "password+totp")]
    method: String,
}

impl From<&AuditRow> for HistoryEntry {
    fn from(row: &AuditRow) -> Self {
        let detail = row.detail_for_owner();
        let (by, device, network, method) = detail.map_or_else(Default::default, |detail| {
            let device = known_device(&detail.device).into_owned();
            (detail.by.word().to_owned(), device, detail.network, detail.method)
        });
        Self { at: rfc3339(row.at), event: row.event.clone(), by, device, network, method }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryPage {
    /// Newest first.
    history: Vec<HistoryEntry>,
    /// Pass this as `after` to get the next page. Missing on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "4711")]
    next: Option<String>,
}

/// The part of the history to return.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// The `next` of the previous answer.
    #[serde(default)]
    #[param(required = false, nullable = false)]
    after: Option<String>,
    /// The maximum number of events, 1 to 200.
    #[serde(default)]
    #[param(required = false, nullable = false, value_type = i64, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
}

/// Get your security history
///
/// Newest first, one page at a time.
#[utoipa::path(
    get, path = "/user/history", tag = "your account", operation_id = "history",
    params(HistoryQuery),
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "A page of the security history", body = HistoryPage),
        (status = 400, description = "`invalid-input`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn history(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    query: std::result::Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Json<HistoryPage>> {
    let Query(query) = query.map_err(|_| Refusal::InvalidInput(Vec::new()))?;
    let bad = |field| Refusal::of_field(field, Code::OutOfRange);
    let before = match query.after {
        None => i64::MAX,
        Some(after) => after.parse().ok().filter(|seq| *seq > 0).ok_or(bad(Field::AFTER))?,
    };
    let most = match query.limit {
        None => HISTORY,
        Some(limit) => {
            let limit = limit.parse().ok();
            limit.filter(|limit| (1..=MAX_HISTORY).contains(limit)).ok_or(bad(Field::LIMIT))?
        }
    };
    let (rows, more) = super::history(&state.store, caller.account(), before, most).await?;
    let next = rows.last().filter(|_| more).map(|row| row.seq.to_string());
    Ok(Json(HistoryPage { history: rows.iter().map(HistoryEntry::from).collect(), next }))
}

/// An entry of the history, with everything stored about it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PersonalEvent {
    event: HistoryEntry,
    request_id: String,
    /// Identifies a session, but is not its id.
    session: String,
}

impl From<&AuditRow> for PersonalEvent {
    fn from(row: &AuditRow) -> Self {
        let detail = row.detail_for_owner();
        let (request_id, session) =
            detail.map_or_else(Default::default, |detail| (detail.request_id, detail.session));
        Self { event: HistoryEntry::from(row), request_id, session }
    }
}
