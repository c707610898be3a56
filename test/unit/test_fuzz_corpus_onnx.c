#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/corpus.h"
#include "test/fuzz/fuzz_onnx.c"

static void hostile_models_are_refused_with_a_cure_or_make_sound_networks(void **state)
{
    (void)state;
    assert_true(corpus_replay("test/fuzz/corpus/onnx", LLVMFuzzerTestOneInput) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_models_are_refused_with_a_cure_or_make_sound_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
