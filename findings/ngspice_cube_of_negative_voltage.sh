#!/usr/bin/env bash
# ngspice 39.3 (Debian 12): in a B source ^, ** and pow() raise the absolute value, so (-2)^3 is +8;
# the same text in a control block is -8, and pwr() keeps the sign. A device law such as I = g V^3
# written with ^ conducts the wrong way at negative voltage, without a warning.
. "$(dirname "$0")/tools/setup.sh"
debian ngspice=39.3+ds-1

cat >cube.cir <<'CIR'
* the cube of minus two, four times in sources and once in the control language
V1 a 0 -2
B1 caret 0 V=V(a)^3
B2 stars 0 V=V(a)**3
B3 pow 0 V=pow(V(a),3)
B4 pwr 0 V=pwr(V(a),3)
.control
op
let control = (-2)^3
print v(caret) v(stars) v(pow) v(pwr) control
.endc
.end
CIR
ngspice -b cube.cir 2>&1 | awk '/^(v\(|control)/ { printf "%s%s %g", sep, $1, $3; sep = ", " }' |
    expect "cubes of -2" "v(caret) 8, v(stars) 8, v(pow) 8, v(pwr) -8, control -8"
