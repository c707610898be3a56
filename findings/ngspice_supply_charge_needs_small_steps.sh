#!/usr/bin/env bash
# ngspice 39.3 (Debian 12): the charge a supply delivers, by `.meas tran .. integ i(v)`, depends on the
# printing step. Charging 100 fF through 10 kohm takes C V = 100 fC; with a step of one time constant
# (1 ns) the integral is 98.25 fC, 1.7 % short, though the step control is adaptive and the capacitor ends
# at 1.000 V: the control watches the charge of the capacitor, not the current of the source. A hundredth of
# the time constant gives 0.01 %. Energies of the drivers of an array are measured in this way.
. "$(dirname "$0")/tools/setup.sh"
debian ngspice=39.3+ds-1

charge() { # STEP
    cat >charge.cir <<CIR
* a step of one volt into 10 kohm and 100 fF, forty time constants long
V1 a 0 pulse(0 1 0 1p 1p 50n 100n)
R1 a b 10k
C1 b 0 100f
.tran $1 40n
.meas tran charge integ i(v1) from=0 to=40n
.meas tran last find v(b) at=40n
.end
CIR
    ngspice -b charge.cir 2>&1 |
        awk '/^charge/ { q = -$3 } /^last/ { v = $3 } END { printf "%.2f fC, %.3f V", q * 1e15, v }'
}
charge 1n | expect "step 1 ns" "98.25 fC, 1.000 V"
charge 10p | expect "step 10 ps" "100.00 fC, 1.000 V"
