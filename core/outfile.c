/* core/outfile.c -- see outfile.h. */
#define _GNU_SOURCE // fopencookie(): one stdio stream before plain and compressed files
#include "core/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

struct outfile {
    char  *name;   // for errors
    char  *target; // NULL while written directly
    char  *temp;   // takes the name of target when complete
    int    fd;     // -1 once gz owns it
    gzFile gz;     // NULL: plain
    FILE  *stream;
    int    error; // errno of the first failure
    bool   discarded;
};

enum { MAX_TEMPS = 1000, GZ_BUFFER = 1 << 17, MAX_NOTED = 64 };

/* ---- what a signal's handler has to remove ---- */

static char *_Atomic noted[MAX_NOTED]; // paths of temporary files: a handler sees the process only

/* Puts `now` where `before` stands; without a free place a file is not noted. */
static void note(char *before, char *now)
{
    for (size_t i = 0; i < MAX_NOTED; i++) {
        char *expected = before;
        if (atomic_compare_exchange_strong(&noted[i], &expected, now))
            return;
    }
}

void outfile_remove_temps(void)
{
    for (size_t i = 0; i < MAX_NOTED; i++) {
        char *path = atomic_load(&noted[i]);
        if (path)
            unlink(path);
    }
}

/* Creates the file and notes it, with no signal between. Returns the descriptor or -1. */
static int create_noted(char *path)
{
    sigset_t all, old;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), error = errno;
    if (fd >= 0)
        note(NULL, path);
    sigprocmask(SIG_SETMASK, &old, NULL);
    errno = error;
    return fd;
}

/* ---- errors ---- */

static const char *cure(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return "want a directory that exists";
    case EACCES:
    case EPERM:
    case EROFS:
        return "want a place that may be written";
    case EISDIR:
        return "want the path of a file";
    case ENOSPC:
    case EDQUOT:
        return "want a disk with room";
    case EFBIG:
        return "want a higher limit on the size of files (ulimit -f)";
    case EPIPE:
        return "want a reader that stays";
    default:
        return "want another path";
    }
}

static enum err fail(const struct outfile *f, int error, struct err_msg *m)
{
    if (error == ENOMEM)
        return err_set(m, ERR_MEMORY, "%s: out of memory", f->name);
    return err_set(m, ERR_OUTPUT, "%s: cannot write: %s: %s", f->name, strerror(error),
                   cure(error));
}

static ssize_t write_gz(gzFile gz, const char *bytes, size_t n)
{
    int status, written;

    errno = 0;
    written = gzwrite(gz, bytes, (unsigned)n);
    if (written > 0)
        return written;
    gzerror(gz, &status);
    if (status != Z_ERRNO || errno == 0)
        errno = EIO;
    return -1;
}

/* The stream's writer: all of n bytes, or 0 and the error kept. */
static ssize_t on_write(void *cookie, const char *bytes, size_t n)
{
    struct outfile *f = cookie;

    for (size_t done = 0; done < n && !f->error && !f->discarded;) {
        ssize_t written = f->gz ? write_gz(f->gz, bytes + done, n - done)
                                : write(f->fd, bytes + done, n - done);
        if (written >= 0)
            done += (size_t)written;
        else if (errno != EINTR)
            f->error = errno;
    }
    return f->error ? 0 : (ssize_t)n;
}

static void keep_error(struct outfile *f, int error)
{
    if (!f->error)
        f->error = error;
}

static int on_close(void *cookie)
{
    struct outfile *f = cookie;

    errno = 0;
    if (f->gz && gzclose(f->gz) != Z_OK)
        keep_error(f, errno ? errno : EIO);
    if (f->fd >= 0 && close(f->fd) != 0)
        keep_error(f, errno);
    f->gz = NULL;
    f->fd = -1;
    return f->error ? -1 : 0;
}

static void free_outfile(struct outfile *f)
{
    if (f->temp)
        note(f->temp, NULL);
    free(f->name);
    free(f->target);
    free(f->temp);
    free(f);
}

/* Opens a new file beside the target. Returns errno. */
static int open_temp(struct outfile *f)
{
    const char *slash = strrchr(f->target, '/');
    int dir_len = slash ? (int)(slash + 1 - f->target) : 0;

    for (int i = 0; i < MAX_TEMPS; i++) {
        if (asprintf(&f->temp, "%.*s.imcsim-%ld-%d", dir_len, f->target, (long)getpid(), i) < 0) {
            f->temp = NULL;
            return ENOMEM;
        }
        f->fd = create_noted(f->temp);
        if (f->fd >= 0)
            return 0;
        int error = errno;
        free(f->temp);
        f->temp = NULL;
        if (error != EEXIST)
            return error;
    }
    return EEXIST;
}

/* Opens what bytes go to. Returns errno. */
static int open_fd(struct outfile *f, const char *path)
{
    struct stat st;

    if (strcmp(path, "-") == 0) {
        fflush(stdout); // what was printed before comes before
        f->fd = dup(STDOUT_FILENO);
        return f->fd < 0 ? errno : 0;
    }
    bool exists = stat(path, &st) == 0;
    if (strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0 ||
        (exists && !S_ISREG(st.st_mode))) {
        f->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        return f->fd < 0 ? errno : 0;
    }
    if (!*path)
        return ENOENT;
    if (exists && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0)
        return errno;
    f->target = exists ? realpath(path, NULL) : strdup(path);
    if (!f->target)
        return errno;
    int error = open_temp(f);
    if (!error && exists)
        (void)!fchmod(f->fd, st.st_mode & 0777); // on some file systems in vain
    return error;
}

/* Puts a stream, and compression if the name asks for it, before the opened fd. Returns errno. */
static int open_stream(struct outfile *f, const char *path)
{
    size_t len = strlen(path);

    if (len > 3 && strcmp(path + len - 3, ".gz") == 0) {
        f->gz = gzdopen(f->fd, "wb");
        if (!f->gz)
            return ENOMEM;
        f->fd = -1;
        gzbuffer(f->gz, GZ_BUFFER);
    }
    f->stream = fopencookie(f, "w",
                            (cookie_io_functions_t){ .write = on_write, .close = on_close });
    return f->stream ? 0 : ENOMEM;
}

enum err outfile_open(struct outfile **f, const char *path, struct err_msg *m)
{
    struct outfile *o = calloc(1, sizeof *o);

    *f = NULL;
    if (!o || !(o->name = strdup(strcmp(path, "-") == 0 ? "standard output" : path))) {
        free(o);
        return err_set(m, ERR_MEMORY, "%s: out of memory", path);
    }
    o->fd = -1;
    int error = open_fd(o, path);
    if (!error)
        error = open_stream(o, path);
    if (error) {
        enum err e = fail(o, error, m);
        outfile_discard(o);
        return e;
    }
    *f = o;
    return ERR_NONE;
}

FILE *outfile_stream(struct outfile *f)
{
    return f->stream;
}

enum err outfile_commit(struct outfile *f, struct err_msg *m)
{
    enum err e = ERR_NONE;

    fclose(f->stream); // through on_write() and on_close(), which keep the error
    f->stream = NULL;
    if (!f->error && f->temp && rename(f->temp, f->target) != 0)
        f->error = errno;
    if (f->error) {
        e = fail(f, f->error, m);
        outfile_discard(f);
    } else {
        free_outfile(f);
    }
    return e;
}

void outfile_discard(struct outfile *f)
{
    if (!f)
        return;
    f->discarded = true;
    if (f->stream)
        fclose(f->stream);
    else
        on_close(f);
    if (f->temp)
        unlink(f->temp);
    free_outfile(f);
}
