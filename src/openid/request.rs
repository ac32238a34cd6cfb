//! The authorization request (OpenID Connect Core 1.0, section 3.1.2.1; RFC 7636; RFC 8707), read and
//! checked.

use std::{collections::HashSet, sync::Arc};

use url::form_urlencoded::{self, Serializer};

use crate::{
    apps::{App, Apps},
    audit::sha256,
};

pub use crate::apps::destination::AUTHORIZE;

/// The parameter that says which step was taken: our own, and not the app's.
pub const STEP: &str = "latchkey_step";

/// Where an app may not be sent back to, so the person learns of it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dead {
    /// There is no such app.
    UnknownApp,
    /// The address is not one of the app's.
    WrongRedirect,
    /// The description of an app that nobody has registered can't be used.
    Unreadable,
    /// The app has pushed the request too long ago, or it was used.
    Over,
}

/// Why a request can't be answered as it wishes.
#[derive(Debug)]
pub enum Bad {
    /// Nobody is sent anywhere.
    Here(Dead),
    /// The app is told.
    Back(Told),
}

/// An error that an app is told.
#[derive(Debug)]
pub struct Told {
    /// The address to go back to.
    pub to: String,
    pub error: &'static str,
    pub why: &'static str,
}

/// What the app wants people to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    None,
    Login,
    Consent,
    SelectAccount,
    Create,
}

impl Prompt {
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::None, "none"),
        (Self::Login, "login"),
        (Self::Consent, "consent"),
        (Self::SelectAccount, "select_account"),
        (Self::Create, "create"),
    ];
}

/// A good authorization request.
#[derive(Clone, Debug)]
pub struct Request {
    pub app: Arc<App>,
    pub redirect_uri: String,
    pub state: Option<String>,
    /// Those of the scopes asked for that mean something here, with spaces between.
    pub scope: String,
    pub nonce: Option<String>,
    /// S256 of the verifier (RFC 7636).
    pub code_challenge: String,
    pub prompts: Vec<Prompt>,
    pub max_age: Option<i64>,
    /// Whether one of the classes it wishes for needs a second factor, and none does without.
    pub wants_second_factor: bool,
    pub id_token_hint: Option<String>,
    pub ui_locales: Option<String>,
    /// The audience of the access token (RFC 8707). Empty: this server.
    pub resource: String,
    /// The step that was taken, sealed.
    pub step: Option<String>,
    /// The request as a query, without the step.
    query: String,
    /// Stands for a request that the app has pushed.
    pub pushed: Option<String>,
}

/// The parameters of a query or a form. An empty one counts as left out (RFC 6749, section 3.1).
pub struct Params(Vec<(String, String)>);

/// A parameter that is there twice.
#[derive(Debug)]
pub struct Twice;

impl Params {
    #[must_use]
    pub fn read(text: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(text).into_owned();
        Self(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }

    pub fn get(&self, name: &str) -> Result<Option<&str>, Twice> {
        let mut values = self.0.iter().filter(|(known, _)| known == name);
        match (values.next(), values.next()) {
            (Some(_), Some(_)) => Err(Twice),
            (first, _) => Ok(first.map(|(_, value)| value.as_str())),
        }
    }

    /// The same for a parameter of which nothing depends on whether it is there twice.
    #[must_use]
    pub fn hint(&self, name: &str) -> Option<&str> {
        self.get(name).ok().flatten()
    }

    fn without(&self, name: &str) -> String {
        let mut query = Serializer::new(String::new());
        for (known, value) in self.0.iter().filter(|(known, _)| known != name) {
            query.append_pair(known, value);
        }
        query.finish()
    }

    /// Those of a request of this app, without what proves that it is its own.
    #[must_use]
    pub fn of_request(&self, app: &str) -> Self {
        const PROOFS: [&str; 4] =
            ["client_id", "client_secret", "client_assertion", "client_assertion_type"];
        let own = [("client_id".to_owned(), app.to_owned())].into_iter();
        let others = self.0.iter().filter(|(name, _)| !PROOFS.contains(&&**name)).cloned();
        Self(own.chain(others).collect())
    }

    fn has_twice(&self) -> bool {
        let mut seen = HashSet::new();
        !self.0.iter().all(|(name, _)| seen.insert(name))
    }
}

/// An address of an app with more parameters.
#[must_use]
pub fn with_params(uri: &str, params: &[(&str, Option<&str>)]) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in params {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    let join = match uri.split_once('?') {
        _ if query.is_empty() => "",
        Some((_, "")) => "",
        Some((_, known)) if known.ends_with('&') => "",
        Some(_) => "&",
        None => "?",
    };
    format!("{uri}{join}{query}")
}

/// The scope of refresh tokens.
const OFFLINE: &str = "offline_access";

/// The longest value that we keep for the app, in bytes.
const MAX_KEPT: usize = 1024;

impl Request {
    /// Reads a request of this app. `apps`: all of them, for the audiences. `issuer`: our own, for the answer.
    pub fn read(
        params: &Params,
        app: Option<Arc<App>>,
        apps: &Apps,
        issuer: &str,
    ) -> Result<Self, Bad> {
        // First: who asks, and where the answer goes.
        let app = app.filter(|app| params.hint("client_id") == Some(&*app.id));
        let app = app.ok_or(Bad::Here(Dead::UnknownApp))?;
        let redirect_uri = params.get("redirect_uri").ok().flatten().unwrap_or_default();
        if !app.allows_redirect(redirect_uri) {
            return Err(Bad::Here(Dead::WrongRedirect));
        }
        let state = params.hint("state");
        let back = |error: &'static str, why: &'static str| {
            Bad::Back(Told { to: refusal(redirect_uri, state, issuer, error, why), error, why })
        };
        // `resource` may be repeated (RFC 8707, section 2), but a token of ours has one audience.
        if params.has_twice() {
            return Err(back("invalid_request", "A parameter is there twice."));
        }
        let get = |name: &str| params.hint(name);
        if get("request").is_some() {
            return Err(back("request_not_supported", "Request objects are not supported."));
        }
        if get("request_uri").is_some() {
            return Err(back("request_uri_not_supported", "The request_uri is not one of ours."));
        }
        match get("response_type") {
            Some("code") => {}
            None => return Err(back("invalid_request", "response_type is missing.")),
            Some(_) => {
                return Err(back("unsupported_response_type", "response_type must be code."));
            }
        }
        if get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(back("invalid_request", "response_mode must be query."));
        }
        let code_challenge = match (get("code_challenge"), get("code_challenge_method")) {
            (None, _) => {
                return Err(back(
                    "invalid_request",
                    "code_challenge is missing: PKCE is required.",
                ));
            }
            (Some(challenge), Some("S256")) if is_s256(challenge) => challenge.to_owned(),
            (Some(_), Some("S256")) => {
                return Err(back("invalid_request", "code_challenge is no S256 challenge."));
            }
            _ => return Err(back("invalid_request", "code_challenge_method must be S256.")),
        };
        let prompts = read_prompts(get("prompt").unwrap_or_default()).ok_or_else(|| {
            back("invalid_request", "prompt is not known, or contradicts itself.")
        })?;
        let max_age = match get("max_age").map(str::parse::<i64>) {
            None => None,
            Some(Ok(age)) if age >= 0 => Some(age),
            Some(_) => return Err(back("invalid_request", "max_age must be a number of seconds.")),
        };
        if [state, get("nonce")].into_iter().flatten().any(|text| text.len() > MAX_KEPT) {
            return Err(back("invalid_request", "state or nonce is too long."));
        }
        let Some(resource) = apps.audience(&app, get("resource").unwrap_or_default()) else {
            return Err(back("invalid_target", "The app may not ask for this resource."));
        };
        let resource = &*resource;
        let asked = get("scope").unwrap_or_default();
        let mut known = apps.known_scopes(asked, resource);
        // The tools of AI agents stay connected, and few of them know the word for it.
        if app.is_dynamic() && !resource.is_empty() && !known.iter().any(|word| word == OFFLINE) {
            known.push(OFFLINE.to_owned());
        }
        if known.is_empty() && resource.is_empty() {
            return Err(back("invalid_scope", "scope names nothing that is known here."));
        }
        let acrs: Vec<&str> = get("acr_values").unwrap_or_default().split(' ').collect();
        Ok(Self {
            redirect_uri: redirect_uri.to_owned(),
            state: state.map(str::to_owned),
            scope: known.join(" "),
            nonce: get("nonce").map(str::to_owned),
            code_challenge,
            max_age: [max_age, app.definition.longest_session].into_iter().flatten().min(),
            prompts,
            wants_second_factor: acrs.contains(&"aal2") && !acrs.contains(&"aal1"),
            id_token_hint: get("id_token_hint").map(str::to_owned),
            ui_locales: get("ui_locales").map(str::to_owned),
            resource: resource.to_owned(),
            step: get(STEP).map(str::to_owned),
            query: params.without(STEP),
            pushed: None,
            app,
        })
    }

    /// As a query.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }

    /// The same request, which the app has pushed. `named`: the query that names it. `hash`: of the request.
    #[must_use]
    pub fn as_pushed(self, named: &Params, hash: String) -> Self {
        let step = named.hint(STEP).map(str::to_owned);
        let mut query = Serializer::new(String::new());
        for name in ["client_id", "request_uri"] {
            query.append_pair(name, named.hint(name).unwrap_or_default());
        }
        Self { query: query.finish(), step, pushed: Some(hash), ..self }
    }

    #[must_use]
    pub fn asks(&self, prompt: Prompt) -> bool {
        self.prompts.contains(&prompt)
    }

    /// All that the person must agree to: the scope, and the resource, as one more word.
    #[must_use]
    pub fn wish(&self) -> String {
        super::united(&self.scope, &self.resource)
    }

    /// The address of this request, with the step that was taken.
    #[must_use]
    pub fn address(&self, step: Option<&str>) -> String {
        let query = &self.query;
        match step {
            Some(step) => format!("{AUTHORIZE}?{query}&{STEP}={step}"),
            None => format!("{AUTHORIZE}?{query}"),
        }
    }

    /// Stands for the request in what is sealed.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256(&self.query)
    }

    /// The address that tells the app of an error.
    #[must_use]
    pub fn refused(&self, issuer: &str, error: &str, why: &str) -> String {
        refusal(&self.redirect_uri, self.state.as_deref(), issuer, error, why)
    }
}

/// `iss` is in every answer (RFC 9207).
fn refusal(uri: &str, state: Option<&str>, issuer: &str, error: &str, why: &str) -> String {
    let params = [
        ("error", Some(error)),
        ("error_description", Some(why)),
        ("state", state),
        ("iss", Some(issuer)),
    ];
    with_params(uri, &params)
}

/// A SHA-256 in base64url.
fn is_s256(challenge: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    challenge.len() == 43 && challenge.bytes().all(is_good)
}

fn read_prompts(text: &str) -> Option<Vec<Prompt>> {
    let read = |word: &str| {
        let known = Prompt::ALL.iter().find(|(_, known)| *known == word);
        known.map(|(prompt, _)| *prompt)
    };
    let prompts: Vec<Prompt> = super::words(text).map(read).collect::<Option<_>>()?;
    (prompts.len() < 2 || !prompts.contains(&Prompt::None)).then_some(prompts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_added_to_an_address_with_its_own() {
        let add = |uri| with_params(uri, &[("code", Some("a b")), ("state", None)]);
        assert_eq!(add("https://app/cb"), "https://app/cb?code=a+b");
        assert_eq!(add("https://app/cb?x=y"), "https://app/cb?x=y&code=a+b");
        assert_eq!(add("https://app/cb?"), "https://app/cb?code=a+b");
        assert_eq!(with_params("https://app/cb", &[]), "https://app/cb");
    }

    #[test]
    fn none_stands_alone() {
        assert_eq!(read_prompts(""), Some(vec![]));
        assert_eq!(read_prompts("login consent"), Some(vec![Prompt::Login, Prompt::Consent]));
        assert_eq!(read_prompts("none login"), None);
        assert_eq!(read_prompts("magic"), None);
    }

    proptest! {
        #[test]
        fn any_query_is_read_without_a_panic_and_leads_nowhere_unknown(query in "\\PC{0,200}") {
            let params = Params::read(query.as_bytes());
            let read = Request::read(&params, None, &Apps::default(), "https://issuer.example");
            prop_assert!(matches!(read, Err(Bad::Here(Dead::UnknownApp))));
        }
    }
}
