//! The context of a site as AT commands, and in the answers to them (TS 27.007 §10.1.1, §10.1.31).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::modem::at::request::Request;
use crate::modem::at::values::fields;
use crate::site::{AccountCommand, IpType, ModemTraits, Operator, Placeholder};

/// The context of a site. `Debug` shows no account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachContext {
    apn: String,
    pdp_type: String,
    account: Option<Account>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Account {
    auth: u8,
    user: String,
    password: String,
}

/// The commands for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AttachStep {
    Read,
    Set,
    ReadBack,
    ReadAccount,
    SetAccount,
    ReadAccountBack,
}

impl AttachContext {
    /// That of a site.
    pub fn new(operator: &Operator) -> Self {
        let account = operator.account.as_ref().map(|account| Account {
            auth: operator.auth.number(),
            user: account.name.as_str().to_owned(),
            password: account.password.reveal().to_owned(),
        });
        let pdp_type = operator.ip_type.pdp_type().to_owned();
        Self { apn: operator.apn.as_str().to_owned(), pdp_type, account }
    }

    /// Whether it has an account.
    pub(super) fn has_account(&self) -> bool {
        self.account.is_some()
    }

    /// The command of a step. A modem without a command for the account gets the standard's, which the plan excludes.
    pub(super) fn request(&self, step: AttachStep, traits: &ModemTraits) -> Request {
        match step {
            AttachStep::Read | AttachStep::ReadBack => Request::new("AT+CGDCONT?", 5),
            AttachStep::Set => {
                Request::from_line(format!("AT+CGDCONT=1,\"{}\",\"{}\"", self.pdp_type, self.apn), 5)
            }
            AttachStep::ReadAccount | AttachStep::ReadAccountBack => Request::new("AT+CGAUTH?", 5),
            AttachStep::SetAccount => {
                let command = account_command(traits).unwrap_or_else(AccountCommand::standard);
                let line = self.account_line(&command);
                Request::from_line(line, 5).shown_as("the account of LTE's context")
            }
        }
    }

    fn account_line(&self, command: &AccountCommand) -> String {
        let account = self.account.as_ref();
        command.line(account.is_some(), |placeholder| match placeholder {
            Placeholder::Type => account.map_or(0, |account| account.auth).to_string(),
            Placeholder::User => account.map(|account| quoted(&account.user)).unwrap_or_default(),
            Placeholder::Password => account.map(|account| quoted(&account.password)).unwrap_or_default(),
            Placeholder::Apn => self.apn.clone(),
            Placeholder::Ip => if self.pdp_type == IpType::Ipv4.pdp_type() { "1" } else { "3" }.to_owned(),
        })
    }

    /// Whether this answer to `+CGDCONT?` has it as the first context. An APN's capital letters are no others
    /// (TS 23.003 §9.1).
    pub(super) fn is_in(&self, answer: &[String]) -> bool {
        let values = first_context(answer, "+CGDCONT").unwrap_or_default();
        let has = |at: usize, wanted: &str| values.get(at).is_some_and(|it| it.eq_ignore_ascii_case(wanted));
        has(1, &self.pdp_type) && has(2, &self.apn)
    }

    /// Whether this answer to `+CGAUTH?` has its type and user. SIMCom's has the password before the user.
    pub(super) fn has_account_in(&self, answer: &[String]) -> bool {
        let values = first_context(answer, AccountCommand::STANDARD_NAME).unwrap_or_default();
        let auth = values.get(1).copied().unwrap_or("0");
        match &self.account {
            None => auth == "0",
            Some(account) => {
                auth == account.auth.to_string() && values.iter().skip(2).any(|it| *it == account.user)
            }
        }
    }
}

impl fmt::Debug for AttachContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttachContext").field("apn", &self.apn).finish_non_exhaustive()
    }
}

/// The command of the model, or the standard's; `None` of a model that has neither.
pub(super) fn account_command(traits: &ModemTraits) -> Option<AccountCommand> {
    let lacks_standard = traits.lacks.iter().any(|name| name == AccountCommand::STANDARD_NAME);
    traits.account.clone().or_else(|| (!lacks_standard).then(AccountCommand::standard))
}

/// The values of the line of the first context.
fn first_context<'a>(answer: &'a [String], name: &str) -> Option<Vec<&'a str>> {
    answer.iter().filter_map(|line| fields(line, name)).find(|values| values.first() == Some(&"1"))
}

/// A quotation mark or a backslash in a string is written by its number (ITU-T V.250 §5.4.2.2).
fn quoted(text: &str) -> String {
    text.replace('\\', "\\5C").replace('"', "\\22")
}
