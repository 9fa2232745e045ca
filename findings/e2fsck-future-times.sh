#!/bin/sh
# e2fsck 1.47.0 (Debian 12) corrects a superblock whose last mount lies in the future, and exits with 0.
#
# A box without a clock battery meets such a superblock: a boot whose clock was ahead mounts the file system, and the next
# boot starts from an older time. One would expect, from e2fsck(8):
#   - `e2fsck -p` at boot finds it. It does not: the file system is marked clean, so nothing is looked at.
#   - `e2fsck -p -f` finds it, repairs it, and says so by exit status 1, "File system errors corrected".
# Seen: the first prints "clean" and leaves the time as it is; the second prints "FIXED.", changes the superblock, and exits with 0.
# So the exit status does not tell whether a check has repaired something.
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
export LD_LIBRARY_PATH="$dir/root/lib/x86_64-linux-gnu:$dir/root/usr/lib/x86_64-linux-gnu" LC_ALL=C TZ=UTC
sbin="$dir/root/sbin"

truncate -s 16M card.img
"$sbin/mke2fs" -q -t ext4 card.img
"$sbin/debugfs" -w -R 'set_super_value mtime 20600101000000' card.img 2>/dev/null

mounted() { "$sbin/dumpe2fs" -h card.img 2>/dev/null | grep '^Last mount time:'; }
status() { "$@" >out.txt 2>&1 && echo 0 || echo $?; }
expect() { [ "$2" = "$3" ] || { echo "changed: $1: expected $2, seen $3"; cat out.txt; exit 1; }; }

expect 'exit status of `e2fsck -p`' 0 "$(status "$sbin/e2fsck" -p card.img)"
grep -q ': clean,' out.txt || { echo 'changed: `e2fsck -p` looks at a clean file system'; cat out.txt; exit 1; }
mounted | grep -q 2060 || { echo 'changed: `e2fsck -p` corrects the time'; exit 1; }

expect 'exit status of `e2fsck -p -f`' 0 "$(status "$sbin/e2fsck" -p -f card.img)"
grep -q 'is in the future' out.txt && grep -q '^FIXED' out.txt || { echo 'changed: nothing is fixed'; cat out.txt; exit 1; }
if mounted | grep -q 2060; then echo 'changed: the superblock is as before'; exit 1; fi
echo "as described: e2fsck $version fixes a time in the future with -f only, and exits with 0"
