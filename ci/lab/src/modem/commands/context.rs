//! Packet data contexts: TS 27.007 §10.1.1.

use super::{Flow, REFUSED};
use crate::modem::Modem;
use crate::modem::syntax::{Form, Param};
use dialbox::site::{AccountCommand, Placeholder};

impl Modem {
    pub(super) fn contexts(&mut self, port: usize, form: &Form) -> Flow {
        match form {
            Form::Test => {
                for kind in self.context_kinds() {
                    self.inform(port, &format!("+CGDCONT: (1-4),\"{kind}\",,,(0),(0)"));
                }
                Flow::Next
            }
            Form::Read => {
                for (context, (kind, apn)) in self.contexts.clone() {
                    self.inform(port, &format!("+CGDCONT: {context},\"{kind}\",\"{apn}\",\"\",0,0"));
                }
                Flow::Next
            }
            Form::Set(params) => self.set_context(params),
            Form::Act => REFUSED,
        }
    }

    fn context_kinds(&self) -> &'static [&'static str] {
        self.profile.mobile.map_or(&[], |mobile| mobile.context_kinds)
    }

    fn set_context(&mut self, params: &[Param]) -> Flow {
        let Some((context, described)) = params.split_first() else { return REFUSED };
        let Some(context) = context.number().filter(|n| (1..=4).contains(n)) else { return REFUSED };
        match described {
            [] => drop(self.contexts.remove(&context)),
            [Param::Text(kind), Param::Text(apn)] if self.context_kinds().contains(&kind.as_str()) => {
                self.contexts.insert(context, (kind.clone(), apn.clone()));
            }
            _ => return REFUSED,
        }
        Flow::Next
    }

    /// The account of the first context: `+CGAUTH` (TS 27.007 §10.1.31), or a maker's own. Only the standard's is read.
    pub(super) fn account(
        &mut self,
        port: usize,
        name: &str,
        parameters: &[Option<Placeholder>],
        form: &Form,
    ) -> Flow {
        let params = match form {
            Form::Test => return Flow::Next,
            Form::Read if name == AccountCommand::STANDARD_NAME => {
                return self.show_accounts(port, parameters);
            }
            Form::Set(params) => params.as_slice(),
            Form::Read | Form::Act => return REFUSED,
        };
        self.set_account(parameters, params).map_or(REFUSED, |()| Flow::Next)
    }

    fn set_account(&mut self, parameters: &[Option<Placeholder>], params: &[Param]) -> Option<()> {
        let at = |wanted| parameters.iter().position(|it| *it == Some(wanted));
        let text = |wanted| match params.get(at(wanted)?)? {
            Param::Text(text) => Some(text.clone()),
            _ => None,
        };
        let type_at = at(Placeholder::Type)?;
        let is_whole = params.len() == parameters.len();
        let kind = params.get(type_at)?.number()?;
        if params.first()?.number() != Some(1) {
            return None;
        }
        if let Some(apn) = at(Placeholder::Apn).filter(|_| is_whole).and_then(|_| text(Placeholder::Apn)) {
            self.contexts.insert(1, ("IP".to_owned(), apn));
        }
        match kind {
            0 if is_whole || params.len() == type_at + 1 => drop(self.authentication.remove(&1)),
            1 | 2 if is_whole => {
                let account = (kind, text(Placeholder::User)?, text(Placeholder::Password)?);
                self.authentication.insert(1, account);
            }
            _ => return None,
        }
        Some(())
    }

    fn show_accounts(&mut self, port: usize, parameters: &[Option<Placeholder>]) -> Flow {
        for (context, (kind, user, password)) in self.authentication.clone() {
            let user_at = parameters.iter().position(|it| *it == Some(Placeholder::User));
            let password_at = parameters.iter().position(|it| *it == Some(Placeholder::Password));
            let shown = match user_at < password_at {
                true => format!("\"{user}\""),
                false => format!("\"{password}\",\"{user}\""),
            };
            self.inform(port, &format!("+CGAUTH: {context},{kind},{shown}"));
        }
        Flow::Next
    }
}
