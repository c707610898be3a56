#!/usr/bin/env bash
# ngspice 39.3 (Debian 12): a resistor of 4k7 has 4,000 ohm and one of 2R2 has 2, for what follows the unit's letter is
# taken for its name and skipped; the batch run says nothing. Schematics and data sheets write 4.7 kohm and 2.2 ohm
# so: a netlist of wires and drivers that was written by hand is off by 15 or 9 %.
. "$(dirname "$0")/tools/setup.sh"
debian ngspice=39.3+ds-1

printf '%s\n' "* resistors as they are printed on the part" "V1 a 0 1" "R1 a 0 4k7" "R2 a 0 2R2" "R3 a 0 4.7k" \
    .control op "print @r1[resistance] @r2[resistance] @r3[resistance]" .endc .end >parts.cir
ngspice -b parts.cir >out.txt 2>&1 || true # 1 for want of a .print line, though all ran
{ grep -ciE "warn|error|4k7|2r2" out.txt || true; } | expect "lines that tell of it" 0
awk '/^@r/ { printf "%s%d", sep, $3 * 10 + 0.5; sep = " " }' out.txt | expect "tenths of an ohm" "40000 20 47000"
