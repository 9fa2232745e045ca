#!/bin/sh
# veritysetup 2.6.1 (Debian 12) builds a hash tree over whole blocks only, and says nothing of a rest at the end of the data.
#
# A squashfs made without padding ends anywhere in a block of 4096 bytes. One would expect `veritysetup format` to refuse
# such data, to pad it, or at least to say that its end is not covered.
# Seen: for 10,000 bytes it prints "Data blocks: 2", no warning, and exits with 0; `verify` of the same data succeeds. The
# last 1,808 bytes are in no hash. The kernel's target then has a device of 8,192 bytes: the end of the data is missing from
# it, which shows only when something there is read.
# So an image builder must pad the data to a whole block before it makes the tree.
#
# Needs: Debian 12 or later on amd64 with apt (no root), dpkg-deb.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for package in cryptsetup-bin=2:2.6.1-4~deb12u2 libcryptsetup12=2:2.6.1-4~deb12u2 libpopt0=1.19+dfsg-1; do
    apt-get -qq download "$package" 2>/dev/null || { echo "cannot get $package"; exit 2; }
done
for package in *.deb; do dpkg-deb -x "$package" root; done
export LD_LIBRARY_PATH="$dir/root/usr/lib/x86_64-linux-gnu:$dir/root/lib/x86_64-linux-gnu" LC_ALL=C
veritysetup="$dir/root/sbin/veritysetup"
expect() { [ "$2" = "$3" ] || { echo "changed: $1: expected $2, seen $3"; cat out.txt; exit 1; }; }
status() { "$@" >out.txt 2>&1 && echo 0 || echo $?; }

head -c 10000 /dev/zero >data.img
expect "exit status of format" 0 "$(status "$veritysetup" format data.img tree.img)"
expect "blocks in the tree" 2 "$(sed -n 's/^Data blocks:[[:space:]]*//p' out.txt)"
expect "warnings" 0 "$(grep -ciE 'warn|partial|rest|align|not covered' out.txt || true)"
root=$(sed -n 's/^Root hash:[[:space:]]*//p' out.txt)
expect "exit status of verify" 0 "$(status "$veritysetup" verify data.img tree.img "$root")"

head -c 12288 /dev/zero >data.img
expect "exit status of format, whole blocks" 0 "$(status "$veritysetup" format data.img tree.img)"
expect "blocks in the tree, whole blocks" 3 "$(sed -n 's/^Data blocks:[[:space:]]*//p' out.txt)"
echo "as described: 10,000 bytes have 2 blocks in the tree, and nothing is said of the other 1,808 bytes"
