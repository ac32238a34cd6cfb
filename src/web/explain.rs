//! Writes the body of every error on its way out: problem details (RFC 9457) for a program, a page
//! with the same words for a person. Errors from libraries get one, too.

use axum::{
    extract::{MatchedPath, Request},
    http::header,
    response::Response,
};

use crate::{
    platform::visit::RequestId,
    texts::Language,
    web::{
        client::Sender,
        pages,
        reply::{Explained, is_for_a_person, language, problem, problem_details},
        state::AppState,
    },
};

/// The reader of an answer: a person or a program.
pub(crate) struct Audience {
    /// The person's language. `None`: a program.
    person: Option<Language>,
    request_id: RequestId,
}

impl Audience {
    pub(crate) fn of(state: &AppState, request: &Request) -> Self {
        let path = request.extensions().get::<MatchedPath>();
        let sender = request.extensions().get::<Sender>();
        let door = path.and_then(|path| state.routes.door(path.as_str()));
        Self {
            person: is_for_a_person(door, request.headers())
                .then(|| language(state, request.headers())),
            request_id: sender.map(|sender| sender.request_id.clone()).unwrap_or_default(),
        }
    }
}

/// Writes the body of every problem.
pub(crate) async fn explain(state: &AppState, audience: &Audience, response: Response) -> Response {
    let Some(problem) = problem(&response) else { return response };
    if let Some(metrics) = &state.metrics {
        metrics.refused(problem.kind);
    }
    if response.extensions().get::<Explained>().is_some() {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.status = problem.kind.status;
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    let body = match audience.person {
        Some(language) => {
            pages::problem_page(state, language, problem.kind, &audience.request_id).await
        }
        None => problem_details(&problem, &audience.request_id),
    };
    let (body_parts, body) = body.into_parts();
    parts.headers.extend(body_parts.headers);
    Response::from_parts(parts, body)
}
