/* test/cli_rig.c -- see cli_rig.h. */
#include "test/cli_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/tmpdir.h"

/* This program is BUILD/test/unit/test_... */
void find_imcsim(char path[1024])
{
    ssize_t n = readlink("/proc/self/exe", path, 900);

    assert_true(n > 0);
    path[n] = '\0';
    for (int up = 0; up < 3; up++)
        *strrchr(path, '/') = '\0';
    strcat(path, "/imcsim");
}

size_t lines_beyond(const char *text, size_t most)
{
    size_t n = 0, length = 0;

    for (; *text; text++) {
        length = *text == '\n' ? 0 : length + (((unsigned char)*text & 0xc0) != 0x80);
        n += length == most + 1;
    }
    return n;
}

char *read_file(const char *dir, const char *name)
{
    char path[TMPDIR_PATH_MAX], *text;
    FILE *f = fopen(tmpdir_path(path, dir, name), "rb");
    size_t size;

    if (!f) {
        fail_msg("%s: %s", path, strerror(errno));
        return NULL;
    }
    FILE *memory = open_memstream(&text, &size);
    assert_non_null(memory);
    for (int c; (c = getc(f)) != EOF;)
        putc(c, memory);
    fclose(f);
    fclose(memory);
    return text;
}

struct outcome imcsim_to(const char *dir, const char *arguments, const char *redirect)
{
    char imcsim[1024], command[8192];
    size_t n;

    find_imcsim(imcsim);
    n = (size_t)snprintf(command, sizeof command, "%s ", imcsim);
    for (const char *part = arguments; part; part = part == arguments ? redirect : NULL)
        for (const char *p = part; *p; p++) {
            assert_true(n + strlen(dir) + 1 < sizeof command);
            if (*p == '@')
                n += (size_t)sprintf(command + n, "%s", dir);
            else
                command[n++] = *p;
        }
    command[n] = '\0';
    tmpdir_write(dir, "out", "", 0);
    int status = system(command);
    assert_true(WIFEXITED(status));
    return (struct outcome){ .status = WEXITSTATUS(status),
                             .out = read_file(dir, "out"),
                             .err = read_file(dir, "err") };
}

struct outcome imcsim(const char *dir, const char *arguments)
{
    return imcsim_to(dir, arguments, " >@/out 2>@/err </dev/null");
}

void outcome_release(struct outcome *o)
{
    free(o->out);
    free(o->err);
}

char *succeed(const char *dir, const char *arguments)
{
    struct outcome o = imcsim(dir, arguments);

    if (o.status != 0 || o.err[0] != '\0')
        fail_msg("imcsim %s: status %d, standard error: %s", arguments, o.status, o.err);
    free(o.err);
    return o.out;
}

void assert_one_error_line(const struct outcome *o, const char *arguments, int status,
                                  const char *want)
{
    if (o->status != status)
        fail_msg("imcsim %s: status %d, want %d: %s", arguments, o->status, status, o->err);
    const char *newline = strchr(o->err, '\n');
    if (strncmp(o->err, "imcsim: ", 8) != 0 || !newline || newline[1] != '\0')
        fail_msg("imcsim %s: want one line beginning \"imcsim: \", got: %s", arguments, o->err);
    if (!strstr(o->err, want))
        fail_msg("imcsim %s: want \"%s\" in: %s", arguments, want, o->err);
}

void assert_fails(const char *dir, const char *arguments, int status, const char *want)
{
    struct outcome o = imcsim(dir, arguments);

    assert_one_error_line(&o, arguments, status, want);
    assert_string_equal(o.out, "");
    outcome_release(&o);
}

json_t *json_of(const char *dir, const char *arguments)
{
    char *text = succeed(dir, arguments);
    json_error_t error;
    json_t *doc = json_loads(text, JSON_REJECT_DUPLICATES, &error);

    if (!doc)
        fail_msg("imcsim %s: line %d: %s", arguments, error.line, error.text);
    free(text);
    return doc;
}

json_t *at(json_t *doc, const char *path)
{
    char key[64];

    for (const char *p = path; *p; p += *p == '.') {
        size_t n = strcspn(p, ".[");
        snprintf(key, sizeof key, "%.*s", (int)n, p);
        p += n;
        doc = json_object_get(doc, key);
        if (strncmp(p, "[]", 2) == 0) {
            doc = json_array_get(doc, 0);
            p += 2;
        }
        if (!doc)
            fail_msg("no %s", path);
    }
    return doc;
}

int64_t integer_at(json_t *doc, const char *path)
{
    json_t *value = at(doc, path);

    if (!json_is_integer(value))
        fail_msg("%s is no integer", path);
    return json_integer_value(value);
}

double number_at(json_t *doc, const char *path)
{
    json_t *value = at(doc, path);

    if (!json_is_number(value))
        fail_msg("%s is no number", path);
    return json_number_value(value);
}

const char *text_at(json_t *doc, const char *path)
{
    json_t *value = at(doc, path);

    if (!json_is_string(value))
        fail_msg("%s is no text", path);
    return json_string_value(value);
}

json_t *named(json_t *array, const char *name)
{
    size_t i;
    json_t *o;

    json_array_foreach(array, i, o)
        if (strcmp(text_at(o, "name"), name) == 0)
            return o;
    fail_msg("nothing called %s", name);
    return NULL;
}
