//! The settings of mail.

use std::{fmt, fs, path::PathBuf, str::FromStr};

use lettre::{message::Mailbox, transport::smtp::client::Certificate};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::platform::settings::{BadSetting, bad, settings, switch};

settings! {
    /// The settings of mail.
    pub struct MailSettings {
        url: Option<MailUrl> = secret(
            "MAIL_URL", "none", MailUrl::parse, "smtp://USER:PASSWORD@mail.example.org:587"
        ),
            "how mail is sent: smtp://…, smtps://…, or file:DIR for development",
            "smtp:// requires STARTTLS with a valid certificate, except to this machine. ?ca=FILE \
             trusts a certificate authority of your own. Without MAIL_URL, nothing that needs mail is offered.";
        from: Option<Mailbox> = given("MAIL_FROM", "none", from, "Example <accounts@example.org>"),
            "the sender of all mail; required with MAIL_URL";
        required: bool = or("EMAIL_REQUIRED", "no", |text| switch(text, "yes", "no")),
            "yes: sign-up asks for an email address, and nobody is let in before it is verified";
    }
}

/// Where mail goes.
#[derive(Clone, PartialEq, Eq)]
pub enum MailUrl {
    Smtp(Smtp),
    /// A folder, for development: each message becomes a file.
    Folder(PathBuf),
}

#[derive(Clone, PartialEq, Eq)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// User and password.
    pub credentials: Option<(String, String)>,
    /// The text of a certificate to trust, in PEM.
    pub ca: Option<String>,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// From the start.
    Wrapped,
    /// STARTTLS, or nothing is sent.
    Required,
    /// STARTTLS if it is offered, with any certificate: to this machine.
    Offered,
}

/// Never with the password.
impl fmt::Debug for MailUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Smtp(Smtp { host, port, tls, .. }) => write!(f, "{host}:{port} ({tls:?})"),
            Self::Folder(folder) => write!(f, "{}", folder.display()),
        }
    }
}

impl MailUrl {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(folder) = text.strip_prefix("file:").filter(|folder| !folder.is_empty()) {
            return Ok(Self::Folder(folder.trim_start_matches("//").into()));
        }
        let shape = "must be smtp://USER:PASSWORD@HOST:PORT, smtps://… or file:DIR; write special \
                     characters as %XX";
        let url = Url::parse(text).map_err(|_| shape.to_owned())?;
        let decoded =
            |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).ok();
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(shape)?.to_owned();
        let (tls, port) = match url.scheme() {
            "smtps" => (Tls::Wrapped, 465),
            "smtp" if is_this_machine(&host) => (Tls::Offered, 25),
            "smtp" => (Tls::Required, 587),
            _ => return Err(shape.to_owned()),
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) => decoded(user).zip(decoded(password)),
            (_, None) => return Err("has a user but no password".to_owned()),
        };
        let mut ca = None;
        for (name, value) in url.query_pairs() {
            match &*name {
                "ca" => ca = Some(authority(&value)?),
                name => return Err(format!("has an unknown parameter: {name}")),
            }
        }
        // A certificate that is named is asked for.
        let tls = if ca.is_some() && tls == Tls::Offered { Tls::Required } else { tls };
        let port = url.port().unwrap_or(port);
        Ok(Self::Smtp(Smtp { host, port, tls, credentials, ca }))
    }
}

fn authority(file: &str) -> Result<String, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read {file}: {error}"))?;
    let is_good = Certificate::from_pem(text.as_bytes()).is_ok() && text.contains("CERTIFICATE");
    if is_good { Ok(text) } else { Err(format!("{file} has no certificate in PEM")) }
}

/// Whether nothing that is sent there leaves this machine.
fn is_this_machine(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Ipv4(ip)) => ip.is_loopback(),
        Ok(Host::Ipv6(ip)) => ip.is_loopback(),
        Ok(Host::Domain(name)) => name == "localhost",
        // The URL standard knows no special rule for the hosts of smtp:.
        Err(_) => false,
    }
}

fn from(text: &str) -> Result<Mailbox, String> {
    Mailbox::from_str(text)
        .map_err(|_| "must be an address, as in: Example <accounts@example.org>".to_owned())
}

impl MailSettings {
    /// Checks what is only wrong in combination.
    pub(crate) fn check(&self, faults: &mut Vec<BadSetting>) {
        let is_bad = faults.iter().any(|fault| fault.name == "MAIL_FROM");
        if self.url.is_some() && self.from.is_none() && !is_bad {
            faults.push(bad("MAIL_FROM", "is required with MAIL_URL"));
        }
        let is_bad = faults.iter().any(|fault| fault.name == "MAIL_URL");
        if self.required && self.url.is_none() && !is_bad {
            faults.push(bad("EMAIL_REQUIRED", "needs MAIL_URL"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smtp(text: &str) -> Smtp {
        match MailUrl::parse(text) {
            Ok(MailUrl::Smtp(smtp)) => smtp,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_url_says_where_mail_goes_and_how_it_is_protected() {
        let far = smtp("smtp://user%40x:p%3Aw@mail.example.org");
        assert_eq!(
            (far.host.as_str(), far.port, far.tls),
            ("mail.example.org", 587, Tls::Required)
        );
        assert_eq!(far.credentials, Some(("user@x".to_owned(), "p:w".to_owned())));
        assert_eq!(smtp("smtps://mail.example.org").port, 465);
        for near in ["smtp://localhost:2525", "smtp://127.0.0.1:2525", "smtp://[::1]:2525"] {
            assert_eq!(smtp(near).tls, Tls::Offered, "{near}");
        }
        assert_eq!(smtp("smtps://localhost").tls, Tls::Wrapped);
        assert_eq!(MailUrl::parse("file:mails"), Ok(MailUrl::Folder("mails".into())));
        for bad in [
            "",
            "mail.example.org",
            "http://x",
            "smtp://",
            "smtp://user@x",
            "smtp://x?a=b",
            "file:",
        ] {
            assert!(MailUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_url_does_not_print_its_password() {
        let url = MailUrl::parse("smtp://user:hunter2@mail.example.org").expect("a URL");
        assert!(!format!("{url:?}").contains("hunter2") && !format!("{url:?}").contains("user"));
    }
}
