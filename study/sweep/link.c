/* study/sweep/link.c -- see link.h. The library is beside the program, where it is built, or in
 * ../lib/imcsim, where `make install` puts it. */
#include "study/sweep/link.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

static void *load(void)
{
    static const char *const places[] = { "/libimcsim_mpi.so", "/../lib/imcsim/libimcsim_mpi.so" };
    char self[PATH_SIZE], path[PATH_SIZE + 64];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    void *library = NULL;

    if (n <= 0)
        return NULL;
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; !library && i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s%s", self, places[i]);
        library = dlopen(path, RTLD_NOW | RTLD_GLOBAL); // MPI's own plug-ins look into it
    }
    return library; // stays loaded
}

enum err link_open(struct link *l, struct err_msg *m)
{
    const char *n_rank = getenv("OMPI_COMM_WORLD_SIZE"); // of Open MPI's mpirun
    void (*open)(struct link *) = NULL;

    *l = (struct link){ .rank = 0 };
    if (!n_rank)
        return ERR_NONE;
    void *library = load();
    if (library)
        *(void **)&open = dlsym(library, "imcsim_link_open");
    if (!open)
        return err_set(m, ERR_INPUT, "mpirun has started %.20s of these, but there is no "
                       "libimcsim_mpi.so: want `make` where mpicc is (Debian: libopenmpi-dev), or "
                       "--jobs without mpirun", n_rank);
    open(l);
    return ERR_NONE;
}
