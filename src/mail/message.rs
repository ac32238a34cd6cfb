//! The messages: each has a name, and its words are the texts `mail-NAME` in the language of the
//! account. Text and HTML are made of the same parts.
//!
//! No message holds a password, or a link that signs anybody in. Nothing in it is loaded from
//! anywhere.

use std::collections::BTreeMap;

use fluent_bundle::FluentValue;
use html_escape::encode_text;
use lettre::{
    Address, Message as Letter,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
};
use serde::{Deserialize, Serialize};
use url::Host;

use crate::{
    platform::{error::Fault, visit::network_in_words},
    texts::Language,
};

/// The parts that all messages share.
pub struct Letterhead {
    pub from: Mailbox,
    /// The operator's name.
    pub brand: String,
    /// The accent and the text on it, for the light theme and then for the dark one.
    pub colors: [String; 4],
    /// The address of this server, without a slash at the end.
    pub origin: String,
    pub support: Option<String>,
}

/// Every message, by name, with the variables of its words.
pub const MESSAGES: &[(&str, &[&str])] = &[
    ("verify-email", &["username"]),
    ("email-taken", &["username"]),
    ("email-changing", &["username"]),
    ("email-changed", &["username"]),
    ("email-removed", &["username"]),
    ("email-restored", &["username"]),
    ("email-set", &["username"]),
    ("reset-password", &["username"]),
    ("sign-in-code", &["username", "code"]),
    ("no-account", &[]),
    ("password-changed", &["username"]),
    ("password-removed", &["username"]),
    ("wrong-tries", &["username", "device", "network", "time"]),
    ("new-device", &["username", "device", "network", "time"]),
    ("totp-added", &["username"]),
    ("totp-removed", &["username"]),
    ("passkey-added", &["username", "passkey"]),
    ("passkey-removed", &["username", "passkey"]),
    ("passkey-copied", &["username"]),
    ("identity-linked", &["username", "provider", "label"]),
    ("identity-unlinked", &["username", "provider", "label"]),
    ("identities-removed", &["username"]),
    ("device-connected", &["username", "app", "device", "network", "time"]),
    ("recovery-codes", &["username"]),
    ("recovery-code-used", &["username", "count"]),
    ("factors-reset", &["username"]),
    ("reset-factors", &["username", "time"]),
    ("wrong-codes", &["username", "device", "network", "time"]),
    ("deletion-asked", &["username", "date"]),
    ("deletion-undone", &["username"]),
    ("deletion-by-operator", &["username", "date"]),
    ("set-password", &["username"]),
    ("invitation", &["date"]),
    ("test", &[]),
];

/// The messages whose username a stranger may have chosen.
const FROM_STRANGERS: [&str; 2] = ["verify-email", "email-taken"];

/// A message to somebody.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    to: String,
    language: String,
    name: String,
    values: BTreeMap<String, String>,
    /// The path that its button leads to.
    path: Option<String>,
    /// Afterwards it is worth nothing, and is not sent. In seconds since 1970.
    #[serde(default)]
    until: Option<i64>,
}

impl Message {
    /// `language`: a tag.
    #[must_use]
    pub fn new(name: &str, to: &str, language: &str) -> Self {
        Self {
            to: to.to_owned(),
            language: language.to_owned(),
            name: name.to_owned(),
            values: BTreeMap::new(),
            path: None,
            until: None,
        }
    }

    /// A message to nobody, which is thrown away when it is sent.
    #[must_use]
    pub fn nothing() -> Self {
        Self::new("", "", "")
    }

    pub(super) fn is_worth_nothing(&self, now: i64) -> bool {
        self.to.is_empty() || self.until.is_some_and(|until| until <= now)
    }

    /// The message is not sent after this time, because its code or link no longer works.
    #[must_use]
    pub fn until(self, time: i64) -> Self {
        Self { until: Some(time), ..self }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.values.insert(name.to_owned(), value.to_owned());
        self
    }

    #[must_use]
    pub fn leading_to(self, path: String) -> Self {
        Self { path: Some(path), ..self }
    }

    pub(super) fn written(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(Fault::internal)
    }

    pub(super) fn read(content: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(content)
    }

    fn language(&self) -> Language {
        Language::of_tag(&self.language).unwrap_or(Language::English)
    }

    /// The value of a variable, for people.
    fn in_words(&self, variable: &str, value: &str) -> String {
        let (language, seconds) = (self.language(), || value.parse().unwrap_or_default());
        match variable {
            "time" => language.date_time(seconds()),
            "date" => language.date(seconds()),
            "device" => language.device(value),
            "network" => network_in_words(value),
            // Mail programs make links of what looks like a domain, and a stranger can choose a
            // username that does. A word joiner (U+2060) beside each dot keeps them from it.
            "username" if FROM_STRANGERS.contains(&&*self.name) => {
                value.replace('.', "\u{2060}.\u{2060}")
            }
            _ => value.to_owned(),
        }
    }

    /// Its part in HTML.
    #[must_use]
    pub fn html(&self, head: &Letterhead) -> String {
        Parts::of(self, head, self.language()).html(head, self.language())
    }

    /// With the domain as DNS knows it, which every mail server takes (RFC 5890).
    fn recipient(&self) -> Option<Address> {
        let (local, domain) = self.to.rsplit_once('@')?;
        let domain = match Host::parse(domain) {
            Ok(host) if !domain.is_ascii() => host.to_string(),
            _ => domain.to_owned(),
        };
        format!("{local}@{domain}").parse().ok()
    }

    /// The message as it is sent. `id`: the same when it is sent again, so that a mail program can
    /// tell.
    pub fn letter(&self, head: &Letterhead, id: &str) -> Result<Letter, lettre::error::Error> {
        let language = self.language();
        let parts = Parts::of(self, head, language);
        let to = self.recipient().ok_or(lettre::error::Error::MissingTo)?;
        let host = head.origin.split("//").nth(1).unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default();
        Letter::builder()
            .from(head.from.clone())
            .to(Mailbox::new(None, to))
            .subject(parts.subject.clone())
            .message_id(Some(format!("<{id}@{host}>")))
            .date_now()
            // RFC 3834, section 5: no out-of-office note comes back.
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(parts.text(), parts.html(head, language)))
    }
}

#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The text of a message.
struct Parts {
    subject: String,
    /// Before the code and the button.
    before: Vec<String>,
    /// A code to copy.
    code: Option<String>,
    /// Words and address.
    button: Option<(String, String)>,
    after: Vec<String>,
    /// The sender, and the address for help.
    foot: Vec<String>,
}

impl Parts {
    fn of(message: &Message, head: &Letterhead, language: Language) -> Self {
        let mut values: Vec<(&'static str, FluentValue<'_>)> =
            vec![("brand", head.brand.clone().into())];
        for (name, variables) in MESSAGES {
            if *name == message.name {
                values.extend(variables.iter().map(|variable| {
                    let value = message.values.get(*variable).map_or("", String::as_str);
                    // Its form depends on the number.
                    let number = value.parse::<u32>().ok().filter(|_| *variable == "count");
                    let words = || message.in_words(variable, value).into();
                    (*variable, number.map_or_else(words, FluentValue::from))
                }));
            }
        }
        let text = |part: &str| {
            let name = format!("mail-{}{part}", message.name);
            // An attribute that a message does not have is returned as its name.
            let text = language.text_with(&name, &values);
            if text == name { String::new() } else { text }
        };
        let paragraphs = |text: String| -> Vec<String> {
            let parts = text.split("\n\n").map(|part| part.replace('\n', " "));
            parts.filter(|part| !part.trim().is_empty()).collect()
        };
        let words = text(".button");
        let button = message.path.as_ref().filter(|_| !words.is_empty());
        let button = button.map(|path| (words, format!("{}{path}", head.origin)));
        let help = head
            .support
            .as_ref()
            .map(|url| language.text_with("mail-help", &[("url", url.clone().into())]));
        let foot = language.text_with("mail-foot", &[("brand", head.brand.clone().into())]);
        Self {
            subject: text(""),
            before: paragraphs(text(".text")),
            code: Some(text(".code")).filter(|code| !code.is_empty()),
            button,
            after: paragraphs(text(".after")),
            foot: std::iter::once(foot).chain(help).collect(),
        }
    }

    /// A link stands alone on its line, so that every mail program finds its end.
    fn text(&self) -> String {
        let button = self.button.iter().map(|(words, url)| format!("{words}:\n{url}"));
        let foot = format!("-- \n{}", self.foot.join("\n"));
        let parts = self.before.iter().chain(&self.code).cloned().chain(button);
        let parts: Vec<String> = parts.chain(self.after.iter().cloned()).chain([foot]).collect();
        parts.join("\n\n") + "\n"
    }

    /// Outlook renders only tables and inline styles. User text is filled in last, so that no
    /// placeholder in it is replaced.
    fn html(&self, head: &Letterhead, language: Language) -> String {
        let [accent, on_accent, dark_accent, on_dark_accent] = &head.colors;
        let colored = |text: &str| {
            text.replace("{accent}", accent)
                .replace("{on-accent}", on_accent)
                .replace("{dark-accent}", dark_accent)
                .replace("{on-dark-accent}", on_dark_accent)
        };
        let paragraph =
            |text: &String| format!("<p style=\"margin:0 0 16px\">{}</p>", encode_text(text));
        let paragraphs = |texts: &[String]| texts.iter().map(paragraph).collect::<String>();
        let code = self.code.iter().map(|code| CODE.replace("{code}", &encode_text(code)));
        let button = self.button.iter().map(|(words, url)| {
            let url = html_escape::encode_double_quoted_attribute(url);
            colored(BUTTON).replace("{words}", &encode_text(words)).replace("{url}", &url)
        });
        let content: String = std::iter::once(paragraphs(&self.before))
            .chain(code)
            .chain(button)
            .chain([paragraphs(&self.after)])
            .collect();
        let foot: String =
            self.foot.iter().map(|line| encode_text(line).into_owned() + "<br>").collect();
        colored(include_str!("frame.html"))
            .replace("{language}", language.tag())
            .replace("{brand}", &encode_text(&head.brand))
            .replace("{foot}", &foot)
            .replace("{subject}", &encode_text(&self.subject))
            .replace("{content}", &content)
    }
}

/// A code, alone on its line and easy to copy.
const CODE: &str = "<p class=\"code\" style=\"margin:0 0 16px;font:bold 30px/1.3 Consolas,Menlo,monospace;\
                    letter-spacing:2px\">{code}</p>";

/// A cell with a color, because Outlook gives links no padding.
const BUTTON: &str = "<table role=\"presentation\" cellspacing=\"0\" cellpadding=\"0\" border=\"0\" \
                      style=\"margin:0 0 12px\"><tr><td class=\"button\" bgcolor=\"{accent}\" \
                      style=\"border-radius:8px;background:{accent};padding:12px 22px\">\
                      <a href=\"{url}\" style=\"font-weight:bold;text-decoration:none;color:{on-accent}\">\
                      {words}</a></td></tr></table>\
                      <p class=\"small\" style=\"margin:0 0 16px;font-size:13px;word-break:break-all\">\
                      <a class=\"link\" href=\"{url}\" style=\"color:{accent}\">{url}</a></p>";

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Letterhead {
        Letterhead {
            from: "Tea & Co <accounts@example.org>".parse().expect("a mailbox"),
            brand: "Tea & Co".to_owned(),
            colors: ["#0f5e5a", "#ffffff", "#84cac4", "#031a19"].map(str::to_owned),
            origin: "https://accounts.example.org".to_owned(),
            support: Some("https://example.org/help".to_owned()),
        }
    }

    fn written(name: &str, language: &str) -> String {
        let message = Message::new(name, "alice@example.org", language)
            .with("username", "<b>alice")
            .leading_to("/verify-email?link=abc".to_owned());
        let letter = message.letter(&head(), "id").expect("a letter");
        let raw = String::from_utf8(letter.formatted()).expect("text");
        raw.replace("=\r\n", "").replace("=3D", "=")
    }

    #[test]
    fn every_message_has_its_words_in_every_language() {
        for (name, variables) in MESSAGES {
            for (language, tag, _) in Language::ALL {
                let values: Vec<_> = variables.iter().map(|name| (*name, "X-X".into())).collect();
                let values: Vec<_> = values.into_iter().chain([("brand", "B-B".into())]).collect();
                for part in ["", ".text"] {
                    let text = language.text_with(&format!("mail-{name}{part}"), &values);
                    assert!(
                        text.contains(' ') && !text.contains('{'),
                        "{name}{part} {tag}: {text}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_message_carries_what_mail_programs_need_and_nothing_that_runs() {
        for (name, _) in MESSAGES {
            let raw = written(name, "en");
            for header in [
                "From: =?utf-8?b?VGVhICYgQ28=?= <accounts@example.org>",
                "To: alice@example.org",
                "Message-ID: <id@accounts.example.org>",
                "Auto-Submitted: auto-generated",
                "Date: ",
                "multipart/alternative",
            ] {
                assert!(raw.contains(header), "{name}: {header} in {raw}");
            }
            assert!(
                !raw.contains("<b>alice</") && !raw.contains("<img") && !raw.contains("<script")
            );
            assert!(!raw.contains("src=") && !raw.contains("url("), "{raw}");
            let link = raw.contains("\r\nhttps://accounts.example.org/verify-email?link=abc\r\n");
            let button = format!("mail-{name}.button");
            assert_eq!(link, Language::English.text(&button) != button, "{raw}");
        }
    }

    #[test]
    fn a_message_whose_code_is_over_is_worth_nothing() {
        let message = Message::new("sign-in-code", "alice@example.org", "en").until(100);
        let read = Message::read(&message.written().expect("written")).expect("read");
        assert!(!read.is_worth_nothing(99) && read.is_worth_nothing(100));
        assert!(Message::nothing().is_worth_nothing(0));
    }

    #[test]
    fn an_internationalised_domain_is_written_as_dns_knows_it() {
        let letter = Message::new("test", "zoe@m\u{fc}ller.example", "en").letter(&head(), "id");
        let raw = String::from_utf8(letter.expect("a letter").formatted()).expect("text");
        assert!(raw.contains("To: zoe@xn--mller-kva.example"), "{raw}");
    }

    #[test]
    fn a_username_that_looks_like_a_domain_is_no_link() {
        let message = Message::new("verify-email", "alice@example.org", "en");
        let message = message.with("username", "win-a-prize.example");
        let letter = message.leading_to("/x".to_owned()).letter(&head(), "id").expect("a letter");
        let raw = String::from_utf8(letter.formatted()).expect("text");
        assert!(raw.contains("win-a-prize") && !raw.contains("prize.example"), "{raw}");
    }

    #[test]
    fn no_value_adds_a_header() {
        for evil in
            ["a@example.org\r\nBcc: b@example.org", "a@example.org\nX: y", "a b", "", "a@b@c"]
        {
            assert!(Message::new("test", evil, "en").letter(&head(), "id").is_err(), "{evil}");
        }
    }
}
