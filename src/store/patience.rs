//! Waiting for the database, not for ourselves.
//!
//! A time-out by the clock also counts the delays of this process: on a busy machine a task may
//! wake up long after its answer has arrived. So silence is counted in ticks, and each tick counts
//! once, however late it is noticed. Whenever the task wakes up, it checks for the answer first.

use std::{pin::pin, time::Duration};

use tokio::time::sleep;

const TICK: Duration = Duration::from_millis(50);

/// The result of `work`, or `None` after so many ticks of silence.
pub(super) async fn patiently<T>(patience: Duration, work: impl Future<Output = T>) -> Option<T> {
    counting(patience, work).await.map(|(done, _)| done)
}

/// The same, with what is left of the patience.
pub(super) async fn counting<T>(
    mut patience: Duration,
    work: impl Future<Output = T>,
) -> Option<(T, Duration)> {
    let mut work = pin!(work);
    while !patience.is_zero() {
        tokio::select! {
            biased;
            done = &mut work => return Some((done, patience)),
            () = sleep(TICK) => patience = patience.saturating_sub(TICK),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Instant};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn an_answer_that_came_in_time_counts_however_late_it_is_read() {
        let (answer, answered) = oneshot::channel();
        let late = async {
            // Holds up the thread that would notice the answer.
            thread::sleep(TICK * 10);
            _ = answer.send(());
            answered.await
        };
        assert!(patiently(TICK * 2, late).await.is_some());
    }

    #[tokio::test]
    async fn silence_ends() {
        let began = Instant::now();
        assert!(patiently(TICK * 2, std::future::pending::<()>()).await.is_none());
        assert!(began.elapsed() >= TICK * 2);
    }
}
