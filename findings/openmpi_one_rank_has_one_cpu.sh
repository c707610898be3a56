#!/usr/bin/env bash
# Open MPI 4.1.4 (Debian 12): with one or two ranks mpirun binds each rank to one core, so a program that
# starts a thread per processor it may use (nproc, sched_getaffinity) runs on one, whatever the machine
# has; --bind-to none gives it all of them. One rank a machine with
# threads inside, the usual shape of a study, is several times slower than without mpirun.
. "$(dirname "$0")/tools/setup.sh"
[ "$(nproc)" -gt 1 ] || { echo "this machine has one processor: nothing can be seen"; exit 2; }
openmpi

mpirun.openmpi -np 1 nproc 2>/dev/null | expect "processors of one rank" 1
{ [ "$(mpirun.openmpi --bind-to none -np 1 nproc 2>/dev/null)" = "$(nproc)" ] && echo all || echo fewer; } |
    expect "with --bind-to none" all
