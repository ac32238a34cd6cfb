//! Helpers for the tests of mail: a server with a mailbox, and the contents of its messages.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{smtp::Mailbox, support::*};

pub(crate) const FROM: (&str, &str) = ("MAIL_FROM", "Tea & Co <accounts@example.org>");

pub(crate) async fn with_mail() -> (TestServer, Mailbox) {
    with_mail_and(&[]).await
}

pub(crate) async fn with_mail_and(more: &[(&str, &str)]) -> (TestServer, Mailbox) {
    let mailbox = Mailbox::open().await;
    let url = mailbox.url();
    let settings: Vec<_> = [("MAIL_URL", &*url), FROM].into_iter().chain(more.to_vec()).collect();
    (TestServer::start_with(&settings).await, mailbox)
}

/// A message without the line breaks of quoted-printable.
pub(crate) fn read(message: &str) -> String {
    message.replace("=\r\n", "").replace("=3D", "=")
}

/// The token of the link in a message.
pub(crate) fn link(message: &str) -> String {
    let rest = read(message);
    let rest = rest.split("?link=").nth(1).expect("a link");
    let end = |c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-';
    rest.split(end).next().expect("a token").to_owned()
}

/// The code in a message.
pub(crate) fn code(message: &str) -> String {
    let is_code = |line: &&str| line.len() == 8 && line.chars().all(|c| c.is_ascii_digit());
    read(message).lines().find(is_code).expect("a code").to_owned()
}

/// The subject of a message, in words (RFC 2047).
pub(crate) fn subject(message: &str) -> String {
    let lines = message.lines().skip_while(|line| !line.starts_with("Subject: "));
    let mut lines = lines.take_while(|line| line.starts_with("Subject: ") || line.starts_with(' '));
    let first = lines.next().and_then(|line| line.strip_prefix("Subject: ")).expect("a subject");
    let raw = std::iter::once(first).chain(lines.map(str::trim)).collect::<Vec<_>>().join(" ");
    // The space between two coded words is none.
    let raw = raw.replace("?= =?utf-8?b?", "?=\0=?utf-8?b?");
    let word = |word: &str| match word.strip_prefix("=?utf-8?b?") {
        Some(coded) => {
            let coded = STANDARD.decode(coded.trim_end_matches("?=")).expect("base64");
            String::from_utf8(coded).expect("text")
        }
        None => word.to_owned(),
    };
    let words = raw.split(' ').map(|part| part.split('\0').map(word).collect::<String>());
    words.collect::<Vec<_>>().join(" ")
}

impl Mailbox {
    /// The messages to an address about something, as their subjects say.
    pub(crate) fn about(&self, to: &str, about: &str) -> Vec<String> {
        let to = format!("To: {to}\r\n");
        let is_one = |m: &String| m.contains(&to) && subject(m).contains(about);
        self.taken().into_iter().filter(is_one).collect()
    }

    /// Waits for the `count`th of them.
    pub(crate) async fn letter(&self, to: &str, about: &str, count: usize) -> String {
        eventually(async || self.about(to, about).len() >= count).await;
        self.about(to, about)[count - 1].clone()
    }
}

impl TestServer {
    /// Signs up with an address, through a door.
    pub(crate) async fn sign_up_with(&self, via: Via, username: &str, email: &str) -> Outcome {
        match via {
            Via::Json => {
                let body = json!({
                    "username": username, "password": PASSWORD, "fullName": "Test", "email": email
                });
                outcome_of_json(self.post_json("/auth/signup", &body).await).await
            }
            Via::Form => {
                let fields = [
                    ("username", username),
                    ("password", PASSWORD),
                    ("fullName", "Test"),
                    ("email", email),
                ];
                Browser::new(self).submit("/signup", "/api/sign_up", &fields).await
            }
        }
    }

    /// Uses a link of a mail: it is accepted, or this is the status of the refusal.
    pub(crate) async fn use_link(
        &self,
        via: Via,
        (page, route): (&str, &str),
        link: &str,
    ) -> Result<(), StatusCode> {
        match via {
            Via::Json => {
                let answer = self.post_json(route, &json!({"token": link})).await;
                if answer.status() == StatusCode::NO_CONTENT {
                    Ok(())
                } else {
                    Err(answer.status())
                }
            }
            Via::Form => {
                let browser = Browser::new(self);
                let opened = browser.arrive(&format!("{page}?link={link}")).await;
                if opened.status() != StatusCode::OK {
                    return Err(opened.status());
                }
                let text = opened.text().await.expect("a page");
                let action = format!("/api/{}", page[1..].replace('-', "_"));
                let fields =
                    [("form_token", &*form_token(&text)), ("link", &*hidden(&text, "link"))];
                match browser.post(&action, &fields).await.status() {
                    StatusCode::SEE_OTHER => Ok(()),
                    status => Err(status),
                }
            }
        }
    }

    pub(crate) async fn verify(&self, via: Via, link: &str) -> Result<(), StatusCode> {
        self.use_link(via, ("/verify-email", "/auth/verify-email"), link).await
    }

    pub(crate) async fn restore(&self, via: Via, link: &str) -> Result<(), StatusCode> {
        self.use_link(via, ("/restore-email", "/auth/restore-email"), link).await
    }

    /// An account with a verified address: its name is the local part.
    pub(crate) async fn verified(&self, mailbox: &Mailbox, username: &str) -> String {
        let email = format!("{username}@example.org");
        assert!(self.sign_up_with(Via::Json, username, &email).await.is_accepted());
        let link = link(&mailbox.letter(&email, "Confirm", 1).await);
        assert_eq!(self.verify(Via::Json, &link).await, Ok(()));
        email
    }

    /// `GET /user`.
    pub(crate) async fn account_of(&self, token: &str) -> Value {
        json_of(self.ask("GET", "/user", token, None).await).await
    }

    /// Asks for a link to set a new password.
    pub(crate) async fn forgot(&self, via: Via, identifier: &str) {
        match via {
            Via::Json => {
                let body = json!({"identifier": identifier});
                let answer = self.post_json("/auth/forgot-password", &body).await;
                assert_eq!(answer.status(), StatusCode::ACCEPTED);
            }
            Via::Form => {
                let fields = [("identifier", identifier)];
                let browser = Browser::new(self);
                let action = "/api/forgot_password";
                assert!(browser.submit("/forgot-password", action, &fields).await.is_accepted());
            }
        }
    }

    /// Sets a password with a link.
    pub(crate) async fn reset(&self, via: Via, link: &str, new: &str) -> Result<(), StatusCode> {
        match via {
            Via::Json => {
                let body = json!({"token": link, "newPassword": new});
                let status = self.post_json("/auth/reset-password", &body).await.status();
                if status == StatusCode::NO_CONTENT { Ok(()) } else { Err(status) }
            }
            Via::Form => {
                let browser = Browser::new(self);
                let page = browser.arrive(&format!("/set-password?link={link}")).await;
                if page.status() != StatusCode::OK {
                    return Err(page.status());
                }
                let fields = [("newPassword", new)];
                let set = browser.send("/set-password", "/api/set_password", &fields).await;
                let status = set.status();
                if status == StatusCode::SEE_OTHER { Ok(()) } else { Err(status) }
            }
        }
    }

    /// Asks for a code.
    pub(crate) async fn ask_for_code(&self, via: Via, identifier: &str) -> Asker {
        match via {
            Via::Json => {
                let body = json!({"identifier": identifier});
                let answer = self.post_json("/auth/email-code", &body).await;
                assert_eq!(answer.status(), StatusCode::ACCEPTED);
                let body: Value = answer.json().await.expect("JSON");
                assert_eq!(body.as_object().expect("an object").len(), 1);
                Asker::Program(body["challenge"].as_str().expect("a challenge").to_owned())
            }
            Via::Form => {
                let browser = Browser::new(self);
                let fields = [("identifier", identifier)];
                let sent = browser.send("/signin/code", "/api/send_code", &fields).await;
                assert_eq!(sent.headers()["location"], "/signin/code");
                Asker::Browser(browser)
            }
        }
    }

    /// Signs in with a code: what was refused is its status.
    pub(crate) async fn enter_code(&self, asker: &Asker, code: &str) -> Result<(), StatusCode> {
        match asker {
            Asker::Program(challenge) => {
                let body = json!({"challenge": challenge, "code": code});
                let answer = self.post_json("/auth/email-code/signin", &body).await;
                match answer.status() {
                    StatusCode::OK => Ok(()),
                    status => Err(status),
                }
            }
            Asker::Browser(browser) => {
                let fields = [("code", code)];
                let action = "/api/sign_in_by_code";
                let answer = browser.send("/signin/code", action, &fields).await;
                match answer.status() {
                    StatusCode::SEE_OTHER => Ok(()),
                    status => Err(status),
                }
            }
        }
    }
}

/// The program or the browser that has asked for a code.
pub(crate) enum Asker {
    Program(String),
    Browser(Browser),
}
