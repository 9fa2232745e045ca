//! The order of Debian versions (Debian Policy 5.6.12).
//!
//! Written here because it is one screen: the crate for it adds two copies of a regular expression engine, a calendar
//! and big numbers to every build.

use std::cmp::Ordering;

/// Compares `[epoch:]upstream[-revision]`, as `dpkg --compare-versions` does.
pub fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (Version::parse(left), Version::parse(right));
    left.epoch
        .cmp(&right.epoch)
        .then_with(|| compare_part(left.upstream, right.upstream))
        .then_with(|| compare_part(left.revision, right.revision))
}

struct Version<'a> {
    epoch: u64,
    upstream: &'a str,
    revision: &'a str,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Self {
        let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Self { epoch: epoch.parse().unwrap_or(0), upstream, revision }
    }
}

/// Compares alternately a run of other characters and a number, from the left.
fn compare_part(mut left: &str, mut right: &str) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let (left_words, right_words) =
            (take(&mut left, |it| !it.is_ascii_digit()), take(&mut right, |it| !it.is_ascii_digit()));
        let (left_digits, right_digits) =
            (take(&mut left, |it| it.is_ascii_digit()), take(&mut right, |it| it.is_ascii_digit()));
        let order =
            compare_words(left_words, right_words).then_with(|| compare_numbers(left_digits, right_digits));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn take<'a>(text: &mut &'a str, wanted: impl Fn(char) -> bool) -> &'a str {
    let end = text.find(|it| !wanted(it)).unwrap_or(text.len());
    let (taken, rest) = text.split_at(end);
    *text = rest;
    taken
}

fn compare_words(left: &str, right: &str) -> Ordering {
    let weights = |text: &str| text.bytes().map(weight).chain([weight_of_end()]).collect::<Vec<_>>();
    weights(left).cmp(&weights(right))
}

/// `~` before the end, the end before letters, letters before all else.
fn weight(byte: u8) -> u16 {
    match byte {
        b'~' => 0,
        letter if letter.is_ascii_alphabetic() => letter.into(),
        other => u16::from(other) + 256,
    }
}

fn weight_of_end() -> u16 {
    1
}

/// Numbers of any length, without regard to leading zeros.
fn compare_numbers(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_policy_says() {
        // Each is lower than the next. The first line is the example of Policy 5.6.12;
        // the others are versions of bookworm and its updates.
        let ascending: [&[&str]; 6] = [
            &["~~", "~~a", "~", "", "a"],
            &["1.0~beta1~svn1245", "1.0~beta1", "1.0", "1.0-0.1", "1.0-1", "1.0a", "1.0+b1", "1:0.1"],
            &["1.95.0+dfsg1-2~bpo13+1", "1.95.0+dfsg1-2", "1.96.1+dfsg1-2~bpo13+1"],
            &["2.4.9-1+1.1", "2.4.9-1+1.1+b1", "2.4.9-1+1.1+b10", "2.4.9-1.2", "2.4.10-1"],
            &["6.1.176-1", "6.10.1-1"],
            &["0:9", "1:1.2.13.dfsg-1", "1:1.20240709~20.04-1", "2:0"],
        ];
        for row in ascending {
            for pair in row.windows(2) {
                assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
                assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
            }
        }
    }

    #[test]
    fn insignificant_differences_are_ignored() {
        for (left, right) in [("1.0", "0:1.0"), ("1.00", "1.0"), ("1.0-0", "1.0"), ("1.a", "1.a0")] {
            assert_eq!(compare(left, right), Ordering::Equal, "{left} {right}");
        }
    }
}
