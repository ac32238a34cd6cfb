//! The commands on the signing keys.

use std::sync::Arc;

use clap::Subcommand;

use super::{Algorithm, Part, Rotated, SigningKeys, rotate};
use crate::{
    platform::{
        clock::{now, rfc3339},
        terminal::{Failure, say, told},
    },
    settings::Settings,
    store::cli::open,
};

#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// List the keys that sign tokens for apps and services
    List {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Let the spare keys sign, and make new spares. Tokens signed before stay good
    Rotate {
        /// Drop the keys that have signed so far: every token they signed is worth nothing at once
        #[arg(long)]
        compromised: bool,
        /// Only the keys of this algorithm: RS256 or ES256
        #[arg(long, value_parser = Algorithm::parse)]
        algorithm: Option<Algorithm>,
    },
}

pub(crate) async fn run(settings: &Settings, command: KeysCommand) -> Result<(), Failure> {
    let store = open(&settings.store).await?;
    let keys = Arc::new(settings.keys().map_err(|reason| Failure(vec![reason]))?);
    match command {
        KeysCommand::List { json } => {
            let signing = SigningKeys::new(store.clone(), keys).await.map_err(told)?;
            let (known, now) = (signing.known(), now());
            if !json && known.parts(now).next().is_none() {
                say("There are no keys yet: they are made when an app first needs one.");
            }
            for (key, part) in known.parts(now) {
                let part = match part {
                    Part::Signs => "signs",
                    Part::Spare => "spare",
                    Part::Past => "past",
                };
                let (made, from) = (rfc3339(key.made_at), rfc3339(key.signs_from));
                if json {
                    let line = serde_json::json!({
                        "kid": key.kid,
                        "algorithm": key.algorithm.word(),
                        "state": part,
                        "madeAt": made,
                        "signsFrom": from,
                        "readable": key.is_readable(),
                    });
                    say(&line.to_string());
                } else {
                    say(&format!(
                        "{}  {:5}  {part:5}  made {made}, signs from {from}",
                        key.kid,
                        key.algorithm.word(),
                    ));
                }
            }
        }
        KeysCommand::Rotate { compromised, algorithm } => {
            let all = Algorithm::ALL.into_iter();
            for algorithm in all.filter(|one| algorithm.is_none_or(|chosen| chosen == *one)) {
                let word = algorithm.word();
                match rotate(&store, &keys, algorithm, compromised).await.map_err(told)? {
                    Rotated::Now if compromised => say(&format!(
                        "{word}: the key is dropped, and the spare signs. What the dropped key has \
                         signed is worth nothing any more."
                    )),
                    Rotated::Now => {
                        say(&format!("{word}: the spare key signs, and there is a new spare."));
                    }
                    Rotated::At(at) => say(&format!(
                        "{word}: the spare key was published only lately. It signs from {} on, when \
                         all clients know it.",
                        rfc3339(at)
                    )),
                }
            }
            say("Running servers follow within a second.");
        }
    }
    store.close().await;
    Ok(())
}
