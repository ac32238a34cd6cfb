use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    domain::ProfileValues,
    sessions::{First, ProvedBy, StoredSession},
};

fn row(id: &str, revision: i64) -> LiveRow {
    row_of(7, id, revision)
}

fn row_of(account: i64, id: &str, revision: i64) -> LiveRow {
    let account = AccountId(account);
    LiveRow {
        session: StoredSession {
            id: id.to_owned(),
            account_id: account,
            carrier: Carrier::Browser,
            created_at: 0,
            alive_until: 1000,
            ends_at: 1000,
            seen_at: 0,
            proved_at: 0,
            proved_by: ProvedBy::of(First::Password),
            auth_time: 0,
            device: String::new(),
            network: String::new(),
            remembered: false,
            refreshable: false,
            family: id.to_owned(),
            begun_by: None,
            sealed_refresh_token: None,
        },
        profile: Profile {
            id: account,
            username: "alice".to_owned(),
            values: ProfileValues::default(),
            created_at: 0,
        },
        revision,
    }
}

fn nothing_changed(revision: i64) -> Changes {
    Changes { revision, accounts: Some(Vec::new()) }
}

#[test]
fn who_has_never_looked_believes_nothing() {
    let known = Known::new(MAX_BYTES);
    known.take_in(row("a", 0), 0);
    assert!(known.get("a", known.origin, 0).is_none());
    known.apply(known.origin, 0, nothing_changed(0));
    assert!(known.get("a", known.origin, 0).is_some());
    assert!(known.get("a", known.origin + SURE_FOR, 0).is_none(), "not sure any more");
}

#[test]
fn one_that_is_over_is_asked_for_again() {
    let known = Known::new(MAX_BYTES);
    known.apply(known.origin, 0, nothing_changed(0));
    known.take_in(row("a", 0), 0);
    assert!(known.get("a", known.origin, 999).is_some());
    assert!(known.get("a", known.origin, 1000).is_none());
}

#[test]
fn a_million_live_sessions_take_no_more_than_the_bound() {
    let known = Known::new(MAX_BYTES);
    known.apply(known.origin, 0, nothing_changed(0));
    for index in 0..1_000_000 {
        known.take_in(row(&format!("session-number-{index:07}"), 0), 0);
    }
    assert!(known.entries.weight() <= MAX_BYTES);
    let kept = (0..1_000_000).filter(|index| {
        known.get(&format!("session-number-{index:07}"), known.origin, 0).is_some()
    });
    assert!((8_000..24_000).contains(&kept.count()), "the others are asked for");
}

#[test]
fn ten_thousand_that_end_at_once_are_dropped_in_one_look_and_leave_nothing() {
    let known = Known::new(MAX_BYTES);
    known.apply(known.origin, 0, nothing_changed(0));
    let ids: Vec<String> = (0..10_000).map(|index| index.to_string()).collect();
    for id in &ids {
        known.take_in(row(id, 0), 0);
    }
    known.take_in(row_of(8, "other", 0), 0);
    let accounts = Some(vec![AccountId(7)]);
    known.apply(known.origin, 0, Changes { revision: 10_000, accounts });
    assert_eq!(known.entries.len(), 1);
}

/// Events, in any order. Sessions are numbers, two for each account; times are milliseconds.
#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    EndHere(u8),
    EndElsewhere(u8),
    /// A request reads the session, and goes on later.
    Read(u8),
    TakeIn(prop::sample::Index),
    /// A look asks the database, and goes on later, perhaps never, perhaps more than once.
    Look,
    Apply(prop::sample::Index),
    /// The database no longer lists its changes.
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    let session = 0_u8..4;
    prop_oneof![
        (1_u64..600).prop_map(Step::Wait),
        session.clone().prop_map(Step::EndHere),
        session.clone().prop_map(Step::EndElsewhere),
        session.prop_map(Step::Read),
        any::<prop::sample::Index>().prop_map(Step::TakeIn),
        Just(Step::Look),
        any::<prop::sample::Index>().prop_map(Step::Apply),
        Just(Step::Forget),
    ]
}

/// The database, as far as it matters here.
#[derive(Default)]
struct Model {
    now: u64,
    revision: i64,
    forgotten: i64,
    /// Revisions and the sessions that ended at them; their accounts are reported.
    listed: Vec<(i64, u8)>,
    /// When, and whether here.
    ended: BTreeMap<u8, (u64, bool)>,
}

impl Model {
    fn end(&mut self, session: u8, here: bool) -> Option<i64> {
        if self.ended.contains_key(&session) {
            return None;
        }
        self.revision += 1;
        self.listed.push((self.revision, session));
        self.ended.insert(session, (self.now, here));
        Some(self.revision)
    }

    fn changes_since(&self, since: i64) -> Changes {
        let listed = self.listed.iter().filter(|(revision, _)| *revision > since);
        let accounts = listed.map(|(_, session)| account_of(*session)).collect();
        Changes { revision: self.revision, accounts: (self.forgotten <= since).then_some(accounts) }
    }
}

fn account_of(session: u8) -> AccountId {
    AccountId(i64::from(session / 2))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn whatever_is_late_lost_repeated_or_reordered_no_dead_session_passes_for_a_second(
        steps in prop::collection::vec(step(), 1..80)
    ) {
        let known = Known::new(MAX_BYTES);
        let mut model = Model::default();
        let mut reads: Vec<(u8, i64, u64)> = Vec::new();
        let mut looks: Vec<(u64, i64, i64, Option<Vec<AccountId>>)> = Vec::new();
        let at = |ms: u64| known.origin + Duration::from_millis(ms);
        for step in steps {
            match step {
                Step::Wait(ms) => model.now += ms,
                Step::EndHere(session) => {
                    if let Some(revision) = model.end(session, true) {
                        known.changed_here([&*session.to_string()], revision);
                    }
                }
                Step::EndElsewhere(session) => _ = model.end(session, false),
                Step::Read(session) => {
                    if !model.ended.contains_key(&session) {
                        reads.push((session, model.revision, known.horizon().era));
                    }
                }
                Step::TakeIn(index) if !reads.is_empty() => {
                    let (session, revision, era) = *index.get(&reads);
                    let account = account_of(session).0;
                    known.take_in(row_of(account, &session.to_string(), revision), era);
                }
                Step::Look => {
                    let since = known.horizon().seen;
                    let Changes { revision, accounts } = model.changes_since(since);
                    looks.push((model.now, since, revision, accounts));
                }
                Step::Apply(index) if !looks.is_empty() => {
                    let (began, since, revision, accounts) = index.get(&looks).clone();
                    known.apply(at(began), since, Changes { revision, accounts });
                }
                Step::Forget => {
                    model.forgotten = model.revision;
                    model.listed.clear();
                }
                Step::TakeIn(_) | Step::Apply(_) => {}
            }
            for session in 0..4 {
                let passes = known.get(&session.to_string(), at(model.now), 0).is_some();
                if let Some((ended, here)) = model.ended.get(&session).filter(|_| passes) {
                    prop_assert!(!here, "{session} passed where it was ended");
                    prop_assert!(at(model.now) < at(*ended) + BOUND, "{session} passed");
                }
            }
        }
    }
}
