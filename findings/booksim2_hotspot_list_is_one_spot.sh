#!/usr/bin/env bash
# BookSim2 (revision 28f4329): traffic = hotspot({a,b}) has one hot spot. The outer braces are taken for the
# list of arguments, so that a is the only spot and b its rate, without a word; two spots are
# hotspot({{a,b}}). Two spots take 2 flits a clock between them, this takes 1: on 64 nodes 1/64 flit a node.
. "$(dirname "$0")/tools/setup.sh"
booksim2

accepted() { # TRAFFIC: flits a clock of all nodes, which offer three times what two spots take
    cat >spots.cfg <<CFG
topology = mesh; k = 8; n = 2; routing_function = dor; num_vcs = 4; vc_buf_size = 8;
traffic = $1; injection_rate_uses_flits = 1; injection_rate = 0.1; packet_size = 1;
sim_type = throughput; sample_period = 2000; seed = 1;
CFG
    "$booksim" spots.cfg >out.txt || true
    awk '/Overall/ { all = 1 } all && /Accepted flit rate average/ { printf "%.1f", 64 * $6; exit }' out.txt
}

accepted 'hotspot({27,36})' | expect "flits a clock to hotspot({27,36})" 1.0
accepted 'hotspot({{27,36}})' | expect "flits a clock to hotspot({{27,36}})" 2.0
