//! The profile, field by field.
//!
//! A field is declared once, here: the doors, the pages, the database and the OpenAPI document go
//! through [`FIELDS`]. CONTRIBUTING.md walks through adding one.

use crate::domain::{AccountId, Code, Field, FieldError, FullName, Raw};

/// A field of the profile.
#[derive(Debug)]
pub struct ProfileField {
    /// Its name in JSON and in forms. Its label is the text `field-NAME`.
    pub field: Field,
    /// Its column in the table `accounts`.
    pub column: &'static str,
    /// The word for its change in the audit trail.
    pub changed: &'static str,
    /// Whether it is required.
    pub required: bool,
    /// The setting by which an operator turns it off, if there is one. It is on unless that says no.
    pub switch: Option<Switch>,
    /// The value of its `autocomplete` attribute (HTML, section 4.10.18.7.1).
    pub autocomplete: &'static str,
    /// For the OpenAPI document.
    pub description: &'static str,
    pub example: &'static str,
    /// The rule.
    pub parse: fn(&str) -> Result<String, Code>,
    /// The errors that the browser can find: `islands.rs` finds the rule by the field's name.
    pub light: &'static [Code],
}

/// A setting, yes or no, that a field brings along.
#[derive(Debug)]
pub struct Switch {
    pub name: &'static str,
    pub meaning: &'static str,
}

pub const FULL_NAME: ProfileField = ProfileField {
    field: Field::named("fullName"),
    column: "full_name",
    changed: "user_updated:full_name",
    required: true,
    switch: None,
    autocomplete: "name",
    description: "1 to 100 code points, no control characters.",
    example: "Alice Liddell",
    parse: |raw| FullName::parse(raw).map(FullName::into_text),
    light: &FullName::LIGHT,
};

impl PartialEq for ProfileField {
    fn eq(&self, other: &Self) -> bool {
        self.field == other.field
    }
}

impl Eq for ProfileField {}

/// Every field, in display order.
pub const FIELDS: [&ProfileField; 1] = [&FULL_NAME];

/// The fields that this server asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfilePolicy([bool; FIELDS.len()]);

impl ProfilePolicy {
    pub const ALL: Self = Self([true; FIELDS.len()]);

    /// `is_on`: whether a field is asked for.
    #[must_use]
    pub fn of(is_on: impl FnMut(&'static ProfileField) -> bool) -> Self {
        Self(FIELDS.map(is_on))
    }

    /// The fields that are asked for.
    pub fn fields(self) -> impl Iterator<Item = &'static ProfileField> {
        FIELDS.into_iter().zip(self.0).filter(|(_, is_on)| *is_on).map(|(field, _)| field)
    }
}

/// The values of a profile, each within its rule. `None`: empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileValues([Option<String>; FIELDS.len()]);

/// The public side of an account. It contains no secret, so it may leave the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub id: AccountId,
    /// As its owner typed it.
    pub username: String,
    pub values: ProfileValues,
    /// Seconds since 1970, UTC.
    pub created_at: i64,
}

impl Profile {
    /// The name to show: the full name, or else the username.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.values.get(&FULL_NAME).unwrap_or(&self.username)
    }
}

impl ProfileValues {
    /// Values that have already been parsed, in the order of [`FIELDS`].
    #[must_use]
    pub const fn of_fields(values: [Option<String>; FIELDS.len()]) -> Self {
        Self(values)
    }

    /// Reads every field, or returns all their errors. An optional field may be missing.
    pub fn parse(
        policy: ProfilePolicy,
        raw: impl Fn(&ProfileField) -> Raw,
    ) -> Result<Self, Vec<FieldError>> {
        let read = read_all(policy.fields().map(|field| (field, raw(field))))?;
        Ok(ProfileChange(read).applied(&Self::default()))
    }

    /// Every field, with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static ProfileField, Option<&str>)> {
        FIELDS.into_iter().zip(self.0.iter().map(Option::as_deref))
    }

    /// The value of a field.
    fn get(&self, field: &ProfileField) -> Option<&str> {
        self.iter().find(|(known, _)| *known == field).and_then(|(_, value)| value)
    }
}

/// Reads fields, or returns all their errors.
fn read_all(
    raw: impl IntoIterator<Item = (&'static ProfileField, Raw)>,
) -> Result<Vec<(&'static ProfileField, Option<String>)>, Vec<FieldError>> {
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for (field, raw) in raw {
        match read(field, raw) {
            Ok(value) => values.push((field, value)),
            Err(code) => errors.push(FieldError { field: field.field, code }),
        }
    }
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

/// An empty optional field is `None`.
fn read(field: &ProfileField, raw: Raw) -> Result<Option<String>, Code> {
    match raw.and_then(|text| (field.parse)(&text)) {
        Ok(value) => Ok(Some(value)),
        Err(Code::Missing) if !field.required => Ok(None),
        Err(code) => Err(code),
    }
}

/// New values for some of the fields, each within its rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileChange(Vec<(&'static ProfileField, Option<String>)>);

impl ProfileChange {
    /// `raw`: `None` for a field that stays as it is. A change without any field reports the
    /// required ones as missing.
    pub fn parse(
        policy: ProfilePolicy,
        raw: impl Fn(&ProfileField) -> Option<Raw>,
    ) -> Result<Self, Vec<FieldError>> {
        let given: Vec<_> =
            policy.fields().filter_map(|field| Some((field, raw(field)?))).collect();
        if given.is_empty() {
            let required = policy.fields().filter(|field| field.required);
            let missing =
                |field: &ProfileField| FieldError { field: field.field, code: Code::Missing };
            return Err(required.map(missing).collect());
        }
        Ok(Self(read_all(given)?))
    }

    /// Only the fields whose value would change.
    #[must_use]
    pub fn beside(self, values: &ProfileValues) -> Self {
        let is_new = |(field, value): &(&'static ProfileField, Option<String>)| {
            values.get(field) != value.as_deref()
        };
        Self(self.0.into_iter().filter(is_new).collect())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static ProfileField, Option<&str>)> {
        self.0.iter().map(|(field, value)| (*field, value.as_deref()))
    }

    /// The values after the change.
    #[must_use]
    pub fn applied(&self, values: &ProfileValues) -> ProfileValues {
        let mut values = values.clone();
        for (field, value) in &self.0 {
            let place = FIELDS.iter().position(|known| known == field);
            if let Some(place) = place.and_then(|place| values.0.get_mut(place)) {
                place.clone_from(value);
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_required_field_must_be_there_and_every_bad_one_is_told() {
        let error = FieldError { field: FULL_NAME.field, code: Code::Missing };
        assert_eq!(
            ProfileValues::parse(ProfilePolicy::ALL, |_| Err(Code::Missing)),
            Err(vec![error])
        );
        assert_eq!(ProfileChange::parse(ProfilePolicy::ALL, |_| None), Err(vec![error]));
        let values =
            ProfileValues::parse(ProfilePolicy::ALL, |_| Ok(" Alice ".to_owned())).expect("values");
        assert_eq!(values.iter().next().and_then(|(_, value)| value), Some("Alice"));
    }

    #[test]
    fn a_change_names_what_is_new() {
        let values =
            ProfileValues::parse(ProfilePolicy::ALL, |_| Ok("Alice".to_owned())).expect("values");
        let change = |name: &str| {
            let raw = |_: &ProfileField| Some(Ok(name.to_owned()));
            ProfileChange::parse(ProfilePolicy::ALL, raw).expect("a change").beside(&values)
        };
        assert!(change("Alice").is_empty());
        let bob = change("Bob").applied(&values);
        assert_eq!(bob.iter().next().and_then(|(_, value)| value), Some("Bob"));
    }

    #[test]
    fn what_the_browser_can_find_wrong_has_a_rule_there() {
        for field in FIELDS.into_iter().filter(|field| !field.light.is_empty()) {
            assert!(crate::islands::RULES.contains(&field.field.name()), "{}", field.field.name());
        }
    }
}
