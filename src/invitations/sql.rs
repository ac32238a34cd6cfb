//! The table of invitations.

use sqlx::FromRow;

use super::Invitation;
use crate::{
    domain::AccountId,
    groups,
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Tx, sql, sql_of},
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[table(
    "invitations",
    &[
        ("id", Text),
        ("hash", Text),
        ("email", Text),
        ("groups_to_join", Text),
        ("note", Text),
        ("made_by", Text),
        ("created_at", Number),
        ("expires_at", Number),
        ("uses_left", Number),
        ("uses", Number),
        ("used_at", Number),
    ],
)];

#[derive(FromRow)]
struct InvitationRow {
    id: String,
    email: Option<String>,
    groups_to_join: String,
    note: String,
    made_by: String,
    created_at: i64,
    expires_at: i64,
    uses_left: i64,
    uses: i64,
    maker_is_there: bool,
}

impl From<InvitationRow> for Invitation {
    fn from(row: InvitationRow) -> Self {
        Self {
            id: row.id,
            email: row.email,
            groups: row.groups_to_join.split_whitespace().map(str::to_owned).collect(),
            note: row.note,
            made_by: row.made_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            uses_left: row.uses_left,
            uses: row.uses,
            maker_is_there: row.maker_is_there,
        }
    }
}

const COLUMNS: &str =
    "id, email, groups_to_join, note, made_by, created_at, expires_at, uses_left, uses";

/// The condition that the maker of an invitation still administers this server and, if an API key made it, that the
/// key works. `now`: the parameter with the time.
fn maker_is_there(now: &str) -> String {
    let (maker, of_key) =
        (groups::still_administers("invitations.made_by"), groups::still_administers("k.made_by"));
    format!(
        "({maker} OR EXISTS (SELECT 1 FROM api_keys k WHERE 'key:' || k.id = invitations.made_by \
         AND (k.expires_at IS NULL OR k.expires_at > {now}) AND {of_key}))"
    )
}

pub(super) async fn insert(tx: &mut Tx, new: &Invitation, hash: &str) -> Result<(), Fault> {
    let insert = "INSERT INTO invitations (id, hash, email, groups_to_join, note, made_by, created_at, \
                  expires_at, uses_left) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let insert = sql(insert)
        .bind(&new.id)
        .bind(hash)
        .bind(&new.email)
        .bind(&new.groups.join(" "))
        .bind(&new.note)
        .bind(&new.made_by)
        .bind(new.created_at)
        .bind(new.expires_at)
        .bind(new.uses_left);
    tx.execute(insert).await?;
    Ok(())
}

pub(super) async fn page(
    db: &mut Db,
    before: Option<(i64, &str)>,
    most: i64,
    now: i64,
) -> Result<Vec<Invitation>, Fault> {
    let condition = before.map_or("", |_| "WHERE (created_at, id) < ($3, $4)");
    let query = sql_of(format!(
        "SELECT {COLUMNS}, {} AS maker_is_there FROM invitations {condition} \
         ORDER BY created_at DESC, id DESC LIMIT $1",
        maker_is_there("$2")
    ));
    let query = query.bind(most).bind(now);
    let query = match before {
        Some((created_at, id)) => query.bind(created_at).bind(id),
        None => query,
    };
    let rows: Vec<InvitationRow> = db.all(query).await?;
    Ok(rows.into_iter().map(Invitation::from).collect())
}

pub(super) async fn find(
    db: &mut Db,
    hash: &str,
    now: i64,
    used_since: i64,
) -> Result<Option<Invitation>, Fault> {
    let query = sql_of(format!(
        "SELECT {COLUMNS}, TRUE AS maker_is_there FROM invitations WHERE hash = $1 AND expires_at > $2 \
         AND (uses_left > 0 OR used_at >= $3) AND {}",
        maker_is_there("$2")
    ));
    let row: Option<InvitationRow> =
        db.optional(query.bind(hash).bind(now).bind(used_since)).await?;
    Ok(row.map(Invitation::from))
}

pub(super) async fn use_up(tx: &mut Tx, hash: &str, now: i64) -> Result<Option<Invitation>, Fault> {
    let update = sql_of(format!(
        "UPDATE invitations SET uses_left = uses_left - 1, uses = uses + 1, used_at = $2 \
         WHERE hash = $1 AND expires_at > $2 AND uses_left > 0 AND {} \
         RETURNING {COLUMNS}, TRUE AS maker_is_there",
        maker_is_there("$2")
    ));
    let row: Option<InvitationRow> = tx.optional(update.bind(hash).bind(now)).await?;
    Ok(row.map(Invitation::from))
}

pub(super) async fn delete(tx: &mut Tx, id: &str) -> Result<bool, Fault> {
    Ok(tx.execute(sql("DELETE FROM invitations WHERE id = $1").bind(id)).await? == 1)
}

pub(super) async fn erase(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    let delete = "DELETE FROM invitations WHERE LOWER(email) IN \
                  (SELECT LOWER(address) FROM emails WHERE account_id = $1)";
    tx.execute(sql(delete).bind(account)).await?;
    Ok(())
}

/// Forgets the invitations that ended a month ago. `now`: in seconds since 1970.
pub(crate) async fn forget(store: &Store, now: i64) -> Result<(), Fault> {
    let over = "expires_at < $1 - 2592000";
    store.in_pieces("DELETE FROM invitations", ("invitations", "id"), over, now).await?;
    Ok(())
}
