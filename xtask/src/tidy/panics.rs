//! Code that may panic says why it does not.

use super::{Finding, Source};

/// Outside tests, every `unwrap` and `expect` has a comment beside or above it that proves it.
pub fn proofs(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut proven = false;
    for (number, line) in source.product_lines() {
        let code = line.trim_start();
        if code.starts_with("//") {
            proven = true;
            continue;
        }
        if may_panic(code) && !proven && !code.contains(" // ") {
            findings.push(source.finding(
                number,
                "it may panic",
                "return an error, or prove in a comment on the line above that it cannot",
            ));
        }
        // An attribute may be between the comment and its line.
        proven &= code.starts_with("#[");
    }
    findings
}

fn may_panic(code: &str) -> bool {
    // An `expect` that returns a result is another type's: that of Option and Result returns the value.
    let own = code.contains(")?");
    code.contains(concat!(".unwrap", "()")) || code.contains(concat!(".expect", "(")) && !own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_may_panic_needs_a_comment() {
        let unwrap = concat!("it.unwrap", "()");
        let expect = concat!("it.expect", "(\"why\")");
        for (text, found) in [
            (format!("let a = {unwrap};\n"), true),
            (format!("let a = {expect};\n"), true),
            (format!("let a = {expect}?;\n"), false),
            (format!("// Checked above.\nlet a = {unwrap};\n"), false),
            (format!("// Checked above.\n#[expect(clippy::unwrap_used)]\nlet a = {unwrap};\n"), false),
            (format!("// Checked above.\nlet a = 1;\nlet b = {unwrap};\n"), true),
            (format!("let a = {unwrap}; // it is never empty\n"), false),
            (format!("/// Like `{unwrap}`.\nfn a() {{}}\n"), false),
            ("let a = it.unwrap_or(1);\n".to_owned(), false),
            (format!("#[cfg(test)]\nmod tests {{\n    {unwrap};\n}}\n"), false),
        ] {
            let findings = proofs(&Source { path: "src/a.rs", text: &text });
            assert_eq!(!findings.is_empty(), found, "{text}");
        }
    }
}
