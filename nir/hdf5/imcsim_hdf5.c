/* nir/hdf5/imcsim_hdf5.c -- writes the datasets of an HDF5 file to standard output, as
 * nir/stream.h says.
 *
 * usage: imcsim_hdf5 FILE
 *
 * A program of its own: a hostile file may bring the library down, or keep it busy for ever, and
 * then imcsim says so (nir/file.c). Nothing is followed out of the file: no link to another
 * one, no values stored elsewhere, no filter that would have to be loaded.
 */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "nir/stream.h"

struct walk {
    char     path[NIR_MOST_PATH];
    uint32_t depth, n_dataset;
    uint64_t n_value;
    uint64_t n_byte, most_byte; // of values as the file has them
};

static int fail(const char *what, const char *path)
{
    printf("error %s%s%s\n", what, path[0] ? ": " : "", path);
    return -1;
}

struct block { // a dataset that is open
    hid_t       set, type, space;
    H5T_class_t kind;
    int         rank;
    hsize_t     dim[NIR_MOST_RANK];
    uint64_t    n;
};

static void print_head(const char *word, const struct block *b, const char *path)
{
    printf("%s %d", word, b->rank);
    for (int i = 0; i < b->rank; i++)
        printf(" %llu", (unsigned long long)b->dim[i]);
    printf(" %s\n", path);
}

static int print_numbers(const struct block *b, const char *path)
{
    double *value = malloc((b->n ? b->n : 1) * sizeof *value);
    int done = value && H5Dread(b->set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                                value) >= 0 ? 0 : -1;

    if (done == 0) {
        print_head("numbers", b, path);
        fwrite(value, sizeof *value, b->n, stdout);
    }
    free(value);
    return done == 0 ? 0 : fail("its values cannot be read", path);
}

/* A string of at most NIR_MOST_TEXT - 1 bytes; what is longer is cut. */
static void print_text(const char *text, size_t n)
{
    fwrite(text, 1, strnlen(text, n < NIR_MOST_TEXT - 1 ? n : NIR_MOST_TEXT - 1), stdout);
    putchar(0);
}

static int print_variable_texts(const struct block *b, const char *path)
{
    hid_t memory = H5Tcopy(b->type);
    char **text = calloc(b->n ? b->n : 1, sizeof *text);
    int done = text && H5Dread(b->set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) >= 0 ? 0 : -1;

    if (done == 0) {
        print_head("text", b, path);
        for (uint64_t i = 0; i < b->n; i++)
            print_text(text[i] ? text[i] : "", NIR_MOST_TEXT);
        H5Dvlen_reclaim(memory, b->space, H5P_DEFAULT, text);
    }
    free(text);
    H5Tclose(memory);
    return done == 0 ? 0 : fail("its text cannot be read", path);
}

static int print_fixed_texts(const struct block *b, const char *path)
{
    const size_t size = H5Tget_size(b->type);
    char *text = size > 0 && size < NIR_MOST_TEXT ? calloc(b->n ? b->n : 1, size) : NULL;
    int done = text && H5Dread(b->set, b->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) >= 0 ? 0 : -1;

    if (done == 0) {
        print_head("text", b, path);
        for (uint64_t i = 0; i < b->n; i++)
            print_text(text + i * size, size);
    }
    free(text);
    return done == 0 ? 0 : fail("its text cannot be read", path);
}

/* Whether all values lie in the file itself. */
static int lies_within(hid_t set)
{
    hid_t made = H5Dget_create_plist(set);
    int within = made >= 0 && H5Pget_external_count(made) == 0 &&
                 H5Pget_layout(made) != H5D_VIRTUAL;

    if (made >= 0)
        H5Pclose(made);
    return within;
}

static int measure(struct walk *w, struct block *b)
{
    b->rank = b->space >= 0 ? H5Sget_simple_extent_ndims(b->space) : -1;
    if (b->rank < 0 || b->rank > NIR_MOST_RANK || b->type < 0)
        return fail("has more dimensions than 8, or none that can be read", w->path);
    H5Sget_simple_extent_dims(b->space, b->dim, NULL);
    b->n = H5Sget_simple_extent_type(b->space) == H5S_NULL ? 0 : 1;
    for (int i = 0; i < b->rank; i++) {
        if (b->dim[i] > NIR_MOST_VALUES)
            return fail("has 2^28 values or more", w->path);
        b->n *= b->dim[i];
        if (b->n > NIR_MOST_VALUES)
            return fail("has 2^28 values or more", w->path);
    }
    w->n_value += b->n;
    if (w->n_value > NIR_MOST_VALUES)
        return fail("the file has 2^28 values or more", "");
    w->n_byte += b->n * H5Tget_size(b->type);
    return w->n_byte <= w->most_byte ? 0 : fail("has more values than fit into the file", w->path);
}

static int print_block(struct walk *w, struct block *b)
{
    if (measure(w, b))
        return -1;
    b->kind = H5Tget_class(b->type);
    if (b->kind == H5T_INTEGER || b->kind == H5T_FLOAT)
        return print_numbers(b, w->path);
    if (b->kind == H5T_STRING)
        return H5Tis_variable_str(b->type) > 0 ? print_variable_texts(b, w->path)
                                               : print_fixed_texts(b, w->path);
    print_head("other", b, w->path);
    return 0;
}

static int print_dataset(struct walk *w, hid_t set)
{
    struct block b = { .set = set };

    if (++w->n_dataset > NIR_MOST_DATASETS)
        return fail("the file has more than 100,000 datasets", "");
    if (!lies_within(set))
        return fail("its values lie in another file", w->path);
    b.type = H5Dget_type(set);
    b.space = H5Dget_space(set);
    int done = print_block(w, &b);
    if (b.type >= 0)
        H5Tclose(b.type);
    if (b.space >= 0)
        H5Sclose(b.space);
    return done;
}

static int enter(struct walk *w, hid_t group);

static int visit_object(struct walk *w, hid_t object)
{
    switch (H5Iget_type(object)) {
    case H5I_GROUP:
        return enter(w, object);
    case H5I_DATASET:
        return print_dataset(w, object);
    default:
        return 0; // a named type
    }
}

static int is_plain(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < ' ')
            return 0;
    return 1;
}

static herr_t visit(hid_t group, const char *name, const H5L_info_t *info, void *user)
{
    struct walk *w = user;
    size_t before = strlen(w->path), n = strlen(name);

    if (before + n + 2 > sizeof w->path || !is_plain(name))
        return fail("an object's name is longer than 511 bytes, or is not text", w->path);
    w->path[before] = '/';
    memcpy(w->path + before + 1, name, n + 1);
    if (info->type != H5L_TYPE_HARD)
        return fail("is a link", w->path);
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    int done = object < 0 ? fail("cannot be opened", w->path) : visit_object(w, object);
    if (object >= 0)
        H5Oclose(object);
    w->path[before] = '\0';
    return done;
}

static int enter(struct walk *w, hid_t group)
{
    if (++w->depth > NIR_MOST_DEPTH)
        return fail("has groups in groups, more than 16 deep", w->path);
    int done = H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, visit, w) < 0 ? -1 : 0;
    w->depth--;
    return done;
}

static int print_file(const char *name, uint64_t size)
{
    struct walk w = { .path = "", .most_byte = NIR_MOST_GAIN * size };
    hid_t file = H5Fopen(name, H5F_ACC_RDONLY, H5P_DEFAULT);

    if (file < 0)
        return fail("is no HDF5 file that can be opened", "");
    int done = enter(&w, file);
    if (done == 0)
        printf("end\n");
    else // the line of the first error is the last that is read
        printf("error its groups cannot be read\n");
    H5Fclose(file);
    return 0;
}

int main(int argc, char **argv)
{
    struct rlimit seconds = { NIR_MOST_SECONDS, NIR_MOST_SECONDS + 1 };
    struct rlimit memory = { NIR_LEAST_MEMORY, NIR_LEAST_MEMORY };
    struct stat st;
    uint64_t size = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: %s FILE: writes the datasets of an HDF5 file, for imcsim\n",
                argv[0]);
        return 2;
    }
    if (stat(argv[1], &st) == 0 && st.st_size > 0)
        size = (uint64_t)st.st_size;
    seconds.rlim_cur += size >> 23;
    seconds.rlim_max += size >> 23;
    memory.rlim_cur = memory.rlim_max += size * NIR_MOST_GAIN * (sizeof(double) + 1);
    setrlimit(RLIMIT_CPU, &seconds);
    setrlimit(RLIMIT_AS, &memory); // the library believes what sizes a file states
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
    print_file(argv[1], size);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
