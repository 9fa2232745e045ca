//! The commands on one line: ITU-T V.250 §5.3 (basic), §5.3.2 (S-registers) and §5.4 (extended).

/// One parameter of an extended command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Param {
    /// Nothing between two commas.
    Omitted,
    /// Digits as they were typed: a PIN keeps its leading zeros.
    Digits(String),
    /// What stood between quotes.
    Text(String),
}

impl Param {
    /// The value of a number, if this is one that fits.
    pub fn number(&self) -> Option<u32> {
        match self {
            Self::Digits(digits) => digits.parse().ok(),
            _ => None,
        }
    }
}

/// The form of an extended command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// `+NAME`
    Act,
    /// `+NAME?`
    Read,
    /// `+NAME=?`
    Test,
    /// `+NAME=…`
    Set(Vec<Param>),
}

/// One command. Letters outside quotes are upper case by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A letter (`E`), or `&` and a letter, with its number; no number means 0.
    Basic(String, u32),
    /// `Sn=value`
    SetRegister(u8, u32),
    /// `Sn?`
    ReadRegister(u8),
    /// `D` and all that follows it, up to the end of the line.
    Dial(String),
    /// `+NAME`, or a maker's own `_NAME`, `^NAME`.
    Extended(String, Form),
}

/// Not a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// The commands of a line, one after the other: those before a syntax error are still executed (V.250 §5.2.3).
pub struct Commands {
    rest: std::iter::Peekable<std::vec::IntoIter<char>>,
    failed: bool,
}

impl Commands {
    /// Reads `body`, the line without its prefix and terminator.
    pub fn of(body: &str) -> Self {
        let mut quoted = false;
        let significant = |c: &char| {
            quoted ^= *c == '"';
            quoted || *c != ' '
        };
        let rest: Vec<char> = body.chars().filter(significant).collect();
        Self { rest: rest.into_iter().peekable(), failed: false }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        std::iter::from_fn(|| self.rest.next_if(|c| wanted(*c))).collect()
    }

    fn number(&mut self) -> Result<Option<u32>, Malformed> {
        let digits = self.take_while(|c| c.is_ascii_digit());
        if digits.is_empty() {
            return Ok(None);
        }
        digits.parse().map(Some).map_err(|_| Malformed)
    }

    fn command(&mut self, first: char) -> Result<Command, Malformed> {
        match first.to_ascii_uppercase() {
            'D' => Ok(Command::Dial(self.rest.by_ref().collect::<String>().to_ascii_uppercase())),
            'S' => self.register(),
            '&' => match self.rest.next() {
                Some(letter) if letter.is_ascii_alphabetic() => self.basic(format!("&{letter}")),
                _ => Err(Malformed),
            },
            '+' | '_' | '^' | '#' | '*' | '%' | '$' | '!' => self.extended(first),
            letter if letter.is_ascii_alphabetic() => self.basic(letter.to_string()),
            _ => Err(Malformed),
        }
    }

    fn basic(&mut self, name: String) -> Result<Command, Malformed> {
        Ok(Command::Basic(name.to_ascii_uppercase(), self.number()?.unwrap_or(0)))
    }

    fn register(&mut self) -> Result<Command, Malformed> {
        let register = self.number()?.and_then(|n| u8::try_from(n).ok()).ok_or(Malformed)?;
        match self.rest.next() {
            Some('?') => Ok(Command::ReadRegister(register)),
            Some('=') => Ok(Command::SetRegister(register, self.number()?.unwrap_or(0))),
            _ => Err(Malformed),
        }
    }

    fn extended(&mut self, mark: char) -> Result<Command, Malformed> {
        let name = format!("{mark}{}", self.take_while(|c| c.is_ascii_alphanumeric())).to_ascii_uppercase();
        let form = match self.rest.next_if(|c| matches!(c, '?' | '=')) {
            None => Form::Act,
            Some('?') => Form::Read,
            Some(_) if self.rest.next_if_eq(&'?').is_some() => Form::Test,
            Some(_) => Form::Set(self.params()?),
        };
        match self.rest.next() {
            None | Some(';') if name.len() > 1 => Ok(Command::Extended(name, form)),
            _ => Err(Malformed),
        }
    }

    fn params(&mut self) -> Result<Vec<Param>, Malformed> {
        let mut params = Vec::new();
        loop {
            params.push(self.param()?);
            if self.rest.next_if_eq(&',').is_none() {
                return Ok(params);
            }
        }
    }

    fn param(&mut self) -> Result<Param, Malformed> {
        if self.rest.next_if_eq(&'"').is_some() {
            let text = self.take_while(|c| c != '"');
            let text = unescaped(&text).ok_or(Malformed)?;
            return self.rest.next().map(|_| Param::Text(text)).ok_or(Malformed);
        }
        Ok(match self.take_while(|c| c.is_ascii_digit()) {
            digits if digits.is_empty() => Param::Omitted,
            digits => Param::Digits(digits),
        })
    }
}

/// A backslash and two hexadecimal digits stand for a character (ITU-T V.250 §5.4.2.2).
fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push(char::from(u8::from_str_radix(part.get(..2)?, 16).ok()?));
        plain += &part[2..];
    }
    Some(plain)
}

impl Iterator for Commands {
    type Item = Result<Command, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let first = self.rest.next()?;
        let command = self.command(first);
        self.failed = command.is_err();
        Some(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(name: &str, value: u32) -> Command {
        Command::Basic(name.to_owned(), value)
    }

    fn extended(name: &str, form: Form) -> Command {
        Command::Extended(name.to_owned(), form)
    }

    #[test]
    fn a_line_is_read_command_by_command() {
        let context = vec![Param::Digits("1".into()), Param::Text("IP".into()), Param::Text("a; B".into())];
        let table = [
            ("", vec![]),
            ("E0", vec![basic("E", 0)]),
            ("ev1", vec![basic("E", 0), basic("V", 1)]),
            ("&F&c1", vec![basic("&F", 0), basic("&C", 1)]),
            ("S0=0 S3?", vec![Command::SetRegister(0, 0), Command::ReadRegister(3)]),
            ("Z+CSQ;I", vec![basic("Z", 0), extended("+CSQ", Form::Act), basic("I", 0)]),
            ("+cpin?", vec![extended("+CPIN", Form::Read)]),
            ("+CMEE=?", vec![extended("+CMEE", Form::Test)]),
            (r#"+CGDCONT=1,"IP","a; B""#, vec![extended("+CGDCONT", Form::Set(context))]),
            ("+X=,2", vec![extended("+X", Form::Set(vec![Param::Omitted, Param::Digits("2".into())]))]),
            (r#"+X="a\22\5Cb""#, vec![extended("+X", Form::Set(vec![Param::Text("a\"\\b".into())]))]),
            ("_OBLS", vec![extended("_OBLS", Form::Act)]),
            ("DT*99#", vec![Command::Dial("T*99#".into())]),
            (
                "Q0 V1 E1 S0=0 &C1 &D2 +FCLASS=0",
                vec![
                    basic("Q", 0),
                    basic("V", 1),
                    basic("E", 1),
                    Command::SetRegister(0, 0),
                    basic("&C", 1),
                    basic("&D", 2),
                    extended("+FCLASS", Form::Set(vec![Param::Digits("0".into())])),
                ],
            ),
        ];
        for (body, expected) in table {
            assert_eq!(Commands::of(body).collect::<Result<Vec<_>, _>>(), Ok(expected), "AT{body}");
        }
    }

    #[test]
    fn a_syntax_error_ends_the_line_but_earlier_commands_are_executed() {
        for bad in
            ["+CSQ?E0", "+CPIN=\"12", "+=1", "&1", "S=1", "S300=1", "S0", "%", "E99999999999", "+X=abc"]
        {
            let read: Vec<_> = Commands::of(&format!("E0{bad}")).collect();
            assert_eq!(read, [Ok(basic("E", 0)), Err(Malformed)], "ATE0{bad}");
        }
    }
}
