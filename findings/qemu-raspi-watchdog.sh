#!/bin/sh
# QEMU 7.2 (Debian 12) resets its Raspberry Pi at the moment the watchdog is started, whatever its countdown.
#
# The BCM2835's watchdog counts PM_WDOG down, 65,536 a second, and resets the chip at zero if PM_RSTC asks for a full reset
# (Linux, drivers/watchdog/bcm2835_wdt.c: at most 15 s). A program that starts it and feeds it in time must keep running.
# Seen on raspi1ap: the write to PM_RSTC resets the machine at once, with a countdown of 16 s in PM_WDOG. The kernel's driver
# makes that write when /dev/watchdog is opened, so a system under test cannot even arm its watchdog.
# So such a system needs another watchdog device under QEMU, for example the kernel's softdog.
#
# What runs: seven ARM instructions without a system, which write both registers and then loop for ever.
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

# The program, with this last word: what it writes to PM_RSTC, as four bytes in octal, lowest first.
program() {
    printf '\002\002\240\343\001\006\200\343' # mov r0, #0x20000000; orr r0, #0x100000: power management
    printf '\014\020\237\345\044\020\200\345' # ldr r1, countdown; str r1, [r0, #0x24]: PM_WDOG
    printf '\010\020\237\345\034\020\200\345' # ldr r1, control; str r1, [r0, #0x1c]: PM_RSTC
    printf '\376\377\377\352'                 # b .
    printf '\377\377\017\132'                 # countdown: the password 0x5a, 0xfffff
    printf "$1"                               # control
}
# `timeout` ends what still runs after half of the countdown, with status 124.
seen() {
    program "$1" >program.bin
    timeout 8 "$dir/root/usr/bin/qemu-system-arm" -M raspi1ap -nodefaults -display none -no-reboot -kernel program.bin \
        >out.txt 2>&1 && echo reset || echo "status $?"
}
expect() { [ "$2" = "$3" ] || { echo "changed: $1: expected $2, seen $3"; cat out.txt; exit 1; }; }

expect 'PM_RSTC without a full reset' 'status 124' "$(seen '\000\000\000\132')"
expect 'PM_RSTC with a full reset, and 16 s in PM_WDOG' reset "$(seen '\040\000\000\132')"
echo "as described: QEMU $version resets a raspi1ap when the watchdog is started"
