//! A mobile telephone.

use dialbox::sms::pdu::{Body, Deliver, Part};

/// A complete message as the telephone shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Who sent it, as the telephone shows it.
    pub from: String,
    /// Its text.
    pub text: String,
}

/// The telephone's memory, which is never full.
#[derive(Debug, Clone, Default)]
pub struct Phone {
    read: Vec<Text>,
    /// Parts of messages that are not complete yet.
    parts: Vec<(String, Part, String)>,
}

impl Phone {
    /// All complete messages, in the order of their arrival.
    pub fn texts(&self) -> &[Text] {
        &self.read
    }

    /// Receives a message, or a part of one. Data for programs is not shown.
    pub fn receive(&mut self, message: Deliver) {
        let Body::Text(text) = message.body else { return };
        let from = message.from.to_string();
        let Some(part) = message.part else { return self.read.push(Text { from, text }) };
        self.parts.push((from.clone(), part, text));
        let belongs = |(sender, other, _): &&(String, Part, String)| {
            *sender == from && (other.reference, other.of) == (part.reference, part.of)
        };
        let mut found: Vec<_> = self.parts.iter().filter(belongs).cloned().collect();
        found.sort_by_key(|(_, part, _)| part.number);
        found.dedup_by_key(|(_, part, _)| part.number);
        if found.len() == usize::from(part.of) {
            self.parts.retain(|it| !belongs(&it));
            let text = found.into_iter().map(|(.., text)| text).collect();
            self.read.push(Text { from, text });
        }
    }
}
