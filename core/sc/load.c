/* core/sc/load.c -- the SystemC kernel, loaded when it is asked for: linking SystemC takes most of
 * the time of a short process.
 *
 * libimcsim_systemc.so is looked for beside the program, where it is built, and in
 * ../lib/imcsim, where `make install` puts it. A program that has the kernel linked in does without
 * this file.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/kernel_impl.h"

enum { PATH_SIZE = 4096 };

static void *load(void)
{
    static const char *const places[] = { "/libimcsim_systemc.so",
                                          "/../lib/imcsim/libimcsim_systemc.so" };
    char self[PATH_SIZE], path[PATH_SIZE + 64];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    void *library = NULL;

    if (n <= 0)
        return NULL;
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; !library && i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s%s", self, places[i]);
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    return library; // stays loaded: SystemC cannot be unloaded
}

bool kernel_systemc_available(void)
{
    return load() != NULL;
}

struct kernel *kernel_new_systemc(const struct design *d)
{
    struct kernel *(*make)(const struct design *) = NULL;
    void *library = load();

    if (library)
        *(void **)&make = dlsym(library, "kernel_new_systemc");
    return make ? make(d) : NULL;
}
