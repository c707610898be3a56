#!/usr/bin/env bash
# h5py 3.7.0 over HDF5 1.10.8, NumPy 1.24.2 (Debian 12): floats stored into a dataset of bytes are clamped to 0 to
# 255 and cut, NaN becomes 0; whole numbers of NumPy that become uint8 wrap. 300 is 255 in the file and 44 in
# the array, -3 is 0 and 253. Neither rounds (2.7 is 2), neither says a word. Quantised values that left
# their range look clean once they went through a file, and a reference made of the array has other bytes.
. "$(dirname "$0")/tools/setup.sh"
debian python3-h5py=3.7.0-8 python3-numpy=1:1.24.2-1+deb12u1

/usr/bin/python3 - >out.txt 2>messages.txt <<'PY'
import h5py, numpy
values = numpy.array([300, -3, 2.7, 255.9], "float32")
with h5py.File("weights.h5", "w") as f:
    stored = f.create_dataset("w", data=values, dtype="uint8")
    print("stored", *stored[...])
    print("NaN stored", f.create_dataset("n", data=numpy.array([numpy.nan], "float32"), dtype="uint8")[0])
print("astype", *values.astype("int32").astype("uint8"))
PY
tr '\n' ';' <out.txt | expect "300, -3, 2.7 and 255.9 as bytes" "stored 255 0 2 255;NaN stored 0;astype 44 253 2 255;"
wc -c <messages.txt | expect "bytes of warnings" "0"
