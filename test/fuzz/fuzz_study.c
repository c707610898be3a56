/* test/fuzz/fuzz_study.c -- hostile studies. Every point of what is read sets keys that a
 * configuration has, and says what it sets.
 *
 * Input: a study.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/sweep/points.h"

#define MUST(claim) ((claim) ? (void)0 : (fprintf(stderr, "not so: %s\n", #claim), abort()))

enum { MOST_POINTS = 20 };

static void check_message(enum err e, const struct err_msg *m)
{
    MUST(!e || (e == ERR_INPUT && m->text[0] && !strpbrk(m->text, "\n\r\t\033")));
}

/* The last setting of a key counts. */
static void check_values(const struct sweep *s, const struct point *p)
{
    char key[256], value[4096];
    size_t n_key;
    char **keys = sweep_keys(s, &n_key);

    MUST(keys);
    for (size_t i = 0; i < p->n_set; i++) {
        const size_t n = strcspn(p->set[i], "=");
        MUST(p->set[i][n] == '=');
        size_t k = 0;
        while (k < n_key && !(strncmp(keys[k], p->set[i], n) == 0 && keys[k][n] == '\0'))
            k++;
        MUST(k < n_key);
        if (n < sizeof key) {
            snprintf(key, sizeof key, "%.*s", (int)n, p->set[i]);
            MUST(sweep_value(s, p, key, value, sizeof value));
        }
    }
    sweep_keys_free(keys, n_key);
}

static void check_point(const struct sweep *s, uint64_t i)
{
    struct point p;
    struct config c;
    struct err_msg m = { "" };
    bool kept;

    sweep_point(s, i, &p);
    MUST(p.n_set <= SWEEP_MOST_KEYS);
    check_values(s, &p);
    check_message(sweep_keeps(s, &p, &kept, &m), &m);
    enum err e = config_of_file(&c, &s->base_file, p.set, p.n_set, &m);
    check_message(e, &m);
    if (!e)
        config_release(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char *text = malloc(n + 1);
    struct sweep s;
    struct err_msg m = { "" };

    MUST(text);
    memcpy(text, bytes, n);
    text[n] = '\0';
    enum err e = sweep_load_text(&s, "configs/study.yaml", text, &m);
    check_message(e, &m);
    const uint64_t step = e ? 1 : 1 + s.n_point / MOST_POINTS;
    for (uint64_t i = 0; !e && i < s.n_point; i += step)
        check_point(&s, i);
    if (!e)
        sweep_release(&s);
    free(text);
    return 0;
}
