#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/corpus.h"
#include "test/fuzz/fuzz_config.c"

static void hostile_configurations_are_refused_or_written_and_read_again_alike(void **state)
{
    (void)state;
    assert_true(corpus_replay("test/fuzz/corpus/config", LLVMFuzzerTestOneInput) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_configurations_are_refused_or_written_and_read_again_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
