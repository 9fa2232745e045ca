//! The two shipped sites, and every file that comes out of them.

use dialbox::site::{RenderedFile, Site};

const DIALER: &str = include_str!("../image/sites/dialer.toml");
const DIAL_IN: &str = include_str!("../image/sites/dial-in.toml");

fn show(files: &[RenderedFile]) -> String {
    let show = |file: &RenderedFile| {
        format!("==> {} {:04o}: {}\n{}", file.path, file.mode, file.summary, file.content)
    };
    files.iter().map(show).collect::<Vec<_>>().join("\n")
}

fn render(text: &str) -> Vec<RenderedFile> {
    Site::parse(text).unwrap_or_else(|error| panic!("{error}")).render()
}

#[test]
fn the_dialer_is_the_original_setup() {
    insta::assert_snapshot!(show(&render(DIALER)));
}

#[test]
fn the_dial_in_is_the_original_setup() {
    insta::assert_snapshot!(show(&render(DIAL_IN)));
}
