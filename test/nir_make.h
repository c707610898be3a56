/* test/nir_make.h -- NIR graphs for tests: as the bytes that the reader of HDF5 files writes
 * (nir/stream.h), and as files.
 */
#ifndef TEST_NIR_MAKE_H
#define TEST_NIR_MAKE_H

#include <stddef.h>
#include <stdint.h>

#include "nir/graph.h"
#include "nir/network.h"

struct nir_make {
    uint8_t *bytes; // owned
    size_t   n, room;
    char    *edges; // owned; names, a zero byte behind each
    size_t   n_edge_byte, n_edge, edge_room;
};

void nir_make_begin(struct nir_make *k);

/* Begins with a node "input" of so many channels. */
void nir_make_input(struct nir_make *k, double channels);

/* A field of a node: numbers of up to 4 dimensions, 0 ends them; none: a scalar. */
void nir_make_numbers(struct nir_make *k, const char *node, const char *field, const double *v,
                      const uint32_t dim[4]);
void nir_make_number(struct nir_make *k, const char *node, const char *field, double v);
void nir_make_text(struct nir_make *k, const char *node, const char *field, const char *text);

/* A node of a type, fed by another (NULL: by none); its other fields follow. */
void nir_make_node(struct nir_make *k, const char *node, const char *type, const char *from);
void nir_make_edge(struct nir_make *k, const char *from, const char *to);

/* The bytes are complete then. */
void nir_make_end(struct nir_make *k);
void nir_make_release(struct nir_make *k);

/* The same as a graph. Fails the test where it is none. */
void nir_make_graph(struct nir_make *k, struct nir_graph *g);

/* Ends it; the network that it is, shown events in cfg's steps. Fails the test where it is none. */
void nir_make_network(struct network *n, struct nir_make *k, const struct nir_cfg *cfg);

/* Writes it as an HDF5 file by test/tools/write_hdf5. False where there is no such program. */
int nir_make_write(const struct nir_make *k, const char *path);

#endif
