//! A file by active FTP: the server on the local network opens a connection to its client.

use crate::lan::Lan;
use std::net::Ipv4Addr;

/// Runs the script in `/tmp/ftp`.
pub const RUN: &str = "cd /tmp && timeout 60 sh /tmp/ftp";

/// As `ftp.exe` does: the client listens, tells the server where, and the server connects. Each command follows the
/// answer to the one before it (RFC 959 §5.4).
pub fn script(own: Ipv4Addr, port: u16) -> String {
    let [high, low] = port.to_be_bytes();
    let own = format!("{},{high},{low}", own.to_string().replace('.', ","));
    format!(
        "rm -f c r; mkfifo c r; nc -l -p {port} >file & data=$!; nc {} 21 <c >r & exec 3>c 4<r; \
         answer() {{ read -t 20 -r line <&4; echo \"$line\"; }}; answer; \
         for command in \"USER guest\" \"PASS guest@\" \"TYPE I\" \"PORT {own}\" \"RETR page\"; do \
         printf \"%s\\r\\n\" \"$command\" >&3; answer; done; answer; wait $data; cat file",
        Lan::HOST
    )
}

/// What it shows: the server's answers, and the file.
pub fn steps(file: &str) -> [&str; 8] {
    ["220 ", "331 ", "230 ", "200 type", "200 I connect there", "150 ", "226 ", file]
}
