//! The fields of an account, and the rule of each.
//!
//! Pure: no HTTP, no leptos, no SQL, no clock. Compiled for the server and for the browser.
//!
//! Every field has two rules, side by side in its file. `parse` is the whole rule and makes the
//! domain value. Only the server calls it: Unicode tables and the list of common passwords are too
//! heavy for a browser. `light` is the part that needs no table. It runs in both places, and never
//! refuses what `parse` would accept.

mod account;
pub mod common_passwords;
mod email;
mod field;
mod forms;
mod full_name;
mod passkey_name;
mod password;
pub mod profile;
mod username;

pub use crate::domain::account::{AccountId, NewAccount};
pub use crate::domain::email::Email;
pub use crate::domain::field::{Code, Field, FieldError};
pub use crate::domain::forms::{
    Credentials, Identifier, PasswordChange, PasswordChangeForm, Raw, SignInForm, SignUpForm,
    new_password, shown_password,
};
pub use crate::domain::full_name::FullName;
pub use crate::domain::passkey_name::PasskeyName;
pub use crate::domain::password::{Password, PasswordPolicy};
pub use crate::domain::profile::{
    Profile, ProfileChange, ProfileField, ProfilePolicy, ProfileValues,
};
pub use crate::domain::username::{Username, UsernameKey};
