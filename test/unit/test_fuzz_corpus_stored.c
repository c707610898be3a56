#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/corpus.h"
#include "test/fuzz/fuzz_stored.c"

static void hostile_results_are_refused_or_priced_with_finite_figures(void **state)
{
    (void)state;
    assert_true(corpus_replay("test/fuzz/corpus/stored", LLVMFuzzerTestOneInput) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_results_are_refused_or_priced_with_finite_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
