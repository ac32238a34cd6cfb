//! The audit trail.

use std::result::Result as StdResult;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::{limit, query};
use crate::{
    audit::{self, AuditRow, Filter, RECENT},
    authority::api_keys::Scope,
    domain::{AccountId, Code, Field},
    platform::{
        clock::rfc3339,
        error::{Refusal, Result},
    },
    web::{
        reply::ProblemDetails,
        routes::{Map, Policy},
        state::AppState,
    },
};

pub(super) fn routes(map: &mut Map) {
    map.json(Policy::Api(Scope::AuditRead), routes!(list));
}

/// An event of the trail. Details that were erased with an account are empty.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrailEvent {
    /// Its number.
    seq: i64,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    at: String,
    /// A word of the OWASP Logging Vocabulary, perhaps followed by a colon and a reason.
    #[schema(example = "user_archived:disabled")]
    event: String,
    /// The account it happened to.
    #[schema(required)]
    account: Option<i64>,
    /// `owner`, `stranger`, `operator`, `administrator`, `api-key` or `server`.
    #[schema(example = "administrator")]
    by: String,
    /// The id of the administrator's account, or `key:` and the id of the API key.
    actor: String,
    device: String,
    network: String,
    request_id: String,
    /// Stands for the session, and is not its id.
    session: String,
    method: String,
    note: String,
    /// Links it to the row before it.
    hash: String,
}

impl From<&AuditRow> for TrailEvent {
    fn from(row: &AuditRow) -> Self {
        let detail = row.detail();
        let by = detail.as_ref().map(|detail| detail.by.word().to_owned());
        let detail = detail.as_ref();
        let text =
            |take: fn(&audit::Detail) -> &String| detail.map(take).cloned().unwrap_or_default();
        Self {
            seq: row.seq,
            at: rfc3339(row.at),
            event: row.event.clone(),
            account: row.account_id,
            by: by.unwrap_or_default(),
            actor: text(|detail| &detail.actor),
            device: text(|detail| &detail.device),
            network: text(|detail| &detail.network),
            request_id: text(|detail| &detail.request_id),
            session: text(|detail| &detail.session),
            method: text(|detail| &detail.method),
            note: text(|detail| &detail.note),
            hash: row.hash.clone(),
        }
    }
}

/// Whether the trail is as it was written.
#[derive(Serialize, ToSchema)]
pub(crate) struct Verified {
    holds: bool,
    /// The reason why it doesn't hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    problem: Option<String>,
    /// How many rows were checked: the newest ones.
    rows: i64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TrailPage {
    /// Newest first.
    events: Vec<TrailEvent>,
    /// Pass this as `before` to get the next page. Missing on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "4711")]
    next: Option<String>,
    trail: Verified,
}

/// Which events to return.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct TrailQuery {
    /// The id of an account. Selects the events that concern it, and those it caused as an administrator.
    #[serde(default)]
    #[param(required = false, nullable = false, value_type = i64)]
    account: Option<String>,
    /// A word of the vocabulary, such as `user_archived`, or with its reason.
    #[serde(default)]
    #[param(required = false, nullable = false)]
    event: Option<String>,
    /// The id of a request.
    #[serde(default)]
    #[param(required = false, nullable = false)]
    request_id: Option<String>,
    /// The `next` of the previous answer.
    #[serde(default)]
    #[param(required = false, nullable = false)]
    before: Option<String>,
    /// The maximum number of events, 1 to 200.
    #[serde(default)]
    #[param(required = false, nullable = false, value_type = i64, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// `all`: check the whole trail, which may take a while. By default, the newest 10,000 rows are checked.
    #[serde(default)]
    #[param(required = false, nullable = false)]
    verify: Option<String>,
}

/// Read the audit trail
///
/// Newest first, one page at a time, and whether the trail holds.
#[utoipa::path(
    get, path = "/admin/api/audit", tag = "administration", operation_id = "readAudit",
    params(TrailQuery),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["audit:read"])),
    responses(
        (status = 200, description = "A page of the trail", body = TrailPage),
        (status = 400, description = "`invalid-input`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn list(
    State(state): State<AppState>,
    asked: StdResult<Query<TrailQuery>, QueryRejection>,
) -> Result<Json<TrailPage>> {
    let asked = query(asked)?;
    let bad = |name| Refusal::of_field(Field::named(name), Code::OutOfRange);
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number > 0);
    let account = asked.account.filter(|text| !text.is_empty());
    let account = account.map(|text| number(&text).ok_or(bad("account"))).transpose()?;
    let before = asked.before.map(|text| number(&text).ok_or(bad("before"))).transpose()?;
    let events = match asked.event.filter(|event| !event.is_empty()) {
        None => Vec::new(),
        Some(event) => state.acts_of(&event),
    };
    let all = match asked.verify.as_deref() {
        None | Some("") => false,
        Some("all") => true,
        Some(_) => return Err(bad("verify").into()),
    };
    let request_id = asked.request_id.filter(|id| !id.is_empty());
    let filter = Filter { account: account.map(AccountId), events, request_id };
    let most = limit(asked.limit.as_deref())?;
    let (rows, more) =
        audit::select(&state.store, &filter, before.unwrap_or(i64::MAX), most).await?;
    let next = rows.last().filter(|_| more).map(|row| row.seq.to_string());
    let checked = match all {
        true => audit::verify(&state.store, None).await?.map(|(rows, _)| rows),
        false => audit::verify_recent(&state.store, RECENT).await?,
    };
    let trail = match checked {
        Ok(rows) => Verified { holds: true, problem: None, rows },
        Err(wrong) => Verified { holds: false, problem: Some(wrong), rows: 0 },
    };
    Ok(Json(TrailPage { events: rows.iter().map(TrailEvent::from).collect(), next, trail }))
}
