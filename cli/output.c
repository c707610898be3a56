/* cli/output.c -- see output.h. */
#include "cli/output.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "core/outfile.h"

static bool is_stdout(const struct output *o)
{
    return o->path && strcmp(o->path, "-") == 0;
}

bool output_is_file(const char *path)
{
    struct stat s;

    return stat(path, &s) != 0 || S_ISREG(s.st_mode);
}

/* Whether the file can be created. What is there already and no plain file is not touched: a pipe
 * would be taken for empty. */
static enum err probe(const char *path, struct err_msg *m)
{
    struct outfile *f;

    if (strcmp(path, "-") == 0 || !output_is_file(path))
        return ERR_NONE;
    enum err e = outfile_open(&f, path, m);
    if (!e)
        outfile_discard(f);
    return e;
}

enum err output_check(const struct output *o, size_t n, struct err_msg *m)
{
    enum err e = ERR_NONE;

    for (size_t i = 0; i < n && !e; i++) {
        if (!o[i].path)
            continue;
        for (size_t j = 0; j < i; j++)
            if (o[j].path && strcmp(o[j].path, o[i].path) == 0)
                return err_set(m, ERR_INPUT, "%s: two results to one place", o[i].path);
        e = probe(o[i].path, m);
    }
    return e;
}

static enum err write_to(const struct output *o, struct err_msg *m)
{
    struct outfile *f;
    enum err e = outfile_open(&f, o->path, m);

    if (e)
        return e;
    e = o->write(o->what, outfile_stream(f), m);
    if (e && e != ERR_OUTPUT) {
        outfile_discard(f);
        return e;
    }
    return outfile_commit(f, m); // names the file whose write failed
}

enum err output_write(const struct output *o, size_t n, output_writer *report, const void *what,
                      struct err_msg *m)
{
    const struct output last = { "-", report, what };
    bool taken = false;
    enum err e = ERR_NONE;

    for (size_t i = 0; i < n && !e; i++) {
        taken = taken || is_stdout(&o[i]);
        if (o[i].path)
            e = write_to(&o[i], m);
    }
    return e || taken ? e : write_to(&last, m);
}

enum err output_flush(struct err_msg *m)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return ERR_NONE;
    return err_set(m, ERR_OUTPUT, "standard output: cannot write: %s",
                   errno ? strerror(errno) : "a write failed");
}
