#!/bin/sh
# baresip 1.0.0 (Debian 12) does not register where a server offers SHA-256 beside MD5, in either order.
#
# RFC 8760 sections 2.3 and 2.4: a server that knows several digest algorithms sends a challenge for each, and the client
# answers the first one that it supports. One would expect a client that knows MD5 alone to answer the challenge for MD5.
# Seen: with two WWW-Authenticate headers, for SHA-256 and MD5, it reports "Function not implemented" and sends no second
# REGISTER, whichever of the two comes first. With the header for MD5 alone it registers.
# So a registrar for equipment of all ages must offer MD5 alone, or SHA-256 only to accounts that are known to take it.
#
# Needs: Debian 12 on amd64 with apt (no root), dpkg-deb, Python 3.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for package in baresip-core=1.0.0-4+b3 libre0=1.1.0-1+b2 librem0=0.6.0-4; do
    apt-get -qq download "$package" 2>/dev/null || { echo "cannot get $package"; exit 2; }
done
for package in *.deb; do dpkg-deb -x "$package" root; done

cat >registrar.py <<'PYTHON'
import re, socket, sys

algorithms = sys.argv[1].split(",")
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)


def headers(message, name):
    return re.findall(rf"(?im)^{name}\s*:\s*(.*?)\r?$", message)


registers = 0
server.settimeout(20)
while True:
    try:
        message, client = server.recvfrom(65536)
    except socket.timeout:
        break
    message = message.decode()
    registers += 1
    answered = headers(message, "Authorization")
    lines = ["SIP/2.0 200 OK" if answered else "SIP/2.0 401 Unauthorized"]
    lines += [f"Via: {via}" for via in headers(message, "Via")]
    lines += [f"{name}: {headers(message, name)[0]}" for name in ("From", "Call-ID", "CSeq", "Contact")]
    lines += [f"To: {headers(message, 'To')[0]};tag=1"]
    if not answered:
        lines += [f'WWW-Authenticate: Digest realm="box", nonce="n{registers}", qop="auth", algorithm={algorithm}'
                  for algorithm in algorithms]
    server.sendto("\r\n".join(lines + ["Content-Length: 0", "", ""]).encode(), client)
    if answered:
        break
    server.settimeout(3)
print("registered" if registers and answered else "gave up", "after", registers)
PYTHON

# What the registrar saw of a client, for the algorithms that it offers.
try() {
    mkdir -p "cfg-$1"
    printf '%s\n' "sip_listen 127.0.0.1:0" "module_path $dir/root/usr/lib/baresip/modules" "module_tmp account.so" \
        >"cfg-$1/config"
    : >"cfg-$1/contacts"
    python3 registrar.py "$1" >"seen-$1" &
    while ! port=$(head -n 1 "seen-$1" 2>/dev/null) || [ -z "$port" ]; do sleep 0.1; done
    echo "<sip:alice@127.0.0.1:$port>;auth_pass=wonderland" >"cfg-$1/accounts"
    LD_LIBRARY_PATH="$dir/root/usr/lib/x86_64-linux-gnu:$dir/root/usr/lib" timeout 60 \
        "$dir/root/usr/bin/baresip" -4 -f "cfg-$1" -t 6 >"out-$1" 2>&1 </dev/null || true
    wait $!
    sed -n 2p "seen-$1"
}
expect() { [ "$2" = "$3" ] || { echo "changed: $1: expected '$2', seen '$3'"; cat "out-$1"; exit 1; }; }

expect MD5 "registered after 2" "$(try MD5)"
for both in SHA-256,MD5 MD5,SHA-256; do
    expect "$both" "gave up after 1" "$(try "$both")"
    grep -q "Function not implemented" "out-$both" || { echo "changed: another error"; cat "out-$both"; exit 1; }
done
echo "as described: baresip 1.0.0 registers by MD5, and gives up where SHA-256 is offered beside it"
