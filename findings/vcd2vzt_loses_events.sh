#!/usr/bin/env bash
# GTKWave 3.3.118 (Debian 12): vcd2vzt keeps one event of each variable: `fire`, of kind `event`, happens at 5, 10 and 15, and in
# the VZT file is a wire that is x until 5 and 0 from then on. Wires beside it are complete, the status is 0 and nothing
# is said; vcd2fst keeps all three. Firings, spikes and transactions are written as events, and their count is gone.
. "$(dirname "$0")/tools/setup.sh"
debian gtkwave=3.3.118-0.1~deb12u1 libjudydebian1=1.0.5-5+b2

printf '%s\n' '$timescale 1 ns $end' '$var event 1 e fire $end' '$var wire 1 w busy $end' '$enddefinitions $end' \
    '#0' '0w' '#5' '1e' '1w' '#10' '1e' '0w' '#15' '1e' '1w' '#20' >t.vcd
vcd2fst t.vcd t.fst >messages.txt 2>&1
vcd2vzt t.vcd t.vzt >>messages.txt 2>&1
grep -ciE 'warn|error|event' messages.txt >count.txt || true
changes() { # NAME: the times at which it changes, behind the definitions
    awk -v name="$1" '$1 == "$var" && $5 == name { code = $4 } /^\$enddefinitions/ { on = 1 } /^#/ { t = substr($0, 2) }
        on && /^[01xy]/ && substr($0, 2) == code { printf "%s%s", sep, t; sep = " " }'
}
expect "lines that tell of it" 0 <count.txt
fst2vcd t.fst 2>/dev/null | changes fire | expect "events by way of FST" "5 10 15"
vzt2vcd t.vzt 2>/dev/null | changes busy | expect "the wire by way of VZT" "0 5 10 15"
vzt2vcd t.vzt 2>/dev/null | changes fire | expect "events by way of VZT" "0 5"
