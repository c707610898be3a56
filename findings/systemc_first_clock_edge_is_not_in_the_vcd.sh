#!/usr/bin/env bash
# SystemC 2.3.4 (Debian 12): an sc_clock with its default arguments rises at time 0, and processes see that edge; in the
# VCD file the clock begins as 1. In 99 ns a process counts ten rising edges of a 10 ns clock, a reader of
# the waveform nine. Cycle n of the model is edge n - 1 of the file; a clock with posedge_first false has
# as many edges in both.
. "$(dirname "$0")/tools/setup.sh"
debian libsystemc-dev=2.3.4-2 libsystemc=2.3.4-2

cat >edges.cpp <<'CPP'
#include <iostream>
#include <systemc>
using namespace sc_core;

struct counter : sc_module {
    sc_in<bool> clock{"clock"};
    int n = 0;
    SC_HAS_PROCESS(counter);
    explicit counter(sc_module_name name) : sc_module(name)
    {
        SC_METHOD(count);
        sensitive << clock.pos();
        dont_initialize();
    }
    void count() { n++; }
};

int sc_main(int, char **)
{
    sc_clock early("early", 10, SC_NS), late("late", 10, SC_NS, 0.5, 0, SC_NS, false);
    counter of_early("of_early"), of_late("of_late");
    of_early.clock(early);
    of_late.clock(late);
    sc_trace_file *file = sc_create_vcd_trace_file("edges");
    sc_trace(file, early, "early");
    sc_trace(file, late, "late");
    sc_start(99, SC_NS);
    sc_close_vcd_trace_file(file);
    std::cout << "counted " << of_early.n << " and " << of_late.n << std::endl;
    return 0;
}
CPP
lib=$dir/root/usr/lib/x86_64-linux-gnu
g++ -std=c++17 -I"$dir/root/usr/include" -o edges edges.cpp -L"$lib" -lsystemc
./edges 2>/dev/null | grep counted | expect "by processes" "counted 10 and 10"
rises() { awk -v id="$1" '$0 == "0" id { low = 1 } $0 == "1" id { n += low; low = 0 } END { print n }' edges.vcd; }
echo "$(rises aaaaa) and $(rises aaaab)" | expect "in the file" "9 and 10"
