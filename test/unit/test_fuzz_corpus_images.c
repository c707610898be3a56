#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/corpus.h"
#include "test/fuzz/fuzz_images.c"

static void hostile_image_sets_are_refused_or_read_alike_each_time(void **state)
{
    (void)state;
    assert_true(corpus_replay("test/fuzz/corpus/images", LLVMFuzzerTestOneInput) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_image_sets_are_refused_or_read_alike_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
