#!/usr/bin/env bash
# BookSim2 (revision 28f4329): a stage of more than a clock is no pipeline. While flits are in the switch
# (st_final_delay) or heads are routed (routing_delay), no others of the router enter that stage, so that a
# longer stage takes throughput as well as time: with a crossbar of 2 and 3 clocks a packet of 8 flits over two
# routers takes 22 and 25 clocks, where a pipeline has 21 and 23, and an 8 x 8 mesh below saturation
# 7 % more than a pipeline. One who compares a deep router with a shallow one sees the wrong loss.
. "$(dirname "$0")/tools/setup.sh"
booksim2

least() { # CLOCKS FLITS: the least latency of a packet between two neighbours, hardly any load
    cat >two.cfg <<CFG
topology = mesh; k = 2; n = 1; routing_function = dor; num_vcs = 2; vc_buf_size = 16;
traffic = neighbor; injection_rate_uses_flits = 1; injection_rate = 0.01; packet_size = $2;
sample_period = 10000; seed = 1; st_final_delay = $1;
CFG
    "$booksim" two.cfg >out.txt || true
    awk '/Overall/ { all = 1 } all && /minimum =/ { print $3; exit }' out.txt
}

for flits in 1 8; do
    for clocks in 1 2 3; do least $clocks $flits; done | tr '\n' ' ' |
        expect "packets of $flits, a crossbar of 1, 2, 3 clocks" "$([ $flits = 1 ] && echo '12 14 16 ' || echo '19 22 25 ')"
done
