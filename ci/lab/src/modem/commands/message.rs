//! Messages, in PDU mode only: TS 27.005 §3.2 to §3.5, §4.

use super::{Flow, REFUSED, flow};
use crate::modem::inbox::tpdu_octets;
use crate::modem::port::Mode;
use crate::modem::profile::{MessageCommand, ReadForm};
use crate::modem::refusal::Cms;
use crate::modem::settings::ResultCode;
use crate::modem::storage::{Status, Stored};
use crate::modem::syntax::{Form, Param};
use crate::modem::{Later, Modem, Output};
use std::time::Duration;

/// Ctrl-Z ends a message.
const CTRL_Z: u8 = 0x1a;
/// ESC cancels it.
const ESCAPE: u8 = 0x1b;
/// The longest TPDU there is: TS 23.040 §9.2.3.
const LONGEST_TPDU: u32 = 164;

impl Modem {
    pub(super) fn message_command(&mut self, port: usize, command: MessageCommand, form: &Form) -> Flow {
        match (command, form) {
            (MessageCommand::Format, Form::Test) => self.inform(port, "+CMGF: (0)"),
            (MessageCommand::Format, Form::Read) => self.inform(port, "+CMGF: 0"),
            (MessageCommand::Format, Form::Set(params)) => match params.as_slice() {
                [format] if format.number() == Some(0) => Flow::Next,
                [format] if format.number() == Some(1) => Cms::NotSupported.into(),
                _ => REFUSED,
            },
            (MessageCommand::Service, form) => self.message_service(port, form),
            (MessageCommand::Indications, form) => self.indications(port, form),
            (_, form) => match self.sim_usable() {
                Err(cme) => Cms::from(cme).into(),
                Ok(()) => self.storage_command(port, command, form),
            },
        }
    }

    fn storage_command(&mut self, port: usize, command: MessageCommand, form: &Form) -> Flow {
        match (command, form) {
            (MessageCommand::Storage, form) => self.storage(port, form),
            (MessageCommand::List, Form::Test) => self.inform(port, "+CMGL: (0-4)"),
            (MessageCommand::List, Form::Act) => self.list(port, 0),
            (MessageCommand::List, Form::Set(params)) => match params.as_slice() {
                [status] => status.number().filter(|it| *it <= 4).map_or(REFUSED, |it| self.list(port, it)),
                _ => REFUSED,
            },
            (MessageCommand::Read | MessageCommand::Send, Form::Test) => Flow::Next,
            (MessageCommand::Read, Form::Set(params)) => match index(params) {
                Some([index]) => match self.storages.read(index) {
                    Ok(stored) => self.show_read(port, index, &stored),
                    Err(cms) => cms.into(),
                },
                _ => REFUSED,
            },
            (MessageCommand::Delete, Form::Test) => {
                let (first, last) = self.storages.indices().unwrap_or_default();
                self.inform(port, &format!("+CMGD: ({first}-{last}),(0-4)"))
            }
            (MessageCommand::Delete, Form::Set(params)) => self.delete(params),
            (MessageCommand::Send, Form::Set(params)) => self.begin_message(port, params),
            (MessageCommand::Acknowledge, Form::Act) => flow(if std::mem::take(&mut self.unacknowledged) {
                Ok(())
            } else {
                Err(Cms::NothingToAcknowledge)
            }),
            _ => REFUSED,
        }
    }

    fn message_service(&mut self, port: usize, form: &Form) -> Flow {
        match form {
            Form::Test => self.inform(port, "+CSMS: (0-1)"),
            Form::Read => {
                let service = self.ports[port].settings.number("+CSMS");
                self.inform(port, &format!("+CSMS: {service},1,1,1"))
            }
            Form::Set(params) => match params.as_slice() {
                [service] if service.number().is_some_and(|it| it <= 1) => {
                    self.ports[port].settings.numbers.extend(service.number().map(|it| ("+CSMS", it)));
                    self.inform(port, "+CSMS: 1,1,1")
                }
                _ => REFUSED,
            },
            Form::Act => REFUSED,
        }
    }

    fn indications(&mut self, port: usize, form: &Form) -> Flow {
        let Some(known) = self.profile.mobile.map(|mobile| mobile.indications) else { return REFUSED };
        match form {
            Form::Test => {
                let ranges = known.map(|values| {
                    let values: Vec<String> = values.iter().map(u8::to_string).collect();
                    format!("({})", values.join(","))
                });
                self.inform(port, &format!("+CNMI: {}", ranges.join(",")))
            }
            Form::Read => {
                let shown = self.ports[port].settings.indications.map(|value| value.to_string());
                self.inform(port, &format!("+CNMI: {}", shown.join(",")))
            }
            Form::Set(params) if (1..=5).contains(&params.len()) => {
                let mut wanted = self.ports[port].settings.indications;
                for ((slot, known), param) in wanted.iter_mut().zip(known).zip(params) {
                    let value = match param {
                        Param::Omitted => continue,
                        param => param.number().and_then(|value| u8::try_from(value).ok()),
                    };
                    match value.filter(|value| known.contains(value)) {
                        Some(value) => *slot = value,
                        None => return Cms::NotSupported.into(),
                    }
                }
                self.ports[port].settings.indications = wanted;
                Flow::Next
            }
            _ => REFUSED,
        }
    }

    fn storage(&mut self, port: usize, form: &Form) -> Flow {
        let numbers = |modem: &Self| {
            modem.storages.chosen().iter().map(|(_, used, room)| format!("{used},{room}")).collect::<Vec<_>>()
        };
        match form {
            Form::Test => {
                let known = self.profile.mobile.map_or(&[][..], |mobile| mobile.storages);
                let names: Vec<String> = known.iter().map(|(name, _)| format!("\"{name}\"")).collect();
                let names = format!("({})", names.join(","));
                self.inform(port, &format!("+CPMS: {names},{names},{names}"))
            }
            Form::Read => {
                let chosen = self.storages.chosen();
                let shown = chosen.iter().map(|(name, used, room)| format!("\"{name}\",{used},{room}"));
                let shown: Vec<String> = shown.collect();
                self.inform(port, &format!("+CPMS: {}", shown.join(",")))
            }
            Form::Set(params) => {
                let name = |param: &Param| match param {
                    Param::Text(name) => Some(name.clone()),
                    _ => None,
                };
                let names: Option<Vec<String>> = params.iter().map(name).collect();
                let Some(names) = names.filter(|names| names.len() <= 3) else { return REFUSED };
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                match self.storages.choose(&names) {
                    Ok(()) => self.inform(port, &format!("+CPMS: {}", numbers(self).join(","))),
                    Err(cms) => cms.into(),
                }
            }
            Form::Act => REFUSED,
        }
    }

    /// `+CMGL=…`: 0 unread, 1 read, 2 and 3 unsent and sent (there are none), 4 all.
    fn list(&mut self, port: usize, status: u32) -> Flow {
        let wanted = |stored: &Stored| status == 4 || stored.status as u32 == status;
        for (index, stored) in self.storages.list().into_iter().filter(|(_, stored)| wanted(stored)) {
            self.show(port, &format!("+CMGL: {index},"), &stored);
            if stored.status == Status::Unread {
                // Listing a message sets its status to read.
                drop(self.storages.read(index));
            }
        }
        Flow::Next
    }

    fn show(&mut self, port: usize, head: &str, stored: &Stored) -> Flow {
        let octets = tpdu_octets(&stored.pdu).unwrap_or(0);
        self.inform(port, &format!("{head}{},,{octets}\r\n{}", stored.status as u8, stored.pdu))
    }

    /// As the model shows it in answer to `+CMGR`.
    fn show_read(&mut self, port: usize, index: usize, stored: &Stored) -> Flow {
        let octets = tpdu_octets(&stored.pdu).unwrap_or(0);
        let (status, pdu) = (stored.status as u8, &stored.pdu);
        let form = self.profile.mobile.map_or(ReadForm::Standard, |mobile| mobile.reads_as);
        let shown = match form {
            ReadForm::Standard => return self.show(port, "+CMGR: ", stored),
            ReadForm::WithoutStatus => format!("+CMGR: ,,{octets}\r\n{pdu}"),
            ReadForm::IndexFirst => format!("+CMGR: {index},{status},,{octets}\r\n{pdu}"),
            ReadForm::OnOneLine => format!("+CMGR: {status},,{octets} {pdu}"),
            ReadForm::Refused => return REFUSED,
        };
        self.inform(port, &shown)
    }

    fn delete(&mut self, params: &[Param]) -> Flow {
        let (first, which) = match index(params) {
            Some([first]) => (first, 0),
            _ => match index(params) {
                Some([first, which]) => (first, which),
                _ => return REFUSED,
            },
        };
        if self.keeps_messages {
            return Flow::Next;
        }
        let outcome = match which {
            0 => self.storages.delete(first),
            // TS 27.005 §3.5.4: read ones, also sent and unsent ones, all.
            1..=3 => self.delete_if(|stored| stored.status == Status::Read),
            4 => self.delete_if(|_| true),
            _ => return REFUSED,
        };
        if outcome.is_ok() {
            self.room_again();
        }
        flow(outcome)
    }

    fn delete_if(&mut self, unwanted: impl Fn(&Stored) -> bool) -> Result<(), Cms> {
        let unwanted = self.storages.list().into_iter().filter(|(_, stored)| unwanted(stored));
        unwanted.map(|(index, _)| index).try_for_each(|index| self.storages.delete(index))
    }

    fn begin_message(&mut self, port: usize, params: &[Param]) -> Flow {
        let octets = match params {
            [octets] => octets.number().filter(|octets| (8..=LONGEST_TPDU).contains(octets)),
            _ => None,
        };
        let Some(octets) = octets.and_then(|octets| usize::try_from(octets).ok()) else {
            return Cms::InvalidPduParameter.into();
        };
        if self.sending.is_some() {
            return Cms::NotAllowed.into();
        }
        self.ports[port].mode = Mode::Message { octets, hex: Vec::new() };
        // TS 27.005 §3.5.1: CR, LF, >, space.
        let (cr, lf) = (self.ports[port].settings.terminator(), self.ports[port].settings.line_feed());
        let prompt =
            if self.sends.prompt_is_a_line { vec![cr, lf, b'>', cr, lf] } else { vec![cr, lf, b'>', b' '] };
        self.answer_piece(port, prompt);
        Flow::Pending
    }

    /// A byte of the message itself.
    pub(in crate::modem) fn typed_message(&mut self, port: usize, byte: u8) {
        if self.ports[port].settings.echo && byte != ESCAPE {
            self.send(port, vec![byte]);
        }
        let Mode::Message { octets, hex } = &mut self.ports[port].mode else { return };
        match byte {
            CTRL_Z => {
                let (octets, hex) = (*octets, std::mem::take(hex));
                match submission(&hex, octets) {
                    Some(tpdu) => self.submit(port, tpdu),
                    None => self.finish(port, ResultCode::Cms(Cms::InvalidPduParameter)),
                }
            }
            ESCAPE => self.finish(port, ResultCode::Ok),
            byte if byte.is_ascii_whitespace() => {}
            byte => hex.push(byte),
        }
    }

    fn submit(&mut self, port: usize, mut tpdu: Vec<u8>) {
        if !self.registration().serves() {
            return self.finish(port, ResultCode::Cms(Cms::NoNetworkService));
        }
        self.reference = self.reference.wrapping_add(1);
        if let Some(reference) = tpdu.get_mut(1) {
            *reference = self.reference;
        }
        self.ports[port].mode = Mode::Busy;
        self.sending = Some(port);
        self.out.push(Output::Submitted(tpdu));
    }

    pub(in crate::modem) fn message_taken(&mut self, fate: Result<(), Cms>) {
        match self.sends.late_by {
            Duration::ZERO => self.report_taken(fate),
            late_by => self.later.push((self.now + late_by, Later::Taken(fate))),
        }
    }

    pub(in crate::modem) fn report_taken(&mut self, fate: Result<(), Cms>) {
        let Some(port) = self.sending.take() else { return };
        match fate {
            Ok(()) => {
                if !self.sends.omits_reference {
                    self.inform(port, &format!("+CMGS: {}", self.reference));
                }
                self.finish(port, ResultCode::Ok);
            }
            Err(cms) => self.finish(port, ResultCode::Cms(cms)),
        }
    }

    /// `+CSCA`: TS 27.005 §3.3.1. It is kept with the SIM.
    pub(super) fn service_centre(&mut self, port: usize, form: &Form) -> Flow {
        if let Err(cme) = self.sim_usable() {
            return Cms::from(cme).into();
        }
        match form {
            Form::Test => Flow::Next,
            Form::Read => {
                let (number, kind) = &self.service_centre;
                let line = format!("+CSCA: \"{number}\",{kind}");
                self.inform(port, &line)
            }
            Form::Set(params) => {
                let (number, kind) = match params.as_slice() {
                    [Param::Text(number)] => (number, None),
                    [Param::Text(number), kind] => (number, kind.number()),
                    _ => return Cms::InvalidPduParameter.into(),
                };
                // TS 24.008 §10.5.4.7: 145 is international, 129 unknown.
                let kind = kind.unwrap_or(if number.starts_with('+') { 145 } else { 129 });
                self.service_centre = (number.clone(), kind);
                Flow::Next
            }
            Form::Act => REFUSED,
        }
    }

    pub(super) fn character_set(&mut self, port: usize, form: &Form) -> Flow {
        let known = self.profile.mobile.map_or(&[][..], |mobile| mobile.character_sets);
        match form {
            Form::Test => {
                let known: Vec<String> = known.iter().map(|set| format!("\"{set}\"")).collect();
                self.inform(port, &format!("+CSCS: ({})", known.join(",")))
            }
            Form::Read => {
                let chosen = self.ports[port].settings.number("+CSCS");
                let chosen = usize::try_from(chosen).ok().and_then(|at| known.get(at)).unwrap_or(&"IRA");
                self.inform(port, &format!("+CSCS: \"{chosen}\""))
            }
            Form::Set(params) => match params.as_slice() {
                [Param::Text(set)] => match (0..).zip(known).find(|(_, name)| *name == set) {
                    Some((at, _)) => {
                        self.ports[port].settings.numbers.insert("+CSCS", at);
                        Flow::Next
                    }
                    None => REFUSED,
                },
                _ => REFUSED,
            },
            Form::Act => REFUSED,
        }
    }
}

/// Exactly this many numbers.
fn index<const N: usize>(params: &[Param]) -> Option<[usize; N]> {
    let numbers: Option<Vec<usize>> =
        params.iter().map(|param| usize::try_from(param.number()?).ok()).collect();
    numbers?.try_into().ok()
}

/// The TPDU of the input: a SMS-SUBMIT of this many octets after the centre's address.
fn submission(hex: &[u8], octets: usize) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(hex).ok().filter(|text| text.len() % 2 == 0)?;
    if tpdu_octets(text)? != octets {
        return None;
    }
    let pairs = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
    let pdu: Vec<u8> = pairs.collect::<Option<_>>()?;
    let tpdu = pdu.get(pdu.len() - octets..)?.to_vec();
    // TS 23.040 §9.2.3.1: TP-MTI 01.
    (tpdu.first()? & 0b11 == 0b01).then_some(tpdu)
}
