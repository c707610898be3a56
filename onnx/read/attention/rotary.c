/* onnx/read/attention/rotary.c -- queries and keys that turn by their place (rotary positions).
 *
 *     RotaryEmbedding of a rounded map
 *     x * cosines + moved * sines       moved: the channels of x in pairs, the second with a minus
 *                                       in front of the first; by Slice, Neg and Concat, or by a
 *                                       stored matrix
 *
 * with QuantizeLinear and DequantizeLinear between the pieces or not. What comes of it is the map
 * with a turn, which attention does to what it reads (network/tokens/values.h): such a map may be
 * rounded, moved and multiplied by a number until it is queries or keys of a product.
 *
 * How the pieces move channels is not matched but evaluated: on the numbers of x's values the float
 * evaluator says where each comes from.
 */
#include "onnx/read/tokens.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/array.h"
#include "onnx/float/graph.h"

enum { MOST_PIECES = 32, MOST_CALLS = 256, CHANNELS = 1 << ONNX_CHANNEL };

struct onnx_pieces { // of an Add
    uint32_t x, moved;  // values: the map, and what is multiplied by sines before it is rounded
    uint32_t cosines, sines;
    const struct onnx_node *straight, *crossed, *turned; // QuantizeLinear of them; NULL: none
    const struct onnx_node *inner[MOST_PIECES];
    uint32_t n_inner;
};

static enum err no_memory(const struct onnx_reader *r)
{
    return err_set(r->msg, ERR_MEMORY, "no memory for a rotation");
}

static enum err refuse(const struct onnx_reader *r, const struct onnx_node *node, const char *why)
{
    return onnx_node_refuse(node, r->msg, "%s: want queries or keys, heads x tokens x channels, "
                            "that turn in pairs by stored cosines and sines, QuantizeLinear, and "
                            "the product of attention", why);
}

/* ---- Finding them ---- */

struct search {
    struct onnx_reader *r;
    const bool         *varies; // per value: the image has a say in it
    struct onnx_pieces *found;
};

static bool varies(const struct search *s, uint32_t value)
{
    return value != ONNX_ABSENT && s->varies[value];
}

static const struct onnx_node *maker(const struct onnx_reader *r, uint32_t value, const char *type)
{
    const struct onnx_value *v = value == ONNX_ABSENT ? NULL : &r->graph.value[value];
    const struct onnx_node *node = v && v->maker == ONNX_NODE ? &r->graph.node[v->index] : NULL;

    return node && (!type || onnx_node_is(node, type)) ? node : NULL;
}

static bool is_inner(const struct search *s, const struct onnx_node *node)
{
    for (uint32_t i = 0; i < s->found->n_inner; i++)
        if (s->found->inner[i] == node)
            return true;
    return false;
}

static void add_inner(struct search *s, const struct onnx_node *node)
{
    if (!is_inner(s, node) && s->found->n_inner < MOST_PIECES)
        s->found->inner[s->found->n_inner++] = node;
}

/* What a value was before it was rounded; *q rounds it. */
static uint32_t before_rounding(struct search *s, uint32_t value, const struct onnx_node **q)
{
    const struct onnx_node *dq = maker(s->r, value, "DequantizeLinear");

    *q = dq && dq->n_input > 1 ? maker(s->r, dq->input[0], "QuantizeLinear") : NULL;
    if (!*q || (*q)->n_input < 2)
        return value;
    add_inner(s, dq);
    add_inner(s, *q);
    return (*q)->input[0];
}

/* Mul of one value that varies and one that does not. */
static bool is_product(struct search *s, uint32_t value, uint32_t *of, uint32_t *by)
{
    const struct onnx_node *mul = maker(s->r, value, "Mul");

    if (!mul || mul->n_input != 2 || varies(s, mul->input[0]) == varies(s, mul->input[1]))
        return false;
    const uint32_t at = varies(s, mul->input[0]) ? 0 : 1;
    *of = mul->input[at];
    *by = mul->input[1 - at];
    if (*by == ONNX_ABSENT)
        return false;
    add_inner(s, mul);
    return true;
}

/* Whether a value comes from x by what moves values or changes their sign. */
static bool comes_from(struct search *s, uint32_t value, uint32_t depth)
{
    static const char *const movers[] = {"Cast",   "Concat", "DequantizeLinear", "Gather",
                                         "Identity", "MatMul", "Mul", "Neg", "QuantizeLinear",
                                         "Reshape", "Slice", "Split", "Squeeze", "Transpose",
                                         "Unsqueeze"};
    const struct onnx_node *node = maker(s->r, value, NULL);
    bool known = false, all = true;

    if (value == s->found->x || (node && is_inner(s, node)))
        return true;
    if (!node || depth == 0)
        return false;
    for (size_t i = 0; i < sizeof movers / sizeof *movers; i++)
        known |= onnx_node_is(node, movers[i]);
    for (uint32_t i = 0; i < node->n_input && known && all; i++)
        if (varies(s, node->input[i]))
            all = comes_from(s, node->input[i], depth - 1);
    if (known && all)
        add_inner(s, node);
    return known && all;
}

/* Whether nothing else reads what the pieces make. */
static bool is_closed(const struct search *s)
{
    const struct onnx_pieces *p = s->found;

    for (uint32_t i = 0; i < p->n_inner; i++) {
        const uint32_t value = p->inner[i]->n_output == 1 ? p->inner[i]->output[0] : ONNX_ABSENT;
        uint32_t n = 0;
        if (value == ONNX_ABSENT)
            return false;
        for (uint32_t k = 0; k < p->n_inner; k++)
            for (uint32_t j = 0; j < p->inner[k]->n_input; j++)
                n += p->inner[k]->input[j] == value;
        const bool last = n == 0; // the Add reads it
        if (n + last != s->r->graph.value[value].n_reader)
            return false;
    }
    return p->n_inner < MOST_PIECES;
}

/* The Add of two products, `straight` its input. */
static bool match(struct search *s, const struct onnx_node *add, uint32_t straight)
{
    struct onnx_pieces *p = s->found;
    uint32_t of;

    *p = (struct onnx_pieces){.x = ONNX_ABSENT};
    const uint32_t a = before_rounding(s, add->input[straight], &p->straight);
    const uint32_t b = before_rounding(s, add->input[1 - straight], &p->crossed);
    if (!is_product(s, a, &p->x, &p->cosines) || !is_product(s, b, &of, &p->sines) || of == p->x)
        return false;
    p->moved = before_rounding(s, of, &p->turned);
    return p->moved != p->x && comes_from(s, p->moved, MOST_PIECES) && is_closed(s);
}

static bool *find_varying(struct onnx_reader *r)
{
    bool *varies = onnx_keep(r, r->graph.n_value, sizeof *varies);

    if (!varies)
        return NULL;
    varies[r->graph.image] = true;
    for (uint32_t i = 0; i < r->graph.n_node; i++) {
        const struct onnx_node *node = &r->graph.node[i];
        bool any = false;
        for (uint32_t k = 0; k < node->n_input; k++)
            any |= node->input[k] != ONNX_ABSENT && varies[node->input[k]];
        for (uint32_t k = 0; k < node->n_output && !onnx_node_is(node, "Shape"); k++)
            if (node->output[k] != ONNX_ABSENT)
                varies[node->output[k]] |= any;
    }
    return varies;
}

enum err onnx_find_rotations(struct onnx_reader *r)
{
    static const struct onnx_pieces inner; // of nodes that their Add reads
    struct search s = {.r = r, .varies = find_varying(r)};
    struct onnx_pieces found;

    r->pieces = onnx_keep(r, r->graph.n_node, sizeof *r->pieces);
    if (!s.varies || !r->pieces)
        return no_memory(r);
    s.found = &found;
    for (uint32_t i = 0; i < r->graph.n_node; i++) {
        const struct onnx_node *add = &r->graph.node[i];
        if (!onnx_node_is(add, "Add") || add->n_input != 2 || !varies(&s, add->input[0]) ||
            !varies(&s, add->input[1]) || (!match(&s, add, 0) && !match(&s, add, 1)))
            continue;
        struct onnx_pieces *kept = onnx_keep(r, 1, sizeof *kept);
        if (!kept)
            return no_memory(r);
        *kept = found;
        r->pieces[i] = kept;
        for (uint32_t k = 0; k < found.n_inner; k++)
            r->pieces[found.inner[k] - r->graph.node] = &inner;
    }
    return ERR_NONE;
}

/* ---- What a pair turns by ---- */

/* A turn of x, whose last dimension are the channels of a head: cosine and sine of each value, and
 * the one that it is paired with, less than it or more. */
struct turning {
    struct onnx_meaning x;
    struct onnx_axes    axes; // heads and tokens in front, channels last
    uint32_t            head, n_dim, dim[ONNX_MAP_DIMS];
    size_t              n;
    uint32_t            calls; // of evaluate()
};

static enum err begin(struct onnx_reader *r, const struct onnx_node *node,
                      const struct onnx_meaning *x, uint32_t heads, struct turning *t)
{
    *t = (struct turning){.x = *x, .n = 1};
    if (x->means != ONNX_PIXELS || x->turn || !onnx_axes_of(r, x, &t->axes))
        return refuse(r, node, "turns what is no rounded map");
    if (heads > 0) { // side by side, tokens x channels
        const uint64_t all = x->shape.channels;
        const uint64_t dim[] = {1, (uint64_t)x->shape.width * x->shape.height, heads, all / heads};
        if (t->axes.n_dim != 3 || all % heads || !axes_reshape(&t->axes, 4, dim))
            return refuse(r, node, "turns heads that do not divide the channels");
    }
    t->n_dim = t->axes.n_dim;
    if (t->n_dim < 2)
        return refuse(r, node, "turns a map of one dimension");
    for (uint32_t k = 0; k < t->n_dim; k++)
        t->n *= t->dim[k] = axes_length(&t->axes, k);
    t->head = t->dim[t->n_dim - 1];
    const bool plain = axes_within(&t->axes, t->n_dim - 1, t->n_dim, CHANNELS);
    return plain && t->head % 2 == 0 ? onnx_take_room(r, node, t->n / 8)
                                     : refuse(r, node, "turns what are no pairs of channels");
}

static struct onnx_turn *new_turn(struct onnx_reader *r, const struct turning *t, uint32_t n)
{
    const size_t tokens = (size_t)t->x.shape.height * t->x.shape.width;
    struct onnx_turn *turn = onnx_keep(r, 1, sizeof *turn);

    if (!turn)
        return NULL;
    turn->factor = 1;
    turn->rotation.n = n;
    turn->head = t->head;
    for (uint32_t k = 0; k < t->axes.n; k++)
        if (t->axes.axis[k].dim + 1 == t->n_dim)
            turn->axis = t->axes.axis[k];
    turn->rotation.turn = onnx_keep(r, tokens * n * 2, sizeof *turn->rotation.turn);
    turn->known = onnx_keep(r, tokens * n, sizeof *turn->known);
    return turn->rotation.turn && turn->known ? turn : NULL;
}

/* A pair of the token that value i of x belongs to turns so; false: it has turned otherwise. */
static bool put_pair(const struct turning *t, struct onnx_turn *turn, size_t i, uint32_t pair,
                     double cosine, double sine)
{
    uint32_t at[ONNX_SIDES] = {t->axes.first[0], t->axes.first[1], 0};
    size_t left = i;

    for (uint32_t k = t->n_dim; k-- > 0; left /= t->dim[k])
        if (k + 1 < t->n_dim)
            axes_locate(&t->axes, k, (uint32_t)(left % t->dim[k]), at);
    const size_t place =
        (size_t)onnx_token_number(&t->x.shape, at) * turn->rotation.n + pair;
    double *to = turn->rotation.turn + 2 * place;
    const bool same = !turn->known[place] || (to[0] == cosine && to[1] == sine);
    turn->known[place] = true;
    to[0] = cosine;
    to[1] = sine;
    return same && isfinite(cosine) && isfinite(sine);
}

/* x with its turn, which is not rounded yet. */
static void put_turned(struct onnx_reader *r, const struct onnx_node *node,
                       const struct turning *t, struct onnx_turn *turn)
{
    struct onnx_meaning out = t->x;

    out.turn = turn;
    onnx_output(r, node, out);
}

/* ---- RotaryEmbedding ---- */

/* Its result of a map whose pairs are (1, 0): cosines and sines. */
static enum err evaluate_pairs(struct onnx_reader *r, const struct onnx_node *node,
                               const struct turning *t, const struct onnx_turn *turn,
                               struct array *out)
{
    uint32_t dim[ONNX_MAP_DIMS], n_dim = onnx_dims(r, &t->x, dim);
    struct array in[4] = {{0}};
    const struct array *list[4] = {&in[0]};
    enum err e = array_init(&in[0], ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, n_dim, dim)
                     ? ERR_NONE : no_memory(r);

    for (size_t i = 0; i < t->n && !e; i++) {
        const uint32_t c = (uint32_t)(i % t->head);
        in[0].real[i] = c < 2 * turn->rotation.n &&
                        (turn->rotation.halves ? c < turn->rotation.n : c % 2 == 0);
    }
    for (uint32_t k = 1; k < node->n_input && k < 4 && !e; k++) {
        if (!onnx_has_input(node, k))
            continue;
        const struct onnx_meaning *c = onnx_input(r, node, k);
        list[k] = &in[k];
        if (!onnx_is_constant(c))
            e = refuse(r, node, "turns by what is not stored");
        else if (!array_from_tensor(&in[k], &c->tensor))
            e = no_memory(r);
        if (!e && c->means == ONNX_WEIGHTS) {
            array_release(&in[k]);
            e = array_init(&in[k], ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, c->tensor.n_dim,
                           c->tensor.dim) ? ERR_NONE : no_memory(r);
            for (size_t i = 0; i < in[k].n && !e; i++)
                in[k].real[i] = (float)onnx_constant(c, i);
        }
    }
    if (!e)
        e = float_eval(&(struct float_eval){.node = node, .opset = r->graph.opset, .in = list,
                                            .values_left = &r->values_left,
                                            .work_left = &r->work_left}, out, r->msg);
    for (int k = 0; k < 4; k++)
        array_release(&in[k]);
    return e;
}

static enum err read_rotary(struct onnx_reader *r, const struct onnx_node *node)
{
    const struct onnx_meaning x = onnx_passed_on(r, node, 0);
    int64_t heads = 0, turned = 0, interleaved = 0;
    struct array out = {0};
    struct turning t;
    enum err e = onnx_attr_int(node, "num_heads", &heads, r->msg);

    if (!e)
        e = onnx_attr_int(node, "rotary_embedding_dim", &turned, r->msg);
    if (!e)
        e = onnx_attr_int(node, "interleaved", &interleaved, r->msg);
    const bool flat = x.means == ONNX_PIXELS && x.layout == ONNX_AXES && x.axes.n_dim == 3;
    if (!e && (heads < 0 || heads > UINT16_MAX || (flat && heads == 0)))
        e = refuse(r, node, "turns no heads");
    if (!e)
        e = begin(r, node, &x, flat ? (uint32_t)heads : 0, &t);
    if (e)
        return e;
    turned = turned == 0 ? t.head : turned;
    if (turned < 2 || turned > t.head || turned % 2)
        return refuse(r, node, "turns no whole pairs of channels");
    struct onnx_turn *turn = new_turn(r, &t, (uint32_t)turned / 2);
    if (!turn)
        return no_memory(r);
    struct token_rotation *rotation = &turn->rotation;
    rotation->halves = interleaved == 0;
    e = evaluate_pairs(r, node, &t, turn, &out);
    for (size_t i = 0; i < t.n && !e; i++) {
        const uint32_t c = (uint32_t)(i % t.head), n = rotation->n;
        const bool first = c < 2 * n && (rotation->halves ? c < n : c % 2 == 0);
        if (first && !put_pair(&t, turn, i, rotation->halves ? c : c / 2, (double)out.real[i],
                               (double)out.real[rotation->halves ? i + n : i + 1]))
            e = refuse(r, node, "turns heads of a token differently");
    }
    array_release(&out);
    if (!e)
        put_turned(r, node, &t, turn);
    return e;
}

const struct onnx_operator onnx_ops_rotary[] = {
    {"RotaryEmbedding", 1, 3, 4, "interleaved num_heads rotary_embedding_dim", read_rotary},
    {0},
};

/* ---- Pieces ---- */

/* A value that the pieces make of the numbers 1, 2 .. of x's values; the caller releases. What is
 * rounded between must be what `turned` rounds to, or x's own codes before a sign changes. */
static enum err evaluate(struct onnx_reader *r, const struct onnx_pieces *p,
                         struct turning *t, uint32_t value, bool *plain, struct array *out)
{
    const struct onnx_node *node = maker(r, value, NULL);
    const struct onnx_meaning *c = &r->meaning[value];
    struct array in[8] = {{0}};
    const struct array *list[8] = {NULL};
    enum err e = ERR_NONE;

    *plain = true;
    if (value == p->x) {
        uint32_t dim[ONNX_MAP_DIMS], n_dim = onnx_dims(r, &t->x, dim);
        if (!array_init(out, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, n_dim, dim))
            return no_memory(r);
        for (size_t i = 0; i < out->n; i++)
            out->real[i] = (float)(i + 1); // below 2^24
        return ERR_NONE;
    }
    if (c->means == ONNX_STORED)
        return array_from_tensor(out, &c->tensor) ? ERR_NONE : no_memory(r);
    if (c->means == ONNX_WEIGHTS) {
        if (!array_init(out, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, c->tensor.n_dim, c->tensor.dim))
            return no_memory(r);
        for (size_t i = 0; i < out->n; i++)
            out->real[i] = (float)onnx_constant(c, i);
        return ERR_NONE;
    }
    if (!node || node->n_input > 8 || t->calls++ > MOST_CALLS)
        return err_set(r->msg, ERR_INPUT, "value \"%.100s\" is made by more than %d operators of "
                       "what turns queries or keys: want fewer", r->graph.value[value].name,
                       MOST_CALLS);
    if (onnx_node_is(node, "DequantizeLinear"))
        return evaluate(r, p, t, node->input[0], plain, out);
    if (onnx_node_is(node, "QuantizeLinear")) {
        struct onnx_quantisation q, moved;
        e = onnx_read_quantisation(r, node, 1, &q);
        if (!e && p->turned)
            e = onnx_read_quantisation(r, p->turned, 1, &moved);
        if (!e)
            e = evaluate(r, p, t, node->input[0], plain, out);
        const struct layer *l = &r->network->layer[t->x.layer[0]];
        if (!e && !(*plain && onnx_quantised_alike(l, &q)) &&
            !(p->turned && q.scale == moved.scale && q.zero == moved.zero &&
              q.least == moved.least && q.most == moved.most))
            e = refuse(r, node, "rounds a part of what turns to other codes than the map has, or "
                                "than what is multiplied by sines");
        return e;
    }
    for (uint32_t k = 0; k < node->n_input && !e; k++) {
        bool own = true;
        if (!onnx_has_input(node, k))
            continue;
        e = evaluate(r, p, t, node->input[k], &own, &in[k]);
        list[k] = &in[k];
        *plain &= own;
    }
    *plain &= !onnx_node_is(node, "Neg") && !onnx_node_is(node, "Mul") &&
              !onnx_node_is(node, "MatMul");
    if (!e)
        e = float_eval(&(struct float_eval){.node = node, .opset = r->graph.opset, .in = list,
                                            .values_left = &r->values_left,
                                            .work_left = &r->work_left}, out, r->msg);
    for (int k = 0; k < 8; k++)
        array_release(&in[k]);
    return e;
}

/* A constant that is spread over x: its value for value i of x; NaN where it does not fit. */
static double spread(const struct onnx_meaning *c, const struct turning *t, size_t i)
{
    const struct onnx_tensor *s = &c->tensor;
    size_t at = 0, step = 1;

    for (uint32_t k = t->n_dim, n = s->n_dim; k-- > 0; i /= t->dim[k]) {
        if (n == 0)
            continue;
        const uint32_t length = s->dim[--n];
        if (length != 1 && length != t->dim[k])
            return NAN;
        at += length == 1 ? 0 : i % t->dim[k] * step;
        step *= length;
    }
    return s->n_dim > t->n_dim || s->n == 0 ? NAN : onnx_constant(c, at);
}

static enum err round_piece(const struct onnx_reader *r, const struct onnx_node *quantise,
                            struct code_range *c)
{
    struct onnx_quantisation q;

    if (!quantise)
        return ERR_NONE;
    enum err e = onnx_read_quantisation(r, quantise, 1, &q);
    *c = (struct code_range){q.scale, q.zero, q.least, q.most};
    return e;
}

/* Where value i of x is multiplied by sines: it comes from its partner, with a minus in the first
 * of a pair. */
static bool find_partner(const struct turning *t, const struct array *moved, size_t i, bool halves)
{
    const uint32_t c = (uint32_t)(i % t->head), half = t->head / 2;
    const uint32_t other = halves ? (c + half) % t->head : c ^ 1;
    const bool first = halves ? c < half : c % 2 == 0;
    const double want = (double)(i - c + other + 1);

    return (double)moved->real[i] == (first ? -want : want);
}

static enum err read_pieces(struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_pieces *p)
{
    const struct onnx_meaning *cosines = &r->meaning[p->cosines], *sines = &r->meaning[p->sines];
    struct array moved = {0};
    struct turning t;
    bool plain;
    enum err e = begin(r, node, &r->meaning[p->x], 0, &t);

    if (!e && (!onnx_is_constant(cosines) || !onnx_is_constant(sines)))
        e = refuse(r, node, "turns by what is not stored");
    if (!e)
        e = evaluate(r, p, &t, p->moved, &plain, &moved);
    if (!e && (!moved.real || moved.n != t.n))
        e = refuse(r, node, "moves channels to another number of them");
    struct onnx_turn *turn = e ? NULL : new_turn(r, &t, t.head / 2);
    if (!e && !turn)
        e = no_memory(r);
    if (e) {
        array_release(&moved);
        return e;
    }
    turn->rotation.halves = find_partner(&t, &moved, 0, true);
    for (size_t i = 0; i < t.n && !e; i++) {
        const uint32_t c = (uint32_t)(i % t.head);
        const uint32_t pair = turn->rotation.halves ? c % turn->rotation.n : c / 2;
        if (!find_partner(&t, &moved, i, turn->rotation.halves) ||
            !put_pair(&t, turn, i, pair, spread(cosines, &t, i), spread(sines, &t, i)))
            e = refuse(r, node, "turns channels that are no pairs, or pairs that turn differently");
    }
    array_release(&moved);
    if (!e)
        e = round_piece(r, p->turned, &turn->rotation.moved);
    if (!e)
        e = round_piece(r, p->straight, &turn->rotation.straight);
    if (!e)
        e = round_piece(r, p->crossed, &turn->rotation.crossed);
    if (!e)
        put_turned(r, node, &t, turn);
    return e;
}

/* ---- What reads them ---- */

static bool reads_turned(const struct onnx_reader *r, const struct onnx_node *node)
{
    for (uint32_t i = 0; i < node->n_input; i++)
        if (onnx_has_input(node, i) && onnx_input(r, node, i)->turn)
            return true;
    return false;
}

bool onnx_is_of_rotation(const struct onnx_reader *r, const struct onnx_node *node)
{
    return r->pieces[node - r->graph.node] || reads_turned(r, node);
}

static bool same_codes(const struct code_range *c, const struct onnx_quantisation *q, double factor)
{
    return q->scale == c->step * factor && q->zero == c->zero && q->least == c->low &&
           q->most == c->high;
}

static enum err round_turned(struct onnx_reader *r, const struct onnx_node *node,
                             const struct onnx_meaning *x)
{
    struct onnx_turn *turn = onnx_keep(r, 1, sizeof *turn);
    struct onnx_meaning out = *x;
    struct onnx_quantisation q;
    enum err e = turn ? onnx_read_quantisation(r, node, 1, &q) : no_memory(r);

    if (e)
        return e;
    *turn = *x->turn;
    if (x->means == ONNX_BYTES)
        return refuse(r, node, "rounds codes of what has turned");
    if (turn->rotation.sum.step != 0 && !same_codes(&turn->rotation.sum, &q, turn->factor))
        return refuse(r, node, "rounds what has turned a second time, to other codes");
    if (q.most - q.least > UINT8_MAX)
        return refuse(r, node, "rounds what has turned to more than 8 bits");
    turn->rotation.sum = (struct code_range){q.scale, q.zero, q.least, q.most};
    turn->factor = 1;
    out.turn = turn;
    out.means = ONNX_BYTES;
    onnx_output(r, node, out);
    return ERR_NONE;
}

static enum err unround_turned(struct onnx_reader *r, const struct onnx_node *node,
                               const struct onnx_meaning *x)
{
    const struct code_range *c = &x->turn->rotation.sum;
    struct onnx_meaning out = *x;
    struct onnx_quantisation q;
    enum err e = onnx_read_quantisation(r, node, 1, &q);

    if (!e && (x->means != ONNX_BYTES || !same_codes(c, &q, 1)))
        e = refuse(r, node, "reads what has turned as other codes than it was rounded to");
    out.means = ONNX_PIXELS;
    if (!e)
        onnx_output(r, node, out);
    return e;
}

/* Mul or Div by a number. */
static enum err scale_turned(struct onnx_reader *r, const struct onnx_node *node)
{
    const bool divides = onnx_node_is(node, "Div");
    const uint32_t at = onnx_input(r, node, 0)->turn ? 0 : 1;
    const struct onnx_meaning *c = onnx_input(r, node, 1 - at);
    struct onnx_meaning out = onnx_passed_on(r, node, at);
    struct onnx_turn *turn = onnx_keep(r, 1, sizeof *turn);

    if (!turn)
        return no_memory(r);
    const double v = onnx_is_constant(c) && c->tensor.n == 1 ? onnx_constant(c, 0) : NAN;
    if (!(v > 0) || !isfinite(v) || (divides && at == 1) || out.means != ONNX_PIXELS ||
        out.turn->rotation.sum.step == 0)
        return refuse(r, node, "multiplies what has turned by other than a positive number, or "
                               "before it is rounded");
    *turn = *out.turn;
    turn->factor *= divides ? 1 / v : v;
    out.turn = turn;
    onnx_output(r, node, out);
    return ERR_NONE;
}

enum err onnx_read_of_rotation(struct onnx_reader *r, const struct onnx_node *node,
                               const struct onnx_operator *op)
{
    static const char *const movers[] = {"Cast", "Dropout", "Expand", "Flatten", "Identity",
                                         "Reshape", "Squeeze", "Transpose", "Unsqueeze"};
    const struct onnx_pieces *p = r->pieces[node - r->graph.node];
    bool moves = false;

    if (p)
        return p->n_inner > 0 ? read_pieces(r, node, p) : ERR_NONE;
    const struct onnx_meaning x = onnx_passed_on(r, node, 0);
    if (onnx_node_is(node, "QuantizeLinear") && x.turn)
        return round_turned(r, node, &x);
    if (onnx_node_is(node, "DequantizeLinear") && x.turn)
        return unround_turned(r, node, &x);
    if (node->n_input == 2 && (onnx_node_is(node, "Mul") || onnx_node_is(node, "Div")))
        return scale_turned(r, node);
    for (size_t i = 0; i < sizeof movers / sizeof *movers; i++)
        moves |= x.turn && onnx_node_is(node, movers[i]);
    if (op && moves)
        return op->read(r, node);
    if (onnx_node_is(node, "MatMul") && node->n_input == 2 &&
        !onnx_is_constant(onnx_input(r, node, 0)) && !onnx_is_constant(onnx_input(r, node, 1)))
        return onnx_read_scores(r, node);
    return refuse(r, node, "reads what has turned");
}
