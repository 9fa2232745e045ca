//! The file beside an image that is not the locked one.

/// Its name, for an image of this name.
pub fn file(image: &str) -> String {
    format!("{image}.not-locked.txt")
}

/// Its text: what was taken instead, one line each. `None` if the image is the locked one.
pub fn note(substitutes: &[String]) -> Option<String> {
    let lines: String = substitutes.iter().map(|it| format!("  {it}\n")).collect();
    let note = format!(
        "this is not the image of packages.lock: what no mirror has any more was chosen again\n{lines}\
         cargo xtask lock makes it permanent; build-image --locked refuses it\n"
    );
    (!substitutes.is_empty()).then_some(note)
}
