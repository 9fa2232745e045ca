//! The reverse ssh tunnel, to Debian's dropbear as the server.

use super::{SITE, check, shows};
use crate::booted::Booted;
use crate::error::Result;
use crate::pair::{ENDS, Pair, put_behind_vpn};
use crate::stage::Stage;

/// The port of the server, and its port that leads to the box.
const SERVER: u16 = 2222;
const PORT: u16 = 2201;
/// A key without a known private half: the scenario adds its own.
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5 nobody";

/// The box makes its key; once the server admits it, the server's user logs in to the box through the tunnel, which
/// comes again after the server was away. A server with another key gets no connection. The tunnel ends with the link.
pub fn reaches_the_box(stage: &Stage) -> Result<()> {
    let pair = Pair::on(stage)?;
    let mut far = pair.far.boot()?;
    far.until("dialctl status", &["ready, no calls"])?;
    // Without the firewall of a dial-in; the VPN is not used.
    put_behind_vpn(&mut far)?;
    let host_key = make_key(&mut far, "/tmp/server")?;
    far.must("mkdir -p /root/.ssh && chmod 700 /root /root/.ssh")?;
    serve(&mut far, "/tmp/server")?;

    pair.admit(&[KEY])?;
    let site = pair.dialer.card().read_text(SITE)?;
    let tunnel = format!(
        "[tunnel]\nserver = \"{}:{SERVER}\"\nuser = \"root\"\nhost-key = \"{host_key}\"\nport = {PORT}\n",
        ENDS[1]
    );
    pair.dialer.card().write(SITE, (site + &tunnel).as_bytes())?;
    let mut dialer = pair.dialer.boot()?;
    dialer.until("logread", &["the clock is set to", "messages: in"])?;
    pair.owner.text(&pair.owner.order("connect"));
    shows("the reply", &pair.owner.reply(1)?, &["connected as"])?;

    // The server does not know the box yet.
    dialer.until("logread", &["tunnel: "])?;
    let own = public_key(&mut dialer, "/state/ssh/tunnel_ed25519")?;
    let mode = dialer.must("ls -l /state/ssh/tunnel_ed25519")?;
    check(mode.starts_with("-rw------- "), || format!("others can read the key: {mode}"))?;
    far.must(&format!("echo '{own}' > /root/.ssh/authorized_keys"))?;
    let visitor = make_key(&mut far, "/tmp/visitor")?;
    dialer.must(&format!("echo '{visitor}' >> /root/.ssh/authorized_keys"))?;
    far.until(&visit(), &["root at dialer"])?;
    dialer.until("dialctl status", &["tunnel: dbclient runs"])?;

    // Its sessions, too.
    far.must("killall dropbear")?;
    dialer.until("dialctl status", &["tunnel: dbclient: "])?;
    serve(&mut far, "/tmp/server")?;
    far.until(&visit(), &["root at dialer"])?;

    make_key(&mut far, "/tmp/another")?;
    far.must("killall dropbear")?;
    serve(&mut far, "/tmp/another")?;
    dialer.until("logread", &["host key mismatch"])?;

    pair.owner.text(&pair.owner.order("disconnect"));
    shows("the reply", &pair.owner.reply(2)?, &["disconnected"])?;
    let left = dialer.run("pidof dbclient")?;
    check(left.text.is_empty(), || format!("dbclient is left: {}", left.text))
}

/// The command of the server's user, who comes to the box through the tunnel.
fn visit() -> String {
    format!(
        "dbclient -y -i /tmp/visitor -p {PORT} root@127.0.0.1 'echo $USER at $(hostname)' </dev/null 2>&1"
    )
}

fn serve(far: &mut Booted, key: &str) -> Result<()> {
    far.must(&format!("dropbear -s -r {key} -p {SERVER}")).map(drop)
}

fn make_key(booted: &mut Booted, file: &str) -> Result<String> {
    booted.must(&format!("dropbearkey -t ed25519 -f {file}"))?;
    public_key(booted, file)
}

fn public_key(booted: &mut Booted, file: &str) -> Result<String> {
    let key = booted.must(&format!("dropbearkey -y -f {file} | grep ^ssh-ed25519"))?;
    Ok(key.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}
