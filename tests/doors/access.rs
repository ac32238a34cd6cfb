//! The guard: a list names what is open, and everything else is closed.

use std::collections::BTreeSet;

use latchkey::web::routes::{Door, Policy};
use reqwest::{Method, StatusCode, header};

use crate::{
    support::*,
    upstream::{Upstream, server_with},
};

#[tokio::test]
async fn the_list_of_what_is_open_is_this_one() {
    let server = TestServer::start().await;
    let routes = server.running.state.routes.iter();
    let mut open: Vec<String> = routes
        .filter(|(_, _, method, policy)| policy.is_open() && **method != Method::HEAD)
        // Development builds have a page of all components.
        .filter(|(path, ..)| *path != "/docs/design" || !cfg!(debug_assertions))
        .map(|(path, _, method, _)| format!("{method} {path}"))
        .collect();
    open.sort();
    assert_eq!(
        open,
        [
            "GET /",
            "GET /.latchkey/callback",
            "GET /.latchkey/sign-out",
            "GET /.well-known/change-password",
            "GET /.well-known/jwks.json",
            "GET /.well-known/oauth-authorization-server",
            "GET /.well-known/openid-configuration",
            "GET /.well-known/passkey-endpoints",
            "GET /apple-touch-icon.png",
            "GET /authorize",
            "GET /authz/auth-request",
            "GET /authz/forward-auth",
            "GET /brand/{file}",
            "GET /common-passwords/{prefix}",
            "GET /docs",
            "GET /favicon.ico",
            "GET /favicon.svg",
            "GET /healthz",
            "GET /language/{tag}",
            "GET /logout",
            "GET /openapi.json",
            "GET /pkg/{file}",
            "GET /problems/{kind}",
            "GET /readyz",
            "GET /robots.txt",
            "GET /set-password",
            "GET /signin",
            "GET /signin/second-factor",
            "GET /signup",
            "GET /userinfo",
            "POST /api/recover_by_mail",
            "POST /api/second_factor",
            "POST /api/set_password",
            "POST /api/sign_in",
            "POST /api/sign_in_by_passkey",
            "POST /api/sign_up",
            "POST /auth/passkey",
            "POST /auth/passkey/options",
            "POST /auth/refresh",
            "POST /auth/second-factor",
            "POST /auth/signin",
            "POST /auth/signup",
            "POST /authorize",
            "POST /device_authorization",
            "POST /introspect",
            "POST /logout",
            "POST /par",
            "POST /revoke",
            "POST /token",
            "POST /userinfo",
        ]
    );
}

#[test]
fn the_server_functions_are_these_and_all_are_post() {
    let mut functions: Vec<String> = server_fn::axum::server_fn_paths()
        .map(|(path, method)| format!("{method} {path}"))
        .collect();
    functions.sort();
    assert_eq!(
        functions,
        [
            "POST /api/add_passkey",
            "POST /api/admin_act_on_account",
            "POST /api/admin_act_on_app",
            "POST /api/admin_act_on_webhook",
            "POST /api/admin_add_app",
            "POST /api/admin_add_webhook",
            "POST /api/admin_change_account",
            "POST /api/admin_change_app",
            "POST /api/admin_invite",
            "POST /api/admin_make_account",
            "POST /api/admin_make_key",
            "POST /api/admin_remove_group",
            "POST /api/admin_remove_key",
            "POST /api/admin_retry_delivery",
            "POST /api/admin_save_group",
            "POST /api/admin_withdraw_invitation",
            "POST /api/agree_to_app",
            "POST /api/change_email",
            "POST /api/change_full_name",
            "POST /api/change_password",
            "POST /api/confirm",
            "POST /api/confirm_totp",
            "POST /api/decide_device",
            "POST /api/decline_passkey_offer",
            "POST /api/delete_account",
            "POST /api/disown_email",
            "POST /api/distrust_device",
            "POST /api/end_other_sessions",
            "POST /api/end_session",
            "POST /api/enter_device_code",
            "POST /api/forgot_password",
            "POST /api/link_provider",
            "POST /api/recover_by_mail",
            "POST /api/remove_email",
            "POST /api/remove_passkey",
            "POST /api/remove_totp",
            "POST /api/rename_passkey",
            "POST /api/resend_verification",
            "POST /api/reset_factors",
            "POST /api/restore_email",
            "POST /api/second_factor",
            "POST /api/send_code",
            "POST /api/set_password",
            "POST /api/set_up_totp",
            "POST /api/sign_in",
            "POST /api/sign_in_by_code",
            "POST /api/sign_in_by_passkey",
            "POST /api/sign_out",
            "POST /api/sign_out_of_all",
            "POST /api/sign_up",
            "POST /api/sign_up_with",
            "POST /api/stop_reset_of_factors",
            "POST /api/switch_account",
            "POST /api/take_back_app",
            "POST /api/unlink_provider",
            "POST /api/use_recovery_codes",
            "POST /api/verify_email",
        ]
    );
}

/// With mail, there are more routes.
const MAIL: [(&str, &str); 2] =
    [("MAIL_URL", "smtp://127.0.0.1:1"), ("MAIL_FROM", "accounts@example.org")];

#[tokio::test]
async fn with_mail_these_are_open_as_well() {
    let open = |server: &TestServer| -> BTreeSet<String> {
        let routes = server.running.state.routes.iter();
        let open =
            routes.filter(|(_, _, method, policy)| policy.is_open() && **method != Method::HEAD);
        open.map(|(path, _, method, _)| format!("{method} {path}")).collect()
    };
    let (without, with) = (TestServer::start().await, TestServer::start_with(&MAIL).await);
    let more: Vec<String> = open(&with).difference(&open(&without)).cloned().collect();
    assert_eq!(
        more,
        [
            "GET /forgot-password",
            "GET /restore-email",
            "GET /signin/code",
            "GET /verify-email",
            "GET /verify-email/resend",
            "POST /api/disown_email",
            "POST /api/forgot_password",
            "POST /api/resend_verification",
            "POST /api/restore_email",
            "POST /api/send_code",
            "POST /api/sign_in_by_code",
            "POST /api/verify_email",
            "POST /auth/disown-email",
            "POST /auth/email-code",
            "POST /auth/email-code/signin",
            "POST /auth/forgot-password",
            "POST /auth/reset-password",
            "POST /auth/restore-email",
            "POST /auth/verify-email",
            "POST /auth/verify-email/resend",
        ]
    );
}

#[tokio::test]
async fn with_other_providers_these_are_open_too() {
    let open = |server: &TestServer| -> BTreeSet<String> {
        let routes = server.running.state.routes.iter();
        let open =
            routes.filter(|(_, _, method, policy)| policy.is_open() && **method != Method::HEAD);
        open.map(|(path, _, method, _)| format!("{method} {path}")).collect()
    };
    let upstream = Upstream::start().await;
    let with = server_with(&[upstream.entry("work", "")], &[]).await;
    let more: Vec<String> =
        open(&with).difference(&open(&TestServer::start().await)).cloned().collect();
    assert_eq!(
        more,
        [
            "GET /signin/with/{id}",
            "GET /signin/with/{id}/callback",
            "GET /signup/with",
            "POST /api/sign_up_with",
            "POST /signin/with/{id}/callback",
        ]
    );
}

#[tokio::test]
async fn with_recovery_by_mail_these_are_open_too() {
    let all = [&MAIL[..], &[("RECOVERY_BY_MAIL", "yes")]].concat();
    let server = TestServer::start_with(&all).await;
    let routes = server.running.state.routes.iter();
    let open = routes.filter(|(_, _, method, policy)| policy.is_open() && **method != Method::HEAD);
    let open = open.filter(|(path, ..)| path.contains("reset") && path.contains("factors"));
    let open: Vec<String> = open.map(|(path, _, method, _)| format!("{method} {path}")).collect();
    assert_eq!(
        open,
        [
            "POST /api/reset_factors",
            "POST /api/stop_reset_of_factors",
            "POST /auth/reset-factors",
            "GET /reset-factors",
        ]
    );
}

#[tokio::test]
async fn every_server_function_is_a_form_and_every_form_a_server_function() {
    let all = [&MAIL[..], &[("RECOVERY_BY_MAIL", "yes")]].concat();
    let upstream = Upstream::start().await;
    let server = server_with(&[upstream.entry("work", "")], &all).await;
    let functions: BTreeSet<&str> =
        server_fn::axum::server_fn_paths().map(|(path, _)| path).collect();
    let routes = &server.running.state.routes;
    let forms: BTreeSet<&str> =
        routes.iter().filter(|(_, door, ..)| *door == Door::Form).map(|(path, ..)| path).collect();
    assert_eq!(functions, forms);
    for path in forms {
        let form = routes.form(path).expect("a form");
        // A page below one with a slash at its end has an id.
        let above = form.page.strip_suffix('/').filter(|page| !page.is_empty());
        let page = above.map(|page| format!("{page}/{{id}}"));
        let stands_on = routes.door(page.as_deref().unwrap_or(form.page));
        assert!(matches!(stands_on, Some(Door::Page | Door::Sent)), "{path} stands on a page");
    }
}

#[tokio::test]
async fn every_other_route_is_closed_to_a_stranger() {
    let server = TestServer::start().await;
    let mut closed = Vec::new();
    for (path, door, method, policy) in server.running.state.routes.iter() {
        if policy.is_open() {
            continue;
        }
        closed.push(format!("{method} {path}"));
        let response =
            program().request(method.clone(), server.url(path)).send().await.expect("an answer");
        match door {
            // Nobody but administrators learns that it is there.
            Door::Page | Door::Form if policy == Policy::Admin => {
                assert_eq!(response.status(), StatusCode::NOT_FOUND, "{method} {path}");
            }
            Door::Page | Door::Sent | Door::Form => {
                assert_eq!(response.status(), StatusCode::SEE_OTHER, "{method} {path}");
                assert_eq!(response.headers()[header::CONTENT_LENGTH], "0");
            }
            Door::Json | Door::Open | Door::Proxy | Door::Asset => {
                assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
            }
        }
    }
    closed.sort();
    assert_eq!(
        closed,
        [
            "DELETE /admin/api/apps/{id}",
            "DELETE /admin/api/groups/{name}",
            "DELETE /admin/api/invitations/{id}",
            "DELETE /admin/api/users/{id}",
            "DELETE /admin/api/users/{id}/factors",
            "DELETE /admin/api/users/{id}/sessions",
            "DELETE /admin/api/webhooks/{id}",
            "DELETE /user",
            "DELETE /user/apps/{id}",
            "DELETE /user/links/{id}",
            "DELETE /user/passkeys/{id}",
            "DELETE /user/sessions",
            "DELETE /user/sessions/{id}",
            "DELETE /user/totp",
            "DELETE /user/trusted-devices/{id}",
            "GET /account",
            "GET /account/apps",
            "GET /account/data",
            "GET /account/data/download",
            "GET /account/security",
            "GET /account/security/authenticator",
            "GET /account/security/passkey",
            "GET /account/security/recovery-codes",
            "GET /account/security/second-factor",
            "GET /account/sessions",
            "GET /admin",
            "GET /admin/api/apps",
            "GET /admin/api/apps/{id}",
            "GET /admin/api/audit",
            "GET /admin/api/groups",
            "GET /admin/api/invitations",
            "GET /admin/api/outbox",
            "GET /admin/api/users",
            "GET /admin/api/users/{id}",
            "GET /admin/api/webhooks",
            "GET /admin/api/webhooks/{id}/messages",
            "GET /admin/apps",
            "GET /admin/apps/add/new",
            "GET /admin/apps/{id}",
            "GET /admin/audit",
            "GET /admin/audit/export",
            "GET /admin/groups",
            "GET /admin/invitations",
            "GET /admin/keys",
            "GET /admin/outbox",
            "GET /admin/people",
            "GET /admin/people/new",
            "GET /admin/people/{id}",
            "GET /admin/settings",
            "GET /admin/webhooks",
            "GET /admin/webhooks/{id}",
            "GET /confirm",
            "GET /device",
            "GET /device/confirm",
            "GET /profile",
            "GET /user",
            "GET /user/apps",
            "GET /user/data",
            "GET /user/factors",
            "GET /user/history",
            "GET /user/links",
            "GET /user/profile",
            "GET /user/sessions",
            "GET /user/trusted-devices",
            "GET /users/profile",
            "HEAD /account",
            "HEAD /account/apps",
            "HEAD /account/data",
            "HEAD /account/data/download",
            "HEAD /account/security",
            "HEAD /account/security/authenticator",
            "HEAD /account/security/passkey",
            "HEAD /account/security/recovery-codes",
            "HEAD /account/security/second-factor",
            "HEAD /account/sessions",
            "HEAD /admin",
            "HEAD /admin/api/apps",
            "HEAD /admin/api/apps/{id}",
            "HEAD /admin/api/audit",
            "HEAD /admin/api/groups",
            "HEAD /admin/api/invitations",
            "HEAD /admin/api/outbox",
            "HEAD /admin/api/users",
            "HEAD /admin/api/users/{id}",
            "HEAD /admin/api/webhooks",
            "HEAD /admin/api/webhooks/{id}/messages",
            "HEAD /admin/apps",
            "HEAD /admin/apps/add/new",
            "HEAD /admin/apps/{id}",
            "HEAD /admin/audit",
            "HEAD /admin/audit/export",
            "HEAD /admin/groups",
            "HEAD /admin/invitations",
            "HEAD /admin/keys",
            "HEAD /admin/outbox",
            "HEAD /admin/people",
            "HEAD /admin/people/new",
            "HEAD /admin/people/{id}",
            "HEAD /admin/settings",
            "HEAD /admin/webhooks",
            "HEAD /admin/webhooks/{id}",
            "HEAD /confirm",
            "HEAD /device",
            "HEAD /device/confirm",
            "HEAD /profile",
            "HEAD /user",
            "HEAD /user/apps",
            "HEAD /user/data",
            "HEAD /user/factors",
            "HEAD /user/history",
            "HEAD /user/links",
            "HEAD /user/profile",
            "HEAD /user/sessions",
            "HEAD /user/trusted-devices",
            "HEAD /users/profile",
            "PATCH /admin/api/apps/{id}",
            "PATCH /admin/api/users/{id}",
            "PATCH /user/passkeys/{id}",
            "PATCH /user/profile",
            "POST /admin/api/apps",
            "POST /admin/api/apps/{id}/secret",
            "POST /admin/api/groups",
            "POST /admin/api/invitations",
            "POST /admin/api/outbox/{id}/retry",
            "POST /admin/api/users",
            "POST /admin/api/users/{id}/password-link",
            "POST /admin/api/webhooks",
            "POST /admin/api/webhooks/{id}/messages/{message}/resend",
            "POST /admin/api/webhooks/{id}/test",
            "POST /api/add_passkey",
            "POST /api/admin_act_on_account",
            "POST /api/admin_act_on_app",
            "POST /api/admin_act_on_webhook",
            "POST /api/admin_add_app",
            "POST /api/admin_add_webhook",
            "POST /api/admin_change_account",
            "POST /api/admin_change_app",
            "POST /api/admin_invite",
            "POST /api/admin_make_account",
            "POST /api/admin_make_key",
            "POST /api/admin_remove_group",
            "POST /api/admin_remove_key",
            "POST /api/admin_retry_delivery",
            "POST /api/admin_save_group",
            "POST /api/admin_withdraw_invitation",
            "POST /api/agree_to_app",
            "POST /api/change_full_name",
            "POST /api/change_password",
            "POST /api/confirm",
            "POST /api/confirm_totp",
            "POST /api/decide_device",
            "POST /api/decline_passkey_offer",
            "POST /api/delete_account",
            "POST /api/distrust_device",
            "POST /api/end_other_sessions",
            "POST /api/end_session",
            "POST /api/enter_device_code",
            "POST /api/remove_passkey",
            "POST /api/remove_totp",
            "POST /api/rename_passkey",
            "POST /api/set_up_totp",
            "POST /api/sign_out",
            "POST /api/sign_out_of_all",
            "POST /api/switch_account",
            "POST /api/take_back_app",
            "POST /api/unlink_provider",
            "POST /api/use_recovery_codes",
            "POST /auth/confirm",
            "POST /auth/signout",
            "POST /user/passkeys",
            "POST /user/passkeys/options",
            "POST /user/password",
            "POST /user/recovery-codes",
            "POST /user/totp",
            "POST /user/totp/confirm",
        ]
    );
}

#[tokio::test]
async fn no_spelling_of_a_closed_path_opens_it() {
    let server = TestServer::start().await;
    Browser::signed_up(&server, "alice").await;
    let host = server.running.address;
    for path in [
        "/profile/",
        "//profile",
        "/profile//",
        "/%70rofile",
        "/PROFILE",
        "/./profile",
        "/x/../profile",
        "/profile;x",
        "/profile%00",
        "/profile%2f",
        "/profile?x=/signin",
        "/signin/../profile",
        "/pkg/../profile",
        "/pkg/%2e%2e/profile",
        "/user/profile/x.css",
        "/user/profile/",
        "/user//profile",
        "/users/profile/",
        "/api/sign_out/",
        "/pkg/..%2fprofile",
        "/problems/../profile",
    ] {
        for method in ["GET", "HEAD", "POST", "PROPFIND"] {
            let answer = raw(
                &server,
                &format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
            )
            .await;
            let status = answer.get(9..12).unwrap_or("none");
            assert!(["303", "404", "405", "400"].contains(&status), "{method} {path}: {status}");
            assert!(!answer.contains("Test Person"), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_stranger_is_sent_to_sign_in_before_anything_is_rendered() {
    let server = TestServer::start().await;
    for cookie in ["", "latchkey=junk", "latchkey=a.b.c"] {
        let request = program().get(server.url("/profile")).header(header::COOKIE, cookie);
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers()[header::LOCATION], "/signin?next=%2Fprofile");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert!(response.bytes().await.expect("a body").is_empty());
    }
}

#[tokio::test]
async fn only_those_who_are_signed_in_are_kept_from_the_forms() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    for path in ["/signup", "/signin"] {
        assert_eq!(browser.get(path).await.status(), StatusCode::OK);
    }
    let browser = Browser::signed_up(&server, "alice").await;
    for path in ["/signup", "/signin"] {
        let response = browser.get(path).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers()[header::LOCATION], "/profile");
    }
}

#[tokio::test]
async fn head_is_as_open_as_get() {
    let server = TestServer::start().await;
    let routes = &server.running.state.routes;
    let policy = |method: Method, path: &str| routes.find(path, &method).map(|(_, policy)| policy);
    assert_eq!(policy(Method::HEAD, "/signin"), Ok(Policy::Noticed));
    assert_eq!(policy(Method::HEAD, "/profile"), Ok(Policy::SignedIn));
    assert!(policy(Method::GET, "/api/sign_in").is_err());
}
