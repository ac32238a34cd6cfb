//! A room's declaration of its tables.

/// A table, as `copy` and the tests see it.
pub struct Table {
    pub name: &'static str,
    columns: &'static [(&'static str, Kind)],
    /// More text columns.
    texts: fn() -> Vec<&'static str>,
    /// Whether it is copied to another database.
    pub(crate) is_copied: bool,
}

/// The type of a column (migrations/README.md allows no others).
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

    /// For a table that means nothing in another database.
    #[must_use]
    pub(crate) const fn only_here(self) -> Self {
        Self { is_copied: false, ..self }
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = (&'static str, Kind)> {
        let texts = (self.texts)().into_iter().map(|name| (name, Kind::Text));
        self.columns.iter().copied().chain(texts)
    }
}
