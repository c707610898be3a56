#!/usr/bin/env bash
# ngspice 39.3 (Debian 12): a resistor of 0 ohm is simulated as 1 milliohm, and the batch run prints no
# warning. A crossbar netlist "with ideal wires" has a milliohm in each segment: below, one segment in
# series with 1 ohm drops 0.1 % where 0 is expected, and a thousand segments in series make one ohm.
. "$(dirname "$0")/tools/setup.sh"
debian ngspice=39.3+ds-1

{
    echo "* a volt over a wire of N segments of 0 ohm and a load of 1 ohm, N = 1 and 1000"
    echo "V1 in 0 1"
    echo "R1 in one 0"
    echo "Rl one 0 1"
    echo "Rw1 in w1 0"
    for i in $(seq 2 1000); do echo "Rw$i w$((i - 1)) w$i 0"; done
    echo "Rm w1000 0 1"
    printf '%s\n' .control op "print v(one) v(w1000)" .endc .end
} >wire.cir
ngspice -b wire.cir >out.txt 2>&1 || true # 1 for want of a .print line, though all ran
{ grep -ciE "resist|zero|milli" out.txt || true; } | expect "lines that tell of it" 0
awk '/^v\(/ { printf "%s%s %.6f", sep, $1, $3; sep = ", " }' out.txt |
    expect "volts at the load" "v(one) 0.999001, v(w1000) 0.500000"
