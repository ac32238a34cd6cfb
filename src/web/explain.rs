//! Writes the body of every error on its way out: problem details (RFC 9457) for a program, a page
//! with the same words for a person. Errors from libraries get one, too.

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, Method, Uri, header},
    response::Response,
};

use crate::{
    platform::visit::RequestId,
    texts::Language,
    web::{
        client::Sender,
        guard, pages,
        problem_kinds::{CROSS_ORIGIN, MISDIRECTED_REQUEST, NOT_FOUND},
        reply::{Explained, is_for_a_person, language, problem, problem_details},
        state::AppState,
        viewer::Viewer,
    },
};

/// The reader of an answer: a person or a program.
pub(crate) struct Audience {
    /// `None`: a program.
    person: Option<Person>,
    request_id: RequestId,
}

struct Person {
    language: Language,
    /// What may show who it is.
    credentials: HeaderMap,
    /// The page that was asked for, to try again. `None`: it was a form.
    page: Option<Uri>,
}

impl Audience {
    pub(crate) fn of(state: &AppState, request: &Request) -> Self {
        let path = request.extensions().get::<MatchedPath>();
        let sender = request.extensions().get::<Sender>();
        let door = path.and_then(|path| state.routes.door(path.as_str()));
        Self {
            person: is_for_a_person(door, request.headers()).then(|| Person {
                language: language(state, request.headers()),
                credentials: [header::COOKIE, header::AUTHORIZATION]
                    .into_iter()
                    .filter_map(|name| Some((name.clone(), request.headers().get(name)?.clone())))
                    .collect(),
                page: (request.method() == Method::GET).then(|| request.uri().clone()),
            }),
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
    let body = match &audience.person {
        Some(person) => {
            // While the server can't answer, it isn't asked for more; and nothing is done for another
            // site.
            let is_asked = !problem.kind.status.is_server_error()
                && ![CROSS_ORIGIN, MISDIRECTED_REQUEST].contains(&problem.kind);
            let caller = match is_asked {
                true => guard::signed_in(state, &person.credentials).await,
                false => None,
            };
            let page = person.page.as_ref().and_then(|uri| uri.path_and_query());
            let page = page.map(ToString::to_string);
            // What is not there is not worth coming back to in another language (CS-09).
            let here = page.as_deref().filter(|_| problem.kind != NOT_FOUND);
            let viewer = Viewer { caller, ..Viewer::nobody(person.language, here.unwrap_or("/")) };
            let retry_after = parts.headers.get(header::RETRY_AFTER);
            let seconds = retry_after.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
            let problem = pages::Problem {
                kind: problem.kind,
                request_id: audience.request_id.to_string(),
                seconds,
                page,
            };
            pages::problem_page(state, &viewer, problem).await
        }
        None => problem_details(&problem, &audience.request_id),
    };
    let (body_parts, body) = body.into_parts();
    parts.headers.extend(body_parts.headers);
    Response::from_parts(parts, body)
}
