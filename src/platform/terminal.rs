//! The output and the failures of commands.

use std::{
    fs,
    io::{BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::error::{Error, Fault, Refusal};
use crate::domain::FieldError;

/// The failure of a command, in lines for the operator.
pub struct Failure(pub Vec<String>);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(vec![error.to_string()])
    }
}

pub(crate) fn fail<T>(reason: &str) -> Result<T, Failure> {
    Err(Failure(vec![reason.to_owned()]))
}

/// A fault, as shown to the operator.
pub(crate) fn told(fault: Fault) -> Failure {
    Failure(vec![fault.source().to_string()])
}

/// A refusal or a fault, as shown to the operator.
pub(crate) fn refused(error: Error) -> Failure {
    let reason = match error {
        Error::Fault(fault) => return told(fault),
        Error::Refusal(Refusal::LastAdministrator) => {
            "this is the last administrator; make another one first: latchkey user groups NAME --add admin"
        }
        Error::Refusal(Refusal::NotFound) => "it is gone",
        Error::Refusal(Refusal::InvalidInput(faults)) => {
            let words =
                |fault: &FieldError| format!("{}: {}", fault.field.name(), fault.code.as_str());
            return Failure(faults.iter().map(words).collect());
        }
        Error::Refusal(_) => "it was refused",
    };
    Failure(vec![reason.to_owned()])
}

/// Writes to standard output; a reader that went away is not an error.
pub(crate) fn say(line: &str) {
    _ = writeln!(std::io::stdout(), "{line}");
}

pub(crate) fn warn(text: &str) {
    _ = writeln!(std::io::stderr(), "latchkey: warning: {text}");
}

/// Creates a file that only its owner can read.
pub(crate) fn create(file: &Path) -> Result<BufWriter<fs::File>, Failure> {
    let mut options = fs::OpenOptions::new();
    let created = options.write(true).create_new(true).mode(0o600).open(file);
    let named = |error| Failure(vec![format!("{}: {error}", file.display())]);
    created.map(BufWriter::new).map_err(named)
}

pub(crate) fn finish(file: BufWriter<fs::File>) -> Result<(), Failure> {
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(())
}
