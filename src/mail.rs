//! Mail: the messages of the server to people, and the way they are sent.
//!
//! A use case [`post`]s a message in its own transaction; it lies in the outbox until a node sends
//! it. Only the address, the name of the message and its values are stored, sealed: the words are
//! made when it is sent.

pub mod cli;
mod message;
pub mod settings;
mod transport;

use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use self::message::{Letterhead, MESSAGES, Message};
pub use self::transport::Transport;
use crate::{
    domain::AccountId,
    keys::Keys,
    outbox::{self, Courier, Delivered, Kind, Undelivered},
    platform::{clock::now, error::Fault},
    store::db::Tx,
};

const MAIL: Kind = Kind("mail");

/// The post office of this server. There is none unless `MAIL_URL` is set.
pub struct Mail {
    pub transport: Transport,
    pub letterhead: Letterhead,
    pub delivered: Delivered,
}

/// Puts a message into the outbox, in the transaction of its act. Wake the outbox after the
/// commit.
pub(crate) async fn post(
    tx: &mut Tx,
    keys: &Keys,
    account: Option<AccountId>,
    message: &Message,
) -> Result<(), Fault> {
    outbox::enqueue(tx, keys, MAIL, account, &message.written()?).await
}

/// Sends the messages in the outbox.
pub struct Postman(pub Arc<Mail>);

impl Courier for Postman {
    fn kind(&self) -> Kind {
        MAIL
    }

    fn delivered(&self) -> &Delivered {
        &self.0.delivered
    }

    fn deliver<'a>(
        &'a self,
        id: &'a str,
        content: &'a str,
    ) -> BoxFuture<'a, Result<bool, Undelivered>> {
        Box::pin(async move {
            let Mail { transport, letterhead, .. } = &*self.0;
            let message = Message::read(content)
                .map_err(|_| Undelivered::ForGood("it can't be read".to_owned()))?;
            if message.is_worth_nothing(now()) {
                return Ok(false);
            }
            let letter = message
                .letter(letterhead, id)
                .map_err(|_| Undelivered::ForGood("it can't be addressed".to_owned()))?;
            transport.send(id, &letter).await.map(|()| true)
        })
    }
}
