/* The ends of the range of every key, through the whole plan: each gives a machine, or one line
 * with a cure. That keys take what help says, and no more, is test_config's. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dataflow/config.h"
#include "study/study.h"

static bool is_number(const struct param *row)
{
    return row->kind == PARAM_KIND_U32 || row->kind == PARAM_KIND_U64 ||
           row->kind == PARAM_KIND_DECIMAL;
}

/* "key=value" of a field's value. */
static void assign(char text[200], const struct param *row, uint64_t value)
{
    const uint64_t billion = 1000000000;

    if (row->kind == PARAM_KIND_DECIMAL)
        snprintf(text, 200, "%s=%" PRIu64 ".%09" PRIu64, row->key, value / billion,
                 value % billion);
    else
        snprintf(text, 200, "%s=%" PRIu64, row->key, value);
}

/* Of the smallest residual network, and of the machine that `also` makes of it. */
static enum err plan_with(const char *assignment, const char *also, struct err_msg *m)
{
    const char *const set[] = { "network.depth=8", "network.size=8", also, assignment };
    struct study s;
    enum err e = study_load(&s, "configs/resnet32.yaml", set, 4, m);

    if (!e)
        study_release(&s);
    return e;
}

/* What a refusal has: one line, and what is wanted instead. */
static void assert_cure(const char *assignment, const struct err_msg *m)
{
    if (strchr(m->text, '\n') || !strstr(m->text, "want "))
        fail_msg("%s: %s", assignment, m->text);
}

static void the_ends_of_every_range_give_a_machine_or_a_cure(void **state)
{
    static const char *const machines[] = { "batch=1", "core.readout.kind=adc" };
    uint64_t n_machine = 0, n_cure = 0;
    char text[200];

    (void)state;
    for (const struct param *row = config_params; row->key; row++) {
        if (!is_number(row))
            continue;
        const uint64_t ends[] = { row->least, row->most };
        for (size_t k = 0; k < sizeof machines / sizeof *machines; k++)
            for (size_t i = 0; i < 2; i++) {
                struct err_msg m = { .text = "" };
                assign(text, row, ends[i]);
                enum err e = plan_with(text, machines[k], &m);
                if (e)
                    assert_cure(text, &m);
                n_machine += !e;
                n_cure += e != ERR_NONE;
            }
    }
    print_message("%" PRIu64 " machines, %" PRIu64 " cures\n", n_machine, n_cure);
    assert_true(n_machine > n_cure && n_cure > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ends_of_every_range_give_a_machine_or_a_cure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
