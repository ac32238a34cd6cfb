//! JSON answers shared by several rooms.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use utoipa::ToSchema;

use super::state::AppState;
use crate::{
    domain::{Profile, ProfileValues},
    sessions::{caller::SignedIn, carrier::Carrier},
    sign_in::Entered,
};

/// The fields of the profile, as members of an object. The OpenAPI document adds them to the
/// schemas that contain them (`openapi.rs`).
pub(crate) struct ProfileMembers(pub(crate) ProfileValues);

impl Serialize for ProfileMembers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (field, value) in self.0.iter() {
            map.serialize_entry(field.field.name(), &value)?;
        }
        map.end()
    }
}

/// An account, as its owner sees it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    #[schema(value_type = i64, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    id: i64,
    /// As typed at sign-up.
    #[schema(example = "alice")]
    username: String,
    #[serde(flatten)]
    #[schema(ignore)]
    profile: ProfileMembers,
}

impl From<&Profile> for Account {
    fn from(profile: &Profile) -> Self {
        Self {
            id: profile.id.0,
            username: profile.username.clone(),
            profile: ProfileMembers(profile.values.clone()),
        }
    }
}

/// New tokens for a session that continues under a new id.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tokens {
    #[schema(example = "eyJ0eXAiOiJhdCtqd3Qi…")]
    access_token: String,
    /// Present if the session has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "3k9aT0Yq…")]
    refresh_token: Option<String>,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds until the access token expires.
    #[schema(example = 900)]
    expires_in: i64,
}

impl Tokens {
    pub(crate) fn of(entered: Entered) -> Self {
        Self {
            access_token: entered.token,
            refresh_token: entered.refresh_token.map(|token| token.expose().to_owned()),
            token_type: "Bearer",
            expires_in: entered.expires_in,
        }
    }
}

/// The answer to a request that ended the caller's session: a browser forgets its cookies.
pub(crate) fn signed_out(
    state: &AppState,
    caller: &SignedIn,
    answer: impl IntoResponse,
) -> Response {
    let cookies = caller.by_cookie().then(|| state.cookies.forget());
    (cookies.unwrap_or_default(), answer).into_response()
}

/// A session that continues under a new id: in a cookie for a browser, in tokens for a program.
pub(crate) fn renewed(state: &AppState, entered: Entered) -> Response {
    match entered.session.carrier {
        Carrier::Program => Json(Tokens::of(entered)).into_response(),
        Carrier::Browser => {
            let session = &entered.session;
            let (remembered, ends_at) = (session.remembered, session.ends_at);
            let cookie = state.cookies.set_session(entered.token, remembered, ends_at);
            (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
        }
    }
}
