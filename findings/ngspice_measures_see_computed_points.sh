#!/usr/bin/env bash
# ngspice 39.3 (Debian 12): .meas with from= and to= has PP, MAX, MIN and AVG of the points that the simulator computed inside
# the window; its ends are not among them. Of a ramp of 1 V a nanosecond, 1.9 to 2.1 ns, PP is 0 where it is 0.2 V, for
# one point lies there, and MAX is 2.056 where it is 2.1. INTEG of the same window is exact: it does interpolate. A
# ripple or a worst case on a bit line, measured in a window of a read, comes out too small.
. "$(dirname "$0")/tools/setup.sh"
debian ngspice=39.3+ds-1

cat >ramp.cir <<'CIR'
* a ramp of 1 V a nanosecond
V1 a 0 pwl(0 0 10n 10)
R1 a 0 1k
.tran 1n 10n
.meas tran peak pp v(a) from=1.9n to=2.1n
.meas tran most max v(a) from=1.9n to=2.1n
.meas tran least min v(a) from=1.9n to=2.1n
.meas tran area integ v(a) from=1.9n to=2.1n
.end
CIR
ngspice -b ramp.cir >out.txt 2>&1
awk '/^(peak|most|least) / { printf "%s %.3f ", $1, $3 }' out.txt |
    expect "between 1.9 and 2.1 V" "peak 0.000 most 2.056 least 2.056 "
awk '/^area / { printf "%.3f", $3 * 1e9 }' out.txt | expect "the integral, V ns" "0.400"
