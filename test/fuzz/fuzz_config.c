/* test/fuzz/fuzz_config.c -- hostile configurations: what is read is written and read again alike.
 *
 * Input: a configuration file, then strings "key=value", each behind a NUL byte.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "dataflow/config.h"
#include "test/tmpdir.h"

#define MUST(claim) ((claim) ? (void)0 : (fprintf(stderr, "not so: %s\n", #claim), abort()))

enum { MAX_SET = 16 };

static char *yaml_of(const struct config *c)
{
    struct err_msg m;
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    MUST(out && config_write_yaml(c, out, &m) == ERR_NONE && fclose(out) == 0);
    return text;
}

/* Files that a text names are seen from here, as the configuration has them. */
static void check_good(const struct config *c)
{
    char *first = yaml_of(c);
    struct config back;
    struct err_msg m = { "" };

    MUST(config_load_text(&back, "back", first, NULL, 0, &m) == ERR_NONE);
    char *second = yaml_of(&back);
    MUST(strcmp(first, second) == 0);
    json_t *json = config_to_json(c), *json_back = config_to_json(&back);
    MUST(json && json_equal(json, json_back));
    json_decref(json);
    json_decref(json_back);
    free(first);
    free(second);
    config_release(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char *text = malloc(n + 1), path[TMPDIR_PATH_MAX];
    const char *set[MAX_SET];
    size_t n_set = 0;
    struct config c;
    struct err_msg m = { "" };
    void *dir;

    MUST(text && tmpdir_make(&dir) == 0);
    memcpy(text, bytes, n);
    text[n] = '\0';
    for (size_t at = strlen(text) + 1; at < n && n_set < MAX_SET; at += strlen(text + at) + 1)
        set[n_set++] = text + at;

    tmpdir_write(dir, "fuzz.yaml", text, strlen(text));
    enum err e = config_load(&c, tmpdir_path(path, dir, "fuzz.yaml"), set, n_set, &m);
    MUST(e == ERR_NONE || (e == ERR_INPUT && !strpbrk(m.text, "\n\r\t\033")));
    MUST(!e || strncmp(m.text, path, strlen(path)) == 0 || strncmp(m.text, "--set ", 6) == 0);
    if (!e)
        check_good(&c);
    config_release(&c);
    free(text);
    MUST(tmpdir_remove(&dir) == 0);
    return 0;
}
