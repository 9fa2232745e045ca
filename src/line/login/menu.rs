//! What a caller gets after the password.

use crate::site::{Offer, UserName};

/// A user who has logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The name.
    pub user: UserName,
    /// What the user may get, in the order of the menu.
    pub offers: Vec<Offer>,
}

impl Admitted {
    /// Whether this is the user, and may get it.
    pub fn may_get(&self, user: &UserName, offer: &Offer) -> bool {
        self.user == *user && self.offers.contains(offer)
    }

    /// The menu; nothing where there is nothing to choose.
    pub(super) fn menu(&self) -> Option<String> {
        if self.offers.len() < 2 {
            return None;
        }
        let lines = self.offers.iter().zip(1..).map(|(offer, number)| format!("{number:>2} {offer}\r\n"));
        Some(format!("\r\n\r\n{}\r\nWhich one? ", lines.collect::<String>()))
    }

    /// What a line of the menu names, by its number or its word.
    pub(super) fn choice(&self, typed: &[u8]) -> Option<&Offer> {
        let typed = std::str::from_utf8(typed).ok()?.trim();
        let number = typed.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        number
            .and_then(|at| self.offers.get(at))
            .or_else(|| self.offers.iter().find(|offer| offer.as_str().eq_ignore_ascii_case(typed)))
    }
}

/// The last words of the prompt, for which scripts wait. Those before SLIP come from its
/// [process](crate::line::slip): once they are said, the caller's packets must arrive.
pub(super) fn beginning(offer: &Offer) -> String {
    match offer {
        Offer::Ppp => "\r\nStarting PPP\r\n".to_owned(),
        Offer::Slip | Offer::CompressedSlip => String::new(),
        Offer::Service(name) => format!("\r\nConnecting to {name}\r\n"),
    }
}
