//! Which of several final responses the caller gets (RFC 3261 §16.7, step 6).

use super::message::{Message, Start};

/// Codes of the class 4xx by which the caller learns how to ask again: those that the RFC names, and the session timer's
/// (RFC 4028 §6).
const ASK_AGAIN: [u16; 6] = [401, 407, 415, 420, 422, 484];

/// The better one of two; the later one of two that are alike. A 503 is about the called side alone, while the caller
/// would take it for one of the exchange, and perhaps leave it: it becomes a 500.
pub(super) fn best_of(earlier: Option<Message>, mut later: Message) -> Message {
    if let Start::Response { code: code @ 503, .. } = &mut later.start {
        *code = 500;
    }
    match earlier {
        Some(earlier) if rank(earlier.code()) < rank(later.code()) => earlier,
        _ => later,
    }
}

fn rank(code: u16) -> u16 {
    match code {
        600.. => 0,
        300..400 => 1,
        code if ASK_AGAIN.contains(&code) => 2,
        400..500 => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_response_is_the_one_that_rfc_3261_section_16_7_names() {
        let message = |code: u16| {
            let start = Start::Response { code, reason: "Words".to_owned() };
            Message { start, headers: Vec::new(), body: Vec::new() }
        };
        let table: &[(&[u16], u16, &str)] = &[
            (&[486, 480], 480, "of one class the last one"),
            (&[422, 486], 422, "asking again with a longer session may help (RFC 4028 §6)"),
            (&[486, 407, 480], 407, "asking again with a password may help"),
            (&[500, 486, 500], 486, "the lower class"),
            (&[486, 302], 302, "the lower class"),
            (&[486, 603], 603, "6xx before all others"),
            (&[503], 500, "503 would be about the exchange (§21.5.4)"),
            (&[503, 486], 486, "a lower class than the 500"),
        ];
        for (codes, expected, why) in table {
            let best = codes.iter().fold(None, |best, code| Some(best_of(best, message(*code))));
            assert_eq!(best.unwrap().code(), *expected, "{why}");
        }
    }
}
