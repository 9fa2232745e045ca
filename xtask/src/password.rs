//! Passwords that a person types.

/// 80 bits cannot be guessed, even with the hash: five groups of four consonants of four bits each. No letter looks like
/// another one or like a digit, on paper or on the screen of an old terminal.
pub fn readable(bits: [u8; 10]) -> String {
    const LETTERS: &[u8; 16] = b"bcdfghjkmnprstwx";
    let letter = |bits: u8| char::from(LETTERS[usize::from(bits & 15)]);
    let group = |bytes: &[u8]| bytes.iter().flat_map(|it| [letter(it >> 4), letter(*it)]).collect();
    bits.chunks(2).map(group).collect::<Vec<String>>().join("-")
}
