//! A tracked file, and which of its lines are only for tests.

use super::Finding;

/// A tracked file of text.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Below the checkout, with `/`.
    pub path: &'a str,
    /// Its content.
    pub text: &'a str,
}

impl<'a> Source<'a> {
    /// Whether it is Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether all of it is for tests, by the house's names: a directory `tests/`, a module `tests.rs`, or one named
    /// after the module it tests, as in `fetch_tests.rs`.
    pub fn is_test(&self) -> bool {
        let (directories, name) = self.path.rsplit_once('/').unwrap_or(("", self.path));
        directories.split('/').any(|it| it == "tests") || name == "tests.rs" || name.ends_with("_tests.rs")
    }

    /// Whether it must stay byte for byte, because a test reads it or because it comes from elsewhere.
    pub fn is_kept_as_it_is(&self) -> bool {
        let kept = ["tests/data/", "testdata/", "snapshots/", "image/keys/"];
        kept.iter().any(|it| self.path.contains(it)) || self.path.starts_with("LICENSE")
    }

    /// The lines with their numbers, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
        (1..).zip(self.text.lines())
    }

    /// The lines of Rust for the product: none of a test file, none of a `#[cfg(test)]` item. Relies on rustfmt: such
    /// an item begins and ends in the first column.
    pub fn product_lines(&self) -> Vec<(usize, &'a str)> {
        let mut lines = Vec::new();
        if !self.is_rust() || self.is_test() {
            return lines;
        }
        let mut place = Place::Product;
        for (number, line) in self.lines() {
            place = place.at(line);
            if place == Place::Product {
                lines.push((number, line));
            }
            if place == Place::TestEnd {
                place = Place::Product;
            }
        }
        lines
    }

    /// The other lines of Rust.
    pub fn test_lines(&self) -> Vec<(usize, &'a str)> {
        let mut product = self.product_lines().into_iter().peekable();
        let lines = self.lines().filter(|_| self.is_rust());
        lines.filter(|line| product.next_if_eq(line).is_none()).collect()
    }

    /// A violation in a line.
    pub fn finding(&self, line: usize, what: impl Into<String>, next: impl Into<String>) -> Finding {
        Finding { path: self.path.to_owned(), line, what: what.into(), next: next.into() }
    }
}

/// The kind of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Product,
    /// Between `#[cfg(test)]` and the `{` of its item.
    TestHead,
    TestBody,
    /// The last line of the item.
    TestEnd,
}

impl Place {
    fn at(self, line: &str) -> Self {
        match self {
            Self::Product if line == "#[cfg(test)]" => Self::TestHead,
            Self::TestHead if line.starts_with("#[") => Self::TestHead,
            Self::TestHead if line.ends_with('{') => Self::TestBody,
            Self::TestHead if line.ends_with([';', '}']) => Self::TestEnd,
            Self::TestBody if line == "}" => Self::TestEnd,
            place => place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_only_for_tests_are_recognized() {
        let table: [(&str, &[usize]); 6] = [
            ("a\nb\n", &[1, 2]),
            ("a\n#[cfg(test)]\nmod tests {\n    b\n    }\n}\nc\n", &[1, 7]),
            ("a\n#[cfg(test)]\n#[path = \"a_tests.rs\"]\nmod tests;\nb\n", &[1, 5]),
            ("#[cfg(test)]\nfn a(\n    b: u8,\n) {\n    c\n}\nd\n", &[7]),
            ("#[cfg(test)]\nimpl A {}\nb\n", &[3]),
            ("fn a() {\n    #[cfg(test)]\n    b();\n}\n", &[1, 2, 3, 4]),
        ];
        for (text, numbers) in table {
            let source = Source { path: "src/a.rs", text };
            let lines = source.product_lines();
            assert_eq!(lines.iter().map(|(number, _)| *number).collect::<Vec<_>>(), numbers, "{text}");
            let mut all = [lines, source.test_lines()].concat();
            all.sort_unstable();
            assert_eq!(all, source.lines().collect::<Vec<_>>(), "{text}");
        }
    }

    #[test]
    fn a_test_file_is_recognized_by_its_name() {
        for (path, test) in [
            ("src/site/mod.rs", false),
            ("tests/site_errors/main.rs", true),
            ("ci/lab/src/card/tests.rs", true),
            ("xtask/src/debian/fetch_tests.rs", true),
            ("src/contests.rs", false),
        ] {
            assert_eq!(Source { path, text: "" }.is_test(), test, "{path}");
        }
    }
}
