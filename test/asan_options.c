/* test/asan_options.c -- under the address sanitizer, malloc() of too much fails as it does
 * elsewhere, so that tests of refused sizes run there too. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
