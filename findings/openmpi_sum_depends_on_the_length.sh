#!/usr/bin/env bash
# Open MPI 4.1.4 (Debian 12), five ranks on one machine: MPI_Reduce sums the same five doubles in another order when
# the array that holds them is longer, and MPI_Allreduce in another order than MPI_Reduce; the last bit of
# the sum follows. The length chooses the algorithm. So a statistic that is added up by MPI_SUM changes
# when a study reports more columns at once; sums must be exact (integers), or gathered and added in one
# order.
. "$(dirname "$0")/tools/setup.sh"
openmpi

cat >sum.c <<'C'
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 16384 };
static double mine[MOST], sum[MOST];

int main(int argc, char **argv)
{
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    for (int i = 0; i < MOST; i++)
        mine[i] = (rank % 2 ? 1e6 : 1.0) / (3 + 7 * rank);
    for (int n = MOST / 4; n <= MOST; n *= 4) {
        MPI_Reduce(mine, sum, n, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
        if (rank == 0)
            printf("reduce of %d: %.17g\n", n, sum[0]);
    }
    MPI_Allreduce(mine, sum, MOST / 4, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    if (rank == 0)
        printf("allreduce of %d: %.17g\n", MOST / 4, sum[0]);
    return MPI_Finalize();
}
C
compile sum
mpirun.openmpi --oversubscribe -np 5 ./sum >out 2>/dev/null
grep "reduce of 4096" out | grep -v all | expect "five doubles" "reduce of 4096: 141667.09108159394"
grep "reduce of 16384" out | expect "the same five" "reduce of 16384: 141667.09108159391"
grep "allreduce of 4096" out | expect "the same five" "allreduce of 4096: 141667.09108159391"
