/* cli/output.c -- see output.h. */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file being written: under a temporary name beside `path`, or, where that is a device or a pipe,
 * directly. */
struct file {
    const char *path;
    char temporary[1024]; // empty: written directly
    FILE *stream;
};

static enum err failed(const char *path, struct err_msg *m)
{
    return err_set(m, ERR_OUTPUT, "%.900s: %s", path, errno ? strerror(errno) : "a write failed");
}

static void file_discard(struct file *f)
{
    if (f->stream)
        fclose(f->stream);
    if (f->temporary[0] != '\0')
        unlink(f->temporary);
}

static enum err file_open(struct file *f, const char *path, struct err_msg *m)
{
    struct stat s;
    bool exists = stat(path, &s) == 0;

    *f = (struct file){ .path = path };
    if (exists && !S_ISREG(s.st_mode)) {
        f->stream = fopen(path, "w");
        return f->stream ? ERR_NONE : failed(path, m);
    }
    int n = snprintf(f->temporary, sizeof f->temporary, "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof f->temporary) {
        f->temporary[0] = '\0';
        errno = ENAMETOOLONG;
        return failed(path, m);
    }
    int fd = mkstemp(f->temporary);
    if (fd < 0) {
        f->temporary[0] = '\0';
        return failed(path, m);
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, exists ? s.st_mode & 0777 : 0666 & ~mask);
    f->stream = fdopen(fd, "w");
    if (f->stream)
        return ERR_NONE;
    close(fd);
    file_discard(f);
    return failed(path, m);
}

static enum err file_commit(struct file *f, struct err_msg *m)
{
    errno = 0;
    bool written = fflush(f->stream) == 0 && !ferror(f->stream);
    enum err e = written ? ERR_NONE : failed(f->path, m);

    if (fclose(f->stream) != 0 && !e)
        e = failed(f->path, m);
    f->stream = NULL;
    if (!e && f->temporary[0] != '\0' && rename(f->temporary, f->path) != 0)
        e = failed(f->path, m);
    if (e)
        file_discard(f);
    return e;
}

static bool is_stdout(const struct output *o)
{
    return o->path && strcmp(o->path, "-") == 0;
}

enum err output_check(const struct output *o, size_t n, struct err_msg *m)
{
    for (size_t i = 0; i < n; i++) {
        if (!o[i].path)
            continue;
        for (size_t j = 0; j < i; j++)
            if (o[j].path && strcmp(o[j].path, o[i].path) == 0)
                return err_set(m, ERR_INPUT, "%s: two results to one place", o[i].path);
        if (is_stdout(&o[i]))
            continue;
        struct file f;
        enum err e = file_open(&f, o[i].path, m);
        if (e)
            return e;
        file_discard(&f);
    }
    return ERR_NONE;
}

enum err output_flush(struct err_msg *m)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return ERR_NONE;
    return failed("standard output", m);
}

static enum err write_stdout(output_writer *write, const void *what, struct err_msg *m)
{
    enum err e = write(what, stdout, m);

    return e ? e : output_flush(m);
}

static enum err write_file(const struct output *o, struct err_msg *m)
{
    struct file f;
    enum err e = file_open(&f, o->path, m);

    if (e)
        return e;
    e = o->write(o->what, f.stream, m);
    if (e == ERR_OUTPUT)
        failed(o->path, m); // the writer knows no name
    if (e)
        file_discard(&f);
    return e ? e : file_commit(&f, m);
}

enum err output_write(const struct output *o, size_t n, output_writer *report, const void *what,
                      struct err_msg *m)
{
    bool taken = false;
    enum err e = ERR_NONE;

    for (size_t i = 0; i < n && !e; i++) {
        if (!o[i].path)
            continue;
        taken = taken || is_stdout(&o[i]);
        e = is_stdout(&o[i]) ? write_stdout(o[i].write, o[i].what, m) : write_file(&o[i], m);
    }
    if (!e && !taken)
        e = write_stdout(report, what, m);
    return e;
}
