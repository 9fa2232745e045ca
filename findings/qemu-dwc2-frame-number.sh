#!/bin/sh
# QEMU 7.2 (Debian 12) counts 83 USB frames in each millisecond of its Raspberry Pi.
#
# A full-speed bus has a frame each millisecond (USB 2.0 §8.4.3), and HFNUM of the DesignWare host counts them; what a driver
# plans in frames, it finds by that number (Linux, drivers/usb/dwc2/hcd_queue.c). Seen on raspi1ap: a start of frame each
# millisecond, but the number grows by 83 (hw/usb/hcd-dwc2.c, dwc2_frame_boundary, divides the nanoseconds that have passed
# by the 12,000 bit times of a frame). So a driver that asks a hub for changes every 255 frames does it in every fourth
# frame instead, and one that asks every 32 frames does it in each: three interrupts a millisecond for a bus where nothing
# happens.
#
# What runs: one ARM instruction that loops for ever; a full-speed hub is attached, and the monitor shows system timer and
# HFNUM of the stopped machine. Its clock counts instructions, so that the timer of the bus is never late.
# Needs: Debian 12 on amd64 with apt (no root), dpkg-deb; 40 MB of packages.
set -eu
version=1:7.2+dfsg-7+deb12u18+b3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
# The emulator, and the libraries that this machine lacks.
apt-get -qq -s install --no-install-recommends "qemu-system-arm=$version" 2>/dev/null |
    sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -v '^qemu-system-arm$' >libraries || true
apt-get -qq download "qemu-system-arm=$version" 2>/dev/null || { echo "cannot get qemu-system-arm $version"; exit 2; }
xargs -r apt-get -qq download <libraries 2>/dev/null || { echo "cannot get the libraries of QEMU"; exit 2; }
for package in *.deb; do dpkg-deb -x "$package" root; done
export LD_LIBRARY_PATH="$dir/root/usr/lib/x86_64-linux-gnu:$dir/root/lib/x86_64-linux-gnu"

printf '\376\377\377\352' >program.bin # b .
look() { echo stop; echo 'xp /1wx 0x20003004'; echo 'xp /1wx 0x20980408'; }
(sleep 2; look; sleep 1; echo cont; sleep 1; look; sleep 1; echo quit) |
    timeout 60 "$dir/root/usr/bin/qemu-system-arm" -M raspi1ap -nodefaults -display none -icount shift=6 \
        -device usb-hub -kernel program.bin -monitor stdio >out.txt 2>&1
# Timer and number, before and after.
set -- $(tr '\r' '\n' <out.txt | sed -n 's/^00000000[0-9a-f]*: \(0x[0-9a-f]*\)$/\1/p')
[ $# = 4 ] || { echo 'changed: not four registers'; cat out.txt; exit 1; }
passed=$((($3 - $1) / 1000))
counted=$((($4 - $2) & 0x3fff))
# The number has 14 bits. A frame more or less at either end is 83.
off=$(((counted - 83 * passed + 200) & 0x3fff))
[ "$passed" -gt 100 ] && [ "$off" -le 400 ] || { echo "changed: $counted frames (mod 16384) in $passed ms"; exit 1; }
echo "as described: QEMU $version has counted $counted frames (mod 16384) in $passed ms, as 83 a millisecond are"
