/* test/cli_rig.h -- the command as a user meets it: a child process, its streams and exit status.
 *
 * Child is imcsim of the build that the test belongs to. Whatever fails here fails the test.
 */
#ifndef TEST_CLI_RIG_H
#define TEST_CLI_RIG_H

#include <stdint.h>

#include <jansson.h>

void find_imcsim(char path[1024]);

struct outcome {
    int   status;
    char *out, *err; // owned
};

/* Runs "imcsim ARGUMENTS" through a shell, `redirect` behind it, which puts what the outcome is to
 * hold into the files `out` and `err` of `dir`; @ in both stands for `dir`. */
struct outcome imcsim_to(const char *dir, const char *arguments, const char *redirect);
struct outcome imcsim(const char *dir, const char *arguments);
void outcome_release(struct outcome *o);

/* Succeeds, silent on standard error; returns standard output, the caller's. */
char *succeed(const char *dir, const char *arguments);

/* Fails with one line on standard error that holds `want`, and nothing on standard output. */
void assert_fails(const char *dir, const char *arguments, int status, const char *want);

void assert_one_error_line(const struct outcome *o, const char *arguments, int status,
                           const char *want);

/* Lines of the text that are longer than `most` characters. */
size_t lines_beyond(const char *text, size_t most);

char *read_file(const char *dir, const char *name); // the caller's

/* Standard output of a success, which is one JSON document; the caller owns the reference. */
json_t *json_of(const char *dir, const char *arguments);

/* The value at "a.b[].c", which must be there; [] is the first item. */
json_t *at(json_t *doc, const char *path);
int64_t integer_at(json_t *doc, const char *path);
double number_at(json_t *doc, const char *path);
const char *text_at(json_t *doc, const char *path);

/* The object of an array whose "name" is this. */
json_t *named(json_t *array, const char *name);

#endif
