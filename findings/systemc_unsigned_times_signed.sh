#!/usr/bin/env bash
# SystemC 2.3.4 (Debian 12): an unsigned activation times a signed weight is unsigned. sc_uint<8>(3) *
# sc_int<8>(-3) is 18446744073709551607, and 3 - 5 of sc_uint<8> is 18446744073709551614, for both types become
# plain 64-bit integers of C++. sc_biguint and sc_bigint of the same widths give -9 and -2. A sum kept in
# sc_int comes out right by wrapping; one that is shifted, divided or turned into a double does not.
. "$(dirname "$0")/tools/setup.sh"
debian libsystemc-dev=2.3.4-2 libsystemc=2.3.4-2

cat >product.cpp <<'CPP'
#include <iostream>
#include <systemc>
int sc_main(int, char **)
{
    sc_dt::sc_uint<8> x = 3, five = 5;
    sc_dt::sc_int<8> w = -3;
    sc_dt::sc_biguint<8> big_x = 3, big_five = 5;
    sc_dt::sc_bigint<8> big_w = -3;
    std::cout << x * w << " " << x - five << " " << (x * w) / 4 << ", " << big_x * big_w << " "
              << big_x - big_five << " " << (big_x * big_w) / 4 << "\n";
    return 0;
}
CPP
g++ -std=c++17 -isystem root/usr/include product.cpp -Lroot/usr/lib/x86_64-linux-gnu -lsystemc -o product
./product 2>/dev/null | grep , |
    expect "3*-3, 3-5, 3*-3/4 of sc_uint, then of sc_biguint" \
        "18446744073709551607 18446744073709551614 4611686018427387901, -9 -2 -2"
