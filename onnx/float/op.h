/* onnx/float/op.h -- an operator of the float evaluator; shared by the files float_*.c only.
 *
 * One file float_op_*.c is a family of operators and one row of the family's table is one operator:
 * a pure function from the arrays of its inputs to the array of its output. Shapes come out of it
 * as well, so there is no second description of them. Opset differences are read off the node: what
 * is an attribute in one set and an input in a later one is looked for in both places.
 */
#ifndef ONNX_FLOAT_OP_H
#define ONNX_FLOAT_OP_H

#include "onnx/array.h"
#include "onnx/graph.h"

struct float_call { // one node, being evaluated
    const struct onnx_node    *node;
    const struct array *const *in; // one per input of the node; NULL: left out
    uint32_t                   n_in;
    int64_t                    opset;
    struct array               out;
    uint64_t                  *values_left, *work_left; // bounds of the run
    struct err_msg            *msg;
};

struct float_operator {
    const char *name; // NULL ends a family
    uint32_t    least_input, most_input;
    const char *attributes; // those it knows, as onnx_check_attribute() takes them
    enum err  (*eval)(struct float_call *c);
};

extern const struct float_operator float_ops_elementwise[], float_ops_function[],
    float_ops_layout[], float_ops_logic[], float_ops_matmul[], float_ops_norm[],
    float_ops_qlinear[], float_ops_quantize[], float_ops_resize[], float_ops_rotary[],
    float_ops_shape[], float_ops_softmax[], float_ops_transposed[], float_ops_window[];

#define FLOAT_REFUSE(c, ...) onnx_node_refuse((c)->node, (c)->msg, __VA_ARGS__)

enum { FLOAT_MOST_LIST = 2 * ONNX_MOST_DIMS };

struct float_list {
    bool     given;
    uint32_t n;
    int64_t  v[FLOAT_MOST_LIST];
};

/* Makes c->out, zeros; refuses one of 2^31 values or more, or beyond the run's bound. */
enum err float_out(struct float_call *c, int32_t type, uint32_t n_dim, const uint32_t *dim);

/* Takes n steps of the run's bound on work: multiply-accumulates, comparisons. */
enum err float_work(struct float_call *c, uint64_t n);

/* Input i if it is there, else the attribute; .given says whether either is. */
enum err float_integers(const struct float_call *c, uint32_t i, const char *attribute,
                        struct float_list *list);

/* -n_dim .. n_dim - 1 to 0 .. n_dim - 1. */
enum err float_axis(const struct float_call *c, int64_t axis, uint32_t n_dim, uint32_t *out);

/* Quantised values: three inputs of a node, and along which axis there may be several scales: one a
 * place, or of an array of scales one for each block of places. */
struct float_quantised {
    uint32_t x, scale, zero; // the zero point may be left out
    int64_t  axis, block;    // block: its places; 0 where there are none
    int64_t  type;           // of codes without a zero point; 0: uint8
};

/* real = (x - zero) * scale, a new array of the caller's. */
enum err float_dequantise(struct float_call *c, const struct float_quantised *q, struct array *out);

/* c->out = saturate(rint(real / scale) + zero), ties to even, with one scale in inputs `scale` and
 * `zero`; real is c->out as it was. */
enum err float_requantise(struct float_call *c, uint32_t scale, uint32_t zero);

/* An operator that exists on other inputs, with the node's attributes; its result is c->out. */
enum err float_call_operator(struct float_call *c, const char *name,
                             const struct array *const *in, uint32_t n_in);

bool float_has(const struct float_call *c, uint32_t i);
enum err float_no_memory(struct float_call *c);

/* Sizes of the dims before, of and behind an axis: index = (i * at + j) * behind + k. */
struct float_split {
    size_t before, at, behind;
};
struct float_split float_split(const struct array *a, uint32_t axis);

#endif
