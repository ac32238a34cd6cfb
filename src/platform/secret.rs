//! The key for all tokens.

use std::{fmt, io, path::Path};

use zeroize::Zeroizing;

use super::random;

/// Key material: wiped from memory, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The shortest key for HMAC-SHA-256 (RFC 7518, section 3.2), in bytes.
    const MIN_LENGTH: usize = 32;

    /// Keys from tutorials, templates and other people's repositories. A key may contain one of
    /// them if the rest is long enough.
    const WELL_KNOWN: [&'static str; 12] = [
        "a-string-secret-at-least-256-bits-long",
        "your-256-bit-secret",
        "yoursecretvalue",
        "replaceme when ran in prod",
        "keyboard cat",
        "qwertyuiopasdfghjklzxcvbnm",
        "abcdefghijklmnopqrstuvwxyz",
        "password",
        "changeme",
        "change-me",
        "example",
        "secret",
    ];

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        const HINT: &str = "make one with: openssl rand -hex 32";
        if text.len() < Self::MIN_LENGTH {
            return Err(format!("is shorter than {} bytes; {HINT}", Self::MIN_LENGTH));
        }
        let mut rest = text.to_lowercase();
        for known in Self::WELL_KNOWN {
            rest = rest.replace(known, "");
        }
        let different = rest.bytes().collect::<std::collections::BTreeSet<_>>().len();
        let bytes = text.as_bytes();
        // Any sequence, repeated three times or more.
        let repeats =
            (1..=bytes.len() / 3).any(|n| bytes.iter().skip(n).eq(&bytes[..bytes.len() - n]));
        if rest.len() < Self::MIN_LENGTH / 2 || different < 5 || repeats {
            return Err(format!("is a well-known or guessable text; {HINT}"));
        }
        Ok(Self(Zeroizing::new(bytes.to_vec())))
    }

    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Reads the secret beside the SQLite file, or creates it.
    ///
    /// The file appears complete or not at all, even if two processes start at once or the power
    /// fails.
    pub fn beside(database: &Path) -> io::Result<Self> {
        let path = database.with_extension("secret");
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                Self::parse(text.trim_end()).inspect(|_| warn_if_open(&path)).map_err(|reason| {
                    io::Error::new(
                        io::ErrorKind::InvalidData,
                        format!("{}: {reason}", path.display()),
                    )
                })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder =
                    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
                let text = random::hex().map_err(|_| io::Error::other("no randomness"))?;
                let text = Zeroizing::new(text);
                // Files of `tempfile` have mode 0600.
                let mut file = tempfile::NamedTempFile::new_in(folder)?;
                io::Write::write_all(&mut file, text.as_bytes())?;
                file.as_file().sync_all()?;
                match file.persist_noclobber(&path) {
                    Ok(_) => Self::parse(&text).map_err(io::Error::other),
                    Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                        Self::beside(database)
                    }
                    Err(error) => Err(error.error),
                }
            }
            Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        }
    }
}

/// Warns about a secret that others can read, but doesn't refuse it: some volumes have no modes.
fn warn_if_open(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).map(|file| file.permissions().mode()).unwrap_or_default();
    if mode & 0o077 != 0 {
        tracing::warn!("{} is readable by other users: run chmod 600", path.display());
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_made_once_and_only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("latchkey.db");
        let first = Secret::beside(&database).expect("a secret");
        assert_eq!(Secret::beside(&database).expect("a secret"), first);
        let file = folder.path().join("latchkey.secret");
        let mode = std::fs::metadata(&file).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(&file, "cut o").expect("written");
        assert!(Secret::beside(&database).is_err());
    }
}
