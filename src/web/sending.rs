//! How much may be in flight to clients at once, so that slow readers can't use unbounded memory.
//!
//! Small answers are not counted, nor are files, which share one copy. Each network has its share,
//! so that none can take the whole. A download is sent page by page, and only a few may run at
//! once, whoever asks.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use crate::domain::AccountId;

/// In bytes. Answers up to this size are not counted: there can be one for each connection.
const SMALL: u64 = 8 * 1024;

/// Bytes in flight: in total, and to one network.
const BYTES: [usize; 2] = [16 * 1024 * 1024, 4 * 1024 * 1024];

/// Concurrent downloads: in total, and from one network.
const DOWNLOADS: [usize; 2] = [32, 8];

/// The same: in total, and of one account.
const DOWNLOADS_OF_AN_ACCOUNT: [usize; 2] = [32, 2];

/// Marks an answer whose body is one copy for everybody.
#[derive(Clone)]
pub struct OneCopy;

#[derive(Default)]
pub struct Sending {
    bytes: Share,
    downloads: Share,
    of_accounts: Share,
}

/// The use of a resource, in total and by key.
#[derive(Clone, Default)]
struct Share(Arc<Mutex<Used>>);

#[derive(Default)]
struct Used {
    all: usize,
    by_key: HashMap<String, usize>,
}

/// A part of a share, returned when dropped.
struct Part {
    share: Share,
    key: String,
    amount: usize,
}

/// A download in progress.
pub struct Ticket {
    _parts: [Part; 2],
}

impl Share {
    fn used(&self) -> MutexGuard<'_, Used> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, key: String, amount: usize, [all, each]: [usize; 2]) -> Option<Part> {
        let mut used = self.used();
        let own = used.by_key.get(&key).copied().unwrap_or_default();
        if used.all + amount > all || own + amount > each {
            return None;
        }
        used.all += amount;
        used.by_key.insert(key.clone(), own + amount);
        Some(Part { share: self.clone(), key, amount })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut used = self.share.used();
        used.all -= self.amount;
        let left = used.by_key.get(&self.key).map_or(0, |own| own - self.amount);
        if left == 0 {
            used.by_key.remove(&self.key);
        } else {
            used.by_key.insert(self.key.clone(), left);
        }
    }
}

impl Sending {
    /// The body, counted until it is sent. `None`: too much is in flight already.
    #[must_use]
    pub fn counted(&self, network: &str, body: Body) -> Option<Body> {
        let Some(size) = body.size_hint().exact().filter(|size| *size > SMALL) else {
            return Some(body);
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let part = self.bytes.take(network.to_owned(), size, BYTES)?;
        Some(Body::new(Counted { body, _part: part }))
    }

    /// `None`: too many are in progress.
    #[must_use]
    pub fn begin_download(&self, network: &str, account: AccountId) -> Option<Ticket> {
        let of_account =
            self.of_accounts.take(account.0.to_string(), 1, DOWNLOADS_OF_AN_ACCOUNT)?;
        let of_network = self.downloads.take(network.to_owned(), 1, DOWNLOADS)?;
        Some(Ticket { _parts: [of_account, of_network] })
    }
}

struct Counted {
    body: Body,
    _part: Part,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_gets_its_share_and_leaves_the_rest_to_others() {
        let sending = Sending::default();
        let body = || Body::from(vec![b'x'; 1024 * 1024]);
        let own: Vec<_> = (0..10).map_while(|_| sending.counted("a", body())).collect();
        assert_eq!(own.len(), 4);
        let others: Vec<_> =
            (0..100).filter_map(|n| sending.counted(&n.to_string(), body())).collect();
        assert_eq!(own.len() + others.len(), 16);
        assert!(sending.counted("a", Body::from("small")).is_some());
        drop(own);
        assert!(sending.counted("a", body()).is_some());
        drop(others);
        assert!(sending.bytes.used().by_key.is_empty());
    }

    #[test]
    fn one_account_downloads_twice_at_once_at_most() {
        let sending = Sending::default();
        let begin = |account| sending.begin_download("a", AccountId(account));
        let (first, second) = (begin(1), begin(1));
        assert!(first.is_some() && second.is_some() && begin(1).is_none() && begin(2).is_some());
        drop(first);
        assert!(begin(1).is_some());
    }
}
