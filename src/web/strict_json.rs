//! JSON as the contract requires it: one object, no duplicate names, nested at most 32 deep
//! (DS-03).
//!
//! serde_json keeps the last of two equal names and goes 128 deep, and deserialising into a struct
//! would stop at the first bad field. So the body becomes a map first, and its fields are taken one
//! by one.

use std::fmt;

use axum::{body::Bytes, http::HeaderMap};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::{
    domain::{Code, Raw},
    platform::error::Refusal,
    web::media_type::media_type,
};

/// How deep objects and arrays may be nested.
const MAX_DEPTH: usize = 32;

/// The members of the body. JSON that is not an object has none.
pub fn object(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if media_type(headers).as_deref() != Some("application/json") {
        return Err(Refusal::UnsupportedMediaType);
    }
    match parse(body).map_err(|_| Refusal::MalformedJson)? {
        Value::Object(members) => Ok(members),
        _ => Ok(Map::new()),
    }
}

/// Takes what is needed from the body and drops the rest, and the headers, which hold the buffer
/// that both came in: it may be large, and many requests may wait.
pub fn read<T>(
    headers: HeaderMap,
    body: Bytes,
    take: impl FnOnce(&mut Map<String, Value>) -> T,
) -> Result<T, Refusal> {
    let mut members = object(&headers, &body)?;
    Ok(take(&mut members))
}

/// Takes a member that must be a string.
pub fn string(members: &mut Map<String, Value>, name: &str) -> Raw {
    match members.remove(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Code::WrongType),
        None => Err(Code::Missing),
    }
}

/// The text of a member, if it is present. `null` clears one that is not `required`.
pub fn given(members: &Map<String, Value>, name: &str, required: bool) -> Option<Raw> {
    Some(match members.get(name)? {
        Value::String(text) => Ok(text.clone()),
        Value::Null if !required => Err(Code::Missing),
        _ => Err(Code::WrongType),
    })
}

/// Takes a member that must be an object.
pub fn nested(members: &mut Map<String, Value>, name: &str) -> Result<Value, Code> {
    match members.remove(name) {
        Some(object @ Value::Object(_)) => Ok(object),
        Some(_) => Err(Code::WrongType),
        None => Err(Code::Missing),
    }
}

/// Reads JSON that is a field of a form, as strictly as a body.
pub fn of_field(text: &str) -> Result<Value, Code> {
    parse(text.as_bytes()).map_err(|_| Code::WrongType)
}

/// Takes an optional member, which must be `true` or `false`.
pub fn flag(members: &mut Map<String, Value>, name: &str) -> Result<bool, Code> {
    match members.remove(name) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(flag),
        Some(_) => Err(Code::WrongType),
    }
}

fn parse(body: &[u8]) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = Strict { depth: 0 }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(&self) -> Result<usize, E> {
        if self.depth < MAX_DEPTH { Ok(self.depth + 1) } else { Err(E::custom("nested too deep")) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Self { depth })? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Self { depth })?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("the same name twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn good_json_is_read_as_it_is() {
        for text in [r#"{"a":[1,-2,3.5,true,null,"ü\u0000"],"b":{}}"#, "[]", " \"x\" ", "0"] {
            assert_eq!(parse(text.as_bytes()).ok(), serde_json::from_str(text).ok(), "{text}");
        }
    }

    #[test]
    fn what_is_not_one_strict_json_text_is_refused() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(deep(32).as_bytes()).is_ok());
        for text in [
            "",
            "{",
            "{}x",
            "{} {}",
            "{'a':1}",
            r#"{"a":1,}"#,
            "\u{feff}{}",
            r#""\ud800""#,
            "NaN",
            r#"{"a":1,"a":1}"#,
            r#"{"x":{"a":1,"b":2,"a":3}}"#,
            r#"{"a":1,"\u0061":2}"#,
            &deep(33),
            &"[".repeat(16_000),
            &"{\"a\":".repeat(3_000),
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{}", text.get(..40).unwrap_or(text));
        }
        assert!(parse(b"\"\xff\"").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }
    }
}
