#!/usr/bin/env bash
# ngspice 39.3 (Debian 12): `setseed` in a .control block does not reach the random parameters of the netlist
# it stands in: they were drawn when the netlist was read, from a seed of the clock, so two runs differ. After
# `reset`, or with `.option seed=7`, they repeat. A Monte Carlo study that sets its seed where the loop
# begins has a first sample that nobody can run again.
. "$(dirname "$0")/tools/setup.sh"
debian ngspice=39.3+ds-1

ohms() { # COMMANDS, one a line: the resistor, twice, a second and more apart
    for run in 1 2; do
        printf '%s\n' "* a random resistor" ".param x=agauss(1k,100,1)" "V1 a 0 1" "R1 a 0 {x}" \
            .control "$@" op "print 1/i(v1)" .endc .end >draw.cir
        ngspice -b draw.cir 2>&1 | awk '/^1\/i/ { print $3 }'
        sleep 1.1
    done | uniq | wc -l
}
ohms "setseed 7" | expect "setseed: different values in two runs" 2
ohms "setseed 7" reset | expect "setseed and reset: different values in two runs" 1
