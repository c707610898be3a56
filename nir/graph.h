/* nir/graph.h -- the graph of a NIR file: nodes in the order in which they can be computed.
 *
 * NIR (Pedersen and others, Nature Communications 2024) keeps a graph in HDF5: /node/nodes/NAME/
 * has the fields of a node, /node/edges pairs of names. A graph may hold graphs, whose nodes are
 * called GRAPH.NAME here and read as if they stood in it.
 */
#ifndef NIR_GRAPH_H
#define NIR_GRAPH_H

#include "nir/file.h"

enum { NIR_MOST_NODES = 4096, NIR_MOST_TYPE = 32 };

struct nir_node {
    char     *name;  // owned
    char     *group; // owned; of its datasets, "/node/nodes/0"
    char      type[NIR_MOST_TYPE]; // "Conv2d"
    uint32_t *from;  // owned; the nodes that it reads, all before it
    uint32_t  n_from;
};

struct nir_graph {
    struct nir_file  file; // owned
    struct nir_node *node; // owned
    uint32_t         n_node;
};

/* ERR_INPUT: no file, no graph, or nodes that feed one another. On error *g is zero. */
enum err nir_graph_load(struct nir_graph *g, const char *path, struct err_msg *m);

/* The same of a file that has been read, which it takes over. */
enum err nir_graph_make(struct nir_graph *g, struct nir_file *f, struct err_msg *m);
void     nir_graph_release(struct nir_graph *g); // takes a zeroed one

/* A field of a node; NULL: it has none. */
const struct nir_dataset *nir_field(const struct nir_graph *g, uint32_t node, const char *name);

#endif
