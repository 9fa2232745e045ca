//! The replies that are on their way by SMS. The modem keeps their order and gives up in time; here
//! is remembered what must be sent once more.

use crate::modem::mobile::Ticket;
use crate::sms::pdu::Address;

/// One reply to one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// By which the modem tells what has become of it.
    pub ticket: Ticket,
    /// To whom.
    pub to: Address,
    /// What it says, for one SMS.
    pub text: String,
}

/// Replies on their way.
#[derive(Debug, Default)]
pub(super) struct Letters {
    under_way: Vec<Sent>,
    tickets: u64,
}

#[derive(Debug)]
struct Sent {
    letter: Letter,
    /// The network refuses now and then; a second try is all it gets.
    again: bool,
}

impl Letters {
    /// A new reply.
    pub fn write(&mut self, to: &Address, text: String) -> Letter {
        self.tickets += 1;
        let letter = Letter { ticket: Ticket(self.tickets), to: to.clone(), text };
        self.under_way.push(Sent { letter: letter.clone(), again: false });
        letter
    }

    /// The modem has sent it.
    pub fn sent(&mut self, ticket: Ticket) {
        self.under_way.retain(|sent| sent.letter.ticket != ticket);
    }

    /// The modem could not send it: what is to be sent once more.
    pub fn not_sent(&mut self, ticket: Ticket) -> Option<Letter> {
        let at = self.under_way.iter().position(|sent| sent.letter.ticket == ticket)?;
        if std::mem::replace(&mut self.under_way[at].again, true) {
            self.under_way.remove(at);
            return None;
        }
        Some(self.under_way[at].letter.clone())
    }

    /// Whether all have been sent or given up.
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_reply_is_sent_once_more_and_no_further() {
        let mut letters = Letters::default();
        let number = "+33612345678".parse().unwrap();
        let letter = letters.write(&number, "connected".to_owned());
        assert_eq!(letters.not_sent(letter.ticket), Some(letter.clone()));
        assert_eq!(letters.not_sent(letter.ticket), None);
        assert!(letters.is_empty());
    }

    #[test]
    fn every_reply_has_a_ticket_of_its_own() {
        let mut letters = Letters::default();
        let number = "+33612345678".parse().unwrap();
        let [first, second] = ["a", "b"].map(|text| letters.write(&number, text.to_owned()));
        letters.sent(first.ticket);
        assert!(!letters.is_empty());
        assert_eq!(letters.not_sent(first.ticket), None);
        letters.sent(second.ticket);
        assert!(letters.is_empty());
    }
}
