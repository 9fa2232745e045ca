//! Packet data contexts: TS 27.007 §10.1.1.

use super::{Flow, REFUSED};
use crate::modem::Modem;
use crate::modem::syntax::{Form, Param};

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

    /// `+CGAUTH=<cid>[,<auth_prot>[,<user>,<password>]]`: TS 27.007 §10.1.31.
    pub(super) fn authentication(&mut self, port: usize, form: &Form) -> Flow {
        let params = match form {
            Form::Test => return self.inform(port, "+CGAUTH: (1-4),(0-2),(0-127),(0-127)"),
            Form::Read => {
                for (context, (kind, user)) in self.authentication.clone() {
                    self.inform(port, &format!("+CGAUTH: {context},{kind},\"{user}\""));
                }
                return Flow::Next;
            }
            Form::Set(params) => params.as_slice(),
            Form::Act => return REFUSED,
        };
        let numbers: Vec<Option<u32>> = params.iter().take(2).map(Param::number).collect();
        match (numbers.as_slice(), params.get(2..)) {
            ([Some(context @ 1..=4), Some(0)] | [Some(context @ 1..=4)], _) if params.len() <= 2 => {
                self.authentication.remove(context);
                Flow::Next
            }
            (
                [Some(context @ 1..=4), Some(kind @ 1..=2)],
                Some([Param::Text(user), Param::Text(_password)]),
            ) => {
                self.authentication.insert(*context, (*kind, user.clone()));
                Flow::Next
            }
            _ => REFUSED,
        }
    }
}
