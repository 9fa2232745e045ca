//! The copies on the card, as text and for programs: in the status, and as the result of `dialctl scrub`.

use crate::clock::Utc;
use crate::published::{CardStatus, Twin};

/// One line, and one more for what else is wrong.
pub fn text(card: &CardStatus) -> String {
    let mut parts = Vec::new();
    match (card.twin, card.percent) {
        (Twin::Whole, None) => {}
        (Twin::Whole, Some(percent)) => parts.push(format!("being scrubbed, {percent} %")),
        (Twin::BeingMade, Some(percent)) => parts.push(format!("the second copy is being made, {percent} %")),
        (Twin::BeingMade | Twin::None, _) => parts.push("no second copy yet".to_owned()),
    }
    parts.push(card.scrubbed.map_or("not scrubbed yet".to_owned(), |at| format!("scrubbed {}", Utc(at))));
    match card.bad {
        0 if card.scrubbed.is_some() => parts.push("all blocks are good".to_owned()),
        0 => {}
        1 => parts.push("1 BLOCK CANNOT BE HEALED".to_owned()),
        bad => parts.push(format!("{bad} BLOCKS CANNOT BE HEALED")),
    }
    if card.healed > 0 {
        parts.push(format!("{} healed so far", card.healed));
    }
    let trouble = card.trouble.as_ref().map_or(String::new(), |trouble| format!("\n{trouble}"));
    parts.join(", ") + &trouble
}

/// One JSON object (RFC 8259).
pub fn json(card: &CardStatus) -> String {
    super::json::fields(Some(card))
}
