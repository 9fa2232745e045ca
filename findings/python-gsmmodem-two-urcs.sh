#!/bin/sh
# python-gsmmodem-new 0.13.0 loses every unsolicited result code but the first of those that it reads at a time.
#
# 3GPP TS 27.005 §3.4.1: a modem with +CNMI=2,1,0,2 tells of a status report with +CDSI and of a message with +CMTI, whenever
# they come; two may come with nothing between them. One would expect the library to handle both.
# Seen: its GsmModem.__threadedHandleModemNotification returns after the first line that it knows. A +CMTI behind a +CDSI in
# the same read is never handled, the message stays in the modem, and its owner is not told. With half a second between the
# two lines both are handled.
# So a modem whose messages are "lost" in a program built on this library need not be at fault.
#
# Needs: Python 3 with pip, and a package index that pip knows.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install --quiet --no-deps --target "$dir/lib" python-gsmmodem-new==0.13.0 pyserial==3.5 2>/dev/null ||
    { echo "cannot get python-gsmmodem-new 0.13.0"; exit 2; }

cat >"$dir/try.py" <<'PYTHON'
import os, pty, sys, threading, time, tty
from gsmmodem.modem import GsmModem

REPORT = "0006D60B911326880736F4111011719551401110117195714000"
HELLO = "00040B913316325476F800006270413025948005E8329BFD06"
ANSWERS = {
    "AT+CMGR=1": "+CMGR: 0,,25\r\n" + REPORT,
    "AT+CMGR=2": "+CMGR: 0,,24\r\n" + HELLO,
    "AT+CPMS=?": '+CPMS: ("SM"),("SM"),("SM")',
    "AT+CFUN?": "+CFUN: 1",
    "AT+CPIN?": "+CPIN: READY",
    "AT+CSCA?": '+CSCA: "+33695000695",145',
}
UNKNOWN = ("AT^", "AT+CLAC", "AT+WIND", "AT+ZPAS", "AT+CVHU", "AT+CSCS", "AT+VTS", "AT+CNUM")


def modem(port):
    """Answers with OK, and with ERROR what only some makers' modems know."""
    line = b""
    while True:
        try:
            byte = os.read(port, 1)
        except OSError:
            return
        if byte != b"\r":
            line += byte
            continue
        command, line = line.decode(), b""
        if command in ANSWERS:
            os.write(port, f"\r\n{ANSWERS[command]}\r\n".encode())
        os.write(port, b"\r\nERROR\r\n" if command.startswith(UNKNOWN) else b"\r\nOK\r\n")


def received(pause):
    """How many messages the library tells of."""
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    threading.Thread(target=modem, args=(ours,), daemon=True).start()
    texts = []
    library = GsmModem(os.ttyname(theirs), 115200, smsReceivedCallbackFunc=lambda sms: texts.append(sms.text))
    library.connect()
    os.write(ours, b'\r\n+CDSI: "SM",1\r\n')
    time.sleep(pause)
    os.write(ours, b'\r\n+CMTI: "SM",2\r\n')
    time.sleep(3)
    library.close()
    return len(texts)


print(received(0.0), received(0.5))
PYTHON
seen=$(PYTHONPATH="$dir/lib" timeout 60 python3 "$dir/try.py" 2>"$dir/err.txt") || { cat "$dir/err.txt"; exit 2; }
[ "$seen" = "0 1" ] || { echo "changed: expected to be told of 0 and 1 messages, was told of $seen"; exit 1; }
echo "as described: python-gsmmodem-new 0.13.0 tells of no message whose +CMTI follows a +CDSI at once"
