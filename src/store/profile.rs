//! Reads the profile of an account from a row, whatever its fields.

use std::sync::LazyLock;

use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};

use crate::domain::{AccountId, Profile, ProfileValues, profile::FIELDS};

/// The columns of a [`Profile`], from the table `accounts` as `a`.
pub(crate) static PROFILE: LazyLock<String> = LazyLock::new(|| {
    let fields: String = FIELDS.iter().map(|field| format!(", a.{}", field.column)).collect();
    format!("a.id AS account_id, a.username, a.created_at AS account_created_at{fields}")
});

/// The condition for the account named `$1`, or `$2` with its case unfolded. Of two accounts from
/// before case folding, the one with exactly this name.
pub(crate) const NAMED: &str = "a.username_key IN ($1, $2) \
                                ORDER BY CASE WHEN a.username_key = $2 THEN 0 ELSE 1 END LIMIT 1";

impl<'r, R: Row> FromRow<'r, R> for Profile
where
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let mut values = [const { None }; FIELDS.len()];
        for (value, field) in values.iter_mut().zip(FIELDS) {
            *value = row.try_get(field.column)?;
        }
        Ok(Self {
            id: AccountId(row.try_get("account_id")?),
            username: row.try_get("username")?,
            values: ProfileValues::of_fields(values),
            created_at: row.try_get("account_created_at")?,
        })
    }
}
