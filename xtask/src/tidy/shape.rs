//! The form of a file.

use super::{Finding, Source};

/// Lines of a Rust file without its `#[cfg(test)]` module: a longer one has more than one idea. A file of tests alone
/// may have as many.
const LONGEST: usize = 400;

/// A Rust file holds one idea.
pub fn length(source: &Source) -> Vec<Finding> {
    if !source.is_rust() {
        return Vec::new();
    }
    let lines = if source.is_test() { source.lines().count() } else { source.product_lines().len() };
    if lines <= LONGEST {
        return Vec::new();
    }
    let what = format!("{lines} lines without its test module, {LONGEST} are the limit");
    vec![source.finding(1, what, "move its second idea into another file")]
}

/// No white space before the end of a line.
pub fn trailing_whitespace(source: &Source) -> Vec<Finding> {
    if source.is_kept_as_it_is() {
        return Vec::new();
    }
    // `lines()` would hide a carriage return.
    let lines = (1..).zip(source.text.split('\n'));
    let trailing = lines.filter(|(_, line)| line.ends_with(char::is_whitespace));
    trailing.map(|(number, _)| source.finding(number, "white space before the end", "remove it")).collect()
}

/// Characters of a line in a document.
const WIDEST: usize = 120;

/// The prose of documents is wrapped. A row of a table cannot be, and a block shows what a program prints.
pub fn prose_width(source: &Source) -> Vec<Finding> {
    if !source.path.ends_with(".md") {
        return Vec::new();
    }
    let mut is_block = false;
    let prose = (1..).zip(source.text.lines()).filter(|(_, line)| {
        is_block ^= line.starts_with("```");
        !is_block && !line.starts_with('|')
    });
    let wide = prose.filter(|(_, line)| line.chars().count() > WIDEST);
    wide.map(|(number, line)| {
        let what = format!("{} characters, {WIDEST} are the limit", line.chars().count());
        source.finding(number, what, "wrap the paragraph again")
    })
    .collect()
}

/// The last line ends with a newline.
pub fn final_newline(source: &Source) -> Vec<Finding> {
    if source.is_kept_as_it_is() || source.text.is_empty() || source.text.ends_with('\n') {
        return Vec::new();
    }
    vec![source.finding(source.lines().count(), "no newline at the end of the file", "add it")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rule: fn(&Source) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
        rule(&Source { path, text }).iter().map(|it| it.line).collect()
    }

    #[test]
    fn a_rust_file_may_have_400_lines_and_any_number_of_tests() {
        let full = "a\n".repeat(400);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{full}}}\n");
        for (path, text, expected) in [
            ("src/a.rs", full.clone(), vec![]),
            ("src/a.rs", format!("{full}a\n"), vec![1]),
            ("src/a.rs", format!("{full}{tests}"), vec![]),
            ("src/a_tests.rs", format!("{full}a\n"), vec![1]),
            ("docs/a.md", format!("{full}a\n"), vec![]),
        ] {
            assert_eq!(lines(length, path, &text), expected, "{path}, {} lines", text.lines().count());
        }
    }

    #[test]
    fn prose_has_120_characters_a_line_at_most() {
        let (full, wide) = ("é".repeat(120), "é".repeat(121));
        for (path, text, expected) in [
            ("a.md", format!("{full}\n{wide}\n"), vec![2]),
            ("a.md", format!("| {wide} |\n```\n{wide}\n```\n{wide}\n"), vec![5]),
            ("a.toml", format!("# {wide}\n"), vec![]),
        ] {
            assert_eq!(lines(prose_width, path, &text), expected, "{path}");
        }
    }

    #[test]
    fn trailing_white_space_is_found() {
        for (path, text, expected) in [
            ("a.md", "a\n\nb\n", vec![]),
            ("a.md", "a \nb\n\t\n", vec![1, 3]),
            ("a.md", "a\r\n", vec![1]),
            ("tests/snapshots/a.snap", "a \n", vec![]),
        ] {
            assert_eq!(lines(trailing_whitespace, path, text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_file_ends_with_a_newline() {
        for (text, expected) in [("", vec![]), ("a\n", vec![]), ("a\nb", vec![2])] {
            assert_eq!(lines(final_newline, "a.md", text), expected, "{text:?}");
        }
    }
}
