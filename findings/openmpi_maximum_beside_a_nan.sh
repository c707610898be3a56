#!/usr/bin/env bash
# Open MPI 4.1.4 (Debian 12), four ranks on one machine with the values 1, 2, 3 and 4, one of them made NaN: MPI_MAX is neither
# NaN nor the largest of the others. With NaN in rank 2 MPI_Allreduce says 2, though there is a 4, and with NaN in rank 3 it
# says 3; MPI_Reduce says NaN and 3; in rank 0 it is the other way about, and MPI_MIN is 3 of 2, 3 and 4. A comparison with NaN
# drops what was found so far. The worst error of a study whose one point diverged looks like a good figure.
. "$(dirname "$0")/tools/setup.sh"
openmpi

cat >nan.c <<'C'
#include <math.h>
#include <mpi.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    for (int where = 0; where < 4; where++) {
        double mine = rank == where ? NAN : rank + 1, most, least, most_of_all;
        MPI_Reduce(&mine, &most, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
        MPI_Reduce(&mine, &least, 1, MPI_DOUBLE, MPI_MIN, 0, MPI_COMM_WORLD);
        MPI_Allreduce(&mine, &most_of_all, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
        if (rank == 0)
            printf("rank %d: max %g, min %g, max by allreduce %g\n", where, most, least, fabs(most_of_all));
    }
    return MPI_Finalize();
}
C
compile nan
mpirun.openmpi --oversubscribe -np 4 ./nan >out 2>/dev/null
sed -n 1p out | expect "of 2 3 4" "rank 0: max 3, min 3, max by allreduce nan"
sed -n 3p out | expect "of 1 2 4" "rank 2: max nan, min nan, max by allreduce 2"
sed -n 4p out | expect "of 1 2 3" "rank 3: max 3, min 1, max by allreduce 3"
