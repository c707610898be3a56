/* test/fuzz/fuzz_yaml.c -- hostile YAML and hostile --set.
 *
 * Input: a YAML file, then strings "key=value", each behind a NUL byte.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/yaml.h"

#define MUST(claim) ((claim) ? (void)0 : (fprintf(stderr, "not so: %s\n", #claim), abort()))

enum { MAX_LEVEL = 64 + 64 }; // of a value that was set at the deepest key

static void check_message(const struct err_msg *m, const char *begin)
{
    MUST(strncmp(m->text, begin, strlen(begin)) == 0 && strlen(m->text) > strlen(begin));
    MUST(!strpbrk(m->text, "\n\r\t\033"));
}

static void check_readers(const struct yaml *node)
{
    struct err_msg m;
    uint64_t whole;
    double real;
    const char *text;
    char where[64];

    bool is_whole = !yaml_u64(node, "n", 0, UINT64_MAX, "", &whole, &m);
    bool is_real = !yaml_double(node, "x", -1e300, 1e300, "", &real, &m);
    MUST(is_real || !is_whole);
    if (is_whole)
        MUST((double)whole == real);
    if (yaml_text(node, "s", &text, &m) == ERR_NONE)
        MUST(!is_whole || (text[0] >= '0' && text[0] <= '9'));
    yaml_where(node, where, sizeof where);
    MUST(strncmp(where, node->line ? "fuzz.yaml:" : "--set ", node->line ? 10 : 6) == 0);
}

static void check_node(const struct yaml *node, int level)
{
    MUST(level <= MAX_LEVEL);
    MUST((node->kind == YAML_SCALAR) == (node->text != NULL));
    MUST(node->kind != YAML_SCALAR || node->n_item == 0);
    check_readers(node);
    for (size_t i = 0; i < node->n_item; i++) {
        MUST((node->kind == YAML_MAP) == (node->item[i].key != NULL));
        check_node(&node->item[i], level + 1);
        for (size_t j = 0; node->kind == YAML_MAP && j < i && j < MAX_LEVEL; j++)
            MUST(strcmp(node->item[i].key, node->item[j].key) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char *text = malloc(n + 1);
    struct yaml root;
    struct err_msg m = { "" };

    MUST(text);
    memcpy(text, bytes, n);
    text[n] = '\0';
    size_t n_file = strlen(text);
    enum err e = yaml_load_text(&root, "fuzz.yaml", text, n_file, &m);
    if (e)
        check_message(&m, "fuzz.yaml:");
    else
        check_node(&root, 1);
    for (size_t at = n_file + 1; !e && at < n; at += strlen(text + at) + 1) {
        if (yaml_set(&root, text + at, bytes[0] % 4 ? SIZE_MAX : 2, &m) != ERR_NONE)
            check_message(&m, "--set ");
        check_node(&root, 1);
    }
    yaml_release(&root);
    free(text);
    return 0;
}
