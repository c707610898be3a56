#!/usr/bin/env bash
# SystemC 2.3.4 (Debian 12): sc_trace writes what has changed when time moves on, so the file lacks all that changes in the
# last instant. A signal set to 1, 2, 3 at 10, 20, 30 ns, with a delta cycle before sc_stop(), reads 3 at the end of
# the run; its VCD file ends with 2 and a bare "#30000". Who compares final values with the program's,
# or counts results in the waveform, is one short; run a timestep longer before the file is closed.
. "$(dirname "$0")/tools/setup.sh"
debian libsystemc-dev=2.3.4-2 libsystemc=2.3.4-2

cat >last.cpp <<'CPP'
#include <iostream>
#include <systemc>
using namespace sc_core;

struct writer : sc_module {
    sc_signal<int> value{"value"};
    SC_HAS_PROCESS(writer);
    explicit writer(sc_module_name name) : sc_module(name) { SC_THREAD(write); }
    void write()
    {
        for (int i = 1; i <= 3; i++) {
            wait(10, SC_NS);
            value.write(i);
        }
        wait(SC_ZERO_TIME);
        sc_stop();
    }
};

int sc_main(int, char **)
{
    writer w("w");
    sc_trace_file *file = sc_create_vcd_trace_file("last");
    sc_trace(file, w.value, "value");
    sc_start();
    sc_close_vcd_trace_file(file);
    std::cout << "ends as " << w.value.read() << std::endl;
    return 0;
}
CPP
lib=$dir/root/usr/lib/x86_64-linux-gnu
g++ -std=c++17 -I"$dir/root/usr/include" -o last last.cpp -L"$lib" -lsystemc
./last 2>/dev/null | grep ends | expect "the signal" "ends as 3"
grep '^b\|^#' last.vcd | tr '\n' ' ' | sed 's/ aaaaa//g' | expect "its file" "b0 #10000 b1 #20000 b10 #30000 "
