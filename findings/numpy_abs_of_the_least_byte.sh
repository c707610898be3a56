#!/usr/bin/env bash
# NumPy 1.24.2 (Debian 12): abs() of int8 -128 is -128, for 128 is no int8, so the largest magnitude of the weights
# -128, 5 comes out as 5. A scale or a largest conductance that is made of abs(w).max() is 25 times too small, for just
# those layers whose quantiser used its whole range; the warning that Python's numbers would give is missing.
. "$(dirname "$0")/tools/setup.sh"
debian python3-numpy=1:1.24.2-1+deb12u1

/usr/bin/python3 - >out.txt 2>messages.txt <<'PY'
import numpy
w = numpy.array([-128, 5], numpy.int8)
print("abs", *numpy.abs(w), "max", numpy.abs(w).max())
print("negative", *-w, "linalg", numpy.linalg.norm(w, numpy.inf))
PY
tr '\n' ';' <out.txt | expect "-128 and 5" "abs -128 5 max 5;negative -128 -5 linalg 128.0;"
wc -c <messages.txt | expect "bytes of warnings" 0
