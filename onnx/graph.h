/* onnx/graph.h -- the graph of an ONNX model with its names resolved.
 *
 * A value is what a name stands for: a constant of the file, the image, or the output of a node.
 * After onnx_graph_init every node's inputs and outputs are indices of values, each value has one
 * maker, and nodes read only what constants, the image or earlier nodes make (onnx_order_nodes), so
 * that one pass sees everything before it is used. Nodes that lead to no output of the graph are
 * left out, as other runtimes do.
 */
#ifndef ONNX_GRAPH_H
#define ONNX_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "network/network.h"
#include "onnx.pb-c.h"

#define ONNX_ABSENT UINT32_MAX // an optional input or output that is left out

enum onnx_maker { ONNX_CONSTANT, ONNX_INPUT, ONNX_NODE };

struct onnx_value {
    const char     *name;
    enum onnx_maker maker;
    uint32_t        index;    // of the maker among the initializers, inputs or nodes
    uint32_t        n_reader; // inputs of nodes and outputs of the graph
};

/* One of the file's, or one result of its Split or LayerNormalization: they are a node for each. */
struct onnx_node {
    const Onnx__NodeProto *proto;
    uint32_t               part; // which of the results; 0 of other operators
    uint32_t               n_input, n_output;
    const uint32_t        *input, *output; // values, or ONNX_ABSENT
};

struct onnx_graph {
    const Onnx__GraphProto *proto; // borrowed
    int64_t                 opset;
    struct onnx_value      *value; // by name
    uint32_t                n_value;
    struct onnx_node       *node; // in order
    uint32_t                n_node;
    uint32_t               *link;   // what the nodes' lists point into
    uint32_t                n_input; // that no initializer gives
    uint32_t                image;   // the last of them; ONNX_ABSENT when there is none
    uint32_t                result;  // the last output; ONNX_ABSENT when there is none
    uint32_t                n_unread; // nodes of the file that were left out
    const Onnx__NodeProto  *unread;   // the first of them
};

/* model is borrowed for the graph's life; its operator set is least_opset to 26. On error *g is
 * zero. */
enum err onnx_graph_init(struct onnx_graph *g, const Onnx__ModelProto *model, int least_opset,
                         struct err_msg *m);
void onnx_graph_release(struct onnx_graph *g); // takes a zeroed one

/* Refuses more or less than one input, the image; and no output. */
enum err onnx_graph_check_input(const struct onnx_graph *g, struct err_msg *m);

/* What ONNX calls the axis of channels, in a dimension's denotation. */
#define ONNX_CHANNELS "DATA_CHANNEL"

/* Of the image: batch x channels x rows x columns, batch x channels x columns or batch x channels;
 * an open batch is 1. Channels come last where the file denotes that axis so (ONNX_CHANNELS), or
 * where the first node that does more than round it moves them to the front; of three dimensions
 * also where the first node that tells tokens from channels is of batch x tokens x channels: what
 * works value by value, positions and class tokens may come before it. */
struct onnx_image {
    struct shape shape;
    bool         channels_last;
    int32_t      type;  // float of any size, int8 or uint8
    uint32_t     batch; // images that the file takes at once
    uint32_t     n_dim, dim[4]; // for one image
};
enum err onnx_graph_image(const struct onnx_graph *g, struct onnx_image *image, struct err_msg *m);

/* What a node of Split takes of an axis of `length`: `n` from `start` on. `sizes`: of all parts, as
 * many as n_sizes, or none where they are alike. */
enum err onnx_split_part(const struct onnx_node *node, uint32_t length, uint32_t n_sizes,
                         const int64_t *sizes, uint32_t *start, uint32_t *n, struct err_msg *m);

/* Index of a value by name, or ONNX_ABSENT. */
uint32_t onnx_graph_find(const struct onnx_graph *g, const char *name);

/* A line that says which nodes were left out, empty where none was. */
void onnx_graph_tell_unread(const struct onnx_graph *g, struct err_msg *line);

/* Operators are named "Conv", or "domain.Conv" outside ONNX's own domain. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
enum err onnx_node_refuse(const struct onnx_node *n, struct err_msg *m, const char *fmt, ...);

/* Refuses an operator that is nowhere, with what to do about it where that is known. */
enum err onnx_node_unknown(const struct onnx_node *n, struct err_msg *m);

/* Puts `node "name" (Conv): ` before the line already there; returns ERR_INPUT. */
enum err onnx_node_prefix(const struct onnx_node *n, struct err_msg *m);

bool onnx_is_own_domain(const char *domain); // NULL, "" or "ai.onnx"

/* Refuses attribute i unless `known` lists its name and its node's operator set has it. Names are
 * separated by spaces; ":19" behind one says that operator set 19 brought it. */
enum err onnx_check_attribute(const struct onnx_node *n, size_t i, const char *known,
                              int64_t opset, struct err_msg *m);

/* Attributes. An absent one leaves *v as it is; one of another type is ERR_INPUT. */
enum err onnx_attr_int(const struct onnx_node *n, const char *name, int64_t *v, struct err_msg *m);
enum err onnx_attr_float(const struct onnx_node *n, const char *name, double *v,
                         struct err_msg *m);

/* Exactly n_v integers, each from least to 65,536. */
enum err onnx_attr_sizes(const struct onnx_node *n, const char *name, uint32_t *v, uint32_t n_v,
                         uint32_t least, struct err_msg *m);

/* Any integers, at most `most` of them; *given says whether the attribute is there. */
enum err onnx_attr_list(const struct onnx_node *n, const char *name, int64_t *v, uint32_t most,
                        uint32_t *n_v, bool *given, struct err_msg *m);

/* Borrowed; NULL when there is none. */
enum err onnx_attr_tensor(const struct onnx_node *n, const char *name,
                          const Onnx__TensorProto **t, struct err_msg *m);

/* Copies at most size - 1 bytes and a terminator. */
enum err onnx_attr_text(const struct onnx_node *n, const char *name, char *v, size_t size,
                        struct err_msg *m);

#endif
