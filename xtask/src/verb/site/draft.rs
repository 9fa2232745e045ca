//! A draft of a site: an example with its comments, in which values are filled in.

use toml::Value;

/// A `site.toml` that keeps its comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft(Vec<String>);

impl Draft {
    /// Starts from an example.
    pub fn from_example(example: &str) -> Self {
        Self(example.lines().map(str::to_owned).collect())
    }

    /// Sets a key of a table (`""` for the keys before the first one, `[user]` for the first `[[user]]`). A line that
    /// was commented out is activated, and its table too.
    pub fn set(&mut self, table: &str, key: &str, value: impl Into<Value>) {
        self.header(table);
        self.write(table, key, format!("{key} = {}", value.into()));
    }

    /// Writes a value for a key, but leaves the line commented out if it is.
    pub fn suggest(&mut self, table: &str, key: &str, value: impl Into<Value>) {
        let value = value.into();
        let active = self.line(table, key).is_some_and(|at| !self.0[at].starts_with('#'));
        self.write(table, key, format!("{}{key} = {value}", if active { "" } else { "#" }));
    }

    /// Replaces a key by another key and its value.
    pub fn replace(&mut self, table: &str, old: &str, key: &str, value: impl Into<Value>) {
        self.write(table, old, format!("{key} = {}", value.into()));
    }

    /// Removes a key.
    pub fn unset(&mut self, table: &str, key: &str) {
        if let Some(at) = self.line(table, key).filter(|at| !self.0[*at].starts_with('#')) {
            self.0.remove(at);
        }
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        self.0.iter().map(|line| format!("{line}\n")).collect()
    }

    fn write(&mut self, table: &str, key: &str, line: String) {
        match self.line(table, key) {
            Some(at) => self.0[at] = line,
            None => {
                let after = self.section(table).start;
                self.0.insert(after, line);
            }
        }
    }

    fn header(&mut self, table: &str) {
        if let Some(at) = self.0.iter().position(|line| names_table(line) == Some(table)) {
            self.0[at] = format!("[{table}]");
        } else if !table.is_empty() {
            self.0.extend([String::new(), format!("[{table}]")]);
        }
    }

    /// The lines below a table's header.
    fn section(&self, table: &str) -> std::ops::Range<usize> {
        let is_header = |line: &String| names_table(line).is_some();
        let header = self.0.iter().position(|line| names_table(line) == Some(table));
        let start = header.map_or(0, |header| header + 1);
        let end = self.0[start..].iter().position(is_header).map_or(self.0.len(), |length| start + length);
        start..end
    }

    fn line(&self, table: &str, key: &str) -> Option<usize> {
        let is_it = |line: &String| {
            let line = line.strip_prefix('#').unwrap_or(line);
            line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        let section = self.section(table);
        let start = section.start;
        self.0[section].iter().position(is_it).map(|at| start + at)
    }
}

/// The table of a header line, active or commented out.
fn names_table(line: &str) -> Option<&str> {
    line.strip_prefix('#').unwrap_or(line).strip_prefix('[')?.trim_end().strip_suffix(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "# A box.\nrole = \"dialer\"\n\n#[modem]\n# Where it is.\n#port = \"auto\"\n\n[operator]\n\
                           user = \"free\"\n#number = \"*99#\"\n";

    #[test]
    fn a_set_key_is_activated_with_its_table_and_comments_stay() {
        let mut draft = Draft::from_example(EXAMPLE);
        draft.set("", "role", "dial-in");
        draft.set("modem", "port", "/dev/ttyUSB0");
        draft.set("modem", "speed", 9600);
        draft.suggest("operator", "number", "*98#");
        draft.unset("operator", "user");
        draft.set("sms", "numbers", vec!["+33612345678".to_owned()]);
        insta::assert_snapshot!(draft.text(), @r#"
        # A box.
        role = "dial-in"

        [modem]
        speed = 9600
        # Where it is.
        port = "/dev/ttyUSB0"

        [operator]
        #number = "*98#"

        [sms]
        numbers = ["+33612345678"]
        "#);
    }

    #[test]
    fn a_value_is_quoted_as_toml_asks() {
        let mut draft = Draft::from_example("");
        draft.set("", "password", "a\"b\\c");
        let table: toml::Table = draft.text().parse().unwrap();
        assert_eq!(table["password"].as_str(), Some("a\"b\\c"));
    }
}
