//! What a room declares of its tables.

/// A table, as `copy` and the tests need to know it.
pub struct Table {
    pub name: &'static str,
    columns: &'static [(&'static str, Kind)],
    /// More columns, of texts.
    texts: fn() -> Vec<&'static str>,
    /// Whether it goes along to another database.
    pub(crate) is_copied: bool,
}

/// What a column holds (migrations/README.md allows no other types).
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Number,
    Text,
}

pub(crate) const fn table(name: &'static str, columns: &'static [(&'static str, Kind)]) -> Table {
    Table { name, columns, texts: Vec::new, is_copied: true }
}

impl Table {
    #[must_use]
    pub(crate) const fn with(self, texts: fn() -> Vec<&'static str>) -> Self {
        Self { texts, ..self }
    }

    /// It means nothing in another database.
    #[must_use]
    pub(crate) const fn only_here(self) -> Self {
        Self { is_copied: false, ..self }
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = (&'static str, Kind)> {
        let texts = (self.texts)().into_iter().map(|name| (name, Kind::Text));
        self.columns.iter().copied().chain(texts)
    }
}
