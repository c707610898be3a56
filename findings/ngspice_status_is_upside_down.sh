#!/usr/bin/env bash
# ngspice 39.3 (Debian 12): the exit status of a batch run tells nothing of its success. A .meas whose
# condition never comes is reported as failed in the text, is absent from the results, and the status is 0; a
# .control block that ran and printed what was asked ends with 1, because the netlist has no .print
# line. A sweep that looks at the status takes a read that never settles for one that did.
. "$(dirname "$0")/tools/setup.sh"
debian ngspice=39.3+ds-1

netlist() { # LINES: a bit line that settles at 1 V
    printf '%s\n' "* bit line" "V1 a 0 pulse(0 1 0 1n 1n 50n 100n)" "R1 a b 1k" "C1 b 0 1p" "$@" .end
}
run() { status=0; ngspice -b "$1" >out.txt 2>&1 || status=$?; }

netlist ".tran 0.1n 10n" ".meas tran settled when v(b)=5" >never.cir
run never.cir
grep -c 'settled.* failed' out.txt | expect "a measure at 5 V, lines that say failed" 1
echo "$status" | expect "its exit status" 0

netlist .control "tran 0.1n 40n" "meas tran last find v(b) at=40n" .endc >settles.cir
run settles.cir
awk '/^last/ { printf "%.3f", $3 }' out.txt | expect "volts at the end" 1.000
echo "$status" | expect "its exit status" 1
