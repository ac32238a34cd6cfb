//! The most common passwords, offline: no other service is asked about a password (PW-05).
//!
//! `common_passwords.txt` holds 48,743 of them, six characters and more, in lower case and in
//! byte order. It is the union of two public lists:
//!
//! - Django's `common-passwords.txt.gz` (Django 5.2.19, BSD-3-Clause; compiled by Royce Williams
//!   from breach corpora),
//! - `passwords.json` of `@zxcvbn-ts/language-common` 4.1.3 (MIT).

/// One password per line, sorted, so that searching takes no memory beyond the binary itself.
const LIST: &str = include_str!("common_passwords.txt");

/// Every one of them.
pub fn all() -> impl Iterator<Item = &'static str> {
    LIST.lines()
}

/// Whether `folded`, a password in lower case, is on the list as it stands.
pub(super) fn contains(folded: &str) -> bool {
    let list = LIST.trim_end().as_bytes();
    let wanted = folded.as_bytes();
    let (mut low, mut high) = (0, list.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        let start =
            list[low..middle].iter().rposition(|&b| b == b'\n').map_or(low, |i| low + i + 1);
        let end = list[start..].iter().position(|&b| b == b'\n').map_or(list.len(), |i| start + i);
        match list[start..end].cmp(wanted) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_every_line_of_it_is_found() {
        let lines: Vec<_> = LIST.lines().collect();
        assert!(lines.is_sorted());
        assert_eq!(lines.len(), 48_743);
        assert!(lines.iter().all(|line| contains(line)));
    }

    #[test]
    fn what_is_not_on_it_is_not_found() {
        for password in ["", "\n", "password\n", "passwors", "correct horse", "\u{10ffff}", "!"] {
            assert!(!contains(password), "{password:?}");
        }
    }
}
