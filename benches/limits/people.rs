//! The page of people in the admin area, with a million accounts against a thousand.

use std::{path::Path, time::Instant};

use latchkey::sessions;
use sqlx::{Connection, SqliteConnection};

use crate::{
    Run,
    database::{median, open},
    latchkey::{Latchkey, fill, name, session_id},
    report::{Goal::AtMost, Report},
    scenarios::folder,
};

const WHAT: [&str; 4] =
    ["people: the first page", "people: a search", "people: the thousandth page", "the overview"];

/// How many people a page has.
const PAGE: usize = 50;

pub(crate) async fn people(run: &Run, report: &mut Report) {
    const CALLS: usize = 60;
    let mut running = Vec::new();
    for accounts in [1000, run.accounts] {
        let folder = folder();
        let store = open(folder.path()).await;
        fill(folder.path(), accounts).await;
        administer(folder.path()).await;
        let database = format!("sqlite:{}", folder.path().join("latchkey.db").display());
        let settings = [("THROTTLE", "off"), ("ADMIN_SECOND_FACTOR", "off")];
        let latchkey = Latchkey::start_with(run, folder.path(), &database, &settings).await;
        // With a thousand, the tenth page stands for it.
        let pages = if accounts < PAGE * 1000 { 10 } else { 1000 };
        let last = username_at(folder.path(), pages * PAGE).await;
        let deep = format!("/admin/people?after={}", cursor(&last));
        let search = format!("/admin/people?query={}", &name(accounts / 2)[..8]);
        let paths = ["/admin/people".to_owned(), search, deep, "/admin".to_owned()];
        running.push((folder, store, latchkey, paths));
    }
    let mut sides = Vec::new();
    for (_folder, store, latchkey, paths) in &running {
        let live = sessions::find(store, &session_id(0), 0).await.expect("read").expect("one");
        let token = latchkey.signer().make(&live.session).expect("a token").0;
        let address = format!("http://{}", latchkey.address());
        sides.push((Side { client: reqwest::Client::new(), address, token }, paths));
    }
    let mut figures: Vec<[Vec<f64>; 4]> = sides.iter().map(|_| Default::default()).collect();
    for _ in 0..run.rounds {
        let mut times: Vec<[Vec<f64>; 4]> = sides.iter().map(|_| Default::default()).collect();
        // In turns, call by call, so that a change in the machine's speed affects both.
        for _ in 0..CALLS {
            for ((side, paths), times) in sides.iter().zip(&mut times) {
                for (path, times) in paths.iter().zip(times) {
                    times.push(side.read(path).await * 1e3);
                }
            }
        }
        for (times, figures) in times.into_iter().zip(&mut figures) {
            for (times, figures) in times.into_iter().zip(figures) {
                figures.push(median(times));
            }
        }
    }
    for (index, what) in WHAT.iter().enumerate() {
        let smallest = figures[0][index].clone();
        report.note(&format!("{what}, 1000 accounts"), "ms", &smallest);
        let ratios: Vec<f64> =
            figures[1][index].iter().zip(&smallest).map(|(large, small)| large / small).collect();
        report.goal(&format!("{what}, {} accounts / 1000", run.accounts), "", &ratios, AtMost(1.5));
    }
}

struct Side {
    client: reqwest::Client,
    address: String,
    token: String,
}

impl Side {
    /// The seconds until a page is there, on an open connection.
    async fn read(&self, path: &str) -> f64 {
        let start = Instant::now();
        let request = self.client.get(format!("{}{path}", self.address)).bearer_auth(&self.token);
        let answer = request.header("accept", "text/html").send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a page");
        let time = start.elapsed().as_secs_f64();
        assert_eq!(status, 200, "{path}: {text}");
        time
    }
}

/// The key of the account at a place in the order of the page.
async fn username_at(folder: &Path, place: usize) -> String {
    let place = i64::try_from(place).expect("a number");
    sqlx::query_scalar("SELECT username_key FROM accounts ORDER BY username_key LIMIT 1 OFFSET $1")
        .bind(place - 1)
        .fetch_one(&mut connect(folder).await)
        .await
        .expect("a name")
}

async fn connect(folder: &Path) -> SqliteConnection {
    let url = format!("sqlite:{}", folder.join("latchkey.db").display());
    SqliteConnection::connect(&url).await.expect("the database")
}

/// Makes the first account an administrator.
async fn administer(folder: &Path) {
    let mut db = connect(folder).await;
    let join = "INSERT INTO account_groups (account_id, name) \
                SELECT account_id, 'admin' FROM sessions WHERE id = $1";
    sqlx::query(join).bind(session_id(0)).execute(&mut db).await.expect("joined");
}

/// A cursor as the page writes it.
fn cursor(key: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let json = serde_json::json!({ "key": key, "number": 0, "id": 0 });
    URL_SAFE_NO_PAD.encode(json.to_string())
}
