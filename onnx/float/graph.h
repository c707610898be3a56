/* onnx/float/graph.h -- ONNX graphs evaluated as ONNX defines them, in single precision.
 *
 * The importer's own picture of a network: it folds the constant subgraphs that exporters leave,
 * finds every shape, and says what an unquantised network answers. Operators are float_op_*.c;
 * docs/onnx.md lists them. Operator sets 1 to 26; of those before 7, nodes are
 * refused whose attributes set 7 took away.
 *
 * Evaluation is deterministic: on one host or another, with or without AVX2, the same bits.
 */
#ifndef ONNX_FLOAT_GRAPH_H
#define ONNX_FLOAT_GRAPH_H

#include "onnx/array.h"
#include "onnx/graph.h"

struct float_operator;

struct float_graph {
    struct onnx_graph             graph;
    struct array                 *constant; // per value; of unknown ones, zero
    const struct float_operator **op;       // per node; NULL: its result is constant
    uint64_t                      most_values; // of all arrays of a run together
    uint64_t                      most_work;   // multiply-accumulates and the like, of a run
};

/* The model is borrowed. Refuses operators that are not there. On error *g is zero. */
enum err float_graph_init(struct float_graph *g, const Onnx__ModelProto *model, struct err_msg *m);
void float_graph_release(struct float_graph *g); // takes a zeroed one

/* Evaluates the graph once on `image` and keeps, as constants, the results that no image changes:
 * those of nodes that read constants or ask for a shape only. shape[i], if shape is not NULL,
 * becomes value i's, without values. */
enum err float_graph_fold(struct float_graph *g, const struct array *image, struct err_msg *m);

/* The values of one evaluation. Runs of one graph may go on at the same time. */
struct float_run {
    const struct float_graph *graph;
    struct array             *value; // per value; constants are the graph's
};

enum err float_run_init(struct float_run *r, const struct float_graph *g, struct err_msg *m);
void float_run_release(struct float_run *r); // takes a zeroed one

/* Takes over *a as the value of a graph input; *a is zero then. */
void float_run_set(struct float_run *r, uint32_t value, struct array *a);

/* All nodes, in order. ERR_INPUT names the node that cannot be evaluated. */
enum err float_run_all(struct float_run *r, struct err_msg *m);

/* Whether each value of a node's result comes from one value of each input, spread to one shape. */
bool float_is_elementwise(const struct onnx_node *node);

/* One node by itself: the arrays of its inputs, NULL for one that is left out, and what it may
 * still make and work. *out is the caller's; zero on error. */
struct float_eval {
    const struct onnx_node    *node;
    int64_t                    opset;
    const struct array *const *in;
    uint64_t                  *values_left, *work_left;
};
enum err float_eval(const struct float_eval *call, struct array *out, struct err_msg *m);

#endif
