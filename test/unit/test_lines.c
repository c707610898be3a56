/* Files of lines: what is handed over, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/lines.h"
#include "test/tmpdir.h"

enum { SEEN_BYTE = 2000 };

struct seen {
    char text[SEEN_BYTE]; // the lines, a bar behind each
};

static enum err see(void *user, char *line, struct err_msg *m)
{
    struct seen *s = user;
    size_t n = strlen(s->text);

    snprintf(s->text + n, sizeof s->text - n, "%s|", line);
    return strcmp(line, "bad") == 0 ? err_set(m, ERR_INPUT, "want a good one") : ERR_NONE;
}

static enum err read_bytes(struct seen *s, const char *dir, const char *bytes, size_t n,
                           struct err_msg *m)
{
    char path[TMPDIR_PATH_MAX];

    *s = (struct seen){ "" };
    tmpdir_write(dir, "list", bytes, n);
    FILE *in = fopen(tmpdir_path(path, dir, "list"), "r");
    assert_non_null(in);
    enum err e = lines_read(in, "list", see, s, m);
    fclose(in);
    return e;
}

#define ASSERT_LINES(bytes, lines)                                                                 \
    do {                                                                                           \
        assert_int_equal(read_bytes(&s, *state, bytes, sizeof bytes - 1, &m), ERR_NONE);           \
        assert_string_equal(s.text, lines);                                                        \
    } while (0)

#define ASSERT_REFUSED(bytes, lines, message)                                                      \
    do {                                                                                           \
        assert_int_equal(read_bytes(&s, *state, bytes, sizeof bytes - 1, &m), ERR_INPUT);          \
        assert_string_equal(s.text, lines);                                                        \
        assert_string_equal(m.text, message);                                                      \
    } while (0)

static void lines_come_without_their_ends_and_the_last_needs_none(void **state)
{
    struct err_msg m;
    struct seen s;

    ASSERT_LINES("", "");
    ASSERT_LINES("\n", "|");
    ASSERT_LINES("a", "a|");
    ASSERT_LINES("a\n\nb c\n", "a||b c|");
    ASSERT_LINES("a\r\nb", "a\r|b|");
    ASSERT_REFUSED("a\nbad\nc\n", "a|bad|", "list:2: want a good one");
}

static void a_mark_of_byte_order_is_no_word(void **state)
{
    struct err_msg m;
    struct seen s;

    ASSERT_LINES("\xef\xbb\xbf" "core\na\n", "core|a|");
    ASSERT_LINES("core\n\xef\xbb\xbf" "a\n", "core|\xef\xbb\xbf" "a|");
}

static void what_follows_a_byte_of_0_is_not_lost(void **state)
{
    static const char message[] = "list:2: a byte of 0: want lines of text";
    struct err_msg m;
    struct seen s;

    ASSERT_REFUSED("a\nb\0c\nd\n", "a|", message);
    ASSERT_REFUSED("a\n\0", "a|", message);
    ASSERT_REFUSED("a\n\0\n", "a|", message);
}

static void a_line_has_254_bytes_and_no_more(void **state)
{
    char line[300], want[300];
    struct err_msg m;
    struct seen s;

    memset(line, 'a', sizeof line);
    snprintf(want, sizeof want, "%.254s|", line);
    assert_int_equal(read_bytes(&s, *state, line, 254, &m), ERR_NONE);
    assert_string_equal(s.text, want);
    line[254] = '\n';
    assert_int_equal(read_bytes(&s, *state, line, 255, &m), ERR_NONE);
    assert_string_equal(s.text, want);
    line[254] = 'a';
    line[255] = '\n';
    assert_int_equal(read_bytes(&s, *state, line, 256, &m), ERR_INPUT);
    assert_string_equal(m.text, "list:1: want lines of at most 254 bytes");
    assert_string_equal(s.text, "");
}

static void a_folder_is_no_file_of_lines(void **state)
{
    FILE *in = fopen(*state, "r");
    struct seen s = { "" };
    struct err_msg m;

    assert_non_null(in);
    assert_int_equal(lines_read(in, "list", see, &s, &m), ERR_INPUT);
    assert_string_equal(m.text, "list: cannot be read: Is a directory");
    fclose(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_without_their_ends_and_the_last_needs_none),
        cmocka_unit_test(a_mark_of_byte_order_is_no_word),
        cmocka_unit_test(what_follows_a_byte_of_0_is_not_lost),
        cmocka_unit_test(a_line_has_254_bytes_and_no_more),
        cmocka_unit_test(a_folder_is_no_file_of_lines),
    };
    return cmocka_run_group_tests(tests, tmpdir_make, tmpdir_remove);
}
