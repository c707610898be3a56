/* import/walk.h -- a visit of one node of the float graph; shared by the files import*.c.
 *
 * Nodes are visited once, in order. A value is a draft as long as a core's digital processor may do
 * more to it before it is rounded; reading it as a map rounds it. One file import_op_*.c is a
 * family of operators, one operator one row of its table.
 */
#ifndef IMPORT_WALK_H
#define IMPORT_WALK_H

#include "import/import.h"

struct import_walk { // of the node being visited
    struct import          *im;
    const struct float_run *sample;
    const struct onnx_node *node;
    bool                    ends; // no Conv, Gemm or MatMul comes behind it
    struct err_msg         *msg;
};

#define IMPORT_REFUSE(w, ...) onnx_node_refuse((w)->node, (w)->msg, __VA_ARGS__)

enum err import_no_memory(const struct import_walk *w);

/* ---- Values ---- */

struct import_value *import_input(const struct import_walk *w, uint32_t i); // what stands for it
uint32_t             import_index(const struct import_walk *w, const struct import_value *v);

/* Its dimensions, of input i and of the node's output. */
const struct array *import_in_shape(const struct import_walk *w, uint32_t i);
const struct array *import_out_shape(const struct import_walk *w);

/* A constant of floats, or of integers; NULL when it is none. */
const struct array *import_constant(const struct import_walk *w, uint32_t i);
const struct array *import_integers(const struct import_walk *w, uint32_t i);

/* Refuses the first value of a constant that is not finite; `what` it is: "weight". */
enum err import_check_finite(const struct import_walk *w, const char *what, const struct array *a);

enum err import_round(const struct import_walk *w, struct import_value *v);

/* Input i as a map that is rounded. */
enum err import_take_map(const struct import_walk *w, uint32_t i, struct import_value **v);

/* Input i, a constant, as a map that is rounded once for all images: stored tokens. */
enum err import_store(const struct import_walk *w, uint32_t i, struct import_value **v);

/* Whether sums are still open: constants may join them, and a residual. */
bool import_is_open(const struct import_value *v);

/* The node's output: a new draft; the place of draft v; another name of v; a map that has v's
 * scale, rounded no more. */
struct import_value *import_new_draft(const struct import_walk *w, bool positive);
struct import_value *import_replace(const struct import_walk *w, struct import_value *v);
void                 import_alias(const struct import_walk *w, struct import_value *v);
struct import_value *import_new_alike(const struct import_walk *w, struct import_value *v);

/* The node's output, which nodes behind it read as it is: it is never rounded. */
struct import_value *import_new_loose(const struct import_walk *w);

/* Both have one scale from now on. The root of all that have it. */
void import_tie(const struct import_walk *w, struct import_value *a, struct import_value *b);
uint32_t import_root(const struct import *im, uint32_t v);

/* ---- Nodes ---- */

/* One that reads a, and b unless that is NULL. */
struct import_node *import_add_node(const struct import_walk *w, enum import_kind kind,
                                    const struct import_value *a, const struct import_value *b);

/* The node as it is, with its constants, of its inputs that are maps: they are rounded, or loose.
 * At most two maps. The result is a draft, or loose. */
enum err import_visit_whole(const struct import_walk *w, bool positive);
enum err import_visit_loose(const struct import_walk *w);

/* The same of pieces whose axes some sets of operators have as an input, others as an attribute:
 * ReduceMean; Reshape, Squeeze and Unsqueeze. */
enum err import_visit_inner_mean(const struct import_walk *w);
enum err import_visit_inner_layout(const struct import_walk *w);

/* The only node that reads the output of a node, of those whose results images change; NULL: none
 * does, or several, or it leaves the graph. */
const struct onnx_node *import_only_reader(const struct import *im, const struct onnx_node *node);

/* Marks nodes that are pieces of a function, import/pieces.c. */
void import_find_pieces(struct import *im);

/* Whether the node works on scores on their way to Softmax, or is a factor of queries or keys: none
 * of its results is rounded. */
bool import_leads_to_scores(const struct import_walk *w);

/* Whether a product of two maps is all that reads the node's result, moved or not. */
bool import_leads_to_product(const struct import_walk *w);

/* visit() of operators that deliver bytes of their map, chosen or moved: the node as it is, and no
 * scale of its own. */
enum err import_visit_moved(const struct import_walk *w);

/* Where the node's auto_pad is SAME_UPPER or SAME_LOWER: n's pads, of a kernel of so many places
 * along each of two axes or one. Runtimes differ in what they make of it beside dilations. */
enum err import_settle_pads(const struct import_walk *w, struct import_node *n,
                            const uint32_t *kernel);

/* A list of n integers of a node, which becomes an initializer. */
enum err import_add_list(const struct import_walk *w, struct import_node *n, uint32_t n_value,
                         const int64_t *v);

/* result * factor + offset; constants of one value, or one for each place along an axis: folded
 * into a Conv, Gemm or scaling in front, or a new scaling of a rounded map. */
struct import_scaling {
    const struct array *shape; // whose dims say along which axis they lie; NULL: along axis 1
    size_t              n;
    double             *factor, *offset;
};
enum err import_scale(const struct import_walk *w, uint32_t i, const struct import_scaling *s);

/* Whether constants differ from token to token and from channel to channel, as positions do: they
 * are no scaling. */
bool import_are_of_tokens(const struct array *c);

struct import_operator {
    const char *op; // NULL ends a family
    enum err  (*visit)(const struct import_walk *w);
};
extern const struct import_operator import_ops_affine[], import_ops_function[], import_ops_layout[],
    import_ops_map[], import_ops_pool[], import_ops_scale[], import_ops_tokens[];

#endif
