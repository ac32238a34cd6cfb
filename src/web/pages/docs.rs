//! The OpenAPI document as a page, rendered entirely on the server, so that it loads nothing from
//! elsewhere. Only copying code needs a script.

use std::{fmt::Write, sync::LazyLock};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Extension,
    body::{Bytes, to_bytes},
    extract::State,
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use leptos::prelude::*;
use serde_json::{Map, Value, json};

use crate::{
    platform::{
        error::{Error, Fault, Result},
        settings,
    },
    texts::{Language, language, t},
    web::{
        headers::page_policy,
        page::{Around, Frame, parts::code, shell::COPY_SCRIPT},
        problem_kinds::KINDS,
        sending::OneCopy,
        state::AppState,
        viewer::{Viewer, render},
    },
};

/// For strangers, rendered once per language, because it is large and the same for all of them. So a
/// crowd that requests it without reading it takes no more memory than one client.
pub(super) async fn page(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    if viewer.caller.is_some() {
        return render_docs(&state, &viewer).await;
    }
    let viewer = Viewer::nobody(viewer.language, "/docs");
    let page = async || {
        let page = render_docs(&state, &viewer).await?;
        let page = to_bytes(page.into_body(), usize::MAX).await.map_err(Fault::internal)?;
        let page = std::str::from_utf8(&page).map_err(Fault::internal)?;
        Ok::<_, Error>(Bytes::from(with_one_script(page)))
    };
    let page = state.docs[viewer.language.index()].get_or_try_init(page).await?.clone();
    let policy = page_policy(&SCRIPT_SOURCE, settings::reloads());
    let policy = HeaderValue::try_from(policy).map_err(Fault::internal)?;
    Ok((Extension(OneCopy), [(header::CONTENT_SECURITY_POLICY, policy)], Html(page))
        .into_response())
}

/// The script that copies code, as a policy names it: by its hash.
static SCRIPT_SOURCE: LazyLock<String> = LazyLock::new(|| {
    let hash = digest(&SHA256, COPY_SCRIPT.as_bytes());
    format!("'sha256-{}'", STANDARD.encode(hash))
});

async fn render_docs(state: &AppState, viewer: &Viewer) -> Result<Response> {
    let document = serde_json::to_value(&state.openapi).map_err(Fault::internal)?;
    let server = state.public_url.origin();
    let around = Around::of("json-routes").framed(Frame::Docs).with_code();
    render(state, viewer, around, move || docs_view(&document, &server)).await
}

/// Leaves only the script that copies code. A nonce belongs to a single answer, so a page that is
/// reused can't have one; the policy names this script by its hash.
fn with_one_script(page: &str) -> String {
    let mut parts = page.split("<script");
    let first = parts.next().unwrap_or_default().to_owned();
    let behind = parts.map(|part| part.split_once("</script>").map_or("", |(_, rest)| rest));
    let page = behind.fold(first, |page, rest| page + rest);
    page.replacen("</head>", &format!("<script type=\"module\">{COPY_SCRIPT}</script></head>"), 1)
}

fn docs_view(document: &Value, server: &str) -> impl IntoView + use<> {
    let operations: Vec<Operation<'_>> = members(&document["paths"])
        .flat_map(|(path, item)| {
            members(item).map(move |(method, of)| Operation { path, method, of })
        })
        .collect();
    let tags = document["tags"].as_array().into_iter().flatten();
    let groups: Vec<Group<'_>> = tags
        .map(|tag| {
            let is_in = |operation: &&Operation<'_>| operation.of["tags"][0] == tag["name"];
            let id = text(&tag["name"]).replace(' ', "-");
            let title = text(&tag["description"]);
            Group { id, title, operations: operations.iter().filter(is_in).collect() }
        })
        .collect();
    let contents: Vec<_> = groups.iter().map(Group::contents).collect();
    let groups: Vec<_> = groups.iter().map(|group| group.view(document, server)).collect();
    let only_english = (language() != Language::English)
        .then(|| view! { <p class="notice warn" lang=language().tag()>{t("docs-in-english")}</p> });
    let base = format!(
        "TOKEN=$(curl -s {server}/auth/signin -H 'Content-Type: application/json' \\\n  \
         -d '{{\"username\": \"alice\", \"password\": \"…\"}}' | jq -r .accessToken)\n\
         curl {server}/user/profile -H \"Authorization: Bearer $TOKEN\""
    );
    view! {
        <nav class="side" aria-label=t("docs-contents")>
            <ul lang="en">
                {contents}
                <li><a href="#errors">"Errors"</a></li>
            </ul>
        </nav>
        <main id="main" tabindex="-1" lang="en">
            {only_english}
            <div class="page-head">
                <h1>"API"</h1>
                <p>
                    {text(&document["info"]["description"])}
                    " Also as an OpenAPI 3.1 document: " <a href="/openapi.json">"openapi.json"</a> "."
                </p>
            </div>
            <section class="card">
                <p>
                    "Sign in, then send the access token with each request, or let the browser send \
                     its session cookie. Bodies are JSON."
                </p>
                {code(base)}
            </section>
            {groups}
            {errors_view()}
        </main>
    }
}

/// The operations with one tag.
struct Group<'a> {
    id: String,
    title: String,
    operations: Vec<&'a Operation<'a>>,
}

impl Group<'_> {
    fn contents(&self) -> AnyView {
        let links = self.operations.iter().map(|operation| {
            let href = format!("#{}", text(&operation.of["operationId"]));
            view! { <li><a href=href>{text(&operation.of["summary"])}</a></li> }
        });
        view! {
            <li>
                <a href=format!("#{}", self.id)>{self.title.clone()}</a>
                <ul>{links.collect::<Vec<_>>()}</ul>
            </li>
        }
        .into_any()
    }

    fn view(&self, document: &Value, server: &str) -> AnyView {
        let operations = self.operations.iter().map(|operation| operation.view(document, server));
        view! {
            <section id=self.id.clone()>
                <h2>{self.title.clone()}</h2>
                <div class="card operations">{operations.collect::<Vec<_>>()}</div>
            </section>
        }
        .into_any()
    }
}

struct Operation<'a> {
    path: &'a str,
    method: &'a str,
    of: &'a Value,
}

impl Operation<'_> {
    fn view(&self, document: &Value, server: &str) -> AnyView {
        let Self { path, method, of } = self;
        let is_closed = of["security"].as_array().is_some_and(|ways| !ways.is_empty());
        let closed =
            is_closed.then(|| view! { <span class="hint">"Requires authentication"</span> });
        let description =
            (!of["description"].is_null()).then(|| view! { <p>{prose(&of["description"])}</p> });
        let id = text(&of["operationId"]);
        let class = format!("method {method}");
        view! {
            <details class="operation" id=id>
                <summary>
                    <span class=class>{method.to_uppercase()}</span>
                    <h3><code>{(*path).to_owned()}</code></h3>
                    <span>{text(&of["summary"])}</span>
                    {closed}
                </summary>
                <div>
                    {description}
                    {parameters_view(of)}
                    {body_view(of, document)}
                    {code(self.curl(document, server, is_closed))}
                    {responses_view(of, document)}
                </div>
            </details>
        }
        .into_any()
    }

    /// The request as a command.
    fn curl(&self, document: &Value, server: &str, is_closed: bool) -> String {
        let mut command = "curl".to_owned();
        if self.method != "get" {
            _ = write!(command, " -X {}", self.method.to_uppercase());
        }
        // The braces of a parameter mean something to curl and to the shell.
        let quote = if self.path.contains('{') { "'" } else { "" };
        _ = write!(command, " {quote}{server}{}{quote}", self.path);
        if is_closed {
            command += " \\\n  -H \"Authorization: Bearer $TOKEN\"";
        }
        let schema = request_schema(self.of);
        if !schema.is_null() {
            let body = example(document, schema);
            _ = write!(command, " \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'");
        }
        command
    }
}

fn request_schema(operation: &Value) -> &Value {
    &operation["requestBody"]["content"]["application/json"]["schema"]
}

fn parameters_view(operation: &Value) -> Option<AnyView> {
    let parameters = operation["parameters"].as_array()?;
    let rows: Vec<_> = parameters
        .iter()
        .map(|parameter| {
            let place = text(&parameter["in"]);
            row(
                &parameter["name"],
                format!("{}, in the {place}", kind(&parameter["schema"])),
                &parameter["description"],
            )
        })
        .collect();
    Some(table(["Parameter", "Type", "Meaning"], rows))
}

fn body_view(operation: &Value, document: &Value) -> Option<AnyView> {
    let schema = resolve(document, request_schema(operation));
    let required: Vec<&str> =
        schema["required"].as_array()?.iter().filter_map(Value::as_str).collect();
    let rows: Vec<_> = members(&schema["properties"])
        .map(|(name, member)| {
            let optional = if required.contains(&name) { "" } else { ", optional" };
            row(&json!(name), format!("{}{optional}", kind(member)), &member["description"])
        })
        .collect();
    Some(table(["Field", "Type", "Meaning"], rows))
}

/// What it answers, but for the errors that every route may answer with.
fn responses_view(operation: &Value, document: &Value) -> Vec<AnyView> {
    let own = members(&operation["responses"]).filter(|(status, response)| {
        let of_all = KINDS.iter().any(|kind| {
            let starts = format!("`{}`", kind.slug);
            text(&response["description"]).starts_with(&starts)
                && !["400", "401", "404"].contains(status)
        });
        !of_all
    });
    own.map(|(status, response)| {
        let schema = &response["content"]["application/json"]["schema"];
        let body = (!schema.is_null()).then(|| code(pretty(&example(document, schema))));
        view! {
            <div>
                <p><code class="badge">{status.to_owned()}</code> " " {prose(&response["description"])}</p>
                {body}
            </div>
        }
        .into_any()
    })
    .collect()
}

/// Every kind of error, once.
fn errors_view() -> AnyView {
    let rows: Vec<_> = KINDS
        .iter()
        .map(|kind| {
            let href = format!("/problems/{}", kind.slug);
            view! {
                <tr>
                    <td><code>{kind.status.as_u16()}</code></td>
                    <td><a href=href><code>{kind.slug}</code></a></td>
                    <td>{kind.detail(Language::English)} "."</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    view! {
        <section id="errors">
            <h2>"Errors"</h2>
            <div class="card">
                <p>
                    "Every error is a problem details object (RFC 9457): " <code>"type"</code>
                    " ends in one of these words, and " <code>"requestId"</code>
                    " finds it in the log."
                </p>
                <details class="dialog">
                    <summary>"All errors"</summary>
                    {table(["Status", "Type", "Meaning"], rows)}
                </details>
            </div>
        </section>
    }
    .into_any()
}

fn row(name: &Value, kind: String, meaning: &Value) -> AnyView {
    view! {
        <tr>
            <td><code>{text(name)}</code></td>
            <td>{kind}</td>
            <td>{prose(meaning)}</td>
        </tr>
    }
    .into_any()
}

fn table(heads: [&'static str; 3], rows: Vec<AnyView>) -> AnyView {
    let heads = heads.map(|head| view! { <th scope="col">{head}</th> }).to_vec();
    view! {
        <table>
            <thead><tr>{heads}</tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

/// The type of a schema: the first, where `null` is one of several.
fn kind(schema: &Value) -> String {
    match &schema["type"] {
        Value::Array(kinds) => kinds.first().map(text).unwrap_or_default(),
        kind => text(kind),
    }
}

/// The schema that `$ref` names, or the schema itself.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|path| path.strip_prefix('#')) {
        Some(path) => document.pointer(path).unwrap_or(&Value::Null),
        None => schema,
    }
}

/// An example of a schema, made of those of its members.
fn example(document: &Value, schema: &Value) -> Value {
    let schema = resolve(document, schema);
    let given = [&schema["example"], &schema["examples"][0]];
    if let Some(given) = given.into_iter().find(|given| !given.is_null()) {
        return given.clone();
    }
    match (&*kind(schema), schema["format"].as_str()) {
        ("object", _) => {
            let members = members(&schema["properties"]);
            let members = members.map(|(name, of)| (name.to_owned(), example(document, of)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        ("array", _) => json!([example(document, &schema["items"])]),
        ("integer" | "number", _) => json!(1),
        ("boolean", _) => json!(true),
        (_, Some("date-time")) => json!("2026-11-27T14:05:00Z"),
        _ => json!("…"),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Text in which `backticks` mark code, or a kind of problem.
fn prose(value: &Value) -> Vec<AnyView> {
    text(value)
        .split('`')
        .enumerate()
        .map(|(index, part)| {
            let part = part.to_owned();
            match index % 2 {
                0 => part.into_any(),
                _ if KINDS.iter().any(|kind| kind.slug == part) => {
                    let href = format!("/problems/{part}");
                    view! { <a href=href><code>{part}</code></a> }.into_any()
                }
                _ => view! { <code>{part}</code> }.into_any(),
            }
        })
        .collect()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
