//! The command by which a modem gets the account of a context, as the file of its model writes it.

use super::text::{Invalid, Text};
use serde::{Deserialize, Serialize};

/// A command with placeholders: `AT+CGAUTH=1,{type},"{user}","{password}"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCommand(String);

/// A value that the command gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// 0 none, 1 PAP, 2 CHAP: the makers' commands have the numbers of TS 27.007 §10.1.31.
    Type,
    /// The user.
    User,
    /// The password.
    Password,
    /// The APN, in commands that set the whole context.
    Apn,
    /// Quectel's `<context_type>`: 1 IPv4, 3 IPv4 and IPv6.
    Ip,
}

const PLACEHOLDERS: [(&str, Placeholder); 5] = [
    ("{type}", Placeholder::Type),
    ("{user}", Placeholder::User),
    ("{password}", Placeholder::Password),
    ("{apn}", Placeholder::Apn),
    ("{ip}", Placeholder::Ip),
];

impl AccountCommand {
    /// The name of the standard's command.
    pub const STANDARD_NAME: &'static str = "+CGAUTH";

    /// The standard's.
    #[must_use]
    pub fn standard() -> Self {
        Self(r#"AT+CGAUTH=1,{type},"{user}","{password}""#.to_owned())
    }

    /// Up to the `=`, without `AT`: `+CGAUTH`.
    #[must_use]
    pub fn name(&self) -> &str {
        let line = self.0.strip_prefix("AT").unwrap_or(&self.0);
        line.split('=').next().unwrap_or_default()
    }

    /// The command with these values; without an account it ends at the type, unless that is its last value.
    #[must_use]
    pub fn line(&self, has_account: bool, value: impl Fn(Placeholder) -> String) -> String {
        let mut line = String::new();
        let mut rest = self.0.as_str();
        while let Some((at, (word, placeholder))) = first(rest) {
            line += &rest[..at];
            line += &value(placeholder);
            rest = &rest[at + word.len()..];
            if placeholder == Placeholder::Type && !has_account {
                break;
            }
        }
        if has_account { line + rest } else { line }
    }

    /// The parameters, one for each comma; `None` for a constant.
    #[must_use]
    pub fn parameters(&self) -> Vec<Option<Placeholder>> {
        let list = self.0.split_once('=').map_or("", |(_, list)| list);
        list.split(',').map(|part| first(part).map(|(_, (_, placeholder))| placeholder)).collect()
    }
}

fn first(text: &str) -> Option<(usize, (&'static str, Placeholder))> {
    let found = PLACEHOLDERS.into_iter().filter_map(|it| Some((text.find(it.0)?, it)));
    found.min_by_key(|(at, _)| *at)
}

impl Text for AccountCommand {
    const EXPECTED: &'static str = "a command for the account";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let is_there_once = |word: &str| text.matches(word).count() == 1;
        let is_complete = ["{type}", "{user}", "{password}"].into_iter().all(is_there_once);
        let is_printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && text.len() <= 100;
        if is_complete && is_printable && text.starts_with("AT") && text.contains('=') {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            "this is no command for an account",
            "write it with {type}, {user} and {password}, as in 'AT+CGAUTH=1,{type},\"{user}\",\"{password}\"'",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(command: &str, has_account: bool) -> String {
        AccountCommand::from_text(command).unwrap().line(has_account, |placeholder| {
            let value = match placeholder {
                Placeholder::Type if !has_account => "0",
                Placeholder::Type => "1",
                Placeholder::User if has_account => "me{password}",
                Placeholder::Password if has_account => "s{user}t",
                Placeholder::User | Placeholder::Password => "",
                Placeholder::Apn => "web",
                Placeholder::Ip => "1",
            };
            value.to_owned()
        })
    }

    #[test]
    fn each_value_is_put_in_once_and_a_command_without_account_ends_at_the_type() {
        for (command, with, without) in [
            (
                r#"AT+CGAUTH=1,{type},"{user}","{password}""#,
                r#"AT+CGAUTH=1,1,"me{password}","s{user}t""#,
                "AT+CGAUTH=1,0",
            ),
            (
                r#"AT^AUTHDATA=1,{type},"","{password}","{user}""#,
                r#"AT^AUTHDATA=1,1,"","s{user}t","me{password}""#,
                "AT^AUTHDATA=1,0",
            ),
            (
                r#"AT+QICSGP=1,{ip},"{apn}","{user}","{password}",{type}"#,
                r#"AT+QICSGP=1,1,"web","me{password}","s{user}t",1"#,
                r#"AT+QICSGP=1,1,"web","","",0"#,
            ),
        ] {
            assert_eq!((line(command, true).as_str(), line(command, false).as_str()), (with, without));
        }
    }

    #[test]
    fn a_command_without_a_place_for_the_password_is_none() {
        assert!(AccountCommand::from_text("AT+CGAUTH=1,{type},\"{user}\"").is_err());
        let quectel = AccountCommand::from_text(r#"AT+QICSGP=1,{ip},"{apn}","{user}","{password}",{type}"#);
        let quectel = quectel.unwrap();
        assert_eq!((quectel.name(), quectel.parameters().len()), ("+QICSGP", 6));
    }
}
