//! The question before a card is erased, and its answer.

use super::{disk::Disk, suitability::size_of_card};

/// What must be typed: model and size, which somebody who means another disk would not type.
pub fn expected(disk: &Disk) -> String {
    let size = size_of_card(disk.size);
    match disk.model.is_empty() {
        true => size,
        false => format!("{} {size}", disk.model),
    }
}

/// Whether an answer is right: letters in either case, blanks as they come.
pub fn is_right(disk: &Disk, answer: &str) -> bool {
    let words = |text: &str| text.to_lowercase().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    words(answer) == words(&expected(disk))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flash::disk::tests::card;

    #[test]
    fn only_model_and_size_confirm() {
        let mut disk = card();
        disk.model = "SC16G".to_owned();
        assert_eq!(expected(&disk), "SC16G 15.9 GB");
        for (answer, right) in [
            ("SC16G 15.9 GB\n", true),
            (" sc16g  15.9 gb", true),
            ("", false),
            ("y", false),
            ("yes", false),
            ("SC16G", false),
            ("SC32G 15.9 GB", false),
            ("SC16G 31.9 GB", false),
        ] {
            assert_eq!(is_right(&disk, answer), right, "{answer}");
        }
        disk.model.clear();
        assert!(is_right(&disk, "15.9 GB") && !is_right(&disk, ""));
    }
}
