/* test/nir_make.c -- see nir_make.h. */
#include "test/nir_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/datadir.h"

static void put(struct nir_make *k, const void *bytes, size_t n)
{
    const uint8_t *from = bytes;

    while (k->n + n > k->room) {
        k->room = k->room ? 2 * k->room : 4096;
        k->bytes = realloc(k->bytes, k->room);
        assert_non_null(k->bytes);
    }
    for (size_t i = 0; i < n; i++)
        k->bytes[k->n++] = from[i];
}

void nir_make_begin(struct nir_make *k)
{
    *k = (struct nir_make){ 0 };
}

static const uint32_t scalar[4] = { 0 };

static size_t put_head(struct nir_make *k, const char *word, const char *node, const char *field,
                       const uint32_t *dim)
{
    char line[512];
    uint32_t rank = 0;
    size_t n = 1, at;

    while (rank < 4 && dim[rank] > 0)
        rank++;
    at = (size_t)snprintf(line, sizeof line, "%s %u", word, rank);
    for (uint32_t i = 0; i < rank; i++) {
        at += (size_t)snprintf(line + at, sizeof line - at, " %u", dim[i]);
        n *= dim[i];
    }
    at += (size_t)snprintf(line + at, sizeof line - at, " /node/nodes/%s/%s\n", node, field);
    put(k, line, at);
    return n;
}

void nir_make_numbers(struct nir_make *k, const char *node, const char *field, const double *v,
                      const uint32_t dim[4])
{
    size_t n = put_head(k, "numbers", node, field, dim ? dim : scalar);

    put(k, v, n * sizeof *v);
}

void nir_make_number(struct nir_make *k, const char *node, const char *field, double v)
{
    nir_make_numbers(k, node, field, &v, NULL);
}

void nir_make_text(struct nir_make *k, const char *node, const char *field, const char *text)
{
    put_head(k, "text", node, field, scalar);
    put(k, text, strlen(text) + 1);
}

static void put_edge_name(struct nir_make *k, const char *name)
{
    size_t n = strlen(name) + 1;

    while (k->n_edge_byte + n > k->edge_room) {
        k->edge_room = k->edge_room ? 2 * k->edge_room : 256;
        k->edges = realloc(k->edges, k->edge_room);
        assert_non_null(k->edges);
    }
    memcpy(k->edges + k->n_edge_byte, name, n);
    k->n_edge_byte += n;
}

void nir_make_edge(struct nir_make *k, const char *from, const char *to)
{
    put_edge_name(k, from);
    put_edge_name(k, to);
    k->n_edge++;
}

void nir_make_node(struct nir_make *k, const char *node, const char *type, const char *from)
{
    nir_make_text(k, node, "type", type);
    if (from)
        nir_make_edge(k, from, node);
}

void nir_make_end(struct nir_make *k)
{
    char line[64] = "";
    int n = snprintf(line, sizeof line, "text 2 %zu 2 /node/edges\n", k->n_edge);

    put(k, line, (size_t)n);
    put(k, k->edges, k->n_edge_byte);
    put(k, "text 0 /node/type\nNIRGraph\0end\n", 18 + 9 + 4);
}

void nir_make_release(struct nir_make *k)
{
    free(k->bytes);
    free(k->edges);
}

void nir_make_graph(struct nir_make *k, struct nir_graph *g)
{
    struct nir_file f;
    struct err_msg m;

    if (nir_file_parse(&f, k->bytes, k->n, &m) || nir_graph_make(g, &f, &m))
        fail_msg("%s", m.text);
}

int nir_make_write(const struct nir_make *k, const char *path)
{
    char program[DATADIR_BYTE + 64], command[2 * DATADIR_BYTE + 256];

    snprintf(program, sizeof program, "%s/test/tools/write_hdf5", datadir_programs());
    if (access(program, X_OK) != 0)
        return 0;
    snprintf(command, sizeof command, "'%s' '%s'", program, path);
    FILE *to = popen(command, "w");
    assert_non_null(to);
    assert_int_equal(fwrite(k->bytes, 1, k->n, to), k->n);
    assert_int_equal(pclose(to), 0);
    return 1;
}

void nir_make_network(struct network *n, struct nir_make *k, const struct nir_cfg *cfg)
{
    struct nir_graph g;
    struct err_msg m;

    nir_make_end(k);
    nir_make_graph(k, &g);
    if (nir_network(n, "test", &g, cfg, &m))
        fail_msg("%s", m.text);
    n->present = (struct presentation){ .coding = coding_find("events"), .steps = cfg->steps,
                                        .bare = true };
    if (network_check(n, &m))
        fail_msg("%s", m.text);
    nir_graph_release(&g);
    nir_make_release(k);
}

void nir_make_input(struct nir_make *k, double channels)
{
    nir_make_begin(k);
    nir_make_node(k, "input", "Input", NULL);
    nir_make_numbers(k, "input", "shape", &channels, (uint32_t[4]){ 1 });
}
