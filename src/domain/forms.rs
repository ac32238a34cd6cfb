//! The input of the two doors, and how it is parsed.
//!
//! The doors fill in a form of raw fields; `parse` returns domain values, or every field error in
//! the order of the form.

use std::fmt;

use crate::domain::{
    Code, Email, Field, FieldError, NewAccount, Password, PasswordPolicy, Username, UsernameKey,
    profile::{self, Profile, ProfileField, ProfilePolicy, ProfileValues},
};

/// A field as received: its text, or why there is none.
pub type Raw = Result<String, Code>;

pub struct SignUpForm {
    pub username: Raw,
    /// `None`: the account gets none.
    pub password: Option<Raw>,
    /// `None`: this server has no mail, or none was given.
    pub email: Option<Raw>,
    /// The fields of the profile, in the order of [`profile::FIELDS`].
    pub profile: [Raw; profile::FIELDS.len()],
}

pub struct SignInForm {
    pub username: Raw,
    pub password: Raw,
}

/// A new password to replace the current one.
pub struct PasswordChangeForm {
    pub current: Raw,
    pub new: Raw,
}

/// A password change that passed its rules.
#[derive(Debug)]
pub struct PasswordChange {
    /// `None`: left out, because it had just been confirmed.
    pub current: Option<Password>,
    pub new: Password,
}

/// A username or an email address, as typed. Neither needs to exist.
#[derive(Debug)]
pub struct Identifier {
    /// `None` if no account can have that name.
    pub username: Option<UsernameKey>,
    /// If it is an email address, which is no username.
    pub email: Option<Email>,
}

impl Identifier {
    /// Refuses only what is missing.
    pub fn parse(raw: &str) -> Result<Self, Code> {
        match raw.trim() {
            "" => Err(Code::Missing),
            raw => Ok(Self { username: UsernameKey::find(raw), email: Email::parse(raw).ok() }),
        }
    }
}

/// The credentials of a sign-in.
#[derive(Debug)]
pub struct Credentials {
    pub identifier: Identifier,
    pub password: Password,
}

impl SignUpForm {
    pub fn parse(
        &self,
        policy: PasswordPolicy,
        profile: ProfilePolicy,
    ) -> Result<NewAccount, Vec<FieldError>> {
        let username = read(&self.username, Username::parse);
        // The mapped form too: fullwidth letters must not disguise a name.
        let key = username.as_ref().ok().map(|username| username.key().as_str());
        let names: Vec<&str> = std::iter::once(&self.username)
            .chain(&self.profile)
            .flatten()
            .map(|name| name.trim())
            .chain(key)
            .collect();
        let parse = |raw: &str| Password::parse_new(raw, policy, &names);
        let password = self.password.as_ref().map(|raw| read(raw, parse)).transpose();
        let raw = |field: &ProfileField| {
            let place = profile::FIELDS.iter().position(|known| known.field == field.field);
            place.map_or(Err(Code::Missing), |place| self.profile[place].clone())
        };
        let email = self.email.as_ref().map(|raw| read(raw, Email::parse)).transpose();
        match (username, password, email, ProfileValues::parse(profile, raw)) {
            (Ok(username), Ok(password), Ok(email), Ok(values)) => {
                Ok(NewAccount { username, password, email, values, invitation: None })
            }
            (username, password, email, values) => {
                let mut all = values.err().unwrap_or_default();
                all.extend(errors([
                    (Field::EMAIL, email.err()),
                    (Field::USERNAME, username.err()),
                    (Field::PASSWORD, password.err()),
                ]));
                Err(all)
            }
        }
    }
}

impl SignInForm {
    /// Refuses only what is missing or far too long. Whether a name could exist is left to sign-in,
    /// which gives every failed attempt the same answer (AU-01).
    pub fn parse(&self) -> Result<Credentials, Vec<FieldError>> {
        let identifier = read(&self.username, Identifier::parse);
        let password = read(&self.password, Password::parse);
        match (identifier, password) {
            (Ok(identifier), Ok(password)) => Ok(Credentials { identifier, password }),
            (identifier, password) => Err(errors([
                (Field::USERNAME, identifier.err()),
                (Field::PASSWORD, password.err()),
            ])),
        }
    }
}

impl PasswordChangeForm {
    /// `profile`: the names that the new password must not be made of. `confirmed`: whether the
    /// current one may be missing.
    pub fn parse(
        &self,
        policy: PasswordPolicy,
        profile: &Profile,
        confirmed: bool,
    ) -> Result<PasswordChange, Vec<FieldError>> {
        let current = match read(&self.current, Password::parse) {
            Err(Code::Missing) if confirmed => Ok(None),
            current => current.map(Some),
        };
        let new = new_password(&self.new, policy, profile);
        match (current, new) {
            (Ok(current), Ok(new)) => Ok(PasswordChange { current, new }),
            (current, new) => Err(errors([
                (Field::CURRENT_PASSWORD, current.err()),
                (Field::NEW_PASSWORD, new.err()),
            ])),
        }
    }
}

/// A new password for an existing account.
pub fn new_password(
    raw: &Raw,
    policy: PasswordPolicy,
    profile: &Profile,
) -> Result<Password, Code> {
    let key = UsernameKey::find(&profile.username);
    let said = profile.values.iter().filter_map(|(_, value)| value);
    let key = key.as_ref().map(UsernameKey::as_str);
    let names: Vec<&str> = said.chain(key).chain([&*profile.username]).collect();
    read(raw, |raw| Password::parse_new(raw, policy, &names))
}

/// The password that a user enters again.
pub fn shown_password(raw: &Raw) -> Result<Password, Vec<FieldError>> {
    read(raw, Password::parse).map_err(|code| vec![FieldError { field: Field::PASSWORD, code }])
}

fn read<T>(raw: &Raw, parse: impl FnOnce(&str) -> Result<T, Code>) -> Result<T, Code> {
    raw.as_deref().map_err(|code| *code).and_then(parse)
}

fn errors<const N: usize>(fields: [(Field, Option<Code>); N]) -> Vec<FieldError> {
    fields
        .into_iter()
        .filter_map(|(field, code)| code.map(|code| FieldError { field, code }))
        .collect()
}

/// Raw forms hold a password, so they do not print themselves.
impl fmt::Debug for SignUpForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignUpForm(…)")
    }
}

impl fmt::Debug for SignInForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignInForm(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bad_fields_are_told_at_once_in_the_order_of_the_form() {
        let form = SignUpForm {
            username: Ok("a".into()),
            password: Some(Err(Code::WrongType)),
            email: None,
            profile: [const { Err(Code::Missing) }; profile::FIELDS.len()],
        };
        let fields: Vec<_> = form
            .parse(PasswordPolicy { min_length: 8, service: "" }, ProfilePolicy::ALL)
            .expect_err("three errors")
            .into_iter()
            .map(|error| error.field)
            .collect();
        assert_eq!(fields, [profile::FULL_NAME.field, Field::USERNAME, Field::PASSWORD]);
    }

    #[test]
    fn a_name_that_cannot_exist_is_no_error_at_sign_in() {
        let form = SignInForm { username: Ok("' OR 1=1--".into()), password: Ok("x".into()) };
        assert_eq!(form.parse().expect("credentials").identifier.username, None);
    }
}
