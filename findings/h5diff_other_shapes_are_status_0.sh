#!/usr/bin/env bash
# h5diff of HDF5 1.10.8 (Debian 12): two files whose datasets differ in shape compare as status 0, as if
# equal, and a sentence says that some objects are not comparable. A script that checks recordings or
# network weights (NIR files) by the status alone passes tensors of another shape.
. "$(dirname "$0")/tools/setup.sh"
debian hdf5-tools=1.10.8+repack1-1 python3-h5py=3.7.0-8 python3-numpy=1:1.24.2-1+deb12u1

/usr/bin/python3 - <<'PY'
import h5py, numpy
for name, count, last in (("three", 3, 2.0), ("four", 4, 3.0), ("changed", 3, 7.0)):
    values = numpy.arange(float(count))
    values[-1] = last
    with h5py.File(name + ".h5", "w") as f:
        f["weights"] = values
PY
compare() { local status=0; h5diff "$1" "$2" >/dev/null 2>&1 || status=$?; echo $status; }
compare three.h5 changed.h5 | expect "status, a value differs" 1
compare three.h5 four.h5 | expect "status, three values beside four" 0
