//! Which routes there are: the door behind each, and its methods.
//!
//! A router of axum does not tell what was put into it. The guard must know it all the same, to
//! say "no such method" before it asks who comes.

use std::collections::BTreeMap;

use axum::http::Method;

use crate::platform::error::Refusal;

/// What stands behind a route, and so how it talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// For people: `GET`, HTML.
    Page,
    /// For a page's form: `POST`, a server function.
    Form,
    /// For programs: JSON, errors too.
    Json,
    Asset,
}

/// Which methods each route has. The guard asks it, because a router does not tell.
#[derive(Default)]
pub struct Routes(BTreeMap<String, (Door, Vec<Method>)>);

impl Routes {
    /// Adds a method to a route. With `GET` comes `HEAD`, which axum answers without the body.
    pub(crate) fn add(&mut self, method: &Method, path: &str, door: Door) {
        let (_, methods) = self.0.entry(path.to_owned()).or_insert((door, Vec::new()));
        methods.push(method.clone());
        if *method == Method::GET {
            methods.push(Method::HEAD);
        }
    }

    /// The door of a route, if it has this method.
    pub fn find(&self, path: &str, method: &Method) -> Result<Door, Refusal> {
        let (door, methods) = self.0.get(path).ok_or(Refusal::NotFound)?;
        if methods.contains(method) {
            Ok(*door)
        } else {
            Err(Refusal::MethodNotAllowed { allow: methods.clone() })
        }
    }

    #[must_use]
    pub fn door(&self, path: &str) -> Option<Door> {
        self.0.get(path).map(|(door, _)| *door)
    }

    /// Every method of every route.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Door, &Method)> {
        self.0.iter().flat_map(|(path, (door, methods))| {
            methods.iter().map(move |method| (path.as_str(), *door, method))
        })
    }
}
