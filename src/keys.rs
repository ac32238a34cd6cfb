//! The keys of this server, one per purpose, all derived from `JWT_SECRET` by HKDF-SHA-256 (RFC
//! 5869).
//!
//! Only JWTs are signed with the secret itself, because services that share it verify them. With
//! the other keys the server signs its own statements (HMAC-SHA-256) and seals what only it may
//! read (AES-256-GCM). Each statement names its purpose, so none can pass for another (CS-02).

pub mod settings;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{self, HKDF_SHA256, KeyType, Salt},
    hmac,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::{
    domain::AccountId,
    platform::{error::Fault, random, secret::Secret},
};

/// The statement that a tag vouches for.
#[derive(Clone, Copy, Debug)]
pub enum Statement<'a> {
    /// We made this form, for the sessions of this family.
    SessionForm(&'a str),
    /// We made this form, for the visitor whose cookie has this value.
    VisitorForm(&'a str),
    /// This account was signed in to from the device with this id, at this epoch.
    Device(&'a str, AccountId, i64),
    /// The id of a device that was first seen in the session with this id.
    NewDevice(&'a str),
    /// The key of a counter, without revealing who is counted.
    Counted(&'a str),
    /// A session was started by the confirmation that ended the session with this id.
    Successor(&'a str),
    /// The same, by a new password.
    SuccessorByPassword(&'a str),
    /// A session was started by a sign-up of this visitor, with this name.
    SignUpOf(&'a str, &'a str),
    /// This has just been done. The notice is for this session or visitor id.
    Notice(&'a str, &'a str),
    /// This is pending for the session of this family until the password is entered.
    Pending(&'a str, &'a str),
    /// This is the code of the challenge with this token.
    CodeOf(&'a str, &'a str),
    /// A session was started by the answer to the challenge with this token.
    Answered(&'a str),
    /// We made this challenge for this ceremony of a passkey.
    PasskeyChallenge(&'a str, &'a str),
    /// This account was signed in to from this device in this network.
    Seen(AccountId, &'a str, &'a str),
    /// This step of an authorization was taken, for the request with this hash, in the session of this family.
    AuthorizationStep(&'a str, &'a str, &'a str),
    /// This is the code that a device shows.
    UserCode(&'a str),
    /// This browser has gone to another provider, with the state of this hash.
    VisitOf(&'a str, &'a str),
    /// The cookie of the app at this host names this grant.
    AppCookie(&'a str, &'a str),
    /// The PKCE verifier of the sign-in with this id, in this browser, to an app behind a proxy.
    AppVerifier(&'a str, &'a str),
    /// Stands for the session with this id where the id itself must not be recorded (LG-03).
    SessionReference(&'a str),
}

impl Statement<'_> {
    fn text(self) -> String {
        match self {
            Self::SessionForm(id) => format!("form token, session: {id}"),
            Self::VisitorForm(id) => format!("form token, visitor: {id}"),
            Self::Device(id, account, epoch) => format!("device of {} at {epoch}: {id}", account.0),
            Self::NewDevice(session) => format!("new device of session: {session}"),
            Self::Counted(who) => format!("counted: {who}"),
            Self::Successor(id) => format!("successor of session: {id}"),
            Self::SuccessorByPassword(id) => format!("successor of session by password: {id}"),
            Self::SignUpOf(visitor, name) => format!("sign-up of visitor {visitor}: {name}"),
            Self::Notice(text, whom) => format!("notice for {whom}: {text}"),
            Self::Pending(text, family) => format!("pending for session {family}: {text}"),
            Self::CodeOf(token, code) => format!("code of challenge {token}: {code}"),
            Self::Answered(token) => format!("answer to challenge: {token}"),
            Self::PasskeyChallenge(ceremony, challenge) => {
                format!("passkey challenge for {ceremony}: {challenge}")
            }
            Self::Seen(account, device, network) => {
                format!("seen by {}: {device}, {network}", account.0)
            }
            Self::AuthorizationStep(step, request, family) => {
                format!("step {step} of authorization in session {family}: {request}")
            }
            Self::UserCode(code) => format!("user code: {code}"),
            Self::VisitOf(browser, hash) => format!("visit {hash} of browser: {browser}"),
            Self::AppCookie(host, grant) => format!("app {host}: {grant}"),
            Self::AppVerifier(browser, id) => format!("verifier of sign-in {id} in {browser}"),
            Self::SessionReference(id) => format!("session reference: {id}"),
        }
    }
}

/// The content of a sealed text.
#[derive(Clone, Copy, Debug)]
pub enum Sealed<'a> {
    /// The answer to the request that ended this session, in case it is repeated.
    AfterSession(&'a str),
    /// The content of the delivery with this id.
    Delivery(&'a str),
    /// The name for which the challenge with this hash was made.
    ChallengeName(&'a str),
    /// The secret of this account's authenticator app.
    Totp(AccountId),
    /// The same, of one that is being set up in the session of this family, and the recovery codes.
    PendingTotp(AccountId, &'a str),
    PendingCodes(AccountId, &'a str),
    /// The hash of this account's recovery code at this place.
    RecoveryCode(AccountId, i64),
    /// The signing key with this id.
    SigningKey(&'a str),
    /// The secret of the webhook with this id.
    WebhookSecret(&'a str),
    /// The answer to a request that may be repeated, by its hash.
    Answer(&'a str),
    /// What is shown once to the session of this family.
    ShownOnce(&'a str),
    /// An authorization code of an app.
    AuthorizationCode,
    /// The data of a visit to another provider, whose state has this hash.
    ProviderVisit(&'a str),
    /// The person who came back from it.
    Newcomer(&'a str),
    /// A sign-in to the app of this host, in the browser with this cookie.
    AppState(&'a str),
}

impl Sealed<'_> {
    /// Binds the text to what it is: it opens as nothing else.
    fn context(self) -> String {
        match self {
            Self::AfterSession(id) => format!("what comes after session: {id}"),
            Self::Delivery(id) => format!("delivery: {id}"),
            Self::ChallengeName(hash) => format!("name of challenge: {hash}"),
            Self::Totp(account) => format!("authenticator app of {}", account.0),
            Self::PendingTotp(account, family) => {
                format!("new authenticator app of {} in {family}", account.0)
            }
            Self::PendingCodes(account, family) => {
                format!("new recovery codes of {} in {family}", account.0)
            }
            Self::RecoveryCode(account, place) => {
                format!("recovery code {place} of {}", account.0)
            }
            Self::WebhookSecret(id) => format!("secret of webhook: {id}"),
            Self::ShownOnce(family) => format!("shown once in session {family}"),
            Self::Answer(hash) => format!("answer to request: {hash}"),
            Self::SigningKey(id) => format!("signing key: {id}"),
            Self::AuthorizationCode => "authorization code".to_owned(),
            Self::ProviderVisit(hash) => format!("visit to another provider: {hash}"),
            Self::Newcomer(hash) => format!("newcomer of visit: {hash}"),
            Self::AppState(host) => format!("sign-in to {host}"),
        }
    }

    /// Second factors and signing keys have keys of their own.
    fn key(self, keys: &OfSecret) -> &Seal {
        match self {
            Self::AfterSession(_)
            | Self::Delivery(_)
            | Self::ChallengeName(_)
            | Self::AuthorizationCode
            | Self::ProviderVisit(_)
            | Self::Newcomer(_)
            | Self::WebhookSecret(_)
            | Self::Answer(_)
            | Self::ShownOnce(_)
            | Self::AppState(..) => &keys.sealing,
            Self::SigningKey(_) => &keys.signing,
            Self::Totp(_) | Self::PendingTotp(..) => &keys.apps,
            Self::PendingCodes(..) | Self::RecoveryCode(..) => &keys.codes,
        }
    }
}

/// A sealed text that was opened.
pub struct Opened {
    pub text: Zeroizing<String>,
    /// By a key of the current secret, rather than the previous one.
    pub by_current: bool,
}

pub struct Keys {
    /// Derived from the current secret, then from the previous one.
    of_secrets: Vec<OfSecret>,
}

struct OfSecret {
    vouching: hmac::Key,
    sealing: Seal,
    /// For the secrets of authenticator apps.
    apps: Seal,
    /// For recovery codes.
    codes: Seal,
    /// For the keys that sign tokens for others.
    signing: Seal,
}

/// Seals texts with one key, by AES-256-GCM with a random nonce. `context`: a sealed text opens only
/// with the one it was sealed with.
pub(crate) struct Seal(LessSafeKey);

impl Seal {
    pub(crate) fn of(key: &[u8; 32]) -> Result<Self, Fault> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(Fault::internal)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// In base64url.
    pub(crate) fn seal(&self, context: &str, text: &str) -> Result<String, Fault> {
        let nonce: [u8; NONCE_LEN] = random::bytes()?;
        let mut sealed = text.as_bytes().to_vec();
        let (unique, context) =
            (Nonce::assume_unique_for_key(nonce), Aad::from(context.as_bytes()));
        let done = self.0.seal_in_place_append_tag(unique, context, &mut sealed);
        done.map_err(Fault::internal)?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// `None`: it was sealed with another key or in another context.
    pub(crate) fn open(&self, context: &str, sealed: &str) -> Option<Zeroizing<String>> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut text = Zeroizing::new(sealed.to_vec());
        let (unique, context) =
            (Nonce::assume_unique_for_key(*nonce), Aad::from(context.as_bytes()));
        let opened = self.0.open_in_place(unique, context, &mut text).ok()?;
        std::str::from_utf8(opened).ok().map(|text| Zeroizing::new(text.to_owned()))
    }
}

impl OfSecret {
    fn new(secret: &Secret) -> Result<Self, Fault> {
        let secret = Salt::new(HKDF_SHA256, b"latchkey").extract(secret.expose());
        let seal = |purpose: &[u8]| {
            let key = derived(&secret, purpose, &AES_256_GCM)?;
            Ok::<_, Fault>(Seal(LessSafeKey::new(key)))
        };
        Ok(Self {
            vouching: derived(&secret, b"vouching", hmac::HMAC_SHA256)?,
            sealing: seal(b"sealing")?,
            apps: seal(b"authenticator apps")?,
            codes: seal(b"recovery codes")?,
            signing: seal(b"signing keys")?,
        })
    }
}

fn derived<T: KeyType, K: for<'a> From<hkdf::Okm<'a, T>>>(
    secret: &hkdf::Prk,
    purpose: &[u8],
    of: T,
) -> Result<K, Fault> {
    let purpose = [purpose];
    let okm = secret.expand(&purpose, of).map_err(Fault::internal)?;
    Ok(K::from(okm))
}

impl Keys {
    pub fn new(current: &Secret, previous: Option<&Secret>) -> Result<Self, Fault> {
        let secrets = [Some(current), previous].into_iter().flatten();
        Ok(Self { of_secrets: secrets.map(OfSecret::new).collect::<Result<_, _>>()? })
    }

    /// The tag, in base64url: 43 characters.
    #[must_use]
    pub fn tag(&self, statement: Statement<'_>) -> String {
        let tag = hmac::sign(&self.of_secrets[0].vouching, statement.text().as_bytes());
        URL_SAFE_NO_PAD.encode(tag)
    }

    /// Whether this server made the tag. Compares in constant time.
    #[must_use]
    pub fn fits(&self, statement: Statement<'_>, tag: &str) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(tag) else { return false };
        let text = statement.text();
        let is_of = |key: &OfSecret| hmac::verify(&key.vouching, text.as_bytes(), &tag).is_ok();
        self.of_secrets.iter().any(is_of)
    }

    /// A text that only this server can read, in base64url.
    pub fn seal(&self, what: Sealed<'_>, text: &str) -> Result<String, Fault> {
        what.key(&self.of_secrets[0]).seal(&what.context(), text)
    }

    /// `None`: not sealed by this server, or sealed as something else.
    #[must_use]
    pub fn open(&self, what: Sealed<'_>, sealed: &str) -> Option<Zeroizing<String>> {
        self.open_any(what, sealed).map(|opened| opened.text)
    }

    /// The same, and which secret it was sealed with.
    #[must_use]
    pub fn open_any(&self, what: Sealed<'_>, sealed: &str) -> Option<Opened> {
        let context = what.context();
        self.of_secrets.iter().enumerate().find_map(|(index, keys)| {
            let text = what.key(keys).open(&context, sealed)?;
            Some(Opened { text, by_current: index == 0 })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{keys::*, platform::settings::Sources, settings::Settings};

    fn keys() -> Keys {
        let sources = Sources::of(&[("JWT_SECRET", "6f1c9c1e5b0a4a1f8d2e7c3b9a0f5e4d")]);
        let secret = Settings::read(&sources).expect("good settings").keys.secret;
        Keys::new(&secret.expect("a secret"), None).expect("keys")
    }

    #[test]
    fn a_tag_goes_with_one_statement() {
        let keys = keys();
        let tag = keys.tag(Statement::SessionForm("a"));
        assert!(keys.fits(Statement::SessionForm("a"), &tag));
        assert!(!keys.fits(Statement::SessionForm("b"), &tag));
        assert!(!keys.fits(Statement::VisitorForm("a"), &tag));
        assert!(!keys.fits(Statement::SessionReference("a"), &tag));
        assert!(!keys.fits(Statement::SessionForm("a"), ""));
    }

    #[test]
    fn what_is_sealed_opens_as_what_it_was_sealed_as() {
        let keys = keys();
        let sealed = keys.seal(Sealed::AfterSession("a"), "secret").expect("sealed");
        let open =
            |id, text: &str| keys.open(Sealed::AfterSession(id), text).map(|text| text.to_string());
        assert_eq!(open("a", &sealed).as_deref(), Some("secret"));
        assert_eq!(open("b", &sealed), None);
        assert_eq!(open("a", &sealed[1..]), None);
        assert_eq!(open("a", ""), None);
        assert_ne!(keys.seal(Sealed::AfterSession("a"), "secret").expect("sealed"), sealed);
    }
}
