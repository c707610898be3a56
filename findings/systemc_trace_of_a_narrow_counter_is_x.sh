#!/usr/bin/env bash
# SystemC 2.3.4 (Debian 12): sc_trace() of an unsigned or an int with a width, for a counter or a field of so many
# bits, writes all its bits as x when the value has more: 8 in 3 bits is "bx", not 000. A viewer shows an
# unknown, as of a register never reset, where hardware of that width has its low bits. A sc_uint<3> of
# the same values is traced with its low bits.
. "$(dirname "$0")/tools/setup.sh"
debian libsystemc-dev=2.3.4-2 libsystemc=2.3.4-2

cat >trace.cpp <<'CPP'
#include <systemc>
int sc_main(int, char **)
{
    sc_core::sc_trace_file *f = sc_core::sc_create_vcd_trace_file("trace");
    unsigned count = 6;
    sc_dt::sc_uint<3> low = 6;
    sc_trace(f, count, "count", 3);
    sc_trace(f, low, "low");
    for (; count < 10; count++, low = count)
        sc_core::sc_start(1, sc_core::SC_NS);
    sc_core::sc_close_vcd_trace_file(f);
    return 0;
}
CPP
g++ -std=c++17 -isystem root/usr/include trace.cpp -Lroot/usr/lib/x86_64-linux-gnu -lsystemc -o trace
./trace >/dev/null 2>&1
grep '^b.* aaaaa$' trace.vcd | cut -d ' ' -f 1 | tr '\n' ' ' | expect "an unsigned that counts from 6, 3 bits" "b110 b111 bx bx "
grep '^b.* aaaab$' trace.vcd | cut -d ' ' -f 1 | tr '\n' ' ' | expect "a sc_uint<3> of the same" "b110 b111 b0 b1 "
