#!/bin/sh
# modprobe of busybox 1.35.0 (Debian 12) loads a module without those that its softdep names.
#
# modprobe.d(5): `softdep MODULE pre: OTHERS` has OTHERS loaded before MODULE; depmod writes the softdeps of the modules
# themselves to modules.softdep (ext4's: crc32c). Where the module needs them at once it fails, and the message is that of
# the missing part, such as "Cannot load crc32c driver". busybox reads modprobe.d, and passes on `options` of the same
# file, but knows no `softdep`, and does not open modules.softdep (modutils/modprobe.c, config_file_action). A root or an
# initramfs with its modprobe needs soft dependencies as entries of modules.dep.
#
# What runs: modprobe -D, which prints what it would load and loads nothing, in a root with an index of two modules.
# Needs: Debian 12 on amd64 with apt, dpkg-deb, and unshare with user namespaces (no root); 1 MB of packages.
set -eu
version=1:1.35.0-4+deb12u1+b1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download "busybox-static=$version" 2>/dev/null || { echo "cannot get busybox-static $version"; exit 2; }
dpkg-deb -x busybox-static_*.deb package
modules=root/lib/modules/$(uname -r)
mkdir -p "$modules" root/bin root/etc/modprobe.d
cp package/bin/busybox root/bin/
touch "$modules/first.ko" "$modules/second.ko"
printf 'first.ko:\nsecond.ko:\n' >"$modules/modules.dep"
printf 'softdep second pre: first\n' >"$modules/modules.softdep"
printf 'softdep second pre: first\noptions second level=1\n' >root/etc/modprobe.d/second.conf

said=$(unshare -r chroot root /bin/busybox modprobe -D second) || { echo 'cannot run modprobe in a root of its own'; exit 2; }
wanted="insmod /lib/modules/$(uname -r)/second.ko level=1"
[ "$(echo "$said" | sed 's/ *$//')" = "$wanted" ] || { echo "changed: $said"; exit 1; }
echo "as described: busybox $version prints \"$wanted\", and nothing of first.ko"
