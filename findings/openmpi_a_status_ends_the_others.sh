#!/usr/bin/env bash
# Open MPI 4.1.4 (Debian 12): when a rank has left MPI_Finalize and ends with a status other than 0, mpirun ends the other
# ranks at once, though they have left it too and MPI is over for all of them. Rank 0 that writes its report after
# MPI_Finalize never finishes where rank 1 ends with 3, its way to say that a check failed; no error of
# MPI precedes it. Write first, and let only the rank that writes end with a status.
. "$(dirname "$0")/tools/setup.sh"
openmpi

cat >late.c <<'C'
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Finalize();
    if (rank == 1)
        return atoi(argv[1]);
    sleep(5);
    FILE *report = fopen("report", "w");
    fputs("written", report);
    return fclose(report);
}
C
compile late
report() { # STATUS of rank 1
    rm -f report
    mpirun.openmpi --oversubscribe -np 2 ./late "$1" >/dev/null 2>&1 || true
    if [ -e report ]; then cat report; else echo "missing"; fi
}
report 0 | expect "rank 0's report, status 0 of rank 1" "written"
report 3 | expect "status 3 of rank 1" "missing"
