#!/bin/sh
# e2fsck 1.47.0 (Debian 12) drops a whole ext4 journal if the descriptor block of its last transaction is half written.
#
# A power cut may leave a block of the journal half new and half old, as cards write sectors of 512 bytes. The file system
# was made with mke2fs's defaults (metadata_csum), so each block of the journal has a checksum. One would expect that the
# transactions before the torn one are replayed: they are committed, and fsync has returned for them long ago.
# Seen, for two transactions of one block each, the second torn in the named block:
#   - the descriptor is missing (all zero), or the commit block is: the first transaction is replayed, exit status 0;
#   - the data block is torn: the first is replayed, "Journal checksum error", exit status 1;
#   - the descriptor is torn and the commit block is there: nothing is replayed, also of the first transaction,
#     "Journal checksum error", exit status 1; the file system is then clean.
# So what fsync acknowledged may be lost by a tear in something later. A record that must not be forgotten needs a second
# place outside the file system.
#
# Needs: Debian 12 or later on amd64 with apt (no root), dpkg-deb.
set -eu
version=1.47.0-2+b2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for package in e2fsprogs libext2fs2 libcom-err2 libss2; do
    apt-get -qq download "$package=$version" 2>/dev/null || { echo "cannot get $package $version"; exit 2; }
done
for package in *.deb; do dpkg-deb -x "$package" root; done
export LD_LIBRARY_PATH="$dir/root/lib/x86_64-linux-gnu:$dir/root/usr/lib/x86_64-linux-gnu" LC_ALL=C
sbin="$dir/root/sbin"

block() { head -c 4096 /dev/zero | tr '\0' "$1"; }
block 1 >first
block 2 >second
truncate -s 16M whole.img
"$sbin/mke2fs" -q -F -t ext4 -b 4096 whole.img
# A journal as the kernel makes it: checksums of version 3. Blocks 3000 and 3001 of the file system are free.
printf '%s\n' 'jo -c -v 3' 'jw -b 3000 first' 'jw -b 3001 second' jc >commands
"$sbin/debugfs" -w -f commands whole.img >/dev/null 2>&1
# Where a block of the journal is; it holds descriptor, data and commit of the first transaction at 1 to 3, then the second's.
at() { "$sbin/debugfs" -R "bmap <8> $1" "$2" 2>/dev/null; }
missing() { dd if=/dev/zero of=card.img bs=4096 seek="$(at "$1" card.img)" count=1 conv=notrunc status=none; }
torn() { dd if=/dev/zero of=card.img bs=2048 seek=$((2 * $(at "$1" card.img) + 1)) count=1 conv=notrunc status=none; }
is() { dd if=card.img bs=4096 skip="$1" count=1 status=none | cmp -s - "$2" && echo yes || echo no; }
expect() { [ "$2" = "$3" ] || { echo "changed: $1: expected $2, seen $3"; cat out.txt; exit 1; }; }

# What was done to which block; then exit status, and whether the first and the second transaction are on the disk.
check() {
    cp whole.img card.img
    [ "$1" = whole ] || "$1" "$2"
    "$sbin/e2fsck" -f -y card.img >out.txt 2>&1 && status=0 || status=$?
    expect "$1 ${2-}: exit status, first, second" "$3" "$status $(is 3000 first) $(is 3001 second)"
}
check whole '' '0 yes yes'
check missing 4 '0 yes no'
check missing 6 '0 yes no'
check torn 5 '1 yes no'
grep -q 'Journal checksum error' out.txt || { echo 'changed: nothing is said of the torn data'; exit 1; }
check torn 4 '1 no no'
grep -q 'Journal checksum error' out.txt || { echo 'changed: nothing is said of the torn descriptor'; exit 1; }
echo "as described: e2fsck $version replays nothing if the last transaction's descriptor is torn"
