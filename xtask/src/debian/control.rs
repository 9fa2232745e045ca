//! The format of Debian's control files: paragraphs of `Name: value` lines, separated by an empty line; a line that
//! begins with white space continues the value above it (deb822(5)).

/// One paragraph; it borrows from the text.
#[derive(Debug)]
pub struct Paragraph<'a> {
    fields: Vec<(&'a str, &'a str)>,
}

/// The paragraphs of a file that has no comments.
pub fn paragraphs(text: &str) -> impl Iterator<Item = Paragraph<'_>> {
    text.split("\n\n").map(Paragraph::parse).filter(|it| !it.fields.is_empty())
}

impl<'a> Paragraph<'a> {
    fn parse(block: &'a str) -> Self {
        let mut fields: Vec<(&str, &str)> = Vec::new();
        let mut start = 0;
        while start < block.len() {
            let end = end_of_field(block, start);
            if let Some((name, value)) = block[start..end].split_once(':') {
                fields.push((name, value.trim()));
            }
            start = end;
        }
        Self { fields }
    }

    /// The value of a field; names are case-insensitive. Continuation lines keep their leading white
    /// space.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.fields.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// The words of a field; none if it is missing.
    pub fn words(&self, name: &str) -> Vec<&'a str> {
        self.get(name).unwrap_or_default().split_whitespace().collect()
    }
}

/// Where the field that begins at `start` ends: past the newline that no white space follows.
fn end_of_field(block: &str, start: usize) -> usize {
    let mut from = start;
    while let Some(newline) = block[from..].find('\n') {
        from += newline + 1;
        if !block[from..].starts_with([' ', '\t']) {
            return from;
        }
    }
    block.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indented_lines_continue_a_value() {
        let text = "Package: ppp\nDepends: libc6,\n libpam0g\nempty:\n\n\nPackage: chat\n";
        let all: Vec<_> = paragraphs(text).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].get("package"), Some("ppp"));
        assert_eq!(all[0].words("Depends"), ["libc6,", "libpam0g"]);
        assert_eq!(all[0].get("Empty"), Some(""));
        assert_eq!(all[0].get("Version"), None);
        assert_eq!(all[1].get("Package"), Some("chat"));
    }
}
