//! The reverse ssh tunnel: dbclient's command line, and the key of the server.

use super::RenderedFile;
use crate::names::{TUNNEL, TUNNEL_HOME};
use crate::site::{AnyEndpoint, Routing, Tunnel};

/// Seconds between two keepalives; after three without an answer dbclient ends. A NAT of an operator forgets a TCP
/// connection after minutes, not after the seconds of UDP, and each keepalive is charged to the budget.
const KEEPALIVE: u32 = 60;

pub(super) fn files(tunnel: &Tunnel, routing: &Routing) -> Vec<RenderedFile> {
    let known = format!("{TUNNEL_HOME}/.ssh/known_hosts");
    let mut files = vec![
        RenderedFile::script(TUNNEL, &connect(tunnel), "the reverse ssh tunnel"),
        RenderedFile::config(known, &known_host(tunnel), "the key of its server"),
    ];
    if let Some(address) = tunnel.needs_route(routing) {
        let route = format!("ip route replace {address} dev \"$PPP_IFACE\"\n");
        files.push(RenderedFile::script("/etc/ppp/ip-up.d/tunnel", &route, "the way to its server"));
    }
    files
}

/// The name or address, and the port.
fn server(tunnel: &Tunnel) -> (String, u16) {
    match &tunnel.server {
        AnyEndpoint::Address(endpoint) => (endpoint.address().to_string(), endpoint.socket().port()),
        AnyEndpoint::Name(named) => (named.name().to_owned(), named.port()),
    }
}

/// Without a terminal dbclient asks nothing: it ends if the server has another key, or wants a password. One that a
/// former service has left keeps the port at the server.
fn connect(tunnel: &Tunnel) -> String {
    let (host, port) = server(tunnel);
    format!(
        "pid=/run/dialbox/tunnel.pid\n\
         read -r old 2>/dev/null <$pid && [ \"$(cat /proc/$old/comm 2>/dev/null)\" = dbclient ] && kill $old\n\
         echo $$ >$pid\n\
         key=$(/etc/init.d/ssh-key tunnel_ed25519)\n\
         export HOME={TUNNEL_HOME}\n\
         exec dbclient -N -T -K {KEEPALIVE} -i $key -o ExitOnForwardFailure=yes \
         -R {}:127.0.0.1:22 -p {port} {}@{host}\n",
        tunnel.port, tunnel.user
    )
}

/// dropbear's cli-kex.c, `checkhostkey`: name, type, key. The port is no part of the name.
fn known_host(tunnel: &Tunnel) -> String {
    let key: Vec<&str> = tunnel.host_key.as_str().splitn(3, ' ').take(2).collect();
    format!("{} {}\n", server(tunnel).0, key.join(" "))
}
