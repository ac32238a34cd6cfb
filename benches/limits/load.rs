//! The load generator: wrk (<https://github.com/wg/wrk>), which needs less of the machine than any
//! other we know. A small script makes the requests, and prints its results as JSON.

use std::{io::Write, process::Stdio, time::Duration};

use serde::Deserialize;
use tempfile::NamedTempFile;
use tokio::process::Command;

/// The result of one run of wrk. Latencies are in milliseconds.
#[derive(Deserialize)]
pub(crate) struct Seen {
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Answers with a status other than 2xx or 3xx, and broken connections.
    pub(crate) failed: u64,
    /// Of those, the answers with status 503.
    pub(crate) unavailable: u64,
    /// The number of answered requests.
    pub(crate) answered: u64,
}

/// A request to repeat.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body of a `POST`. `{n}` is replaced with a different number each time.
    pub(crate) body: Option<String>,
    /// Access tokens: each request uses a different one.
    pub(crate) tokens: Vec<String>,
}

const SCRIPT: &str = r#"
local threads = {}
function setup(thread) thread:set("id", #threads); table.insert(threads, thread) end
function init() n = 0; unavailable = 0 end
if tokens then
    function request()
        n = n + 1
        wrk.headers["authorization"] = "Bearer " .. tokens[n % #tokens + 1]
        return wrk.format(nil, nil)
    end
end
if body then
    wrk.method = "POST"
    wrk.headers["content-type"] = "application/json"
    function request()
        n = n + 1
        local one = body:gsub("{n}", string.format("%dx%d", id, n))
        return wrk.format(nil, nil, nil, one)
    end
    function response(status) if status == 503 then unavailable = unavailable + 1 end end
end
function done(summary, latency)
    local e, shed = summary.errors, 0
    for _, thread in ipairs(threads) do shed = shed + thread:get("unavailable") end
    io.write(string.format(
        '{"per_second": %f, "p50": %f, "p99": %f, "failed": %d, "unavailable": %d, "answered": %d}\n',
        summary.requests / summary.duration * 1000000,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000,
        e.connect + e.read + e.write + e.status + e.timeout, shed, summary.requests))
end
"#;

/// Sends a request over `connections` for `time`.
pub(crate) async fn wrk(request: &Request, connections: usize, time: Duration) -> Seen {
    let mut script = NamedTempFile::with_suffix(".lua").expect("a file");
    for (name, value) in &request.headers {
        writeln!(script, "wrk.headers[{name:?}] = {value:?}").expect("written");
    }
    if let Some(body) = &request.body {
        writeln!(script, "body = {body:?}").expect("written");
    }
    if !request.tokens.is_empty() {
        let tokens: Vec<String> = request.tokens.iter().map(|token| format!("{token:?}")).collect();
        writeln!(script, "tokens = {{{}}}", tokens.join(",")).expect("written");
    }
    script.write_all(SCRIPT.as_bytes()).expect("written");
    let output = Command::new("wrk")
        .args(["--threads", "1", "--latency", "--timeout", "10s"])
        .arg(format!("--connections={connections}"))
        .arg(format!("--duration={}s", time.as_secs()))
        .arg("--script")
        .arg(script.path())
        .arg(&request.url)
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .expect("wrk, which the bench needs: apt-get install wrk");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.starts_with('{')).expect("the line of the script");
    serde_json::from_str(line).expect("JSON")
}
