//! The commands of a dialer's `init`: `chat` sends them before it dials, and waits for an `OK` after each. Those of a
//! model's file are given every ten minutes.

use super::line_init::known_commands;
use super::text::Invalid;

/// Commands that cannot be there, with the only value that can, and why.
const REFUSED: [(&str, Option<&str>, &str); 13] = [
    ("A", None, "it answers a call, and has no OK"),
    ("D", None, "the box dials after `init`"),
    ("O", None, "it goes back to a call, and has no OK"),
    ("Q", Some("0"), "without result codes there is no OK"),
    ("V", Some("1"), "the box reads result codes in words"),
    ("S0", Some("0"), "the box answers no call"),
    ("+CFUN", Some("1"), "the modem needs its radio, and must not restart"),
    ("+CGATT", Some("1"), "without it the network gives no data"),
    // A wrong PIN would be given again and again, until the SIM wants its PUK (TS 27.007 §8.3, §7.4, §7.5).
    ("+CPIN", None, PIN),
    ("^CPIN", None, PIN),
    ("+CLCK", None, PIN),
    ("+CPWD", None, PIN),
    ("&W", None, "it would write the modem's memory at every call, which wears out"),
];

const PIN: &str = "a wrong PIN would lock the SIM; the box gives `pin` of [modem], once";

/// Checks a command line that begins with `AT`. What a modem has beyond V.250 passes.
pub(super) fn check(line: &str) -> Result<(), Invalid> {
    for command in known_commands(line.get(2..).unwrap_or_default()) {
        let value = if command.value.is_empty() { "0" } else { command.value };
        let is_refused = |(name, allowed, _): &&(&str, Option<&str>, &str)| {
            *name == command.name && allowed.is_none_or(|allowed| allowed != value)
        };
        if let Some((name, _, why)) = REFUSED.iter().find(is_refused) {
            // A PIN is not shown.
            let shown = if *why == PIN { (*name).to_owned() } else { command.to_string() };
            return Err(Invalid::new(
                format!("`{shown}` cannot be in `init`: {why}"),
                format!("remove `{shown}`"),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::AtCommand;

    #[test]
    fn what_modems_need_is_accepted() {
        for line in AtCommand::usual_init().iter().map(AtCommand::as_str).chain([
            "AT&F",
            "AT+CFUN=1",
            "AT+CFUN?",
            "AT^SYSCFG=2,2,3FFFFFFF,1,2",
            "AT_OPSYS=3,2",
            "AT+CGDCONT=1,\"IP\",\"free\"",
            "AT+COPS=0;+CREG=1",
            "AT+CPIN?",
            "AT+CGATT=1",
            "AT!CUSTOM=\"A\";+CREG=1",
        ]) {
            assert_eq!(check(line), Ok(()), "{line}");
        }
    }

    #[test]
    fn what_keeps_chat_from_dialling_is_refused() {
        for (line, named) in [
            ("ATD*99#", "D"),
            ("AT&F DT112", "D"),
            ("ATA", "A"),
            ("ATO0", "O0"),
            ("ATQ1", "Q1"),
            ("ATE1V0", "V0"),
            ("ATV", "V"),
            ("ATS0=2", "S0=2"),
            ("at+cfun=0", "+CFUN=0"),
            ("AT+COPS=0;+CFUN=1,1", "+CFUN=1,1"),
            ("AT&K3&W", "&W"),
            ("AT;D112", "D112"),
            ("AT!CUSTOM=1;+CFUN=0", "+CFUN=0"),
            ("AT+CREG?;D112", "D112"),
            ("AT+CGATT=0", "+CGATT=0"),
            ("AT+CPIN=1234", "+CPIN"),
            ("AT+CMEE=1;+CPIN=\"1234\"", "+CPIN"),
            ("AT+CLCK=\"SC\",0,\"1234\"", "+CLCK"),
        ] {
            let why = check(line).expect_err(line).why;
            assert!(why.starts_with(&format!("`{named}` cannot be in `init`: ")), "{line}: {why}");
        }
    }
}
