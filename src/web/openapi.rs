//! The OpenAPI 3.1 document, built from the annotations in the rooms' `json.rs`.

use axum::{
    Extension,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use utoipa::{
    OpenApi,
    openapi::{
        Components, Contact, Content, Header, OpenApi as Document, Ref, RefOr, ResponseBuilder,
        Schema, Server,
        path::{Operation, Parameter},
        schema::{ObjectBuilder, SchemaType, Type},
        security::{
            ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
        },
    },
};

use super::{
    cookies::Cookies,
    reply::ProblemDetails,
    routes::{Door, Map, Policy},
    sending::OneCopy,
    state::AppState,
};
use crate::{
    domain::{PasswordPolicy, profile::FIELDS},
    platform::public_url::PublicUrl,
};

pub(crate) fn routes(map: &mut Map) {
    map.get(Door::Json, Policy::Public, "/openapi.json", serve);
}

/// The head of the document. The routes are described by the rooms.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Latchkey",
        description = "Accounts for your app: sign-up, sign-in and profile. \
                       Every error is a problem details object (RFC 9457)."
    ),
    components(schemas(ProblemDetails)),
    tags(
        (name = "accounts", description = "Sign-up and sign-in"),
        (name = "your account", description = "Your account"),
        (name = "second factors", description = "Second factors"),
        (name = "administration", description = "For administrators, and for programs with an API key"),
        (name = "operations", description = "Health checks"),
    )
)]
struct Api;

/// The answers that the layers in front of the doors may give on any route.
const OF_THE_LAYERS: [(&str, &str); 5] = [
    ("408", "`request-timeout`"),
    ("413", "`content-too-large`"),
    ("421", "`misdirected-request`"),
    ("500", "`internal`"),
    ("503", "`unavailable`: try again after `Retry-After` seconds"),
];

/// The document of this server, with its own address and the name of its cookie.
#[must_use]
pub fn document(
    map: &Map,
    public_url: &PublicUrl,
    cookies: &Cookies,
    policy: PasswordPolicy,
) -> Document {
    let mut document = Api::openapi();
    map.describe(&mut document);
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    // On this machine, the address is the one the reader used.
    let server = if public_url.is_loopback() { "/".to_owned() } else { public_url.origin() };
    document.servers = Some(vec![Server::new(server)]);
    let contact = Contact::builder().name(Some("The operator of this server")).build();
    document.info.contact = Some(contact);

    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme("accessToken", SecurityScheme::Http(bearer));
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("lk_…").build();
    components.add_security_scheme("apiKey", SecurityScheme::Http(key));
    let cookie = ApiKey::Cookie(ApiKeyValue::new(cookies.session_name()));
    components.add_security_scheme("sessionCookie", SecurityScheme::ApiKey(cookie));

    for (name, required) in WITH_PROFILE {
        add_profile(components, name, required);
    }
    for (body, field) in [("SignUpBody", "password"), ("PasswordBody", "newPassword")] {
        set_min_length(components, body, field, policy.min_length);
    }
    for (path, item) in &mut document.paths.paths {
        let writes = [&mut item.post, &mut item.put, &mut item.patch, &mut item.delete]
            .into_iter()
            .flatten();
        let methods = item.get.iter_mut().map(|read| (read, false));
        for (operation, writes) in methods.chain(writes.map(|write| (write, true))) {
            let closed = operation.security.is_some();
            // Without this, a tool may assume that the route is closed.
            tell_scope(operation);
            operation.security.get_or_insert_default();
            let mut statuses = OF_THE_LAYERS.to_vec();
            if closed {
                statuses.push(("401", "`unauthorized`"));
            }
            let is_of_admin = path.starts_with("/admin/api/");
            match (is_of_admin, writes) {
                (true, _) => {
                    statuses.push(("403", "`insufficient-scope` or `cross-origin`"));
                    statuses.push((
                        "404",
                        "`not-found`, also for everybody who isn't an administrator",
                    ));
                }
                (false, true) => statuses.push(("403", "`cross-origin`")),
                (false, false) => {}
            }
            let is_key = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(it) if it.name == "Idempotency-Key");
            if operation.parameters.iter().flatten().any(is_key) {
                statuses.push(("409", "`idempotency-key-in-use`"));
                statuses.push(("422", "`idempotency-key-reused`"));
            }
            if operation.request_body.is_some() {
                statuses.push(("415", "`unsupported-media-type`"));
            }
            // Everything that is recorded is rate-limited.
            if writes || is_of_admin || path == "/user/data" {
                statuses.push(("429", "`too-many-tries`: try again after `Retry-After` seconds"));
            }
            let responses = &mut operation.responses.responses;
            for (status, description) in statuses {
                if responses.contains_key(status) {
                    continue;
                }
                let problem = Content::new(Some(Ref::from_schema_name("Problem")));
                let response = ResponseBuilder::new()
                    .description(description)
                    .content("application/problem+json", problem)
                    .build();
                responses.insert(status.to_owned(), response.into());
            }
            for (status, header, kind) in [
                ("401", "WWW-Authenticate", Type::String),
                ("429", "Retry-After", Type::Integer),
                ("503", "Retry-After", Type::Integer),
            ] {
                if let Some(RefOr::T(response)) = responses.get_mut(status) {
                    let schema = ObjectBuilder::new().schema_type(kind).build();
                    response.headers.insert(header.to_owned(), Header::new(schema).into());
                }
            }
        }
    }
    document
}

/// Says in words which scope an API key needs. Only OAuth has a place for it in the document.
fn tell_scope(operation: &mut Operation) {
    let Some(security) = &mut operation.security else { return };
    for requirement in security {
        let scopes = serde_json::to_value(&*requirement).unwrap_or_default();
        let Some(scope) = scopes["apiKey"][0].as_str() else { continue };
        let words = format!("An API key needs the scope `{scope}`.");
        let description = operation.description.take();
        let description = description.filter(|text| !text.is_empty());
        operation.description =
            Some(description.map_or(words.clone(), |text| format!("{text}\n\n{words}")));
        *requirement = SecurityRequirement::new("apiKey", Vec::<String>::new());
    }
}

/// The schemas that contain the fields of the profile, and whether all of them are required.
const WITH_PROFILE: [(&str, Members); 9] = [
    ("User", Members::Always),
    ("WholeAccount", Members::Always),
    ("Account", Members::Always),
    ("SignedInAccount", Members::Always),
    ("PersonalData", Members::Always),
    ("SignUpBody", Members::IfRequired),
    ("ProfileBody", Members::IfRequired),
    ("NewUserBody", Members::IfRequired),
    ("UserBody", Members::Never),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Members {
    Always,
    IfRequired,
    Never,
}

fn add_profile(components: &mut Components, name: &str, members: Members) {
    let Some(RefOr::T(Schema::Object(schema))) = components.schemas.get_mut(name) else { return };
    for field in FIELDS {
        let name = field.field.name();
        let mut value =
            ObjectBuilder::new().description(Some(field.description)).examples([field.example]);
        value = if field.required {
            value.schema_type(Type::String).min_length(Some(1))
        } else {
            value.schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        };
        schema.properties.insert(name.to_owned(), value.build().into());
        let is_required = match members {
            Members::Always => true,
            Members::IfRequired => field.required,
            Members::Never => false,
        };
        if is_required {
            schema.required.push(name.to_owned());
        }
    }
}

/// Replaces the loosest minimum that can be set with the server's own.
fn set_min_length(components: &mut Components, body: &str, field: &str, length: usize) {
    let Some(RefOr::T(Schema::Object(body))) = components.schemas.get_mut(body) else { return };
    if let Some(RefOr::T(Schema::Object(field))) = body.properties.get_mut(field) {
        field.min_length = Some(length);
    }
}

/// The document as it is sent. Serialised only once, because it is large.
async fn serve(State(state): State<AppState>) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (Extension(OneCopy), headers, state.openapi_json.clone()).into_response()
}
