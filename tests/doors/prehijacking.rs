//! Accounts that somebody makes with an address before its owner comes: the five forms of Sudhodanan and
//! Paverd, *Pre-hijacked accounts* (USENIX Security 2022), with another provider in play.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    letters::{code, link as link_of},
    providers::{arrive, go, link, own, person, with_address},
    smtp::Mailbox,
    support::{Browser, NEW, PASSWORD, TestServer, Via, WAYS},
    upstream::Upstream,
};

const VICTIM: &str = "victim@example.org";

/// A server with mail, and a provider.
struct House {
    server: TestServer,
    upstream: Upstream,
    mailbox: Mailbox,
}

impl House {
    async fn open(more: &str) -> Self {
        let (upstream, mailbox) = (Upstream::start().await, Mailbox::open().await);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("providers.toml");
        std::fs::write(&file, upstream.entry("work", more)).expect("written");
        let (file, url) = (file.to_str().expect("text"), mailbox.url());
        let settings = [("PROVIDERS_FILE", file), ("MAIL_URL", &*url), crate::letters::FROM];
        Self { server: TestServer::start_with(&settings).await, upstream, mailbox }
    }

    /// Mallory signs up with the victim's address, by a password.
    async fn mallory(&self) -> Browser {
        let signed_up = self.server.sign_up_with(Via::Json, "mallory", VICTIM).await;
        assert!(signed_up.is_accepted());
        Browser::signed_in(&self.server, "mallory").await
    }

    /// The victim, at the provider that vouches for their address.
    fn victim(&self) -> Value {
        with_address("victim", VICTIM, true)
    }

    async fn is_in(&self, browser: &Browser) -> bool {
        browser.get("/profile").await.status() == StatusCode::OK
    }

    /// The victim verifies the address by the link that mallory's sign-up has sent.
    async fn verifies(&self) {
        let link = link_of(&self.mailbox.letter(VICTIM, "Confirm", 1).await);
        assert_eq!(self.server.verify(Via::Json, &link).await, Ok(()));
    }
}

#[tokio::test]
async fn classic_and_federated_accounts_are_never_merged_by_an_address() {
    let house = House::open("trust_email = true").await;
    let mallory = house.mallory().await;
    let link = link_of(&house.mailbox.letter(VICTIM, "Confirm", 1).await);
    let victim = Browser::new(&house.server);
    arrive(&victim, &house.upstream, &house.victim(), "victim").await;
    let (theirs, own_account) = (own(&mallory, "/user").await, own(&victim, "/user").await);
    assert_ne!(theirs["id"], own_account["id"]);
    assert_eq!(
        (&own_account["email"], &own_account["emailVerified"]),
        (&json!(VICTIM), &json!(true))
    );
    assert_eq!(theirs["emailVerified"], false);
    // Nor does the address come to mallory afterwards.
    assert!(house.server.verify(Via::Json, &link).await.is_err());
    // The password that mallory chose opens mallory's account alone.
    for via in WAYS {
        assert!(!house.server.sign_in(via, VICTIM, PASSWORD).await.is_accepted());
        assert!(!house.server.sign_in(via, "victim", PASSWORD).await.is_accepted());
    }
}

#[tokio::test]
async fn a_session_that_was_open_before_the_owner_came_ends() {
    let house = House::open("trust_email = true").await;
    let mallory = house.mallory().await;
    house.verifies().await;
    let asker = house.server.ask_for_code(Via::Form, VICTIM).await;
    let letter = house.mailbox.letter(VICTIM, "Your code", 1).await;
    assert_eq!(house.server.enter_code(&asker, &code(&letter)).await, Ok(()));
    assert!(!house.is_in(&mallory).await);
    assert!(!house.server.sign_in(Via::Json, "mallory", PASSWORD).await.is_accepted());
}

#[tokio::test]
async fn an_identity_that_was_linked_before_the_owner_came_opens_nothing() {
    for by_code in [true, false] {
        let house = House::open("trust_email = true").await;
        let mallory = house.mallory().await;
        link(&mallory, &house.upstream, &person("trojan")).await;
        let known = Browser::new(&house.server);
        assert_eq!(go(&known, &house.upstream, &person("trojan")).await, "/profile");
        house.verifies().await;
        if by_code {
            let asker = house.server.ask_for_code(Via::Form, VICTIM).await;
            let letter = house.mailbox.letter(VICTIM, "Your code", 1).await;
            assert_eq!(house.server.enter_code(&asker, &code(&letter)).await, Ok(()));
        } else {
            house.server.forgot(Via::Json, VICTIM).await;
            let letter = house.mailbox.letter(VICTIM, "Set a new password", 1).await;
            assert_eq!(house.server.reset(Via::Json, &link_of(&letter), NEW).await, Ok(()));
        }
        assert!(!house.is_in(&mallory).await && !house.is_in(&known).await);
        house.mailbox.letter(VICTIM, "Other ways to sign in were removed", 1).await;
        let trojan = Browser::new(&house.server);
        let page = go(&trojan, &house.upstream, &person("trojan")).await;
        assert!(page.starts_with("/signup/with?"), "{page}");
    }
}

#[tokio::test]
async fn a_change_of_the_address_that_was_begun_before_the_owner_came_is_void() {
    let house = House::open("trust_email = true").await;
    let mallory = Browser::signed_up(&house.server, "mallory").await;
    let request = mallory.client.put(house.server.url("/user/email"));
    let request = request.header("origin", house.server.origin()).json(&json!({"email": VICTIM}));
    assert_eq!(request.send().await.expect("an answer").status(), StatusCode::ACCEPTED);
    let link = link_of(&house.mailbox.letter(VICTIM, "Confirm", 1).await);
    let victim = Browser::new(&house.server);
    arrive(&victim, &house.upstream, &house.victim(), "victim").await;
    for via in WAYS {
        assert!(house.server.verify(via, &link).await.is_err());
    }
    assert_eq!(own(&victim, "/user").await["email"], VICTIM);
    assert_ne!(own(&mallory, "/user").await["emailVerified"], true);
}

#[tokio::test]
async fn a_provider_that_verifies_nothing_gives_nobody_an_address() {
    for (more, verified) in [("trust_email = true", false), ("", true)] {
        let house = House::open(more).await;
        let mallory = Browser::new(&house.server);
        let claimed = with_address("mallory", VICTIM, verified);
        arrive(&mallory, &house.upstream, &claimed, "mallory").await;
        assert_eq!(own(&mallory, "/user").await["emailVerified"], false);
        // The owner comes by the classic way, and mallory's identity opens nothing of theirs.
        assert!(house.server.sign_up_with(Via::Json, "victim", VICTIM).await.is_accepted());
        let link = link_of(&house.mailbox.letter(VICTIM, "Confirm", 1).await);
        assert_eq!(house.server.verify(Via::Json, &link).await, Ok(()));
        assert!(house.server.sign_in(Via::Json, VICTIM, PASSWORD).await.is_accepted());
        let again = Browser::new(&house.server);
        assert_eq!(go(&again, &house.upstream, &claimed).await, "/profile");
        assert_eq!(own(&again, "/user").await["username"], "mallory");
    }
}

#[tokio::test]
async fn the_owner_of_an_address_that_has_an_account_is_led_to_link_it() {
    let house = House::open("trust_email = true").await;
    house.server.verified(&house.mailbox, "victim").await;
    let browser = Browser::new(&house.server);
    let page = go(&browser, &house.upstream, &house.victim()).await;
    assert!(browser.page(&page).await.contains("already has your address"));
    // Linking tells the owner, and so does unlinking.
    let victim = Browser::signed_in(&house.server, "victim").await;
    link(&victim, &house.upstream, &house.victim()).await;
    let letter = house.mailbox.letter(VICTIM, "A new way to sign in", 1).await;
    let letter = crate::letters::read(&letter);
    assert!(letter.contains("Work (victim)") && !letter.contains("{$"), "{letter}");
    let links = own(&victim, "/user/links").await;
    let path = format!("/user/links/{}", links["links"][0]["id"].as_str().expect("an id"));
    let token = house.server.token("victim").await;
    let gone = house.server.ask("DELETE", &path, &token, None).await;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    house.mailbox.letter(VICTIM, "A way to sign in was removed", 1).await;
}
