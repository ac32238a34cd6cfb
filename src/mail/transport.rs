//! Gets messages out: by SMTP, or into a folder.

use std::{fs, io::Write, path::Path, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message as Letter, Tokio1Executor,
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls as LettreTls, TlsParameters},
    },
};

use super::settings::{MailUrl, Smtp, Tls};
use crate::outbox::Undelivered;

/// How long one command may take. A message takes about eight.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a delivery or a probe may take in all. A server can send without end.
const ALTOGETHER: Duration = Duration::from_secs(45);

pub enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(std::path::PathBuf),
}

impl Transport {
    /// `Err`: the settings can't be used.
    pub fn new(url: &MailUrl) -> Result<Self, String> {
        match url {
            MailUrl::Folder(folder) => Ok(Self::Folder(folder.clone())),
            MailUrl::Smtp(smtp) => Ok(Self::Smtp(client(smtp)?)),
        }
    }

    /// `id`: the same when the message is sent again.
    pub(crate) async fn send(&self, id: &str, letter: &Letter) -> Result<(), Undelivered> {
        match self {
            Self::Smtp(client) => {
                match tokio::time::timeout(ALTOGETHER, client.send(letter.clone())).await {
                    Ok(sent) => sent.map(drop).map_err(|error| undelivered(&error)),
                    Err(_) => Err(Undelivered::ForNow(too_slow())),
                }
            }
            Self::Folder(folder) => write(folder, id, &letter.formatted())
                .map_err(|error| Undelivered::ForNow(format!("{}: {error}", folder.display()))),
        }
    }

    /// Connects and signs in, and sends nothing.
    pub async fn probe(&self) -> Result<(), String> {
        match self {
            Self::Smtp(client) => {
                match tokio::time::timeout(ALTOGETHER, client.test_connection()).await {
                    Ok(Ok(true)) => Ok(()),
                    Ok(Ok(false)) => {
                        Err("the server doesn't answer as an SMTP server does".to_owned())
                    }
                    Ok(Err(error)) => Err(explained(&error)),
                    Err(_) => Err(too_slow()),
                }
            }
            Self::Folder(folder) => {
                fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
            }
        }
    }
}

fn client(smtp: &Smtp) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let tls = || {
        // Nobody on the way could pose as this machine, and its mail server often has no other.
        let any = smtp.tls == Tls::Offered;
        let mut tls = TlsParameters::builder(smtp.host.clone()).dangerous_accept_invalid_certs(any);
        if let Some(ca) = &smtp.ca {
            let ca = Certificate::from_pem(ca.as_bytes()).map_err(|error| error.to_string())?;
            tls = tls.add_root_certificate(ca);
        }
        tls.build().map_err(|error| error.to_string())
    };
    let tls = match smtp.tls {
        Tls::Wrapped => LettreTls::Wrapper(tls()?),
        Tls::Required => LettreTls::Required(tls()?),
        Tls::Offered => LettreTls::Opportunistic(tls()?),
    };
    let mut client = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
        .port(smtp.port)
        .tls(tls)
        .timeout(Some(PATIENCE));
    if let Some((user, password)) = smtp.credentials.clone() {
        client = client.credentials(Credentials::new(user, password));
    }
    Ok(client.build())
}

fn too_slow() -> String {
    format!("the mail server took longer than {} seconds", ALTOGETHER.as_secs())
}

/// Codes about our user name and password, not about a message (RFC 4954, section 6).
const ABOUT_US: [u16; 4] = [530, 534, 535, 538];

/// A refusal by a code of 5xx is for good (RFC 5321, section 4.2.1). Everything else may pass.
fn undelivered(error: &lettre::transport::smtp::Error) -> Undelivered {
    let words = explained(error);
    let is_about_us = error.status().is_some_and(|code| ABOUT_US.contains(&code.into()));
    if error.is_permanent() && !is_about_us {
        Undelivered::ForGood(words)
    } else {
        Undelivered::ForNow(words)
    }
}

/// The cause of a failure, without the text of the server's answer, which may name the recipient.
fn explained(error: &lettre::transport::smtp::Error) -> String {
    if let Some(code) = error.status() {
        let why = match ABOUT_US.contains(&code.into()) {
            true => "the user name or the password",
            false => "it",
        };
        return format!("the mail server refused {why}: {code}");
    }
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        source = cause.source();
    }
    if words.contains("incomplete response") {
        words += " (if this port expects TLS from the start, as 465 does, write smtps://)";
    }
    words
}

/// Writes a message to `DIR/ID.eml`, whole or not at all.
fn write(folder: &Path, id: &str, text: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text)?;
    file.persist(folder.join(format!("{id}.eml")))?;
    Ok(())
}
