#!/usr/bin/env bash
# ngspice 39.3 (Debian 12): PULSE with a width of 0, between edges of 10 ps, rises once and stays high to the end: a width of 0 is
# taken for one that is not given, which is the whole run. With a width of 1 fs the same source is back at 0 and
# repeats. A triangular spike is written so; a sweep of the width of a read pulse down to 0 ends with the
# largest current instead of none.
. "$(dirname "$0")/tools/setup.sh"
debian ngspice=39.3+ds-1

at_5_ns() { # WIDTH
    printf '%s\n' "* a pulse at 1 ns, every 10 ns" "V1 a 0 pulse(0 1 1n 10p 10p $1 10n)" "R1 a 0 1k" ".tran 0.1n 30n" \
        ".meas tran first find v(a) at=5n" ".meas tran last find v(a) at=25n" .end >pulse.cir
    ngspice -b pulse.cir 2>&1 | awk '/^(first|last) / { printf "%.1f ", $3 }'
}
at_5_ns 1n | expect "volts at 5 and 25 ns, width 1 ns" "0.0 0.0 "
at_5_ns 1f | expect "width 1 fs" "0.0 0.0 "
at_5_ns 0 | expect "width 0" "1.0 1.0 "
