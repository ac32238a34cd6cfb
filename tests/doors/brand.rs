//! The operator's name on every page: name, logo, color, links, help.

use latchkey::{platform::settings::Sources, settings::Settings};
use reqwest::{StatusCode, header};

use crate::support::*;

const NAME: (&str, &str) = ("BRAND_NAME", "Tea & Co");

const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";

/// Every page of a stranger, and an error of each sort.
const OPEN: [&str; 5] = ["/", "/signin", "/signup", "/problems/not-found", "/nowhere"];

const CLOSED: [&str; 6] =
    ["/account", "/profile", "/account/security", "/account/sessions", "/account/data", "/confirm"];

/// A file that lives as long as the folder.
fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("written");
    path.display().to_string()
}

/// Pages without the names of files, cookies and scripts, which nobody reads.
async fn text(browser: &Browser, path: &str) -> String {
    let page = browser.get(path).await.text().await.expect("a page");
    page.replace("/pkg/latchkey", "")
}

#[tokio::test]
async fn the_operators_name_is_on_every_page_and_ours_only_in_the_credit() {
    let server = TestServer::start_with(&[NAME]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let strangers = Browser::new(&server);
    let pages = OPEN.map(|path| (&strangers, path)).into_iter();
    for (browser, path) in pages.chain(CLOSED.map(|path| (&browser, path))) {
        let page = text(browser, path).await;
        assert!(page.contains("<span dir=\"auto\">Tea &amp; Co</span>"), "{path}: {page}");
        assert!(page.contains("Tea &amp; Co</title>"), "{path}");
        assert_eq!(page.matches("Latchkey").count(), 1, "{path}: {page}");
        assert!(page.contains("Powered by Latchkey"), "{path}");
    }
}

#[tokio::test]
async fn the_credit_can_be_turned_off() {
    let server = TestServer::start_with(&[NAME, ("BRAND_CREDIT", "no")]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let strangers = Browser::new(&server);
    let pages = OPEN.map(|path| (&strangers, path)).into_iter();
    for (browser, path) in pages.chain(CLOSED.map(|path| (&browser, path))) {
        let page = text(browser, path).await;
        assert!(page.contains("Tea &amp; Co") && !page.contains("Latchkey"), "{path}");
    }
}

#[tokio::test]
async fn without_a_name_the_start_page_tells_the_operator_what_comes_next() {
    let server = TestServer::start().await;
    let page = Browser::new(&server).page("/").await;
    assert!(page.contains("Next steps") && page.contains("BRAND_NAME=\"Example\""), "{page}");
    let server = TestServer::start_with(&[NAME]).await;
    let page = Browser::new(&server).page("/").await;
    assert!(page.contains("Your Tea &amp; Co account") && !page.contains("Next steps"), "{page}");
    assert!(page.contains("href=\"/signup\"") && page.contains("href=\"/signin\""), "{page}");
}

/// The address in the first tag that begins so.
fn address(page: &str, tag: &str) -> String {
    let rest = page.split(tag).nth(1).unwrap_or_else(|| panic!("{tag} in {page}"));
    rest.split('"').next().expect("an address").to_owned()
}

#[tokio::test]
async fn a_logo_is_served_so_that_it_can_run_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let logo = file(&folder, "logo.svg", SVG.as_bytes());
    let server = TestServer::start_with(&[NAME, ("BRAND_LOGO", &logo)]).await;
    let page = Browser::new(&server).page("/signin").await;
    let path = address(&page, "<img src=\"");
    assert_eq!(path, address(&page, "<link rel=\"icon\" href=\""));
    let response = program().get(server.url(&path)).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    let headers = response.headers();
    assert_eq!(headers[header::CONTENT_TYPE], "image/svg+xml; charset=utf-8");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
    assert!(!policy.contains("script") && !policy.contains("allow-"), "{policy}");
    assert!(headers[header::CACHE_CONTROL].to_str().expect("text").contains("immutable"));
    assert_eq!(response.text().await.expect("a picture"), SVG);
    let ico = program().get(server.url("/favicon.ico")).send().await.expect("an answer");
    assert_eq!(ico.headers()[header::LOCATION], path);
    let touch = program().get(server.url("/apple-touch-icon.png")).send().await;
    assert_eq!(touch.expect("an answer").status(), StatusCode::NOT_FOUND, "it would be ours");
}

#[tokio::test]
async fn a_png_is_the_icon_of_a_home_screen_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let logo = file(&folder, "logo", b"\x89PNG\r\n\x1a\n IEND\xae\x42\x60\x82");
    let server = TestServer::start_with(&[NAME, ("BRAND_LOGO", &logo)]).await;
    let page = Browser::new(&server).page("/signin").await;
    let path = address(&page, "<link rel=\"apple-touch-icon\" href=\"");
    assert_eq!(path, address(&page, "<img src=\""));
    let response = program().get(server.url(&path)).send().await.expect("an answer");
    assert_eq!(response.headers()[header::CONTENT_TYPE], "image/png");
}

#[tokio::test]
async fn a_color_makes_a_palette_for_both_themes() {
    let server = TestServer::start_with(&[NAME, ("BRAND_COLOR", "rebeccapurple")]).await;
    let page = Browser::new(&server).page("/signin").await;
    let sheets: Vec<_> = page.split("<link rel=\"stylesheet\" href=\"").skip(1).collect();
    assert_eq!(sheets.len(), 2, "{page}");
    let path = sheets[1].split('"').next().expect("an address");
    let response = program().get(server.url(path)).send().await.expect("an answer");
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
    let style = response.text().await.expect("a style sheet");
    assert!(style.contains("--accent: #663399;") && style.contains("prefers-color-scheme: dark"));
    // The icon of the tab is the first letter, in that color.
    let icon = address(&page, "<link rel=\"icon\" href=\"");
    let icon = program().get(server.url(&icon)).send().await.expect("an answer");
    let icon = icon.text().await.expect("a picture");
    assert!(icon.contains("#663399") && icon.contains("&#84;"), "{icon}");
}

#[tokio::test]
async fn links_and_help_are_where_somebody_may_be_stuck() {
    let links = "Imprint=https://example.org/imprint,Datenschutz=https://example.org/privacy?a&b";
    let help = ("SUPPORT_URL", "mailto:help@example.org");
    let server = TestServer::start_with(&[NAME, ("BRAND_LINKS", links), help]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let strangers = Browser::new(&server);
    let pages = OPEN.map(|path| (&strangers, path)).into_iter();
    for (browser, path) in pages.chain(CLOSED.map(|path| (&browser, path))) {
        let page = text(browser, path).await;
        assert!(page.contains("<a href=\"https://example.org/imprint\""), "{path}: {page}");
        assert!(page.contains("<a href=\"https://example.org/privacy?a&amp;b\""), "{path}");
        assert!(page.contains("<a href=\"mailto:help@example.org\">Help</a>"), "{path}");
    }
    let page = Browser::new(&server).page("/signin").await;
    assert!(page.contains("<a href=\"mailto:help@example.org\">Forgot your password?</a>"));
}

#[tokio::test]
async fn the_name_of_the_service_is_no_password() {
    let server = TestServer::start_with(&[NAME]).await;
    for door in WAYS {
        let refused = server.sign_up(door, "alice", "TEA & CO!!", "Alice").await;
        assert!(refused.says("the name of this service"), "{door:?} {refused:?}");
    }
}

#[tokio::test]
async fn a_common_password_can_be_told_by_a_few_digits_of_its_hash() {
    let server = TestServer::start().await;
    // SHA-256 of "password" begins with 5e884898da280471.
    let range =
        |prefix: &str| program().get(server.url(&format!("/common-passwords/{prefix}"))).send();
    let response = range("5e").await.expect("an answer");
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let text = response.text().await.expect("text");
    assert!(text.lines().any(|line| line == "884898da280471"), "{text}");
    assert!((100..400).contains(&text.lines().count()), "{text}");
    for wrong in ["", "5", "5e8", "5E", "xy", "5e%0a"] {
        let response = range(wrong).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{wrong}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_or_followed_stops_the_start_and_says_why() {
    for (name, value, reason) in [
        ("BRAND_COLOR", "gold", "the nearest color that passes is #"),
        ("BRAND_COLOR", "nonsense", "must be an opaque CSS color"),
        ("BRAND_LOGO", "/nowhere/logo.svg", "cannot read /nowhere/logo.svg"),
        ("BRAND_LOGO", "public/favicon.svg", "needs BRAND_NAME"),
        ("BRAND_LOGO", "Cargo.toml", "is neither an SVG nor a PNG file"),
        ("BRAND_LINKS", "Imprint=javascript:alert(1)", "begins with https:, http: or mailto:"),
        ("SUPPORT_URL", "help@example.org", "begins with https:, http: or mailto:"),
        ("BRAND_NAME", "a\nb", "no control characters"),
        ("BRAND_NAME", "\u{200b}", "visible characters"),
    ] {
        let faults = Settings::read(&Sources::of(&[(name, value)])).expect_err(value);
        assert_eq!(faults.len(), 1);
        assert!(faults[0].name == name && faults[0].reason.contains(reason), "{:?}", faults[0]);
    }
}
