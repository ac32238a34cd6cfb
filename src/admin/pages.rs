//! The admin area.

use crate::web::routes::Map;

pub(crate) fn routes(_map: &mut Map) {}
