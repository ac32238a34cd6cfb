//! The type of a body, as its headers say.

use axum::http::{HeaderMap, HeaderName, header};

/// In lower case and without parameters. `None`: the type is missing or repeated, or the body is
/// compressed (DS-03) or in a charset other than UTF-8.
#[must_use]
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let encoding = one(headers, &header::CONTENT_ENCODING);
    if headers.contains_key(header::CONTENT_ENCODING) && encoding.as_deref() != Some("identity") {
        return None;
    }
    let content_type = one(headers, &header::CONTENT_TYPE)?;
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next()?.to_owned();
    let in_utf_8 = parts
        .filter_map(|part| part.strip_prefix("charset="))
        .all(|charset| charset.trim_matches('"') == "utf-8");
    in_utf_8.then_some(media_type)
}

fn one(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?.trim().to_ascii_lowercase();
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_json_in_utf_8_and_uncompressed_is_json() {
        for (content_type, encoding, good) in [
            ("application/json", None, true),
            ("Application/JSON; charset=UTF-8", None, true),
            ("application/json; profile=x", None, true),
            ("application/json", Some("identity"), true),
            ("application/json", Some("gzip"), false),
            ("application/json; charset=utf-16", None, false),
            ("application/jsonp", None, false),
            ("application/problem+json", None, false),
            ("text/plain", None, false),
            ("multipart/form-data; boundary=application/json", None, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            if let Some(encoding) = encoding {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
            let is_json = media_type(&headers).as_deref() == Some("application/json");
            assert_eq!(is_json, good, "{content_type} {encoding:?}");
        }
        assert_eq!(media_type(&HeaderMap::new()), None);
    }
}
