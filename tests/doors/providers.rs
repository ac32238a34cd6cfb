//! Signing in with other providers: there and back, linking, and everything that a provider may get wrong.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    app_support::*,
    support::{Browser, PASSWORD, TestServer, form_token, hidden, json_of, program},
    upstream::{Mode, Upstream, leaves, server_with},
};

async fn with_work(more: &str) -> (TestServer, Upstream) {
    let upstream = Upstream::start().await;
    let server = server_with(&[upstream.entry("work", more)], &[]).await;
    (server, upstream)
}

pub(crate) fn person(subject: &str) -> Value {
    json!({"sub": subject, "name": "Ann Other", "preferred_username": subject})
}

pub(crate) fn with_address(subject: &str, email: &str, verified: bool) -> Value {
    let mut person = person(subject);
    person["email"] = email.into();
    person["email_verified"] = verified.into();
    person
}

/// Goes there as this person, and comes back. Returns where that leads.
pub(crate) async fn go(browser: &Browser, upstream: &Upstream, person: &Value) -> String {
    let address = leaves(browser, "/signin/with/work").await;
    location(&browser.get(&upstream.comes_back(&address, person, &[])).await)
}

/// The same for a newcomer, who chooses this username.
pub(crate) async fn arrive(
    browser: &Browser,
    upstream: &Upstream,
    person: &Value,
    username: &str,
) -> String {
    let page = go(browser, upstream, person).await;
    assert!(page.starts_with("/signup/with?"), "{page}");
    let answer = choose(browser, &page, username, &[]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    location(&answer)
}

async fn choose(
    browser: &Browser,
    page: &str,
    username: &str,
    more: &[(&str, &str)],
) -> reqwest::Response {
    let page = browser.page(page).await;
    let (token, visit) = (form_token(&page), hidden(&page, "visit"));
    let mut fields = vec![
        ("form_token", &*token),
        ("provider", "work"),
        ("visit", &*visit),
        ("username", username),
        ("fullName", "Ann Other"),
    ];
    fields.extend(more);
    browser.post("/api/sign_up_with", &fields).await
}

async fn is_in(browser: &Browser) -> bool {
    browser.get("/profile").await.status() == StatusCode::OK
}

pub(crate) async fn own(browser: &Browser, path: &str) -> Value {
    json_of(browser.get(path).await).await
}

/// Links the provider to the signed-in account. Returns where that leads.
pub(crate) async fn link(browser: &Browser, upstream: &Upstream, person: &Value) -> String {
    let page = browser.page("/account/security").await;
    let fields = [("form_token", &*form_token(&page)), ("provider", "work")];
    let page = browser.post("/api/link_provider", &fields).await.text().await.expect("text");
    let to = page.split("content=\"0;url=").nth(1).expect("it goes on");
    let address = to.split('"').next().expect("an address").replace("&amp;", "&");
    location(&browser.get(&upstream.comes_back(&address, person, &[])).await)
}

#[tokio::test]
async fn a_first_visit_makes_an_account_with_a_username_to_choose() {
    let (server, upstream) = with_work("").await;
    for page in ["/signin", "/signup"] {
        let page = Browser::new(&server).page(page).await;
        assert!(page.contains("Continue with"), "{page}");
    }
    let browser = Browser::new(&server);
    let page = go(&browser, &upstream, &person("ann")).await;
    let shown = browser.page(&page).await;
    assert!(shown.contains("value=\"ann\"") && shown.contains("value=\"Ann Other\""), "{shown}");
    assert!(!is_in(&browser).await);
    let refused = choose(&browser, &page, "x", &[]).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert_eq!(location(&choose(&browser, &page, "ann", &[]).await), "/profile");
    assert!(is_in(&browser).await);
    let me = own(&browser, "/user").await;
    assert_eq!(
        (&me["username"], &me["hasPassword"], &me["email"]),
        (&json!("ann"), &json!(false), &Value::Null)
    );

    // From now on, the same identity opens it, elsewhere too.
    let other = Browser::new(&server);
    assert_eq!(go(&other, &upstream, &person("ann")).await, "/profile");
    assert_eq!(own(&other, "/user").await["id"], me["id"]);
    let links = own(&other, "/user/links").await;
    let links = links["links"].as_array().expect("links").clone();
    assert_eq!(
        (links.len(), &links[0]["provider"], &links[0]["label"]),
        (1, &json!("work"), &json!("ann"))
    );
    assert!(links[0]["lastUsedAt"].is_string());
}

#[tokio::test]
async fn the_page_that_follows_is_kept_and_leads_only_into_this_site() {
    let (server, upstream) = with_work("").await;
    arrive(&Browser::new(&server), &upstream, &person("ann"), "ann").await;
    for (next, expected) in
        [("/account", "/account"), ("https://evil.example", "/profile"), ("//evil", "/profile")]
    {
        let browser = Browser::new(&server);
        let path = format!("/signin/with/work?{}", url_encoded(&[("next", next)]));
        let address = leaves(&browser, &path).await;
        let back = upstream.comes_back(&address, &person("ann"), &[]);
        assert_eq!(location(&browser.get(&back).await), expected);
    }
}

#[tokio::test]
async fn two_tabs_the_back_button_and_a_second_click_end_well() {
    let (server, upstream) = with_work("").await;
    arrive(&Browser::new(&server), &upstream, &person("ann"), "ann").await;
    let browser = Browser::new(&server);
    let first = leaves(&browser, "/signin/with/work?next=%2Faccount").await;
    let second = leaves(&browser, "/signin/with/work").await;
    let (first, second) = (
        upstream.comes_back(&first, &person("ann"), &[]),
        upstream.comes_back(&second, &person("ann"), &[]),
    );
    assert_eq!(location(&browser.get(&second).await), "/profile");
    assert_eq!(location(&browser.get(&first).await), "/account");
    // Back, and sent twice.
    assert_eq!(location(&browser.get(&first).await), "/account");
    assert!(is_in(&browser).await);
}

#[tokio::test]
async fn an_answer_counts_in_the_browser_that_began_alone() {
    let (server, upstream) = with_work("").await;
    arrive(&Browser::new(&server), &upstream, &person("ann"), "ann").await;
    let attacker = Browser::new(&server);
    let address = leaves(&attacker, "/signin/with/work").await;
    let back = upstream.comes_back(&address, &person("ann"), &[]);
    let victim = Browser::new(&server);
    victim.page("/signin").await;
    assert_eq!(location(&victim.get(&back).await), "/signin");
    assert!(!is_in(&victim).await);
    // Nor does one that nobody began.
    let made_up = "/signin/with/work/callback?code=x&state=made-up";
    assert_eq!(location(&victim.get(made_up).await), "/signin");
    assert_eq!(location(&attacker.get(&back).await), "/profile");
}

#[tokio::test]
async fn db_a_visit_waits_for_ten_minutes_and_not_for_ever() {
    let (server, upstream) = with_work("").await;
    let browser = Browser::new(&server);
    let address = leaves(&browser, "/signin/with/work").await;
    server.db_execute("UPDATE provider_visits SET expires_at = expires_at - 660").await;
    let page = location(&browser.get(&upstream.comes_back(&address, &person("ann"), &[])).await);
    assert!(page.starts_with("/signup/with?"), "{page}");
    let address = leaves(&browser, "/signin/with/work").await;
    server.db_execute("UPDATE provider_visits SET expires_at = expires_at - 1801").await;
    let page = location(&browser.get(&upstream.comes_back(&address, &person("ann"), &[])).await);
    assert_eq!(page, "/signin");
}

#[tokio::test]
async fn whatever_a_provider_gets_wrong_nobody_is_signed_in() {
    let (server, upstream) = with_work("").await;
    arrive(&Browser::new(&server), &upstream, &person("ann"), "ann").await;
    let old = crate::signer::now() - 3600;
    let claims = |name, value| Mode::Claims(vec![(name, value)]);
    for mode in [
        claims("iss", json!("https://wrong.example")),
        claims("iss", Value::Null),
        claims("aud", json!("somebody")),
        claims("aud", json!(["somebody"])),
        claims("aud", json!(["latchkey", "somebody"])),
        claims("aud", Value::Null),
        claims("azp", json!("somebody")),
        claims("nonce", json!("another")),
        claims("nonce", Value::Null),
        claims("exp", json!(old)),
        claims("exp", Value::Null),
        claims("exp", json!("9999999999")),
        claims("iat", json!(old)),
        claims("iat", Value::Null),
        claims("nbf", json!(crate::signer::now() + 3600)),
        claims("sub", Value::Null),
        claims("sub", json!("")),
        claims("sub", json!(7)),
        claims("sub", json!("x".repeat(256))),
        claims("at_hash", json!("wrong")),
        Mode::Unsigned,
        Mode::Hs256,
        Mode::Hs256Public,
        Mode::OtherKey,
        Mode::NoIdToken,
        Mode::Circle("/token"),
        Mode::Huge("/token"),
        Mode::Down,
        Mode::Userinfo("somebody-else"),
    ] {
        upstream.misbehave(mode.clone());
        let browser = Browser::new(&server);
        assert_eq!(go(&browser, &upstream, &person("ann")).await, "/signin", "{mode:?}");
        assert!(!is_in(&browser).await, "{mode:?}");
        let page = browser.page("/signin").await;
        let is_away = matches!(mode, Mode::Circle(_) | Mode::Huge(_) | Mode::Down);
        let said = if is_away { "can't be reached right now" } else { "That sign-in didn't work" };
        assert!(page.contains(said), "{mode:?}: {page}");
    }
    upstream.misbehave(Mode::Well);
    assert_eq!(go(&Browser::new(&server), &upstream, &person("ann")).await, "/profile");
}

#[tokio::test]
async fn a_provider_that_does_not_answer_holds_up_nobody_for_long() {
    let (server, upstream) = with_work("").await;
    let browser = Browser::new(&server);
    let address = leaves(&browser, "/signin/with/work").await;
    upstream.misbehave(Mode::Slow("/token"));
    let back = upstream.comes_back(&address, &person("ann"), &[]);
    let waiting = tokio::time::timeout(std::time::Duration::from_secs(30), browser.get(&back));
    assert_eq!(location(&waiting.await.expect("in time")), "/signin");
}

#[tokio::test]
async fn what_a_provider_says_of_itself_is_checked_before_anybody_is_sent_there() {
    for mode in [
        Mode::Discovery(vec![("issuer", json!("https://wrong.example"))]),
        Mode::Discovery(vec![("authorization_endpoint", json!("javascript:alert(1)"))]),
        Mode::Discovery(vec![("token_endpoint", Value::Null)]),
        Mode::Circle("/.well-known/openid-configuration"),
        Mode::Huge("/.well-known/openid-configuration"),
        Mode::Down,
    ] {
        let (server, upstream) = with_work("").await;
        upstream.misbehave(mode.clone());
        let browser = Browser::new(&server);
        assert_eq!(leaves(&browser, "/signin/with/work").await, "/signin", "{mode:?}");
        // It is asked again as soon as it behaves.
        upstream.misbehave(Mode::Well);
        assert!(leaves(&browser, "/signin/with/work").await.starts_with(upstream.origin()));
    }
}

#[tokio::test]
async fn a_provider_cannot_lead_us_to_other_addresses_inside() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let trap = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = trap.local_addr().expect("an address");
    let hit = std::sync::Arc::new(AtomicBool::new(false));
    let noted = hit.clone();
    tokio::spawn(async move {
        while trap.accept().await.is_ok() {
            noted.store(true, Ordering::SeqCst);
        }
    });
    for (name, path) in [("token_endpoint", "/token"), ("jwks_uri", "/jwks")] {
        let (server, upstream) = with_work("").await;
        upstream.misbehave(Mode::Discovery(vec![(name, json!(format!("http://{address}{path}")))]));
        let browser = Browser::new(&server);
        assert_eq!(go(&browser, &upstream, &person("ann")).await, "/signin", "{name}");
    }
    assert!(!hit.load(Ordering::SeqCst));
}

#[tokio::test]
async fn an_answer_of_another_provider_is_refused() {
    let (work, other) = (Upstream::start().await, Upstream::start().await);
    let server = server_with(&[work.entry("work", ""), other.entry("other", "")], &[]).await;
    let browser = Browser::new(&server);
    // Mix-up: the other one's answer at this one's address, and the issuer that it names.
    let address = leaves(&browser, "/signin/with/work").await;
    let mixed = work.comes_back(&address, &person("ann"), &[("iss", other.origin())]);
    assert_eq!(location(&browser.get(&mixed).await), "/signin");
    let address = leaves(&browser, "/signin/with/work").await;
    let unnamed = work.comes_back(&address, &person("ann"), &[("iss", "")]);
    assert_eq!(location(&browser.get(&unnamed).await), "/signin");
    let address = leaves(&browser, "/signin/with/work").await;
    let back = work.comes_back(&address, &person("ann"), &[]);
    let elsewhere = back.replace("/with/work/", "/with/other/");
    assert_eq!(location(&browser.get(&elsewhere).await), "/signin");
    assert_eq!(other.hits(), 0);
    assert!(!is_in(&browser).await);
}

#[tokio::test]
async fn the_person_may_say_no_there() {
    let (server, upstream) = with_work("").await;
    let browser = Browser::new(&server);
    let address = leaves(&browser, "/signin/with/work").await;
    let changes = [("code", ""), ("error", "access_denied")];
    let back = upstream.comes_back(&address, &person("ann"), &changes);
    assert_eq!(location(&browser.get(&back).await), "/signin");
    assert!(browser.page("/signin").await.contains("Sign-in cancelled"));
}

#[tokio::test]
async fn an_account_is_linked_by_its_owner_with_both_proofs() {
    let (server, upstream) = with_work("").await;
    let alice = Browser::signed_up(&server, "alice").await;
    assert_eq!(link(&alice, &upstream, &person("ann")).await, "/account/security");
    let page = alice.page("/account/security").await;
    assert!(page.contains("Linked.") && page.contains("ann"), "{page}");
    let browser = Browser::new(&server);
    assert_eq!(go(&browser, &upstream, &person("ann")).await, "/profile");
    assert_eq!(own(&browser, "/user").await["username"], "alice");
    // It opens one account.
    let bob = Browser::signed_up(&server, "bob").await;
    link(&bob, &upstream, &person("ann")).await;
    assert_eq!(own(&bob, "/user/links").await["links"], json!([]));
    let history = own(&alice, "/user/history").await.to_string();
    assert!(history.contains("authn_factor_added:identity"), "{history}");
    let data = own(&alice, "/user/data").await;
    assert_eq!(data["links"][0]["label"], "ann");
}

#[tokio::test]
async fn db_linking_takes_a_fresh_proof_here() {
    let (server, upstream) = with_work("").await;
    server.sign_up_json("alice").await;
    let alice = Browser::signed_in(&server, "alice").await;
    server.db_forget_proofs().await;
    let page = alice.page("/account").await;
    let fields = [("form_token", &*form_token(&page)), ("provider", "work")];
    let answer = alice.post("/api/link_provider", &fields).await;
    assert!(!answer.text().await.expect("text").contains(upstream.origin()));
    assert_eq!(own(&alice, "/user/links").await["links"], json!([]));
}

#[tokio::test]
async fn a_person_who_confirms_by_a_provider_signs_in_there_anew() {
    let (server, upstream) = with_work("").await;
    let ann = Browser::new(&server);
    arrive(&ann, &upstream, &person("ann"), "ann").await;
    let confirm = ann.page("/confirm?next=%2Faccount").await;
    assert!(confirm.contains("Confirm with"), "{confirm}");
    let address = leaves(&ann, "/signin/with/work?next=%2Faccount").await;
    assert_eq!(param(&address, "max_age").as_deref(), Some("0"));
    let mut stale = person("ann");
    stale["auth_time"] = json!(crate::signer::now() - 600);
    let back = location(&ann.get(&upstream.comes_back(&address, &stale, &[])).await);
    assert_eq!(back, "/account/security");
    let address = leaves(&ann, "/signin/with/work?next=%2Faccount").await;
    let mut fresh = person("ann");
    fresh["auth_time"] = json!(crate::signer::now());
    let back = location(&ann.get(&upstream.comes_back(&address, &fresh, &[])).await);
    assert_eq!(back, "/account");
    // A stranger need not.
    let address = leaves(&Browser::new(&server), "/signin/with/work").await;
    assert_eq!(param(&address, "max_age"), None);
}

#[tokio::test]
async fn another_identity_confirms_nothing_and_changes_no_account() {
    let (server, upstream) = with_work("").await;
    let ann = Browser::new(&server);
    arrive(&ann, &upstream, &person("ann"), "ann").await;
    arrive(&Browser::new(&server), &upstream, &person("ben"), "ben").await;
    for other in ["ben", "nobody"] {
        let address = leaves(&ann, "/signin/with/work?next=%2Faccount").await;
        let back = upstream.comes_back(&address, &person(other), &[]);
        assert_eq!(location(&ann.get(&back).await), "/account/security");
        assert!(ann.page("/account/security").await.contains("can't confirm that it's you"));
        assert_eq!(own(&ann, "/user").await["username"], "ann");
    }
}

#[tokio::test]
async fn db_a_provider_that_does_not_say_when_it_asked_proves_nothing_where_there_is_a_password() {
    let (server, upstream) = with_work("").await;
    let alice = Browser::signed_up(&server, "alice").await;
    link(&alice, &upstream, &person("ann")).await;
    let browser = Browser::new(&server);
    assert_eq!(go(&browser, &upstream, &person("ann")).await, "/profile");
    let security = browser.get("/account/security/authenticator").await;
    assert!(security.status().is_redirection());
    let mut said = person("ann");
    said["auth_time"] = json!(crate::signer::now());
    let browser = Browser::new(&server);
    go(&browser, &upstream, &said).await;
    let page = browser.page("/account/security").await;
    let fields = [("form_token", &*form_token(&page)), ("provider", "work")];
    let linked = browser.post("/api/link_provider", &fields).await;
    assert!(linked.text().await.expect("text").contains(upstream.origin()));
}

#[tokio::test]
async fn the_state_of_somebody_elses_visit_opens_nothing() {
    let (server, upstream) = with_work("").await;
    let victim = Browser::new(&server);
    let address = leaves(&victim, "/signin/with/work").await;
    let state = param(&address, "state").expect("a state");
    let page = location(&victim.get(&upstream.comes_back(&address, &person("ann"), &[])).await);
    choose(&victim, &page, "ann", &[]).await;
    assert!(is_in(&victim).await);
    let mallory = Browser::new(&server);
    let token = form_token(&mallory.page("/signin").await);
    let fields = [
        ("form_token", &*token),
        ("provider", "work"),
        ("visit", &*state),
        ("username", "mallory"),
        ("fullName", "Mallory"),
    ];
    mallory.post("/api/sign_up_with", &fields).await;
    assert!(!is_in(&mallory).await);
}

#[tokio::test]
async fn wrong_codes_after_a_provider_count_against_one_account() {
    let (server, upstream) = with_work("").await;
    for name in ["alice", "bob"] {
        let browser = Browser::signed_up(&server, name).await;
        link(&browser, &upstream, &person(name)).await;
        server.set_up_app(&server.token(name).await).await;
    }
    let mut last = StatusCode::OK;
    for _ in 0..12 {
        let browser = Browser::new(&server);
        go(&browser, &upstream, &person("alice")).await;
        let page = browser.page("/signin/second-factor").await;
        let fields = [("form_token", &*form_token(&page)), ("code", "000000")];
        last = browser.post("/api/second_factor", &fields).await.status();
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let bob = Browser::new(&server);
    go(&bob, &upstream, &person("bob")).await;
    let page = bob.page("/signin/second-factor").await;
    let fields = [("form_token", &*form_token(&page)), ("code", "000000")];
    assert_eq!(bob.post("/api/second_factor", &fields).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_person_who_clicks_twice_is_signed_in() {
    let (server, upstream) = with_work("").await;
    arrive(&Browser::new(&server), &upstream, &person("ann"), "ann").await;
    let browser = Browser::new(&server);
    let address = leaves(&browser, "/signin/with/work?next=%2Faccount").await;
    let back = upstream.comes_back(&address, &person("ann"), &[]);
    let (one, other) = tokio::join!(browser.get(&back), browser.get(&back));
    assert_eq!((location(&one), location(&other)), ("/account".into(), "/account".into()));
    assert!(is_in(&browser).await);
}

#[tokio::test]
async fn a_browser_without_cookies_is_told_that_a_provider_is_away() {
    let (server, upstream) = with_work("").await;
    upstream.misbehave(Mode::Down);
    let browser = Browser::new(&server);
    let page = leaves(&browser, "/signin/with/work").await;
    assert!(browser.page(&page).await.contains("can't be reached right now"));
}

#[tokio::test]
async fn keys_may_change_and_userinfo_may_tell_the_rest() {
    let (server, upstream) = with_work("").await;
    arrive(&Browser::new(&server), &upstream, &person("ann"), "ann").await;
    upstream.misbehave(Mode::Userinfo("ben"));
    let page = go(&Browser::new(&server), &upstream, &person("ben")).await;
    assert!(page.starts_with("/signup/with?"), "{page}");
}

#[tokio::test]
async fn a_link_that_somebody_else_began_is_not_finished_in_my_session() {
    let (server, upstream) = with_work("").await;
    let mallory = Browser::signed_up(&server, "mallory").await;
    let page = mallory.page("/account/security").await;
    let fields = [("form_token", &*form_token(&page)), ("provider", "work")];
    let page = mallory.post("/api/link_provider", &fields).await.text().await.expect("text");
    let to = page.split("content=\"0;url=").nth(1).expect("it goes on");
    let address = to.split('"').next().expect("an address").replace("&amp;", "&");
    let back = upstream.comes_back(&address, &person("mallory-there"), &[]);
    let alice = Browser::signed_up(&server, "alice").await;
    alice.get(&back).await;
    assert_eq!(own(&alice, "/user/links").await["links"], json!([]));
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let (server, upstream) = with_work("").await;
    let ann = Browser::new(&server);
    arrive(&ann, &upstream, &person("ann"), "ann").await;
    let links = own(&ann, "/user/links").await;
    let id = text(&links["links"][0], "id").to_owned();
    let page = ann.page("/account/security").await;
    let fields = [("form_token", &*form_token(&page)), ("id", &*id)];
    ann.post("/api/unlink_provider", &fields).await;
    assert!(ann.page("/account/security").await.contains("your only way in"));
    assert_eq!(own(&ann, "/user/links").await["links"][0]["id"], *id);
    // With a password there is another one.
    let body = json!({"newPassword": PASSWORD});
    let request = ann.client.post(server.url("/user/password")).json(&body);
    let set = request.header("origin", server.origin()).send().await.expect("an answer");
    assert!(set.status().is_success(), "{}", set.status());
    let request = ann.client.delete(server.url(&format!("/user/links/{id}")));
    let gone = request.header("origin", server.origin()).send().await.expect("an answer");
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert_eq!(own(&ann, "/user/links").await["links"], json!([]));
    let page = go(&Browser::new(&server), &upstream, &person("ann")).await;
    assert!(page.starts_with("/signup/with?"));
}

#[tokio::test]
async fn a_disabled_account_is_not_entered() {
    let (server, upstream) = with_work("").await;
    arrive(&Browser::new(&server), &upstream, &person("ann"), "ann").await;
    operate(&server, &["user", "disable", "ann"]);
    let browser = Browser::new(&server);
    assert_eq!(go(&browser, &upstream, &person("ann")).await, "/signin");
    assert!(!is_in(&browser).await);
}

#[tokio::test]
async fn the_second_factor_of_here_is_asked_for_here() {
    let (server, upstream) = with_work("second_factor = [\"mfa\"]").await;
    let alice = Browser::signed_up(&server, "alice").await;
    link(&alice, &upstream, &person("ann")).await;
    server.set_up_app(&server.token("alice").await).await;
    let browser = Browser::new(&server);
    assert_eq!(go(&browser, &upstream, &person("ann")).await, "/signin/second-factor");
    assert!(!is_in(&browser).await);
    // Unless the provider has asked for one that is enough.
    let mut strong = person("ann");
    strong["amr"] = json!(["pwd", "mfa"]);
    let browser = Browser::new(&server);
    assert_eq!(go(&browser, &upstream, &strong).await, "/profile");
    let mut weak = person("ann");
    weak["amr"] = json!(["pwd"]);
    let browser = Browser::new(&server);
    assert_eq!(go(&browser, &upstream, &weak).await, "/signin/second-factor");
}

#[tokio::test]
async fn a_provider_may_be_for_linked_accounts_only() {
    let (server, upstream) = with_work("sign_up = false").await;
    let browser = Browser::new(&server);
    assert_eq!(go(&browser, &upstream, &person("ann")).await, "/signin");
    assert!(browser.page("/signin").await.contains("No account here is linked"));
}

#[tokio::test]
async fn an_app_gets_its_answer_after_a_sign_in_with_a_provider() {
    let (server, upstream) = with_work("").await;
    arrive(&Browser::new(&server), &upstream, &person("ann"), "ann").await;
    let app = App::add(&server, "Wiki", &[]).await;
    let browser = Browser::new(&server);
    let sign_in = location(&browser.get(&app.address(&[])).await);
    let next = param(&sign_in, "next").expect("what follows");
    let path = format!("/signin/with/work?{}", url_encoded(&[("next", &next)]));
    let address = leaves(&browser, &path).await;
    let on = location(&browser.get(&upstream.comes_back(&address, &person("ann"), &[])).await);
    let back = location(&browser.get(&on).await);
    let code = param(&back, "code").expect("a code");
    let tokens = ok(app.exchange(&server, &code).await).await;
    assert_eq!(claims(text(&tokens, "id_token"))["amr"], json!(["fed"]));
}

#[tokio::test]
async fn the_same_sign_up_sent_twice_makes_one_account() {
    let (server, upstream) = with_work("").await;
    let browser = Browser::new(&server);
    let page = go(&browser, &upstream, &person("ann")).await;
    let (one, other) =
        tokio::join!(choose(&browser, &page, "ann", &[]), choose(&browser, &page, "ann", &[]));
    assert_eq!((location(&one), location(&other)), ("/profile".into(), "/profile".into()));
    assert_eq!(server.db_count("SELECT COUNT(*) FROM accounts").await, 1);
    assert_eq!(server.db_count("SELECT COUNT(*) FROM identities").await, 1);
}

#[tokio::test]
async fn what_is_linked_moves_along_to_another_server() {
    let (server, upstream) = with_work("").await;
    arrive(&Browser::new(&server), &upstream, &person("ann"), "ann").await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("accounts.ndjson");
    let file = file.to_str().expect("text");
    operate(&server, &["export", file]);
    let other = server_with(&[upstream.entry("work", "")], &[]).await;
    operate(&other, &["import", file]);
    let browser = Browser::new(&other);
    assert_eq!(go(&browser, &upstream, &person("ann")).await, "/profile");
    assert_eq!(own(&browser, "/user").await["username"], "ann");
    // An identity opens one account.
    let line = format!(
        r#"{{"username": "bob", "fullName": "Bob", "links": [{{"issuer": "{}", "subject": "ann"}}]}}"#,
        upstream.origin()
    );
    std::fs::write(file, line).expect("written");
    let refused = crate::operator::latchkey(&other, folder.path(), &["import", file]);
    assert!(!refused.status.success());
    assert!(crate::operator::said(&refused).contains("another account's"));
}

#[tokio::test]
async fn a_deleted_account_leaves_no_identity() {
    let (server, upstream) = with_work("").await;
    arrive(&Browser::new(&server), &upstream, &person("ann"), "ann").await;
    operate(&server, &["user", "delete", "ann", "--yes"]);
    assert_eq!(server.db_count("SELECT COUNT(*) FROM identities").await, 0);
    let page = go(&Browser::new(&server), &upstream, &person("ann")).await;
    assert!(page.starts_with("/signup/with?"));
}

#[tokio::test]
async fn a_program_sees_and_removes_links_and_nobody_elses() {
    let (server, upstream) = with_work("").await;
    let alice = Browser::signed_up(&server, "alice").await;
    link(&alice, &upstream, &person("ann")).await;
    server.sign_up_json("bob").await;
    let token = server.token("bob").await;
    let id = text(&own(&alice, "/user/links").await["links"][0], "id").to_owned();
    let path = format!("/user/links/{id}");
    assert_eq!(server.ask("DELETE", &path, &token, None).await.status(), StatusCode::NOT_FOUND);
    let token = server.token("alice").await;
    let links = ok(server.ask("GET", "/user/links", &token, None).await).await;
    assert_eq!(links["links"][0]["id"], *id);
    assert_eq!(server.ask("DELETE", &path, &token, None).await.status(), StatusCode::NO_CONTENT);
    let stranger = program().get(server.url("/user/links")).send().await.expect("an answer");
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_flood_of_departures_is_slowed_down() {
    let upstream = Upstream::start().await;
    let limit = [("THROTTLE_REQUESTS", "5/1h")];
    let server = server_with(&[upstream.entry("work", "")], &limit).await;
    let mut last = StatusCode::OK;
    for _ in 0..6 {
        last = Browser::new(&server).get("/signin/with/work").await.status();
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}
