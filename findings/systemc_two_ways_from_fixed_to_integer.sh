#!/usr/bin/env bash
# SystemC 2.3.4 (Debian 12): a fixed-point -0.5 is 0 by to_int(), by a cast to int and by way of a double, which cut
# towards zero, and -1 when sc_int, sc_bigint or an sc_fixed without a fraction is made of it, which take the floor;
# -1.5 is -1 or -2. The two ways differ for every negative value that has a fraction: a scaled sum printed with
# to_int() is one more than the register of whole numbers holds.
. "$(dirname "$0")/tools/setup.sh"
debian libsystemc-dev=2.3.4-2 libsystemc=2.3.4-2

cat >fixed.cpp <<'CPP'
#define SC_INCLUDE_FX
#include <iostream>
#include <systemc>
int sc_main(int, char **)
{
    for (double v : {1.5, -0.5, -1.5}) {
        sc_dt::sc_fixed<8, 4> fixed = v;
        sc_dt::sc_int<8> by_double;
        by_double = fixed.to_double();
        std::cout << v << ": to_int " << fixed.to_int() << ", int " << int(fixed) << ", double " << by_double << "; sc_int "
                  << sc_dt::sc_int<8>(fixed) << ", sc_bigint " << sc_dt::sc_bigint<8>(fixed) << ", sc_fixed "
                  << sc_dt::sc_fixed<8, 8>(fixed) << "\n";
    }
    return 0;
}
CPP
g++ -std=c++17 -isystem root/usr/include fixed.cpp -Lroot/usr/lib/x86_64-linux-gnu -lsystemc -o fixed
./fixed 2>/dev/null | grep to_int >out.txt
sed -n 1p out.txt | expect "positive" "1.5: to_int 1, int 1, double 1; sc_int 1, sc_bigint 1, sc_fixed 1"
sed -n 2p out.txt | expect "negative" "-0.5: to_int 0, int 0, double 0; sc_int -1, sc_bigint -1, sc_fixed -1"
sed -n 3p out.txt | expect "negative" "-1.5: to_int -1, int -1, double -1; sc_int -2, sc_bigint -2, sc_fixed -2"
