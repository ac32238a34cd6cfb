//! The routes: what is behind each, who may use it, and its methods.
//!
//! A router of axum doesn't list its routes. But the guard must know them, to say "no such method"
//! before it checks who the caller is. So rooms put their routes into a [`Map`].

use std::collections::BTreeMap;

use axum::{
    Router,
    handler::Handler,
    http::Method,
    routing::{get, post},
};
use utoipa::openapi::{Components, HttpMethod, OpenApi, Paths};
use utoipa_axum::router::UtoipaMethodRouter;

use super::{form::Form, page::Section, pending::PendingAct, state::AppState, submit};
use crate::{authority::api_keys::Scope, platform::error::Refusal};

/// The kind of a route, which decides how it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// For people: `GET`, HTML.
    Page,
    /// For a page's form: `POST`, a server function.
    Form,
    /// For programs: JSON, errors too.
    Json,
    /// For programs, and for pages of other sites: they may call it without credentials of the browser, which
    /// it takes no notice of. Such routes are named by OAuth and OpenID Connect.
    Open,
    /// For other sites to send a browser to. A `POST` comes without the session, so it becomes a `GET`.
    Sent,
    /// For a reverse proxy: at any host, on behalf of any site.
    Proxy,
    Asset,
}

/// The callers that a route admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Everybody. The caller is not looked up.
    Public,
    /// Everybody, and the route learns who is signed in. An invalid credential counts as none.
    Noticed,
    /// Signed-in users. Where a second factor is required, they have one.
    SignedIn,
    /// Signed-in users, also those who must set up a second factor first.
    SettingUp,
    /// The same, and users whose session ended a moment ago by this same request
    /// ([`crate::sessions::caller::Returning`]).
    Renewing,
    /// Administrators ([`crate::authority::Admin`]). Nobody else learns that the route exists.
    Admin,
    /// Administrators, and programs with an API key of this scope.
    Api(Scope),
}

impl Policy {
    /// Whether strangers may enter.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Public | Self::Noticed)
    }
}

struct Route {
    door: Door,
    methods: Vec<(Method, Policy)>,
    form: Option<&'static Form>,
}

#[derive(Default)]
pub struct Routes {
    routes: BTreeMap<String, Route>,
    pending: Vec<&'static PendingAct>,
    pub(super) sections: Vec<Section>,
    pub(super) admin_sections: Vec<Section>,
}

impl Routes {
    /// Adding `GET` adds `HEAD`, which axum answers without the body.
    fn add(&mut self, path: &str, door: Door, method: Method, policy: Policy) -> &mut Route {
        let new = || Route { door, methods: Vec::new(), form: None };
        let route = self.routes.entry(path.to_owned()).or_insert_with(new);
        let is_get = method == Method::GET;
        route.methods.push((method, policy));
        route.methods.extend(is_get.then_some((Method::HEAD, policy)));
        route
    }

    /// The door and the policy of a route, if it has this method.
    pub fn find(&self, path: &str, method: &Method) -> Result<(Door, Policy), Refusal> {
        let route = self.routes.get(path).ok_or(Refusal::NotFound)?;
        match route.methods.iter().find(|(known, _)| known == method) {
            Some((_, policy)) => Ok((route.door, *policy)),
            None => {
                let allow: Vec<&str> =
                    route.methods.iter().map(|(method, _)| method.as_str()).collect();
                Err(Refusal::MethodNotAllowed { allow: allow.join(", ") })
            }
        }
    }

    /// Whether only administrators may know that there is such a path.
    #[must_use]
    pub fn is_of_admin(&self, path: &str) -> bool {
        let is_admins = |policy| matches!(policy, Policy::Admin | Policy::Api(_));
        let route = self.routes.get(path);
        route.is_some_and(|route| route.methods.iter().any(|(_, policy)| is_admins(*policy)))
    }

    #[must_use]
    pub fn door(&self, path: &str) -> Option<Door> {
        self.routes.get(path).map(|route| route.door)
    }

    /// The form of a server function.
    #[must_use]
    pub fn form(&self, path: &str) -> Option<&'static Form> {
        self.routes.get(path)?.form
    }

    /// The pending act with this word.
    #[must_use]
    pub fn pending(&self, word: &str) -> Option<&'static PendingAct> {
        self.pending.iter().find(|act| act.word == word).copied()
    }

    /// Every method of every route.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Door, &Method, Policy)> {
        self.routes.iter().flat_map(|(path, route)| {
            let methods = route.methods.iter();
            methods.map(move |(method, policy)| (path.as_str(), route.door, method, *policy))
        })
    }
}

/// A router that remembers its routes.
pub struct Map {
    pub(crate) router: Router<AppState>,
    pub(crate) routes: Routes,
    /// The JSON routes, as the OpenAPI document describes them.
    pub(super) paths: Paths,
    pub(super) components: Components,
}

impl Default for Map {
    fn default() -> Self {
        Self {
            router: Router::new(),
            routes: Routes::default(),
            paths: Paths::new(),
            components: Components::new(),
        }
    }
}

impl Map {
    /// A page.
    pub(crate) fn page<H: Handler<T, AppState>, T: 'static>(
        &mut self,
        policy: Policy,
        path: &str,
        handler: H,
    ) {
        self.get(Door::Page, policy, path, handler);
    }

    /// A file.
    pub(crate) fn asset<H: Handler<T, AppState>, T: 'static>(&mut self, path: &str, handler: H) {
        self.get(Door::Asset, Policy::Public, path, handler);
    }

    pub(crate) fn post<H: Handler<T, AppState>, T: 'static>(
        &mut self,
        door: Door,
        policy: Policy,
        path: &str,
        handler: H,
    ) {
        self.routes.add(path, door, Method::POST, policy);
        self.router = std::mem::take(&mut self.router).route(path, post(handler));
    }

    pub(crate) fn get<H: Handler<T, AppState>, T: 'static>(
        &mut self,
        door: Door,
        policy: Policy,
        path: &str,
        handler: H,
    ) {
        self.routes.add(path, door, Method::GET, policy);
        self.router = std::mem::take(&mut self.router).route(path, get(handler));
    }

    /// A form of a page: its server function.
    pub(crate) fn form(&mut self, form: &'static Form) {
        let route = self.routes.add(form.action, Door::Form, Method::POST, form.policy);
        route.form = Some(form);
        self.routes.pending.extend(form.pending);
        self.router = std::mem::take(&mut self.router).route(form.action, post(submit::serve));
    }

    /// A pending act that has no form.
    pub(crate) fn pending(&mut self, act: &'static PendingAct) {
        self.routes.pending.push(act);
    }

    /// A page of the account.
    pub(crate) fn section<H: Handler<T, AppState>, T: 'static>(
        &mut self,
        section: Section,
        handler: H,
    ) {
        self.routes.sections.push(section);
        self.page(Policy::SignedIn, section.page, handler);
    }

    /// A page of the admin area.
    pub(crate) fn admin_section<H: Handler<T, AppState>, T: 'static>(
        &mut self,
        section: Section,
        handler: H,
    ) {
        self.routes.admin_sections.push(section);
        self.page(Policy::Admin, section.page, handler);
    }

    /// JSON routes, with their annotations.
    pub(crate) fn json(&mut self, policy: Policy, routes: UtoipaMethodRouter<AppState>) {
        let (schemas, paths, methods) = routes;
        for (path, item) in &paths.paths {
            let item_methods = [
                (&item.get, Method::GET, HttpMethod::Get),
                (&item.post, Method::POST, HttpMethod::Post),
                (&item.put, Method::PUT, HttpMethod::Put),
                (&item.patch, Method::PATCH, HttpMethod::Patch),
                (&item.delete, Method::DELETE, HttpMethod::Delete),
            ];
            for (operation, method, described) in item_methods {
                if let Some(operation) = operation {
                    self.routes.add(path, Door::Json, method, policy);
                    let described = vec![described];
                    self.paths.add_path_operation(path, described, operation.clone());
                }
            }
            self.router = std::mem::take(&mut self.router).route(path, methods.clone());
        }
        self.components.schemas.extend(schemas);
    }

    /// Adds what the annotations of the JSON routes say.
    pub(crate) fn describe(&self, document: &mut OpenApi) {
        document.paths = self.paths.clone();
        document.components.get_or_insert_default().schemas.extend(self.components.schemas.clone());
    }
}
