//! The record of a task's output in a shared cache: an `ActionResult` of Bazel's remote execution API
//! (`build.bazel.remote.execution.v2`, remote_execution.proto), because bazel-remote stores nothing else below `/ac`. Of
//! the message's fields it has the files and, as what the action has printed, the digest of them all.

/// What a task has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// [`Output::digest`](super::Output::digest).
    pub digest: String,
    /// In order of their paths.
    pub files: Vec<File>,
}

/// One file of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Below the output's directory: names between slashes, none of them `.` or `..`.
    pub path: String,
    /// In hexadecimal; its name below `/cas`.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// Whether it has the x bit.
    pub executable: bool,
}

// Numbers of fields.
const OUTPUT_FILES: u64 = 2;
const STDOUT_RAW: u64 = 5;
const PATH: u64 = 1;
const DIGEST: u64 = 2;
const IS_EXECUTABLE: u64 = 4;
const HASH: u64 = 1;
const SIZE_BYTES: u64 = 2;

impl Record {
    /// The message.
    pub fn encode(&self) -> Vec<u8> {
        let mut message = Vec::new();
        for file in &self.files {
            let mut digest = Vec::new();
            put_bytes(&mut digest, HASH, file.sha256.as_bytes());
            put_number(&mut digest, SIZE_BYTES, file.size);
            let mut output = Vec::new();
            put_bytes(&mut output, PATH, file.path.as_bytes());
            put_bytes(&mut output, DIGEST, &digest);
            if file.executable {
                put_number(&mut output, IS_EXECUTABLE, 1);
            }
            put_bytes(&mut message, OUTPUT_FILES, &output);
        }
        put_bytes(&mut message, STDOUT_RAW, self.digest.as_bytes());
        message
    }

    /// `None` for everything but such a record: a web page, one that was cut short, the result of another program's action.
    pub fn decode(message: &[u8]) -> Option<Self> {
        let (mut digest, mut files) = (None, Vec::new());
        for field in fields(message)? {
            match field {
                (OUTPUT_FILES, Value::Bytes(bytes)) => files.push(File::decode(bytes)?),
                (STDOUT_RAW, Value::Bytes(bytes)) => digest = Some(hash(bytes)?),
                _ => return None,
            }
        }
        Some(Self { digest: digest?, files })
    }
}

impl File {
    fn decode(message: &[u8]) -> Option<Self> {
        let (mut path, mut sha256, mut size, mut executable) = (None, None, 0, false);
        for field in fields(message)? {
            match field {
                (PATH, Value::Bytes(bytes)) => path = Some(plain_path(bytes)?),
                (DIGEST, Value::Bytes(bytes)) => {
                    for field in fields(bytes)? {
                        match field {
                            (HASH, Value::Bytes(bytes)) => sha256 = Some(hash(bytes)?),
                            (SIZE_BYTES, Value::Number(number)) => size = number,
                            _ => return None,
                        }
                    }
                }
                (IS_EXECUTABLE, Value::Number(number)) => executable = number == 1,
                _ => return None,
            }
        }
        Some(Self { path: path?, sha256: sha256?, size, executable })
    }
}

/// A name of a file that can lie nowhere but below its directory.
fn plain_path(bytes: &[u8]) -> Option<String> {
    let path = std::str::from_utf8(bytes).ok()?;
    let is_plain = |it: &str| !matches!(it, "" | "." | "..") && !it.contains('\0');
    path.split('/').all(is_plain).then(|| path.to_owned())
}

fn hash(bytes: &[u8]) -> Option<String> {
    let is_digit = |it: &u8| matches!(it, b'0'..=b'9' | b'a'..=b'f');
    (bytes.len() == 64 && bytes.iter().all(is_digit)).then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// The two kinds of values that the record has (Protocol Buffers, "Encoding").
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn fields(mut message: &[u8]) -> Option<Vec<(u64, Value<'_>)>> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = take_number(&mut message)?;
        let value = take_number(&mut message)?;
        let value = match tag & 7 {
            0 => Value::Number(value),
            2 => {
                let (bytes, rest) = message.split_at_checked(usize::try_from(value).ok()?)?;
                message = rest;
                Value::Bytes(bytes)
            }
            _ => return None,
        };
        fields.push((tag >> 3, value));
    }
    Some(fields)
}

/// Seven bits a byte, the lowest first.
fn take_number(message: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn put_number(message: &mut Vec<u8>, field: u64, value: u64) {
    put_varint(message, field << 3);
    put_varint(message, value);
}

fn put_bytes(message: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(message, field << 3 | 2);
    put_varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

fn put_varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let file = |path: &str, size, executable| File {
            path: path.into(),
            sha256: "0123456789abcdef".repeat(4),
            size,
            executable,
        };
        Record {
            digest: "f".repeat(64),
            files: vec![file("lib/libstd.rlib", 5_000_000_000, false), file("init", 0, true)],
        }
    }

    /// Byte by byte, as "Encoding" of Protocol Buffers has it.
    #[test]
    fn a_record_is_the_message_of_the_specification() {
        let small = Record {
            digest: "f".repeat(64),
            files: vec![File { path: "a".into(), sha256: "0".repeat(64), size: 300, executable: true }],
        };
        let file =
            [b"\x12\x4c\x0a\x01a\x12\x45\x0a\x40".as_slice(), &[b'0'; 64], b"\x10\xac\x02\x20\x01"].concat();
        assert_eq!(small.encode(), [file.as_slice(), b"\x2a\x40", &[b'f'; 64]].concat());
    }

    #[test]
    fn a_record_is_the_same_after_writing_and_reading() {
        assert_eq!(Record::decode(&record().encode()), Some(record()));
    }

    #[test]
    fn nothing_else_is_taken_for_a_record() {
        let whole = record().encode();
        for length in 0..whole.len() {
            assert_eq!(Record::decode(&whole[..length]), None, "cut at {length}");
        }
        for other in
            [b"<html>Welcome</html>".as_slice(), b"\x20\x01", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"]
        {
            assert_eq!(Record::decode(other), None);
        }
        for path in ["/etc/passwd", "../x", "a/../../x", "", "a//b", "./a"] {
            let mut evil = record();
            evil.files[0].path = path.into();
            assert_eq!(Record::decode(&evil.encode()), None, "{path}");
        }
    }
}
