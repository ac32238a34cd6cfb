//! Whether the time of an answer reveals who is here (AU-02, AU-03): a name or an address that
//! somebody has and one that nobody has in turns, and the Mann-Whitney U test on their times.

use std::{process::Stdio, time::Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    Run,
    latchkey::Latchkey,
    report::{Goal::AtMost, Report},
    scenarios::folder,
};

/// Of each kind. The requirement (AU-02) is a p above 0.01, or medians less than 2 ms apart: on a
/// loopback, half a thousand samples reveal differences of microseconds.
const SAMPLES: usize = 300;

/// Tries are counted as usual, but never limited.
const COUNTED: [(&str, &str); 3] = [
    ("THROTTLE_ACCOUNT", "1000000/1d"),
    ("THROTTLE_NETWORK", "1000000/1d"),
    ("THROTTLE_TOTAL", "1000000/1d"),
];

pub(crate) async fn silence(run: &Run, report: &mut Report) {
    let folder = folder();
    let database = format!("sqlite:{}", folder.path().join("latchkey.db").display());
    let latchkey = Latchkey::start_with(run, folder.path(), &database, &COUNTED).await;
    latchkey.sign_up("alice").await;
    latchkey.sign_up("mallory").await;
    let disabled = Command::new(run.program.canonicalize().expect("the program"))
        .current_dir(folder.path())
        .env_clear()
        .env("DATABASE_URL", &database)
        .args(["user", "disable", "mallory"])
        .stdout(Stdio::null())
        .status();
    assert!(disabled.await.expect("it ran").success());
    let tries = [("nobody-here", WRONG), ("alice", WRONG), ("mallory", PASSWORD)];
    let refused = StatusCode::BAD_REQUEST;
    let [unknown, wrong, disabled] = sample(&latchkey, &tries.map(sign_in), refused).await;
    report.note("refused sign-in: unknown name", "ms", &unknown);
    alike(report, "unknown name", &unknown, "wrong password", &wrong);
    alike(report, "unknown name", &unknown, "disabled account", &disabled);
    drop(latchkey);

    // The same names, after each has used up its one try.
    let limited = [("THROTTLE_ACCOUNT", "1/1d")];
    let latchkey = Latchkey::start_with(run, folder.path(), &database, &limited).await;
    for (username, password) in tries {
        latchkey.refused(username, password).await;
    }
    let limited = StatusCode::TOO_MANY_REQUESTS;
    let [unknown, wrong, disabled] = sample(&latchkey, &tries.map(sign_in), limited).await;
    report.note("limited sign-in: unknown name", "ms", &unknown);
    alike(report, "limited: unknown name", &unknown, "wrong password", &wrong);
    alike(report, "limited: unknown name", &unknown, "disabled account", &disabled);
}

/// The same for everything that sends a mail.
pub(crate) async fn silence_of_mail(run: &Run, report: &mut Report) {
    let folder = folder();
    let database = format!("sqlite:{}", folder.path().join("latchkey.db").display());
    let mut settings = COUNTED.to_vec();
    settings.extend([
        ("MAIL_URL", "file:mails"),
        ("MAIL_FROM", "accounts@example.org"),
        ("THROTTLE_MAIL", "1000000/1d"),
        ("THROTTLE_SIGN_UP", "1000000/1d"),
        ("THROTTLE_ACTS", "1000000/1d"),
    ]);
    let latchkey = Latchkey::start_with(run, folder.path(), &database, &settings).await;
    latchkey.sign_up("alice").await;
    latchkey.sign_up("bob").await;
    let verified = Command::new(run.program.canonicalize().expect("the program"))
        .current_dir(folder.path())
        .env_clear()
        .env("DATABASE_URL", &database)
        .args(["user", "set", "alice", "email", HERS])
        .stdout(Stdio::null())
        .status();
    assert!(verified.await.expect("it ran").success());

    for path in ["/auth/forgot-password", "/auth/email-code"] {
        for (mine, nobodys) in [("alice", "nobody-here"), (HERS, FREE)] {
            let asks = [mine, nobodys]
                .map(|identifier| Ask::post(path, move |_| json!({"identifier": identifier})));
            let [known, unknown] = sample(&latchkey, &asks, StatusCode::ACCEPTED).await;
            alike(report, &format!("{path}: {mine}"), &known, nobodys, &unknown);
        }
    }
    let asks = [(HERS, "known"), (FREE, "unknown")].map(|(email, name)| {
        Ask::post("/auth/signup", move |sample| {
            let username = format!("{name}{sample}");
            json!({"username": username, "password": PASSWORD, "fullName": "A", "email": email})
        })
    });
    let [known, unknown] = sample(&latchkey, &asks, StatusCode::OK).await;
    alike(report, "sign-up with an address: taken", &known, "free", &unknown);
    let request = latchkey.with_token("/user/email", "bob").await;
    let (_, token) = request.headers.first().expect("a token");
    let asks = [HERS, FREE].map(|email| Ask {
        method: Method::PUT,
        token: Some(token.clone()),
        ..Ask::post("/user/email", move |_| json!({"email": email}))
    });
    let [known, unknown] = sample(&latchkey, &asks, StatusCode::ACCEPTED).await;
    alike(report, "change of the address: taken", &known, "free", &unknown);
}

/// An address that somebody has, and one that nobody has.
const HERS: &str = "alice@example.org";
const FREE: &str = "alicf@example.org";

/// A kind of request.
struct Ask {
    method: Method,
    path: &'static str,
    token: Option<String>,
    /// By the number of the sample.
    body: Box<dyn Fn(usize) -> Value>,
}

impl Ask {
    fn post(path: &'static str, body: impl Fn(usize) -> Value + 'static) -> Self {
        Self { method: Method::POST, path, token: None, body: Box::new(body) }
    }
}

fn sign_in((username, password): (&'static str, &'static str)) -> Ask {
    Ask::post("/auth/signin", move |_| json!({"username": username, "password": password}))
}

/// The milliseconds of each kind of request, in turns. All get the same status.
async fn sample<const N: usize>(
    latchkey: &Latchkey,
    asks: &[Ask; N],
    status: StatusCode,
) -> [Vec<f64>; N] {
    let mut times = [const { Vec::new() }; N];
    for sample in 0..SAMPLES {
        for offset in 0..N {
            let kind = (sample + offset) % N;
            let Ask { method, path, token, body } = &asks[kind];
            let (body, token) = (body(sample), token.as_deref());
            let start = Instant::now();
            let answer = latchkey.ask(method.clone(), path, token, &body).await;
            times[kind].push(start.elapsed().as_secs_f64() * 1000.0);
            assert_eq!(answer, status);
        }
    }
    times
}

fn alike(report: &mut Report, one: &str, a: &[f64], other: &str, b: &[f64]) {
    report.note(&format!("{one} / {other}: p"), "", &[mann_whitney(a, b)]);
    let gap = (median(a) - median(b)).abs();
    report.goal(&format!("{one} / {other}: medians"), "ms", &[gap], AtMost(2.0));
}

const WRONG: &str = "wrong wrong wrong";

const PASSWORD: &str = crate::latchkey::PASSWORD;

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The two-sided p-value of the Mann-Whitney U test, by the normal approximation, which is accurate
/// for more than twenty samples. Times in nanoseconds have hardly any ties.
fn mann_whitney(a: &[f64], b: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> =
        a.iter().map(|t| (*t, true)).chain(b.iter().map(|t| (*t, false))).collect();
    all.sort_by(|x, y| x.0.total_cmp(&y.0));
    let ranks: f64 =
        (1..).zip(&all).filter(|(_, (_, of_a))| *of_a).map(|(r, _)| f64::from(r)).sum();
    let (n, m) = (a.len() as f64, b.len() as f64);
    let u = ranks - n * (n + 1.0) / 2.0;
    let z = (u - n * m / 2.0).abs() / (n * m * (n + m + 1.0) / 12.0).sqrt();
    // Abramowitz and Stegun, 26.2.17: the tail of the normal distribution, to within 10^-7.
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let polynomial = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = polynomial.iter().rev().fold(0.0, |sum, factor| (sum + factor) * t);
    2.0 * sum * (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}
