//! The commands on apps.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use url::Url;

use super::{Access, App, Apps, Definition, all, definition::Rule, file, recipes, registry};
use crate::{
    audit::Authority,
    platform::{
        clock::{now, rfc3339, seconds},
        settings::duration,
        terminal::{Failure, fail, say, told},
    },
    settings::Settings,
    signing::Algorithm,
    store::cli::{open, open_migrated},
};

#[derive(Subcommand)]
pub(crate) enum AppCommand {
    /// Add an app that people sign in to, and print how to connect it
    Add {
        /// As people see it
        name: String,
        /// Its client_id; by default a random one
        #[arg(long)]
        client_id: Option<String>,
        #[command(flatten)]
        options: AppOptions,
        /// Print the client_id and the client_secret as JSON
        #[arg(long)]
        json: bool,
    },
    /// List the apps
    List {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Show an app, and how to connect it
    Show {
        /// A client_id, or a name
        app: String,
        #[arg(long)]
        json: bool,
    },
    /// Change an app: what is given replaces what there was
    Set {
        /// A client_id, or a name
        app: String,
        /// As people see it
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        options: AppOptions,
    },
    /// Remove an app, and end what it has got
    Remove {
        /// A client_id, or a name
        app: String,
        /// Confirm the removal
        #[arg(long)]
        yes: bool,
    },
    /// Make a new client_secret; the old one stays good for a day
    RotateSecret {
        /// A client_id, or a name
        app: String,
        /// How long the old secret stays good, such as 1h; 0s: it ends now
        #[arg(long, value_parser = overlap, default_value = "24h")]
        overlap: i64,
        #[arg(long)]
        json: bool,
    },
    /// Apply a file of apps, as APPS_FILE is applied at the start
    Apply {
        file: PathBuf,
        /// Only print the differences
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Args)]
pub(crate) struct AppOptions {
    /// Where people are sent back to after signing in; as often as needed
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<String>,
    /// Where they may be sent after signing out
    #[arg(long, value_name = "URI")]
    post_logout_redirect_uri: Vec<String>,
    /// Where the app is told that somebody has signed out
    #[arg(long, value_name = "URI")]
    backchannel_logout_uri: Option<String>,
    /// The origin of an app behind a reverse proxy: scheme, host and port
    #[arg(long, value_name = "ORIGIN")]
    host: Option<String>,
    /// The app can keep no secret: it runs in browsers or on devices
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    public: Option<bool>,
    /// Its public keys, instead of a secret (private_key_jwt): a file with a JWK Set
    #[arg(long, value_parser = jwks, value_name = "FILE")]
    jwks: Option<OrNone<serde_json::Value>>,
    /// Where the app publishes its public keys, instead of a secret
    #[arg(long, value_name = "URI")]
    jwks_uri: Option<String>,
    /// The app signs people in on devices without a browser or a keyboard (RFC 8628)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    device: Option<bool>,
    /// The app acts for itself, without a person, with the scopes that --scope names
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    client_credentials: Option<bool>,
    /// A scope of its own: what tokens for its audience may allow, or what it may ask for itself
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// The app is somebody else's: people are asked for their consent
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    third_party: Option<bool>,
    /// Only members of this group get in; as often as needed
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    /// An audience that the app may ask access tokens for (RFC 8707)
    #[arg(long, value_name = "URI")]
    resource: Vec<String>,
    /// An audience that the app is: an API, which may ask about the tokens meant for it
    #[arg(long, value_name = "URI")]
    serves: Vec<String>,
    /// How ID tokens are signed: RS256 (the default) or ES256
    #[arg(long, value_parser = Algorithm::parse, value_name = "ALG")]
    id_token_alg: Option<Algorithm>,
    /// How long after signing in people must sign in again for this app, such as 8h
    #[arg(long, value_parser = span_or_none, value_name = "TIME")]
    longest_session: Option<OrNone<i64>>,
    /// Allow addresses with http:// inside a LAN
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    insecure_http: Option<bool>,
    /// A rule for a path behind the proxy: /public=everybody, /admin=group:admins
    #[arg(long, value_parser = rule, value_name = "PATH=WHO")]
    rule: Vec<OrNone<Rule>>,
}

/// A value, or an empty text.
#[derive(Clone)]
struct OrNone<T>(Option<T>);

fn jwks(file: &str) -> Result<OrNone<serde_json::Value>, String> {
    if file.is_empty() {
        return Ok(OrNone(None));
    }
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let jwks = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok(OrNone(Some(jwks)))
}

fn span(text: &str) -> Result<i64, String> {
    duration(text).map(seconds)
}

fn span_or_none(text: &str) -> Result<OrNone<i64>, String> {
    if text.is_empty() { Ok(OrNone(None)) } else { span(text).map(|span| OrNone(Some(span))) }
}

fn overlap(text: &str) -> Result<i64, String> {
    if text == "0s" { Ok(0) } else { span(text) }
}

fn rule(text: &str) -> Result<OrNone<Rule>, String> {
    if text.is_empty() {
        return Ok(OrNone(None));
    }
    let (path, who) = text.split_once('=').ok_or("must be PATH=WHO")?;
    let access = match who.split_once(':') {
        None if who == "everybody" => Access::Everybody,
        None if who == "signed-in" => Access::SignedIn,
        Some(("group", groups)) => Access::Groups(groups.split(',').map(str::to_owned).collect()),
        _ => return Err("WHO must be everybody, signed-in or group:NAME,NAME".to_owned()),
    };
    Ok(OrNone(Some(Rule { path: path.to_owned(), access })))
}

impl AppOptions {
    /// Replaces what is given. An empty text takes away what there was.
    fn change(self, definition: &mut Definition) {
        let lists = [
            (self.redirect_uri, &mut definition.redirect_uris),
            (self.post_logout_redirect_uri, &mut definition.post_logout_redirect_uris),
            (self.group, &mut definition.groups),
            (self.resource, &mut definition.resources),
            (self.serves, &mut definition.serves),
            (self.scope, &mut definition.scopes),
        ];
        for (given, known) in lists {
            if !given.is_empty() {
                *known = given.into_iter().filter(|text| !text.is_empty()).collect();
            }
        }
        if !self.rule.is_empty() {
            definition.rules = self.rule.into_iter().filter_map(|rule| rule.0).collect();
        }
        for (given, known) in [
            (self.backchannel_logout_uri, &mut definition.backchannel_logout_uri),
            (self.host, &mut definition.host),
            (self.jwks_uri, &mut definition.jwks_uri),
        ] {
            if let Some(given) = given {
                *known = Some(given).filter(|text| !text.is_empty());
            }
        }
        if let Some(OrNone(jwks)) = self.jwks {
            definition.jwks = jwks;
        }
        if let Some(OrNone(span)) = self.longest_session {
            definition.longest_session = span;
        }
        definition.id_token_alg = self.id_token_alg.unwrap_or(definition.id_token_alg);
        for (given, known) in [
            (self.public, &mut definition.public),
            (self.device, &mut definition.device),
            (self.client_credentials, &mut definition.client_credentials),
            (self.third_party, &mut definition.third_party),
            (self.insecure_http, &mut definition.insecure_http),
        ] {
            *known = given.unwrap_or(*known);
        }
    }
}

pub(crate) async fn run(settings: &Settings, command: AppCommand) -> Result<(), Failure> {
    let store = match &command {
        // This may be the first command ever run.
        AppCommand::Add { .. } | AppCommand::Apply { dry_run: false, .. } => {
            open_migrated(&settings.store).await?
        }
        _ => open(&settings.store).await?,
    };
    let issuer = settings.origin(&store).await.map_err(told)?;
    // A server without a PUBLIC_URL is at the port that its address says.
    let local = Url::parse(&issuer).ok().filter(|url| url.scheme() == "http");
    let port = local.and_then(|url| url.port_or_known_default());
    let port = port.unwrap_or(settings.web.listen().port());
    let authority = Authority::command_line();
    match command {
        AppCommand::Add { name, client_id, options, json } => {
            let mut definition = Definition::default();
            options.change(&mut definition);
            let added = registry::add(&store, &authority, client_id, &name, definition).await;
            let (app, secret) = added.map_err(told)?.map_err(Failure)?;
            if json {
                let mut shown = describe(&app);
                if let Some(secret) = &secret {
                    shown["client_secret"] = secret.as_str().into();
                    shown["secrets"] = 1.into();
                }
                shown["issuer"] = issuer.as_str().into();
                say(&shown.to_string());
            } else {
                say(&format!("{} is added.", app.name));
                say("");
                recipes::print(&app, &issuer, port, secret.as_deref());
            }
        }
        AppCommand::List { json } => {
            let apps = all(&store).await.map_err(told)?;
            if !json && apps.all().is_empty() {
                say("There are no apps yet: latchkey app add NAME --redirect-uri URI");
            }
            for app in apps.all() {
                if json {
                    say(&describe(app).to_string());
                } else {
                    let whence = match app {
                        app if app.by_file => "  (APPS_FILE)",
                        app if app.is_dynamic() => "  (not registered)",
                        _ => "",
                    };
                    let uris = &app.definition.redirect_uris;
                    let at = app.definition.host.as_ref().or(uris.first());
                    let at = at.map(String::as_str).unwrap_or_default();
                    say(&format!("{:24}  {}  {at}{whence}", app.id, app.name));
                }
            }
        }
        AppCommand::Show { app, json } => {
            let apps = all(&store).await.map_err(told)?;
            let app = find(&apps, &app)?;
            if json {
                say(&describe(app).to_string());
            } else {
                let shown = serde_json::to_string_pretty(&describe(app))?;
                say(&shown);
                say("");
                recipes::print(app, &issuer, port, None);
            }
        }
        AppCommand::Set { app, name, options } => {
            let id = find(&all(&store).await.map_err(told)?, &app)?.id.clone();
            let changed = registry::change(&store, &authority, &id, |known, definition| {
                options.change(definition);
                if let Some(name) = name {
                    *known = name;
                }
                Ok(())
            });
            let app = changed.await.map_err(told)?.map_err(Failure)?;
            say(&format!("{} is changed. Running servers follow within a second.", app.name));
            if app.definition.has_secret() && app.live_secrets(now()) == 0 {
                say("It has no secret yet: latchkey app rotate-secret makes one.");
            }
        }
        AppCommand::Remove { app, yes } => {
            let app = find(&all(&store).await.map_err(told)?, &app)?.clone();
            if !yes {
                return fail(&format!(
                    "this removes {} and signs everybody out of it; re-run with --yes to confirm",
                    app.name
                ));
            }
            let keys = settings.keys().map_err(refused)?;
            let removed = registry::remove(&store, &keys, &authority, &app.id).await;
            let app = removed.map_err(told)?.map_err(Failure)?;
            say(&format!("{} is removed. Running servers follow within a second.", app.name));
        }
        AppCommand::RotateSecret { app, overlap, json } => {
            let id = find(&all(&store).await.map_err(told)?, &app)?.id.clone();
            let rotated = registry::rotate_secret(&store, &authority, &id, overlap).await;
            let (app, secret) = rotated.map_err(told)?.map_err(Failure)?;
            if json {
                let shown = serde_json::json!({"client_id": app.id, "client_secret": secret});
                say(&shown.to_string());
            } else {
                say(&format!("client_id      {}", app.id));
                say(&format!("client_secret  {secret}"));
                say("");
                let until = rfc3339(now() + overlap);
                say(&match overlap {
                    0 => "The old secret no longer works.".to_owned(),
                    _ => format!("It is shown only now. The old secret works until {until}."),
                });
            }
        }
        AppCommand::Apply { file, dry_run } => {
            let declared = file::read(&file).map_err(Failure)?;
            let applied =
                file::apply(&store, &settings.keys().map_err(refused)?, &declared, dry_run).await;
            let lines = applied.map_err(told)?.map_err(Failure)?;
            for line in &lines {
                say(line);
            }
            say(match (lines.is_empty(), dry_run) {
                (true, _) => "Nothing differs.",
                (false, true) => "Nothing was changed: this was a dry run.",
                (false, false) => "Applied. Running servers follow within a second.",
            });
        }
    }
    store.close().await;
    Ok(())
}

fn refused(reason: String) -> Failure {
    Failure(vec![reason])
}

fn find<'a>(apps: &'a Apps, text: &str) -> Result<&'a App, Failure> {
    if let Some(app) = apps.find(text) {
        return Ok(app);
    }
    let all = apps.all();
    let mut named = all.iter().filter(|app| app.name == text && !app.is_dynamic());
    match (named.next(), named.next()) {
        (Some(app), None) => Ok(app),
        (Some(_), Some(_)) => fail("several apps have this name: use the client_id"),
        (None, _) => fail("there is no app with this client_id or name"),
    }
}

fn describe(app: &App) -> serde_json::Value {
    let mut shown = serde_json::json!({
        "client_id": app.id,
        "name": app.name,
        "by_file": app.by_file,
        "created_at": rfc3339(app.created_at),
        "secrets": app.live_secrets(now()),
    });
    if let Ok(serde_json::Value::Object(definition)) = serde_json::to_value(&app.definition) {
        for (name, value) in definition {
            shown[name] = value;
        }
    }
    shown
}
