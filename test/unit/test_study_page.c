/* The page of a study, of 10,000 points, used in a browser as a person would. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "study/sweep/packed.h"
#include "study/sweep/store.h"
#include "test/cli_rig.h"
#include "test/tmpdir.h"

enum { N = 10000, N_ROWS = 100, N_CORES = 50, PRIME = 10007, N_LAYER = 3, FAILED_EVERY = 1000,
       TRIES = 3 };

/* Point i: its values are far from its order. */
static uint64_t rows_of(uint64_t i) { return i % N_ROWS; }
static uint64_t cores_of(uint64_t i) { return i / N_ROWS % N_CORES; }
static uint64_t latency_of(uint64_t i) { return (i + 1) * 7919 % PRIME; }
static bool fails(uint64_t i) { return i % FAILED_EVERY == 7; }

/* The document of all points with these rows, whose numbers are all odd or all even. */
static void pack_document(struct message *packed, uint64_t rows)
{
    struct packer packer = { NULL };
    char text[512];
    struct err_msg m;

    snprintf(text, sizeof text, "{\"config\": {\"core\": {\"rows\": %" PRIu64 ", \"own\": 1}, "
             "\"%s\": 3}, \"layers\": [{\"name\": \"a\", \"first_timestep\": 0, \"last_timestep\": "
             "%" PRIu64 "}, {\"name\": \"b\", \"first_timestep\": 2, \"last_timestep\": 9}, "
             "{\"name\": \"c\", \"first_timestep\": 3, \"last_timestep\": 9}]}", rows,
             rows % 2 ? "odd" : "even", rows);
    assert_int_equal(packed_add(&packer, packed, text, strlen(text), &m), ERR_NONE);
    packer_release(&packer);
}

static void add_point(struct store *s, uint64_t i, const struct message *document)
{
    char rows[32];
    const char *key[2] = { rows, i % 2 ? "free" : "</script>" };
    const double figure[2] = { (double)cores_of(i), (double)latency_of(i) };
    struct err_msg m;
    struct store_row row = { .id = { { (uint8_t)(i >> 8), (uint8_t)i } }, .key = key,
                             .error = fails(i) ? "it does not fit" : NULL };

    snprintf(rows, sizeof rows, "%" PRIu64, rows_of(i));
    if (!row.error) {
        row.figure = figure;
        row.result = document->byte;
        row.n_result = document->n;
    }
    assert_int_equal(store_add(s, &row, &m), ERR_NONE);
}

static void write_database(const char *dir)
{
    static const char *const keys[] = { "core.crossbar.rows", "mapping.firing" };
    static const char *const figures[] = { "cores", "latency_us" };
    const struct store_columns columns = { keys, 2, figures, 2 };
    struct message document[N_ROWS] = { { NULL, 0, 0 } };
    char path[TMPDIR_PATH_MAX];
    struct err_msg m;
    struct store *s;

    for (uint64_t rows = 0; rows < N_ROWS; rows++)
        pack_document(&document[rows], rows);
    assert_int_equal(store_open(&s, tmpdir_path(path, dir, "s.db"), "1", &columns, &m), ERR_NONE);
    for (uint64_t i = 0; i < N; i++)
        add_point(s, i, &document[rows_of(i)]);
    assert_int_equal(store_say(s, "objective", "[\"cores\",\"latency_us\"]", &m), ERR_NONE);
    assert_int_equal(store_flush(s, &m), ERR_NONE);
    store_close(s);
    for (int i = 0; i < N_ROWS; i++)
        message_release(&document[i]);
}

/* What a person does, and what is there then, a line each. */
static const char script[] =
    "<pre id='said'></pre><script>\n"
    "const say = (key, value) => { at('said').textContent += `[${key}: ${value}]\\n`; };\n"
    "const head = key => at('head').querySelector(`th[data-column='${key}']`);\n"
    "const first = () => { const r = at('rows').querySelector('tr');\n"
    "                      return r ? r.lastChild.textContent : 'none'; };\n"
    "const type = (key, text) => { const i = head(key).querySelector('input'); i.value = text;\n"
    "                              i.dispatchEvent(new Event('input')); };\n"
    "const mouse = (to, name, x, y, kind = MouseEvent) => {\n"
    "    const r = to.getBoundingClientRect();\n"
    "    to.dispatchEvent(new kind(name, { clientX: r.left + x, clientY: r.top + y, button: 0,\n"
    "                                      movementX: 1, bubbles: true, view: window })); };\n"
    "const counted = () => at('count').textContent;\n"
    "requestAnimationFrame(() => {\n" // when all is drawn
    "say('opened', `${counted()} in ${performance.now() | 0} ms`);\n"
    "head('latency_us').click(); say('up', first());\n"
    "head('latency_us').click(); say('down', first());\n"
    "type('core.crossbar.rows', '>=90'); say('filtered', counted());\n"
    "type('cores', '10..19'); say('both', counted());\n"
    "at('export').click(); say('csv', csv().split('\\n').length);\n"
    "say('line', csv().split('\\n')[1]);\n"
    "type('core.crossbar.rows', ''); type('cores', ''); say('none', counted());\n"
    "type('mapping.firing', 'FREE'); say('word', counted());\n"
    "at('clear').click(); say('clear', counted());\n"
    "at('y').value = 'core.crossbar.rows'; at('y').dispatchEvent(new Event('change'));\n"
    "requestAnimationFrame(() => requestAnimationFrame(() => {\n"
    "    const u = plot, x = v => u.valToPos(v, 'x'), y = v => u.valToPos(v, 'y');\n"
    "    mouse(u.over, 'mousemove', x(9.5), y(39.5));\n"
    "    mouse(u.over, 'mousedown', x(9.5), y(39.5));\n"
    "    mouse(u.over, 'mousemove', x(14.5), y(19.5));\n"
    "    mouse(u.over, 'mouseup', x(14.5), y(19.5));\n"
    "    say('box', counted());\n"
    "    mouse(u.over, 'mousemove', x(12), y(30)); say('hover', at('tip').textContent);\n"
    "    mouse(u.over, 'dblclick', x(12), y(30)); say('unboxed', counted());\n"
    "    const a = axes.findIndex(c => c.key === 'cores'), c = axes[a], p = at('parallel');\n"
    "    mouse(p, 'pointerdown', axis_x(a), axis_y(c, 4.5), PointerEvent);\n"
    "    mouse(p, 'pointerup', axis_x(a), axis_y(c, -0.5), PointerEvent);\n"
    "    say('axis', counted());\n"
    "    mouse(p, 'dblclick', axis_x(a), axis_y(c, 2)); say('cleared', counted());\n"
    "    choose(data.id.indexOf('0103' + '0'.repeat(28)));\n" // point 259
    "    say('config', at('config').textContent.replace(/\\s+/g, ''));\n"
    "    say('command', at('command').textContent.split('/').pop());\n"
    "    say('bars', at('timeline').querySelectorAll('rect').length);\n"
    "    say('bar', at('timeline').querySelector('title').textContent);\n"
    "    choose(7); say('failed', at('command').textContent);\n"
    "    say('requests', performance.getEntriesByType('resource').length);\n"
    "    say('end', 1);\n"
    "})); });\n"
    "</script>\n";

/* The page with the script behind it, after a browser has run it; the page itself goes. On a loaded
 * machine a browser without a head may end before it has drawn once. */
static char *browse(const char *dir)
{
    char path[TMPDIR_PATH_MAX], command[2 * TMPDIR_PATH_MAX + 400];
    char *page = read_file(dir, "page/index.html");
    FILE *f = fopen(tmpdir_path(path, dir, "used.html"), "w");

    assert_non_null(f);
    fputs(page, f);
    fputs(script, f);
    assert_int_equal(fclose(f), 0);
    free(page);
    char own[TMPDIR_PATH_MAX];
    assert_int_equal(remove(tmpdir_path(own, dir, "page/index.html")), 0);
    assert_int_equal(remove(tmpdir_path(own, dir, "page")), 0);
    snprintf(command, sizeof command,
             "profile=$(mktemp -d) && timeout 200 chromium --headless --no-sandbox --disable-gpu "
             "--window-size=1400,1600 --virtual-time-budget=20000 --user-data-dir=$profile "
             "--dump-dom 'file://%s' >%s/dom 2>/dev/null; rm -rf $profile", path, dir);
    char *dom = NULL;
    for (int i = 0; i < TRIES && !(dom && strstr(dom, "[end: 1]")); i++) {
        free(dom);
        assert_int_equal(system(command), 0);
        dom = read_file(dir, "dom");
    }
    return dom;
}

static void assert_said(const char *dom, const char *key, const char *fmt, ...)
{
    char want[256], line[320];
    va_list list;

    va_start(list, fmt);
    vsnprintf(want, sizeof want, fmt, list);
    va_end(list);
    snprintf(line, sizeof line, "[%s: %s]\n", key, want);
    const char *said = strstr(dom, "<pre id=\"said\">");
    assert_non_null(said);
    if (!strstr(said, line))
        print_message("want %s in %.*s", line, (int)strcspn(said, "<") + 1800, said);
    assert_non_null(strstr(said, line));
}

/* The point with the least or largest latency of those that `in`; N: none. How many are in. */
static int count_in(bool (*in)(uint64_t i), uint64_t *least, uint64_t *most)
{
    int n = 0;

    *least = *most = N;
    for (uint64_t i = 0; i < N; i++) {
        if (!in(i))
            continue;
        n++;
        if (*least == N || latency_of(i) < latency_of(*least))
            *least = i;
        if (*most == N || latency_of(i) > latency_of(*most))
            *most = i;
    }
    return n;
}

static bool works(uint64_t i) { return !fails(i); }
static bool is_both(uint64_t i)
{
    return works(i) && rows_of(i) >= 90 && cores_of(i) >= 10 && cores_of(i) <= 19;
}
static bool is_boxed(uint64_t i)
{
    return works(i) && cores_of(i) >= 10 && cores_of(i) <= 14 && rows_of(i) >= 20 &&
           rows_of(i) <= 39;
}
static bool has_rows(uint64_t i) { return rows_of(i) >= 90; } // failed ones too
static bool is_low(uint64_t i) { return works(i) && cores_of(i) <= 4; }

static void ten_thousand_points_sort_filter_brush_and_export(void **state)
{
    uint64_t least, most;

    if (system("command -v chromium >/dev/null") != 0) {
        print_message("skipped: chromium is not installed\n");
        skip();
    }
    write_database(*state);
    free(succeed(*state, "report @/s.db --html @/page"));
    char *dom = browse(*state);
    assert_said(dom, "end", "1");
    count_in(works, &least, &most);
    assert_said(dom, "up", "%04x%028x", (unsigned)least, 0);
    assert_said(dom, "down", "%04x%028x", (unsigned)most, 0);
    assert_said(dom, "filtered", "%d of 10000 points", count_in(has_rows, &least, &most));
    int n = count_in(is_both, &least, &most); // sorted: the largest first
    assert_said(dom, "both", "%d of 10000 points", n);
    assert_said(dom, "csv", "%d", n + 2); // a head, and what is behind the last newline
    assert_said(dom, "line", "%d,%s,%d,%d,,%04x%028x", (int)rows_of(most),
                most % 2 ? "free" : "&lt;/script&gt;", (int)cores_of(most), (int)latency_of(most),
                (unsigned)most, 0);
    assert_said(dom, "none", "10000 of 10000 points");
    assert_said(dom, "word", "5000 of 10000 points");
    assert_said(dom, "clear", "10000 of 10000 points");
    assert_said(dom, "box", "%d of 10000 points", count_in(is_boxed, &least, &most));
    assert_non_null(strstr(dom, "[hover: core.crossbar.rows 30\nmapping.firing "));
    assert_said(dom, "unboxed", "10000 of 10000 points");
    assert_said(dom, "axis", "%d of 10000 points", count_in(is_low, &least, &most));
    assert_said(dom, "cleared", "10000 of 10000 points");
    assert_said(dom, "config", "{\"core\":{\"rows\":59,\"own\":1},\"odd\":3}");
    assert_said(dom, "command", "s.db:010300000000");
    assert_said(dom, "bars", "%d", N_LAYER);
    assert_said(dom, "bar", "a: timesteps 0 to 59");
    assert_said(dom, "failed", "it does not fit");
    assert_said(dom, "requests", "0");
    const char *opened = strstr(dom, "[opened: ");
    assert_non_null(opened);
    print_message("%.*s\n", (int)strcspn(opened, "\n"), opened);
    free(dom);
}

#define IN_TMPDIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_make, tmpdir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TMPDIR(ten_thousand_points_sort_filter_brush_and_export),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
