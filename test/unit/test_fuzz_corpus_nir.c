#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/corpus.h"
#include "test/fuzz/fuzz_nir.c"

static void hostile_prices_are_refused_or_give_finite_costs(void **state)
{
    (void)state;
    assert_true(corpus_replay("test/fuzz/corpus/nir", LLVMFuzzerTestOneInput) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_prices_are_refused_or_give_finite_costs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
