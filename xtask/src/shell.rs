//! Commands in messages, which are copied into a shell.

use std::path::Path;

/// A path as a word of a POSIX shell (XCU 2.2.2).
pub fn quoted(path: &Path) -> String {
    let word = path.display().to_string();
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+=:,@%".contains(&byte) || !byte.is_ascii();
    match !word.is_empty() && word.bytes().all(is_plain) {
        true => word,
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_one_word_that_is_the_path() {
        for path in ["out/a.img", "/tmp/my cabin/a.img", "it's", "$HOME `id` \"*\" \\", "a\nb", "été", ""] {
            let script = format!("printf '<%s>' {}", quoted(Path::new(path)));
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("<{path}>"));
        }
        assert_eq!(quoted(Path::new("out/dialbox-rpi1.img")), "out/dialbox-rpi1.img");
    }
}
