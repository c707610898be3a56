#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/corpus.h"
#include "test/fuzz/fuzz_study.c"

static void hostile_studies_are_refused_or_every_point_sets_known_keys(void **state)
{
    (void)state;
    assert_true(corpus_replay("test/fuzz/corpus/study", LLVMFuzzerTestOneInput) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_studies_are_refused_or_every_point_sets_known_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
