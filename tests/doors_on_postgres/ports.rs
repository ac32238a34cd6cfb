//! Ports for programs that cannot choose one themselves.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering},
};

/// Below the ports that the kernel assigns (32768 and up), so that no connection of another test
/// takes it before the program listens.
const FIRST: u16 = 16_384;
const COUNT: u16 = 16_384;

/// A free port that no other test of this run gets.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).expect("a small number");
    loop {
        let next = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        if TcpListener::bind(("127.0.0.1", FIRST + next)).is_ok() {
            return FIRST + next;
        }
    }
}
