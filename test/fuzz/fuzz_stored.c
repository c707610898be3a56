/* test/fuzz/fuzz_stored.c -- hostile result documents, which `imcsim breakdown` prices again, and
 * hostile names of classes.
 *
 * Input: a document; behind a NUL byte, a file of class names. The configuration in a document is
 * replaced by one of few layers, since others have a target of their own and may take long.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "report/class_names.h"
#include "study/pricing.h"
#include "study/stored.h"
#include "test/tmpdir.h"

#define MUST(claim) ((claim) ? (void)0 : (fprintf(stderr, "not so: %s\n", #claim), abort()))

#define CONFIG                                                                                     \
    "{\"network\": {\"depth\": 6, \"size\": 8, \"channels\": [2, 3]},"                             \
    " \"energy\": {\"chip\": \"dazzi2021_14nm\"}}"

static void write_document(const char *dir, const char *text, size_t n)
{
    json_t *doc = json_loadb(text, n, 0, NULL);

    if (json_is_object(json_object_get(doc, "config"))) {
        json_object_set_new(doc, "config", json_loads(CONFIG, 0, NULL));
        char *dump = json_dumps(doc, JSON_COMPACT);
        MUST(dump);
        tmpdir_write(dir, "run.json", dump, strlen(dump));
        free(dump);
    } else {
        tmpdir_write(dir, "run.json", text, n);
    }
    json_decref(doc);
}

static void check_price(const struct price_report *r)
{
    int64_t sum = 0;

    MUST(isfinite(r->image_ns) && isfinite(r->tops_per_w) && isfinite(r->tops_per_mm2));
    for (uint32_t i = 0; i < r->n_layer; i++)
        sum += price_row_energy_pj(&r->layer[i]);
    MUST(sum == price_row_energy_pj(&r->total));
}

static void check_document(const char *dir, const char *text, size_t n)
{
    char path[TMPDIR_PATH_MAX];
    struct study s;
    struct run_result r;
    struct price_report price = { 0 };
    struct err_msg m = { "" };

    write_document(dir, text, n);
    enum err e = stored_load(&s, &r, tmpdir_path(path, dir, "run.json"), NULL, 0, &m);
    MUST(!e || strncmp(m.text, path, strlen(path)) == 0);
    if (!e && !(e = pricing(&price, &s, &r, &m)))
        check_price(&price);
    MUST(!e || (m.text[0] && !strpbrk(m.text, "\n\r\t\033")));
    price_report_release(&price);
    run_result_release(&r);
    study_release(&s);
}

static void check_names(const char *dir, const char *text, size_t n)
{
    enum { N_NAME = 5 };
    struct class_name name[N_NAME];
    char path[TMPDIR_PATH_MAX];

    tmpdir_write(dir, "model.classes.txt", text, n);
    class_names(name, N_NAME, tmpdir_path(path, dir, "model.onnx"));
    for (int i = 0; i < N_NAME; i++) {
        MUST(memchr(name[i].text, '\0', sizeof name[i].text) && name[i].text[0]);
        for (const char *c = name[i].text; *c; c++)
            MUST((unsigned char)*c >= ' ' && *c != 127);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const uint8_t *end = n ? memchr(bytes, '\0', n) : NULL;
    size_t n_document = end ? (size_t)(end - bytes) : n;
    void *dir;

    MUST(tmpdir_make(&dir) == 0);
    check_document(dir, (const char *)bytes, n_document);
    if (end)
        check_names(dir, (const char *)end + 1, n - n_document - 1);
    MUST(tmpdir_remove(&dir) == 0);
    return 0;
}
