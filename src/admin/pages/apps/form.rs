//! The form of an app: its fields, read and filled in.

use leptos::prelude::*;

use crate::{
    admin::pages::{people::named, several},
    apps::{Access, App, Definition, definition::Rule},
    domain::Field,
    platform::{clock::seconds, error::Refusal, settings::duration},
    signing::Algorithm,
    texts::{language, t},
    web::{
        form::FormState,
        page::parts::{self, button, select},
        submit::FormCall,
    },
};

/// The fields of a definition, in the order of the form.
const LINES: [(&str, &str); 11] = [
    ("redirect_uris", "admin-several-hint"),
    ("post_logout_redirect_uris", "admin-several-hint"),
    ("backchannel_logout_uri", "admin-backchannel-hint"),
    ("groups", "admin-app-groups-hint"),
    ("host", "admin-host-hint"),
    ("rules", "admin-rules-hint"),
    ("resources", "admin-resources-hint"),
    ("serves", "admin-serves-hint"),
    ("scopes", "admin-scopes-hint"),
    ("longest_session", "admin-longest-hint"),
    ("jwks_uri", "admin-jwks-hint"),
];

const FLAGS: [&str; 5] = ["public", "third_party", "device", "client_credentials", "insecure_http"];

pub(super) const KEEPS: &[&str] = &[
    "name",
    "client_id",
    "redirect_uris",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "groups",
    "host",
    "rules",
    "resources",
    "serves",
    "scopes",
    "longest_session",
    "jwks_uri",
    "id_token_alg",
    "public",
    "third_party",
    "device",
    "client_credentials",
    "insecure_http",
];

/// A definition as the form has it. The form has no field for `jwks`.
pub(super) fn read(call: &FormCall) -> Result<Definition, Refusal> {
    let text = |name: &str| call.sent(name).unwrap_or_default().trim().to_owned();
    let one = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
    let list = |name: &str| several(&text(name));
    let flag = |name: &str| call.field(name).is_some();
    let bad = |words: String| Refusal::InvalidDefinition(vec![words]);
    let longest = match one("longest_session") {
        None => None,
        Some(span) => {
            let span = duration(&span).map_err(|why| bad(format!("longest session: {why}")))?;
            Some(seconds(span))
        }
    };
    let rules = list("rules").iter().map(|text| rule(text)).collect::<Result<Vec<_>, _>>();
    Ok(Definition {
        redirect_uris: list("redirect_uris"),
        post_logout_redirect_uris: list("post_logout_redirect_uris"),
        backchannel_logout_uri: one("backchannel_logout_uri"),
        host: one("host"),
        public: flag("public"),
        jwks_uri: one("jwks_uri"),
        device: flag("device"),
        client_credentials: flag("client_credentials"),
        scopes: list("scopes"),
        third_party: flag("third_party"),
        groups: named(&text("groups"))?,
        resources: list("resources"),
        serves: list("serves"),
        id_token_alg: Algorithm::parse(&one("id_token_alg").unwrap_or("RS256".to_owned()))
            .map_err(bad)?,
        longest_session: longest,
        insecure_http: flag("insecure_http"),
        rules: rules.map_err(bad)?,
        ..Definition::default()
    })
}

/// A rule as one types it: `/public=everybody`, `/admin=group:editors+admins`.
fn rule(text: &str) -> Result<Rule, String> {
    let wrong =
        || format!("rule {text}: must be PATH=everybody, PATH=signed-in or PATH=group:NAME+NAME");
    let (path, who) = text.split_once('=').ok_or_else(wrong)?;
    let access = match who.split_once(':') {
        None if who == "everybody" => Access::Everybody,
        None if who == "signed-in" => Access::SignedIn,
        Some(("group", groups)) => Access::Groups(groups.split('+').map(str::to_owned).collect()),
        _ => return Err(wrong()),
    };
    Ok(Rule { path: path.to_owned(), access })
}

fn rule_text(rule: &Rule) -> String {
    let who = match &rule.access {
        Access::Everybody => "everybody".to_owned(),
        Access::SignedIn => "signed-in".to_owned(),
        Access::Groups(groups) => format!("group:{}", groups.join("+")),
    };
    format!("{}={who}", rule.path)
}

/// The form filled in with what an app is.
pub(super) fn filled(form: FormState, app: &App) -> FormState {
    let known = &app.definition;
    let rules: Vec<String> = known.rules.iter().map(rule_text).collect();
    let longest = known.longest_session.map(|seconds| format!("{seconds}s")).unwrap_or_default();
    let one = |text: &Option<String>| text.clone().unwrap_or_default();
    let lines = [
        ("name", app.name.clone()),
        ("client_id", app.id.clone()),
        ("redirect_uris", known.redirect_uris.join(" ")),
        ("post_logout_redirect_uris", known.post_logout_redirect_uris.join(" ")),
        ("backchannel_logout_uri", one(&known.backchannel_logout_uri)),
        ("groups", known.groups.join(" ")),
        ("host", one(&known.host)),
        ("rules", rules.join(" ")),
        ("resources", known.resources.join(" ")),
        ("serves", known.serves.join(" ")),
        ("scopes", known.scopes.join(" ")),
        ("longest_session", longest),
        ("jwks_uri", one(&known.jwks_uri)),
        ("id_token_alg", known.id_token_alg.word().to_owned()),
    ];
    let flags = [
        ("public", known.public),
        ("third_party", known.third_party),
        ("device", known.device),
        ("client_credentials", known.client_credentials),
        ("insecure_http", known.insecure_http),
    ];
    let form = lines.iter().fold(form, |form, (name, value)| form.with(name, value));
    flags.iter().fold(form, |form, (name, on)| form.with(name, if *on { "yes" } else { "" }))
}

/// The fields of the form. The rarer ones are behind a line.
pub(super) fn fields(form: &FormState, id: Option<AnyView>, words: String) -> Vec<AnyView> {
    let line = |(name, hint): (&'static str, &'static str)| {
        parts::line(form, Field::named(name), Some(language().text(hint)))
    };
    let flag = |name: &'static str| {
        let hint = language().text(&format!("admin-{}-hint", name.replace('_', "-")));
        parts::checkbox(form, name, language().text(&format!("field-{name}")), Some(hint))
    };
    let is_set = |name: &&str| !form.value(name).is_empty();
    let rare = LINES[4..].iter().map(|(name, _)| *name).chain([
        "device",
        "client_credentials",
        "insecure_http",
    ]);
    let open = rare.clone().any(|name| is_set(&name)) || form.value("id_token_alg") == "ES256";
    let algorithms = ["RS256", "ES256"].map(|word| (word.to_owned(), word.to_owned())).into();
    let alg = form.value("id_token_alg");
    let more = view! {
        <details class="dialog" open=open>
            <summary>{t("admin-app-more")}</summary>
            <div>
                {LINES[4..].iter().map(|known| line(*known)).collect::<Vec<_>>()}
                {select("id_token_alg", t("field-id_token_alg"), if alg.is_empty() { "RS256" } else { alg }, algorithms)}
                {FLAGS[2..].iter().map(|name| flag(name)).collect::<Vec<_>>()}
            </div>
        </details>
    };
    let mut all = vec![parts::line(form, Field::NAME, Some(t("admin-app-name-hint")))];
    all.extend(id);
    all.extend(LINES[..4].iter().map(|known| line(*known)));
    all.extend(FLAGS[..2].iter().map(|name| flag(name)));
    all.push(more.into_any());
    all.push(button(words));
    all
}
