/* test/vcd_read.c -- see vcd_read.h. */
#include "test/vcd_read.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct reader {
    const char *at;
    char        word[256];
};

static bool next_word(struct reader *r)
{
    r->at += strspn(r->at, " \n");
    size_t n = strcspn(r->at, " \n");
    assert_true(n < sizeof r->word);
    memcpy(r->word, r->at, n);
    r->word[n] = '\0';
    r->at += n;
    return n > 0;
}

static void expect(struct reader *r, const char *word)
{
    assert_true(next_word(r));
    assert_string_equal(r->word, word);
}

/* The words up to $end, with single spaces. */
static void read_text(struct reader *r, char *text, size_t size)
{
    text[0] = '\0';
    while (next_word(r) && strcmp(r->word, "$end") != 0) {
        assert_true(strlen(text) + strlen(r->word) + 2 < size);
        if (*text)
            strcat(text, " ");
        strcat(text, r->word);
    }
    assert_string_equal(r->word, "$end");
}

/* The name without its core's, which stands in the scope: "fire" of chip.conv23.p1. */
static const char *own_name(const char *scope, const char *name)
{
    const char *core = strchr(scope, '.');
    size_t n = core ? strlen(++core) : 0;

    for (size_t i = 0; i < n; i++)
        if (name[i] != (core[i] == '.' ? '_' : core[i]))
            return name;
    return n > 0 && name[n] == '_' ? name + n + 1 : name;
}

static void read_var(struct reader *r, struct vcd_file *f, const char *scope)
{
    char text[256], name[128];
    struct vcd_signal s = { .n_change = 0 };

    read_text(r, text, sizeof text);
    if (sscanf(text, "%15s %" SCNu32 " %7s %127s", s.type, &s.bits, s.id, name) != 4)
        fail_msg("$var %s", text);
    if (strcmp(s.type, "real") == 0)
        strcpy(s.type, "wire");
    snprintf(s.name, sizeof s.name, "%s", name);
    snprintf(s.path, sizeof s.path, "%s.%s", scope, own_name(scope, name));
    for (uint32_t i = 0; i < f->n_signal; i++) {
        assert_string_not_equal(f->signal[i].id, s.id);
        assert_string_not_equal(f->signal[i].path, s.path);
    }
    f->signal = realloc(f->signal, (f->n_signal + 1) * sizeof *f->signal);
    assert_non_null(f->signal);
    f->signal[f->n_signal++] = s;
}

static void read_declarations(struct reader *r, struct vcd_file *f)
{
    char scope[256] = "", text[256];

    while (next_word(r) && strcmp(r->word, "$enddefinitions") != 0) {
        if (strcmp(r->word, "$scope") == 0) {
            expect(r, "module");
            assert_true(next_word(r));
            if (*scope)
                strcat(scope, ".");
            strcat(scope, r->word);
            expect(r, "$end");
        } else if (strcmp(r->word, "$upscope") == 0) {
            assert_true(*scope != '\0');
            *(strrchr(scope, '.') ? strrchr(scope, '.') : scope) = '\0';
            expect(r, "$end");
        } else if (strcmp(r->word, "$var") == 0) {
            read_var(r, f, scope);
        } else if (strcmp(r->word, "$timescale") == 0) {
            read_text(r, f->timescale, sizeof f->timescale);
        } else if (strcmp(r->word, "$comment") == 0) {
            read_text(r, f->comment, sizeof f->comment);
        } else {
            if (strcmp(r->word, "$date") != 0)
                assert_string_equal(r->word, "$version");
            read_text(r, text, sizeof text);
        }
    }
    assert_string_equal(scope, "");
    expect(r, "$end");
}

/* Short names count in base 94 from '!', the first character the lowest: found without a search,
 * then checked. */
static struct vcd_signal *by_id(struct vcd_file *f, const char *id)
{
    uint32_t n = 0;

    for (size_t i = strlen(id); i-- > 0;)
        n = n * 94 + (uint32_t)(id[i] - '!');
    for (uint32_t from = n < f->n_signal ? n : 0; from < f->n_signal; from++)
        if (strcmp(f->signal[from].id, id) == 0)
            return &f->signal[from];
    for (uint32_t i = 0; i < f->n_signal; i++)
        if (strcmp(f->signal[i].id, id) == 0)
            return &f->signal[i];
    fail_msg("no variable %s", id);
    return NULL;
}

static void add_change(struct vcd_signal *s, uint64_t time, uint64_t value, bool dumping)
{
    if (s->n_change == s->room) {
        s->room = s->room ? 2 * s->room : 16;
        s->change = realloc(s->change, s->room * sizeof *s->change);
        assert_non_null(s->change);
    }
    if (strcmp(s->type, "wire") == 0 && !dumping) {
        assert_true(s->n_change > 0);
        assert_true(s->change[s->n_change - 1].value != value);
        assert_true(s->n_change == 1 || s->change[s->n_change - 1].time < time);
    }
    s->change[s->n_change++] = (struct vcd_change){ time, value };
}

struct vcd_file vcd_read(const char *text)
{
    struct reader r = { .at = text };
    struct vcd_file f = { .n_signal = 0 };
    bool timed = false, dumping = false;
    uint64_t value = 0;
    char comment[256];

    read_declarations(&r, &f);
    while (next_word(&r)) {
        switch (r.word[0]) {
        case '#':
            value = strtoull(r.word + 1, NULL, 10);
            assert_true(!timed || value > f.end_time);
            f.end_time = value;
            timed = true;
            break;
        case '$':
            if (strcmp(r.word, "$comment") == 0) {
                read_text(&r, comment, sizeof comment);
                break;
            }
            assert_string_equal(r.word, dumping ? "$end" : "$dumpvars");
            dumping = !dumping;
            f.dump_time = f.end_time;
            break;
        case 'r':
            value = (uint64_t)strtoll(r.word + 1, NULL, 10);
            assert_true(next_word(&r));
            add_change(by_id(&f, r.word), f.end_time, value, dumping);
            break;
        case 'b':
            value = strtoull(r.word + 1, NULL, 2);
            size_t bits = strlen(r.word) - 1;
            assert_true(next_word(&r));
            assert_true(bits <= by_id(&f, r.word)->bits && by_id(&f, r.word)->bits > 1);
            add_change(by_id(&f, r.word), f.end_time, value, dumping);
            break;
        default:
            assert_true((timed || dumping) && (r.word[0] == '0' || r.word[0] == '1'));
            assert_int_equal(by_id(&f, r.word + 1)->bits, 1);
            add_change(by_id(&f, r.word + 1), f.end_time, (uint64_t)(r.word[0] - '0'), dumping);
        }
    }
    assert_false(dumping);
    return f;
}

void vcd_file_release(struct vcd_file *f)
{
    for (uint32_t i = 0; i < f->n_signal; i++)
        free(f->signal[i].change);
    free(f->signal);
    *f = (struct vcd_file){ .n_signal = 0 };
}

const struct vcd_signal *vcd_find(const struct vcd_file *f, const char *path)
{
    for (uint32_t i = 0; i < f->n_signal; i++)
        if (strcmp(f->signal[i].path, path) == 0)
            return &f->signal[i];
    return NULL;
}

uint64_t vcd_value_at(const struct vcd_signal *s, uint64_t time)
{
    uint64_t value = UINT64_MAX;

    for (uint32_t i = 0; i < s->n_change && s->change[i].time <= time; i++)
        value = s->change[i].value;
    return value;
}

uint64_t vcd_time_up(const struct vcd_signal *s, uint64_t end)
{
    uint64_t up = 0;

    for (uint32_t i = 0; i < s->n_change; i++)
        if (s->change[i].value)
            up += (i + 1 < s->n_change ? s->change[i + 1].time : end) - s->change[i].time;
    return up;
}
