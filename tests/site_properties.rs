//! Properties of every possible site.

use dialbox::site::{RenderedFile, Site};
use proptest::prelude::*;
use proptest::sample::Index;

/// A TOML string for exactly `text` (TOML 1.0, "Basic strings").
fn toml_string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

/// The words of a line of options or secrets as pppd reads them (options.c, `getword`), for the
/// escapes that can occur.
fn pppd_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none_or(|c| *c == '#') {
            return words;
        }
        let mut word = String::new();
        let mut quote = None;
        while let Some(c) = chars.next_if(|c| quote.is_some() || !c.is_whitespace() && *c != '#') {
            match c {
                '\\' => {
                    let escaped = chars.next().expect("something after a backslash");
                    assert!("\\\"'".contains(escaped), "pppd makes something else of \\{escaped}");
                    word.push(escaped);
                }
                c if quote == Some(c) => quote = None,
                '"' | '\'' if quote.is_none() => quote = Some(c),
                c => word.push(c),
            }
        }
        assert_eq!(quote, None, "no end of the quotes in {line}");
        words.push(word);
    }
}

/// The words of a line of a chat script (chat.c, `do_file`), still with their escapes.
fn chat_words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let quoted = first == '\'' || first == '"';
        let body = &rest[usize::from(quoted)..];
        let end = if quoted {
            body.find(first).expect("the end of the quotes")
        } else {
            body.find([' ', '\t']).unwrap_or(body.len())
        };
        assert!(!body[..end].contains(r"\\"), "an escaped backslash is written in octal");
        words.push(&body[..end]);
        rest = body[end + usize::from(quoted)..].trim_start();
    }
    words
}

/// What chat sends for a word (chat.c, `clean` and `put_string`), for the escapes that can occur.
fn chat_sends(word: &str) -> String {
    assert!(!word.starts_with('@'), "chat would read a file");
    let mut sent = String::new();
    let mut rest = word;
    while let Some(c) = rest.chars().next() {
        assert_ne!(c, '^', "chat would make a control character");
        let octal = rest.strip_prefix('\\').map(|rest| &rest[..3]);
        sent.push(octal.map_or(c, |digits| char::from(u8::from_str_radix(digits, 8).expect("octal"))));
        rest = &rest[octal.map_or(1, |_| 4)..];
    }
    sent
}

const VPN: &str = r#"[vpn]
private-key = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
address = "10.9.0.2/24"
public-key = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
endpoint = "203.0.113.5:51820"
networks = ["10.9.0.0/24"]
"#;

fn content<'a>(files: &'a [RenderedFile], path: &str) -> &'a str {
    &files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}")).content
}

fn account() -> impl Strategy<Value = (String, String)> {
    ("[ -~]{1,40}", "[ -~]{1,40}").prop_filter("pppd's own meanings", |(user, password)| {
        user != "*" && !password.starts_with("@/") && password != "@login"
    })
}

fn dialer(user: &str, password: &str, init: &[String]) -> String {
    let init: Vec<_> = init.iter().map(|command| toml_string(command)).collect();
    format!(
        "role = \"dialer\"\nhostname = \"box\"\n[modem]\ninit = [{}]\n\
         [operator]\nname = \"free\"\napn = \"free\"\nuser = {}\npassword = {}\n",
        init.join(", "),
        toml_string(user),
        toml_string(password)
    )
}

proptest! {
    #[test]
    fn pppd_reads_back_the_account((user, password) in account()) {
        let site = Site::parse(&dialer(&user, &password, &[])).unwrap_or_else(|error| panic!("{error}"));
        let files = site.render();
        for path in ["/etc/ppp/pap-secrets", "/etc/ppp/chap-secrets"] {
            let words = pppd_words(content(&files, path).lines().last().unwrap());
            prop_assert_eq!(words, [user.as_str(), "*", &password, "*"]);
        }
        let options = content(&files, "/etc/ppp/peers/free");
        let line = options.lines().find(|line| line.starts_with("user ")).unwrap();
        prop_assert_eq!(pppd_words(line), ["user", &user]);
    }

    #[test]
    fn the_modem_receives_the_commands_as_written(
        init in proptest::collection::vec("[Aa][Tt][ -~]{0,60}", 1..4),
    ) {
        let site = Site::parse(&dialer("u", "p", &init));
        // Some cannot be there, such as `ATD`.
        let refused = site.as_ref().err().map(ToString::to_string);
        prop_assume!(!refused.is_some_and(|error| error.contains("cannot be in `init`")));
        let files = site.unwrap_or_else(|error| panic!("{error}")).render();
        let script: Vec<_> = content(&files, "/etc/ppp/chat/free")
            .lines()
            .filter(|line| !line.starts_with(['#', 'A', 'R']))
            .map(chat_words)
            .collect();
        for (words, command) in script.iter().zip(&init) {
            prop_assert_eq!(words.len(), 2);
            prop_assert_eq!(&chat_sends(words[1]), command);
        }
        prop_assert_eq!(script.len(), init.len() + 3);
    }

    #[test]
    fn no_file_has_a_control_character_except_tab_and_newline((user, password) in account()) {
        let site = Site::parse(&dialer(&user, &password, &[])).unwrap_or_else(|error| panic!("{error}"));
        for file in site.render() {
            prop_assert!(!file.content.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
            prop_assert!(file.content.ends_with('\n'));
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = Site::parse(&text).map_err(|error| error.to_string());
    }

    /// A damaged site: characters lost, doubled or replaced, or a line broken.
    #[test]
    fn no_error_ever_shows_a_secret(
        edits in prop_oneof![
            proptest::collection::vec((any::<Index>(), "[ -~]{0,2}"), 1..4),
            proptest::collection::vec((any::<Index>(), "[ -~\n]{1,2}"), 1),
        ],
    ) {
        let good = dialer("free", "Xy7Qz9Kw", &[]).replace("init = []", "pin = \"90817263\"") + VPN;
        prop_assert!(Site::parse(&good).is_ok());
        let mut text: Vec<char> = good.chars().collect();
        for (at, instead) in edits {
            let at = at.index(text.len());
            text.splice(at..=at, instead.chars());
        }
        let text: String = text.into_iter().collect();
        // The edit itself may have split a secret: no three characters of it may be shown.
        if let Err(error) = Site::parse(&text) {
            let said = error.to_string();
            for part in ["Xy7", "y7Q", "7Qz", "Qz9", "z9K", "9Kw", "908", "081", "817", "172", "726", "263", "Anz5", "lXXJ", "tji3", "2rYU"] {
                prop_assert!(!said.contains(part), "{}", said);
            }
        }
    }
}

#[test]
fn debug_shows_no_secret() {
    let text = dialer("free", "Xy7Qz9Kw", &[]).replace("init = []", "pin = \"90817263\"") + VPN;
    let site = Site::parse(&text).unwrap_or_else(|error| panic!("{error}"));
    let shown = format!("{site:?} {:?} {:?}", site.render(), site.masked().render());
    for secret in ["Xy7Qz9Kw", "90817263", "yAnz5TF+"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(!site.summary().contains("Xy7Qz9Kw"), "{}", site.summary());
    assert!(content(&site.masked().render(), "/etc/ppp/pap-secrets").contains("••••"));
}
