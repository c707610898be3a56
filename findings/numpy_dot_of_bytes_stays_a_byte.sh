#!/usr/bin/env bash
# NumPy 1.24.2 (Debian 12): the product of two vectors of int8, by dot, @ or einsum, is summed in int8. 64 products of
# 100 x 100 make 640,000; all three say 0, without a warning. sum() of the same products does widen, to int64, so a
# reference that was tried with sum() and then written shorter with @ is wrong modulo 256.
. "$(dirname "$0")/tools/setup.sh"
debian python3-numpy=1:1.24.2-1+deb12u1

/usr/bin/python3 - >out.txt 2>messages.txt <<'PY'
import numpy
x = numpy.full(64, 100, numpy.int8)
wide = x.astype(numpy.int32)
print("dot", numpy.dot(x, x), "@", x @ x, (x @ x).dtype, "einsum", numpy.einsum("i,i", x, x))
print("sum", numpy.sum(x).dtype, "wide", wide @ wide)
PY
tr '\n' ';' <out.txt | expect "64 times 100 x 100" "dot 0 @ 0 int8 einsum 0;sum int64 wide 640000;"
wc -c <messages.txt | expect "bytes of warnings" 0
