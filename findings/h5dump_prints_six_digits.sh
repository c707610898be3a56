#!/usr/bin/env bash
# h5dump of HDF5 1.10.8 (Debian 12) prints reals with six significant digits, doubles too: 16777217 comes out as
# 1.67772e+07 and 1/3 as 0.333333. Weights or time stamps in microseconds that pass through its text change;
# `-m "%.17g"` keeps them.
. "$(dirname "$0")/tools/setup.sh"
debian hdf5-tools=1.10.8+repack1-1 python3-h5py=3.7.0-8 python3-numpy=1:1.24.2-1+deb12u1

/usr/bin/python3 - <<'PY'
import h5py
with h5py.File("times.h5", "w") as f:
    f["us"] = [16777217.0, 1 / 3]
PY
numbers() { sed '1,/DATA {/d; /}/,$d' | tr -s ' \n' ' '; }
h5dump -y -d us times.h5 | numbers | expect "16777217 and 1/3" " 1.67772e+07, 0.333333 "
h5dump -y -m '%.17g' -d us times.h5 | numbers | expect "with -m %.17g" " 16777217, 0.33333333333333331 "
