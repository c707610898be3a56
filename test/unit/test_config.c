#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataflow/config.h"

static void the_plain_run_is_what_the_defaults_say(void **state)
{
    struct config file, plain;
    struct err_msg m;
    char *text[2];
    size_t n[2];

    (void)state;
    assert_int_equal(config_load(&file, "configs/resnet32.yaml", NULL, 0, &m), ERR_NONE);
    assert_int_equal(config_load(&plain, NULL, NULL, 0, &m), ERR_NONE);
    const struct config *c[2] = { &file, &plain };
    for (int i = 0; i < 2; i++) {
        FILE *out = open_memstream(&text[i], &n[i]);
        assert_int_equal(config_write_yaml(c[i], out, &m), ERR_NONE);
        fclose(out);
    }
    assert_string_equal(text[0], text[1]);
    free(text[0]);
    free(text[1]);
    config_release(&file);
    config_release(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plain_run_is_what_the_defaults_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
