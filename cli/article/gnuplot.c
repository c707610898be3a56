/* cli/article/gnuplot.c -- see gnuplot.h. The child's three streams are temporary files: whatever
 * their sizes, neither side waits for the other. */
#include "cli/article/gnuplot.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

enum { IN, OUT, ERR, N_STREAM };

static enum err failed(struct err_msg *m, const char *what, int error)
{
    return err_set(m, ERR_RUN, "gnuplot: %s: %s", what, strerror(error));
}

/* All of a file as text; NULL without memory. */
static char *contents(FILE *f)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);

    if (!memory)
        return NULL;
    rewind(f);
    for (int c; (c = getc(f)) != EOF;)
        putc(c, memory);
    if (fclose(memory) == 0)
        return text;
    free(text);
    return NULL;
}

/* 0, or the errno of what went wrong. */
static int spawn(FILE *const stream[N_STREAM], pid_t *child)
{
    char name[] = "gnuplot", defaults[] = "-d"; // the user's own settings are not read
    char *argv[] = { name, defaults, NULL };
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    if (error)
        return error;
    for (int i = 0; i < N_STREAM && !error; i++)
        error = posix_spawn_file_actions_adddup2(&actions, fileno(stream[i]), i);
    if (!error)
        error = posix_spawnp(child, name, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static enum err collect(FILE *const stream[N_STREAM], pid_t child, char **text, struct err_msg *m)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return failed(m, "cannot wait", errno);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        *text = contents(stream[OUT]);
        return *text ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for a figure");
    }
    char *words = contents(stream[ERR]);
    for (char *p = words; p && *p; p++)
        *p = *p == '\n' ? ' ' : *p;
    err_set(m, ERR_RUN, "gnuplot failed: %s", words ? words : "");
    free(words);
    return ERR_RUN;
}

static enum err run_child(FILE *const stream[N_STREAM], const char *script, char **text,
                          struct err_msg *m)
{
    pid_t child;

    if (fputs(script, stream[IN]) < 0 || fflush(stream[IN]))
        return failed(m, "cannot write a temporary file", errno);
    rewind(stream[IN]);
    int error = spawn(stream, &child);
    if (error == ENOENT)
        return ERR_NONE;
    return error ? failed(m, "cannot start", error) : collect(stream, child, text, m);
}

enum err gnuplot_run(const char *script, char **text, struct err_msg *m)
{
    FILE *stream[N_STREAM] = { 0 };
    enum err e = ERR_NONE;

    *text = NULL;
    for (int i = 0; i < N_STREAM && !e; i++)
        if (!(stream[i] = tmpfile()))
            e = failed(m, "no temporary file", errno);
    if (!e)
        e = run_child(stream, script, text, m);
    for (int i = 0; i < N_STREAM && stream[i]; i++)
        fclose(stream[i]);
    return e;
}
