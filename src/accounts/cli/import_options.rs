//! The options of `latchkey import`.

use std::path::PathBuf;

use clap::Args;

use crate::{
    accounts::import::ImportRules, passwords::FirebaseProject, platform::terminal::Failure,
};

#[derive(Args)]
pub(crate) struct ImportOptions {
    /// Import the rest if some lines are refused
    #[arg(long)]
    pub(crate) skip_refused: bool,
    /// Turn names that aren't usernames here (email addresses, spaces) into usernames, and list them
    #[arg(long)]
    pub(crate) map_usernames: bool,
    /// Accept names that are reserved for the service, such as admin and support
    #[arg(long)]
    pub(crate) allow_reserved: bool,
    /// Write a link for each account without a password to this new file, one JSON object per line
    #[arg(long, value_name = "FILE")]
    pub(crate) password_links: Option<PathBuf>,
    /// The base64_signer_key of a Firebase project
    #[arg(long, value_name = "BASE64", requires = "firebase_salt_separator")]
    pub(crate) firebase_signer_key: Option<String>,
    /// Its base64_salt_separator
    #[arg(long, value_name = "BASE64", requires = "firebase_signer_key")]
    pub(crate) firebase_salt_separator: Option<String>,
    /// Its rounds
    #[arg(long, value_name = "NUMBER", default_value_t = 8)]
    pub(crate) firebase_rounds: u32,
    /// Its mem_cost
    #[arg(long, value_name = "NUMBER", default_value_t = 14)]
    pub(crate) firebase_mem_cost: u8,
}

impl ImportOptions {
    /// The rules that they make.
    pub(super) fn rules(&self) -> Result<ImportRules, Failure> {
        let firebase = match (&self.firebase_signer_key, &self.firebase_salt_separator) {
            (Some(key), Some(separator)) => {
                let (rounds, mem_cost) = (self.firebase_rounds, self.firebase_mem_cost);
                let project = FirebaseProject::new(key, separator, rounds, mem_cost);
                Some(project.map_err(|reason| Failure(vec![format!("Firebase: {reason}")]))?)
            }
            _ => None,
        };
        let ImportOptions { skip_refused, map_usernames, allow_reserved, .. } = *self;
        Ok(ImportRules { skip_refused, map_usernames, allow_reserved, firebase })
    }
}
