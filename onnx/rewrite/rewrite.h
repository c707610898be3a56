/* onnx/rewrite/rewrite.h -- nodes that become others before anything reads the graph.
 *
 * One file is a family, one row of its table an operator: what its node becomes is put behind the
 * nodes so far. A node that no row takes stays as it is. Messages are allocated as protobuf-c
 * itself would.
 */
#ifndef ONNX_REWRITE_REWRITE_H
#define ONNX_REWRITE_REWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "onnx/graph.h"
#include "onnx/tensor.h"

enum { ONNX_NAME = 256 }; // of what is put in

struct onnx_named { // a constant of the model
    const char              *name;
    const Onnx__TensorProto *tensor;
};

struct onnx_rewriting {
    Onnx__ModelProto  *model;
    Onnx__NodeProto  **node; // owned list, and what it points to
    size_t             n_node;
    struct onnx_named *constant; // owned; by name
    size_t             n_constant;
    size_t             n_stored; // initializers of the file; those behind are put in
    uint64_t           made;      // bytes of new constants
    bool               quantises; // the model then needs set 10 for QuantizeLinear
    bool               is_float;  // no operator of it rounds
    bool               failed;    // no memory
    struct err_msg    *msg;
};

struct onnx_rewriter { // of one output, which the node has, or of several
    bool (*takes)(const struct onnx_rewriting *w, const Onnx__NodeProto *node);
    /* *node is freed afterwards, unless it is NULL then. */
    enum err (*rewrite)(struct onnx_rewriting *w, Onnx__NodeProto **node);
    bool several; // of the outputs the first is there
};
extern const struct onnx_rewriter onnx_rewrites_qonnx[], onnx_rewrites_linear[],
    onnx_rewrites_lrn[], onnx_rewrites_reword[], onnx_rewrites_fused[],
    onnx_rewrites_attention[], onnx_rewrites_patches[]; // end with {0}

/* Changes *model, whose graph is there. ERR_INPUT names the node that means something else. */
enum err onnx_rewrite(Onnx__ModelProto *model, struct err_msg *m);

static inline const char *onnx_text(const char *s)
{
    return s ? s : "";
}

/* ERR_INPUT, with the node's name. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
enum err onnx_refuse(struct onnx_rewriting *w, const Onnx__NodeProto *proto,
                             const char *fmt, ...);

/* The model's set of ONNX's own operators. */
int64_t onnx_rewrite_opset(const struct onnx_rewriting *w);

/* Input i as a constant; false: it is none. */
bool onnx_rewrite_constant(struct onnx_rewriting *w, const Onnx__NodeProto *node, size_t i,
                           struct onnx_tensor *t);

/* Input i as a constant of one value. */
enum err onnx_rewrite_number(struct onnx_rewriting *w, const Onnx__NodeProto *node, size_t i,
                             const char *what, double *v);

/* What makes a value, among the nodes so far; NULL: none of them does. */
const Onnx__NodeProto *onnx_rewrite_maker(const struct onnx_rewriting *w, const char *value);

/* Whether a node of the file or an output of the graph reads a value. */
bool onnx_rewrite_is_read(const struct onnx_rewriting *w, const char *value);

/* Dimensions of a value, and the length of its last one, where a constant near says them; 0: none
 * does. */
uint32_t onnx_rewrite_rank(struct onnx_rewriting *w, const char *value);
uint32_t onnx_rewrite_last(struct onnx_rewriting *w, const char *value);

/* Dimensions of a map, batch, channels, rows and columns, that the file states for it or for what
 * it is made of value by value; a batch left open is 1. false: it states others or none. */
bool onnx_rewrite_map(const struct onnx_rewriting *w, const char *value, uint32_t dim[4]);

/* Channels of a value: those that the file states, or the outputs of the convolution that it comes
 * from, by way of operators that keep their number; 0: neither is near. */
uint32_t onnx_rewrite_channels(struct onnx_rewriting *w, const char *value);

/* "value.what", of the node's output. */
const char *onnx_put_name(char name[ONNX_NAME], const Onnx__NodeProto *node, const char *what);

/* New constants: zeros of so many bytes, NULL without memory; one float; one integer. */
Onnx__TensorProto *onnx_put_tensor(struct onnx_rewriting *w, const char *name, int32_t type,
                                   size_t n_dim, const uint32_t *dim, size_t bytes);
void onnx_put_float(struct onnx_rewriting *w, const char *name, double v);
void onnx_put_integer(struct onnx_rewriting *w, const char *name, int32_t type, int64_t v);

void onnx_put_integers(struct onnx_rewriting *w, const char *name, uint32_t n, const int64_t *v);
void onnx_put_floats(struct onnx_rewriting *w, const char *name, uint32_t n_dim,
                     const uint32_t *dim, const float *v);

/* Takes over a node. */
void onnx_put(struct onnx_rewriting *w, Onnx__NodeProto *node);

/* A node with up to three inputs, NULL behind the last, called as `like` is; NULL without memory.
 * One more attribute of it, an integer or a list of them. */
Onnx__NodeProto *onnx_put_node(struct onnx_rewriting *w, const Onnx__NodeProto *like,
                               const char *type, const char *const in[3], const char *out);
void onnx_put_attribute(struct onnx_rewriting *w, Onnx__NodeProto *node, const char *name, size_t n,
                        const int64_t *v, Onnx__AttributeProto__AttributeType type);

void onnx_put_real_attribute(struct onnx_rewriting *w, Onnx__NodeProto *node, const char *name,
                             double v);
void onnx_put_text_attribute(struct onnx_rewriting *w, Onnx__NodeProto *node, const char *name,
                             const char *v);

/* A fourth input, or one more output, of a node. */
void onnx_put_input(struct onnx_rewriting *w, Onnx__NodeProto *node, const char *name);
void onnx_put_output(struct onnx_rewriting *w, Onnx__NodeProto *node, const char *name);

#endif
