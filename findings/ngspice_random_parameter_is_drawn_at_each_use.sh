#!/usr/bin/env bash
# ngspice 39.3 (Debian 12): a parameter set to agauss(..) is drawn anew wherever it is used. Two resistors of
# the same {x} get different values, so a spread meant to be common to a whole array (a corner of the
# process, one drifting reference) becomes a mismatch between its devices. `.option seed` makes it repeat.
. "$(dirname "$0")/tools/setup.sh"
debian ngspice=39.3+ds-1

cat >corner.cir <<'CIR'
* one parameter, two resistors
.option seed=7
.param x=agauss(1k,100,1)
V1 a 0 1
R1 a 0 {x}
V2 b 0 1
R2 b 0 {x}
.control
op
print 1/i(v1) 1/i(v2)
.endc
.end
CIR
ngspice -b corner.cir 2>&1 | awk '/^1\/i/ { print $3 }' >ohms.txt
paste -sd ' ' ohms.txt
uniq ohms.txt | wc -l | expect "values of two resistors of one parameter" 2
