#!/usr/bin/env bash
# h5py 3.7.0 over HDF5 1.10.8 (Debian 12): a NumPy array of bool is stored as an enumeration with the members
# FALSE and TRUE over 8-bit integers, not as an integer type. A reader in C that asks for the class of
# spike trains or masks and takes integers and floats alone refuses them (H5T_ENUM is a class of its own).
. "$(dirname "$0")/tools/setup.sh"
debian hdf5-tools=1.10.8+repack1-1 python3-h5py=3.7.0-8 python3-numpy=1:1.24.2-1+deb12u1

/usr/bin/python3 - <<'PY'
import h5py, numpy
with h5py.File("spikes.h5", "w") as f:
    f["spikes"] = numpy.array([True, False])
PY
h5dump -H spikes.h5 | grep -A 3 DATATYPE | tr -s ' \n' ' ' |
    expect "type of a bool array" ' DATATYPE H5T_ENUM { H5T_STD_I8LE; "FALSE" 0; "TRUE" 1; '
