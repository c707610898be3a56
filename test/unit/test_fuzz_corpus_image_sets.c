#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/corpus.h"
#include "test/fuzz/fuzz_image_sets.c"

static void hostile_arrays_archives_and_pictures_are_refused_or_read_alike(void **state)
{
    (void)state;
    assert_true(corpus_replay("test/fuzz/corpus/image_sets", LLVMFuzzerTestOneInput) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_arrays_archives_and_pictures_are_refused_or_read_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
