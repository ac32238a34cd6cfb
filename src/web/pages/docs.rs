//! The OpenAPI document as a page, rendered entirely on the server, so that it loads nothing from
//! elsewhere and needs no script.

use leptos::prelude::*;
use serde_json::Value;

pub(in crate::web::pages) fn page(document: &Value) -> impl IntoView + use<> {
    let operations = members(&document["paths"])
        .flat_map(|(path, item)| {
            members(item).map(move |(method, operation)| operation_view(path, method, operation))
        })
        .collect::<Vec<_>>();
    let schemas = members(&document["components"]["schemas"])
        .map(|(name, schema)| schema_view(name, schema))
        .collect::<Vec<_>>();
    view! {
        <article class="docs" lang="en">
            <h1>"JSON routes"</h1>
            <p class="lead">{text(&document["info"]["description"])}</p>
            <p>
                "The same as an OpenAPI 3.1 document: " <a href="/openapi.json">"openapi.json"</a>
                ". A caller shows " <code>"Authorization: Bearer ACCESS_TOKEN"</code>
                " or the session cookie."
            </p>
            {operations}
            <h2>"Bodies"</h2>
            {schemas}
        </article>
    }
}

fn operation_view(path: &str, method: &str, operation: &Value) -> impl IntoView + use<> {
    let rows = members(&operation["responses"])
        .map(|(status, response)| {
            let body = members(&response["content"]).next().map(|(_, body)| link(&body["schema"]));
            view! {
                <tr>
                    <td><code>{status.to_owned()}</code></td>
                    <td>{prose(&response["description"])}</td>
                    <td>{body}</td>
                </tr>
            }
        })
        .collect::<Vec<_>>();
    let request = &operation["requestBody"]["content"]["application/json"]["schema"];
    let takes = (!request.is_null()).then(|| view! { <p>"Takes " {link(request)} "."</p> });
    let closed =
        (!operation["security"].is_null()).then(|| view! { <p>"For those who are signed in."</p> });
    let description = (!operation["description"].is_null())
        .then(|| view! { <p>{prose(&operation["description"])}</p> });
    let id = text(&operation["operationId"]);
    view! {
        <section class="card" aria-labelledby=id.clone()>
            <h2 id=id.clone()><code>{method.to_uppercase()} " " {path.to_owned()}</code></h2>
            <p>{prose(&operation["summary"])} "."</p>
            {description}
            {closed}
            {takes}
            {table(["Status", "Meaning", "Body"], rows)}
        </section>
    }
}

fn schema_view(name: &str, schema: &Value) -> impl IntoView + use<> {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let rows = members(&schema["properties"])
        .map(|(member, schema)| {
            let optional = (!required.contains(&member)).then_some(", optional");
            view! {
                <tr>
                    <td><code>{member.to_owned()}</code></td>
                    <td>{text(&schema["type"])} {optional}</td>
                    <td>{prose(&schema["description"])}</td>
                </tr>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <section class="card" aria-labelledby=name.to_owned()>
            <h3 id=name.to_owned()><code>{name.to_owned()}</code></h3>
            {table(["Member", "Type", "Meaning"], rows)}
        </section>
    }
}

fn table<V: IntoView + 'static>(heads: [&'static str; 3], rows: Vec<V>) -> impl IntoView + use<V> {
    let heads = heads.map(|head| view! { <th scope="col">{head}</th> }).to_vec();
    view! {
        <table>
            <thead><tr>{heads}</tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

/// A link to the schema that `$ref` names.
fn link(schema: &Value) -> impl IntoView + use<> {
    let name = text(&schema["$ref"]).rsplit('/').next().unwrap_or_default().to_owned();
    view! { <a href=format!("#{name}")><code>{name.clone()}</code></a> }
}

/// Text in which `backticks` mark code.
fn prose(value: &Value) -> Vec<AnyView> {
    text(value)
        .split('`')
        .enumerate()
        .map(|(index, part)| {
            let part = part.to_owned();
            if index % 2 == 1 { view! { <code>{part}</code> }.into_any() } else { part.into_any() }
        })
        .collect()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
