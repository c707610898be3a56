/* study/sweep/mpi/link_mpi.c -- see link.h: libimcsim_mpi.so. */
#include <stdlib.h>

#include <mpi.h>

#include "study/sweep/link.h"

enum { TAG = 18 };

static void send_bytes(int to, const void *bytes, size_t n)
{
    MPI_Send(bytes, (int)n, MPI_BYTE, to, TAG, MPI_COMM_WORLD);
}

static bool receive_bytes(int *from, void **bytes, size_t *n)
{
    MPI_Message message;
    MPI_Status status;
    int there, length;

    MPI_Improbe(MPI_ANY_SOURCE, TAG, MPI_COMM_WORLD, &there, &message, &status);
    if (!there)
        return false;
    MPI_Get_count(&status, MPI_BYTE, &length);
    *from = status.MPI_SOURCE;
    *n = (size_t)length;
    *bytes = malloc(*n + 1);
    if (!*bytes)
        MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Mrecv(*bytes, length, MPI_BYTE, &message, MPI_STATUS_IGNORE);
    return true;
}

static void close_all(void)
{
    MPI_Finalize();
}

void imcsim_link_open(struct link *l)
{
    MPI_Init(NULL, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &l->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &l->n_rank);
    l->send = send_bytes;
    l->receive = receive_bytes;
    l->close = close_all;
}
