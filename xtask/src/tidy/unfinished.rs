//! Code on the main branch is finished; open work has an issue, not a mark in the code.

use super::{Finding, Source};

// In pieces, since this rule also checks this file.
const MACROS: [&str; 2] = [concat!("todo", "!"), concat!("unimplemented", "!")];
const SKIPPED_TEST: &str = concat!("#[", "ignore");
const WORDS: [&str; 3] = [concat!("FIX", "ME"), concat!("XX", "X"), concat!("TO", "DO")];

/// No marks of unfinished work, and no skipped tests.
pub fn marks(source: &Source) -> Vec<Finding> {
    if source.is_kept_as_it_is() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in source.lines() {
        let code = MACROS.iter().chain([&SKIPPED_TEST]).filter(|it| source.is_rust() && line.contains(**it));
        let words = WORDS.iter().filter(|it| has_word(line, it));
        for mark in code.chain(words) {
            let what = format!("{mark} marks unfinished work");
            findings.push(source.finding(number, what, "finish it, or take it out and open an issue"));
        }
    }
    findings
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|it| it == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_unfinished_work_are_found() {
        let [fix, three, to] = WORDS;
        for (path, text, found) in [
            ("src/a.rs", format!("fn a() {{ {}() }}\n", MACROS[0]), true),
            ("src/a.rs", format!("fn a() {{ {}() }}\n", MACROS[1]), true),
            ("src/a.rs", format!("{SKIPPED_TEST} = \"slow\"]\n"), true),
            ("src/a.rs", format!("// {fix}: later\n"), true),
            ("overlay/etc/init.d/rcS", format!("# {to} later\n"), true),
            ("src/a.rs", format!("// {three}\n"), true),
            ("src/a.rs", format!("let name = \"{three}{three}\";\n"), false),
            ("src/a.rs", "let todo = Vec::new();\n".to_owned(), false),
            ("xtask/src/debian/testdata/Packages", format!("{to}\n"), false),
        ] {
            let findings = marks(&Source { path, text: &text });
            assert_eq!(!findings.is_empty(), found, "{path}: {text}");
        }
    }
}
