#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/corpus.h"
#include "test/fuzz/fuzz_yaml.c"

static void hostile_yaml_is_refused_with_its_place_or_becomes_a_sound_tree(void **state)
{
    (void)state;
    assert_true(corpus_replay("test/fuzz/corpus/yaml", LLVMFuzzerTestOneInput) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_yaml_is_refused_with_its_place_or_becomes_a_sound_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
