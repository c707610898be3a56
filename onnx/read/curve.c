/* onnx/read/curve.c -- functions of one byte, between quantisations; see reader.h.
 *
 * Whatever operators that work value by value make of one rounded map and of constants, each byte
 * of the result follows from one byte of the map. So the float evaluator computes such a chain for
 * all 256 bytes, operator by operator, and what comes out is a table: 256 stand for the batch, the
 * channels are one where no constant tells them apart. Rounding is one more such operator, and a
 * chain may go through several.
 *
 * Nothing is built until somebody reads the result otherwise. Then the table goes to the layer that
 * delivers the map, if nothing else reads that; or else to a LAYER_SCALE of its own.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "network/precision.h"
#include "onnx/float/graph.h"
#include "onnx/read/reader.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

enum { MOST_CHAIN = 64 }; // operators in a row that are gone back over

struct onnx_curve {
    struct onnx_curve      *next;  // of all, the reader's
    struct onnx_meaning     source; // the map, as pixels
    struct array            value;  // [256][channels or 1], and ones for rows and columns
    const struct onnx_node *maker;  // its last operator that computes
    bool                    rounded;
    struct onnx_quantisation q;     // of rounded ones
    struct onnx_curve      *rounded_from; // the same bytes made real again; or NULL
    const uint32_t         *layer;  // that delivers it, once there is one
};

void onnx_curve_free_all(struct onnx_reader *r)
{
    while (r->curve) {
        struct onnx_curve *c = r->curve;
        r->curve = c->next;
        array_release(&c->value);
        free(c);
    }
}

static enum err no_memory(const struct onnx_reader *r)
{
    return err_set(r->msg, ERR_MEMORY, "no memory for a table");
}

/* ---- What a value is as a function of a map ---- */

/* Axis of the channels. */
static uint32_t channel_axis(const struct onnx_meaning *x)
{
    return x->layout == ONNX_AXES ? x->axes.n_dim - 1 : x->layout == ONNX_NHWC ? 3 : 1;
}

static uint32_t n_dim_of(const struct onnx_meaning *x)
{
    return x->layout == ONNX_AXES     ? x->axes.n_dim
           : x->layout == ONNX_VECTOR ? 1
           : x->layout == ONNX_NCW    ? 3
           : onnx_is_flat(x)          ? 2
                                      : 4;
}

/* Value of byte i in the map's own scale. */
static float real_of(const struct onnx_quantisation *q, uint32_t i)
{
    int32_t v = q->is_signed ? (int8_t)i : (int32_t)i;

    return (float)(v - q->zero) * (float)q->scale;
}

/* All 256 values of bytes quantised as q says. */
static bool fill_values(struct array *a, uint32_t n_dim, const struct onnx_quantisation *q)
{
    const uint32_t dim[ONNX_MAP_DIMS] = {256, 1, 1, 1, 1, 1, 1, 1};

    if (!array_init(a, TYPE(FLOAT), n_dim, dim))
        return false;
    for (uint32_t i = 0; i < 256; i++)
        a->real[i] = real_of(q, i);
    return true;
}

/* The same values for each of n channels. */
static bool widen(struct array *a, uint32_t axis, uint32_t n)
{
    struct array wide;
    uint32_t dim[ONNX_MAP_DIMS] = {256, 1, 1, 1, 1, 1, 1, 1};

    if (a->dim[axis] == n)
        return true;
    dim[axis] = n;
    if (!array_init(&wide, a->type, a->n_dim, dim))
        return false;
    for (size_t i = 0; i < wide.n; i++)
        array_set(&wide, i, array_get(a, i / n));
    array_release(a);
    *a = wide;
    return true;
}

/* The map that a value is a function of: itself, where it is a plain rounded map. */
static bool find_source(const struct onnx_meaning *m, struct onnx_meaning *source)
{
    if (m->means == ONNX_CURVE) {
        *source = m->curve->source;
        return true;
    }
    if (m->means == ONNX_PIXELS && n_dim_of(m) == 1)
        return false; // there is no batch to hold the 256
    if (m->means == ONNX_PIXELS && !onnx_is_padded(m)) {
        *source = *m;
        return true;
    }
    const struct onnx_draft *d = m->draft;
    if (m->means != ONNX_DRAFT || d->layer.kind != LAYER_SCALE || d->layer.has_residual ||
        d->largest)
        return false;
    *source = (struct onnx_meaning){.means = ONNX_PIXELS, .layer = d->layer.input,
                                    .n_layer = d->layer.n_input, .shape = m->shape,
                                    .layout = m->layout, .axes = m->axes};
    return true;
}

static bool same_source(const struct onnx_meaning *a, const struct onnx_meaning *b)
{
    return a->n_layer == b->n_layer && onnx_same_layout(a, b) &&
           memcmp(a->layer, b->layer, a->n_layer * sizeof *a->layer) == 0 &&
           memcmp(&a->view, &b->view, sizeof a->view) == 0;
}

/* What is made of the bytes of a map. */
struct bytes {
    struct onnx_reader        *r;
    const struct onnx_meaning *source;
    uint32_t                   depth; // how many more operators may be between
};

static enum err operand(void *context, const struct onnx_node *node, uint32_t i, struct array *out);

/* Input i as an array over the source's bytes, or as a constant. */
static enum err value_of(const struct bytes *of, const struct onnx_node *node, uint32_t i,
                         struct array *out)
{
    struct onnx_reader *r = of->r;
    struct bytes before = {r, of->source, of->depth - 1};
    const struct onnx_meaning *m = onnx_input(r, node, i);
    uint32_t n_dim = n_dim_of(of->source);

    switch (m->means) {
    case ONNX_STORED:
        return array_from_tensor(out, &m->tensor) ? ERR_NONE : no_memory(r);
    case ONNX_WEIGHTS:
        if (!array_init(out, TYPE(FLOAT), m->tensor.n_dim, m->tensor.dim))
            return no_memory(r);
        for (size_t k = 0; k < out->n; k++)
            out->real[k] = (float)onnx_constant(m, k);
        return ERR_NONE;
    case ONNX_PIXELS: {
        const struct onnx_quantisation q =
            onnx_quantisation_of(&r->network->layer[m->layer[0]]);
        return fill_values(out, n_dim, &q) ? ERR_NONE : no_memory(r);
    }
    case ONNX_CURVE:
        return array_copy(out, &m->curve->value) ? ERR_NONE : no_memory(r);
    case ONNX_DRAFT:
        if (of->depth == 0)
            return onnx_node_refuse(node, r->msg, "is behind more than %d operators without "
                                    "QuantizeLinear: want one between them", MOST_CHAIN);
        return onnx_evaluate(r, &r->graph.node[r->graph.value[node->input[i]].index], operand,
                             &before, out);
    case ONNX_NOTHING:
    case ONNX_IMAGE:
    case ONNX_BYTES:
    case ONNX_FUNCTION:
    case ONNX_SCORES:
    case ONNX_PIECE:
        break;
    }
    return onnx_node_refuse(node, r->msg, "input %" PRIu32 " is %s: want a dequantised map or a "
                            "constant", i, onnx_means_text(m->means));
}

/* A constant that tells rows, columns or the batch apart makes no function of one byte. */
static enum err check_operand(const struct onnx_reader *r, const struct onnx_node *node, uint32_t i,
                              const struct onnx_meaning *source, const struct array *a)
{
    uint32_t n_dim = n_dim_of(source), axis = channel_axis(source);
    bool pixel = source->shape.height == 1 && source->shape.width == 1;
    bool fits = a->n_dim <= n_dim;
    bool ordered = source->layout != ONNX_AXES ||
                   axes_whole(&source->axes, axis, ONNX_CHANNEL, source->shape.channels);

    for (uint32_t k = 0; k < a->n_dim && fits; k++) {
        uint32_t at = k + n_dim - a->n_dim;
        bool channels = at == axis && a->dim[k] == source->shape.channels && ordered &&
                        (pixel || !onnx_is_flat(source));
        fits = a->dim[k] == 1 || channels;
    }
    return fits ? ERR_NONE
                : onnx_node_refuse(node, r->msg, "input %" PRIu32 " has %zu constants in %" PRIu32
                                   " dimensions: want one, or one for each of %" PRIu32 " channels",
                                   i, a->n, a->n_dim, source->shape.channels);
}

static bool is_operator(const struct onnx_node *node, const char *name)
{
    return node->proto->op_type && strcmp(node->proto->op_type, name) == 0;
}

static enum err operand(void *context, const struct onnx_node *node, uint32_t i, struct array *out)
{
    const struct bytes *of = context;
    const struct onnx_meaning *source = of->source;
    const bool lists = is_operator(node, "BatchNormalization"); // one constant for each channel
    const bool constant = onnx_is_constant(onnx_input(of->r, node, i));
    enum err e = value_of(of, node, i, out);

    if (!e && constant && !lists)
        e = check_operand(of->r, node, i, source, out);
    if (!e && !constant && lists && !widen(out, channel_axis(source), source->shape.channels))
        e = no_memory(of->r);
    return e;
}

/* What a node makes of the source's 256 bytes. */
static enum err evaluate(struct onnx_reader *r, const struct onnx_node *node,
                         const struct onnx_meaning *source, struct array *out)
{
    return onnx_evaluate(r, node, operand, &(struct bytes){r, source, MOST_CHAIN}, out);
}

/* ---- Nodes ---- */

/* Whether all that a node reads follows from one map, which is *source; in how many inputs. */
static uint32_t common_source(const struct onnx_reader *r, const struct onnx_node *node,
                              struct onnx_meaning *source)
{
    struct onnx_meaning one;
    uint32_t n = 0;

    for (uint32_t i = 0; i < node->n_input; i++) {
        if (!onnx_has_input(node, i) || onnx_is_constant(onnx_input(r, node, i)))
            continue;
        if (!find_source(onnx_input(r, node, i), &one) || (n > 0 && !same_source(source, &one)))
            return 0;
        *source = one;
        n++;
    }
    return n;
}

bool onnx_curve_continues(const struct onnx_reader *r, const struct onnx_node *node, bool known)
{
    struct onnx_meaning source;
    bool curved = false;

    if (!float_is_elementwise(node) && !is_operator(node, "QuantizeLinear") &&
        !is_operator(node, "DequantizeLinear"))
        return false;
    uint32_t n = common_source(r, node, &source);
    for (uint32_t i = 0; i < node->n_input && n > 0; i++)
        curved |= onnx_has_input(node, i) && onnx_input(r, node, i)->means == ONNX_CURVE;
    bool square = n > 1 && !is_operator(node, "Add") && !is_operator(node, "Sub");
    bool divisor = is_operator(node, "Div") && !onnx_is_constant(onnx_input(r, node, 1));
    bool bound = is_operator(node, "Max") || is_operator(node, "Min");
    for (uint32_t i = 0; i < node->n_input; i++) // of a draft it is one more bound
        bound &= !onnx_has_input(node, i) || onnx_input(r, node, i)->means != ONNX_DRAFT;
    return n > 0 && (curved || square || divisor || bound || !known);
}

static enum err new_curve(struct onnx_reader *r, const struct onnx_meaning *source,
                          struct onnx_curve **curve)
{
    struct onnx_curve *c = calloc(1, sizeof *c);

    if (!c)
        return no_memory(r);
    c->source = *source;
    c->next = r->curve;
    r->curve = *curve = c;
    return ERR_NONE;
}

/* Rounded and made real again with the same scale: the same curve. */
static enum err dequantise(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning m = onnx_passed_on(r, node, 0);
    struct onnx_curve *c = m.curve, *real;
    struct onnx_quantisation q;
    enum err e = onnx_read_quantisation(r, node, 1, &q);

    if (!e && !c->rounded)
        e = onnx_node_refuse(node, r->msg, "input 0 is %s: want integers",
                             onnx_means_text(m.means));
    if (!e)
        e = new_curve(r, &c->source, &real);
    if (!e)
        e = evaluate(r, node, &c->source, &real->value);
    if (e)
        return e;
    real->maker = c->maker;
    m.curve = real;
    if (q.scale == c->q.scale && q.zero == c->q.zero && q.is_signed == c->q.is_signed)
        real->rounded_from = c;
    onnx_output(r, node, m);
    return ERR_NONE;
}

/* Settles a view or padding of the maps that a node reads. */
static enum err settle_inputs(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning x;
    enum err e = ERR_NONE;

    for (uint32_t i = 0; i < node->n_input && !e; i++)
        if (onnx_has_input(node, i) && onnx_input(r, node, i)->means == ONNX_PIXELS)
            e = onnx_take_pixels(r, node, i, &x);
    return e;
}

/* A table has a place for each byte, and holds bytes. */
static enum err check_bytes(const struct onnx_reader *r, const struct onnx_node *node,
                            const struct onnx_quantisation *q)
{
    uint32_t bits = value_bits_for(q->least, q->most, q->is_signed);

    return bits <= 8 ? ERR_NONE
                     : onnx_node_refuse(node, r->msg, "a function of one value, of %" PRIu32
                                        " bits: want values of at most 8 in front of it and "
                                        "behind it", bits);
}

enum err onnx_curve_read(struct onnx_reader *r, const struct onnx_node *node)
{
    struct onnx_meaning source, out;
    struct onnx_curve *c;
    enum err e = settle_inputs(r, node);

    if (e)
        return e;
    if (is_operator(node, "DequantizeLinear"))
        return dequantise(r, node);
    common_source(r, node, &source);
    const struct onnx_quantisation q = onnx_quantisation_of_all(r, &source);
    e = check_bytes(r, node, &q);
    if (!e)
        e = new_curve(r, &source, &c);
    if (!e)
        e = evaluate(r, node, &source, &c->value);
    if (e)
        return e;
    c->maker = node;
    if (is_operator(node, "QuantizeLinear")) {
        const struct onnx_meaning *x = onnx_input(r, node, 0);
        c->maker = x->means == ONNX_CURVE ? x->curve->maker : node;
        c->rounded = true;
        e = onnx_read_quantisation(r, node, 1, &c->q);
        if (!e)
            e = check_bytes(r, node, &c->q);
    } else if (is_operator(node, "Clip") && onnx_input(r, node, 0)->means == ONNX_CURVE &&
               onnx_input(r, node, 0)->curve->rounded) { // values of fewer bits
        const struct onnx_curve *wide = onnx_input(r, node, 0)->curve;
        c->maker = wide->maker;
        c->rounded = true;
        c->q = wide->q;
    }
    out = source;
    out.means = ONNX_CURVE;
    out.curve = c;
    out.shared = false;
    if (!e)
        onnx_output(r, node, out);
    return e;
}

/* ---- Layers ---- */

/* Whether all that reads the map's bytes leads to a value, and to it alone. */
static enum err leads_only_to(const struct onnx_reader *r, uint32_t value, bool *only)
{
    uint32_t *reads = calloc(r->graph.n_value + 1, sizeof *reads), bytes = 0;

    if (!reads)
        return no_memory(r);
    onnx_count_reads(r, value, reads);
    *only = true;
    for (uint32_t i = 0; i < r->graph.n_value; i++) {
        const struct onnx_meaning *m = &r->meaning[i];
        if (reads[i] == 0 || i == value || onnx_is_constant(m))
            continue;
        bytes += m->means == ONNX_BYTES;
        *only &= reads[i] == r->graph.value[i].n_reader && !m->shared && m->means != ONNX_IMAGE;
    }
    *only &= bytes == 1;
    free(reads);
    return ERR_NONE;
}

/* The layer that a table may join; NULL: it needs one of its own. */
static struct layer *fused_with(const struct onnx_reader *r, const struct onnx_curve *c)
{
    struct layer *l = &r->network->layer[c->source.layer[0]];

    return c->source.n_layer == 1 && l->kind != LAYER_IMAGE && !l->pooled ? l : NULL;
}

/* The curve's bytes as a table of layer l, behind the one that it has. */
static enum err set_table(const struct onnx_reader *r, const struct onnx_curve *c, struct layer *l)
{
    uint32_t n = (uint32_t)(c->value.n / 256), most = l->table && l->n_table > n ? l->n_table : n;
    uint8_t *table = malloc((size_t)most * 256);

    if (!table)
        return no_memory(r);
    for (uint32_t o = 0; o < most; o++)
        for (uint32_t i = 0; i < 256; i++) {
            uint8_t byte = l->table ? layer_look_up(l, o, (uint8_t)i) : (uint8_t)i;
            size_t at = (size_t)byte * n + (n == 1 ? 0 : o);
            table[(size_t)o * 256 + i] = (uint8_t)c->value.integer[at];
        }
    free(l->table);
    l->table = table;
    l->n_table = most;
    l->relu = false;
    onnx_deliver(l, &c->q);
    return ERR_NONE;
}

/* Whether something has been computed of c's bytes already: its own source would change. */
static bool has_gone_on(const struct onnx_reader *r, const struct onnx_curve *c)
{
    for (const struct onnx_curve *k = r->curve; k != c; k = k->next) // later ones come first
        if (k->rounded_from != c && same_source(&k->source, &c->source))
            return true;
    return false;
}

static void become_map(struct onnx_meaning *m, const struct onnx_curve *c)
{
    *m = (struct onnx_meaning){.means = m->curve->rounded ? ONNX_BYTES : ONNX_PIXELS,
                               .layer = c->layer, .n_layer = 1, .shared = m->shared,
                               .shape = m->shape, .layout = m->layout, .axes = m->axes};
}

/* Values that are c's bytes, real or not, are its layer's from now on: what reads them must not
 * begin at the layer as it was. */
static void become_maps(struct onnx_reader *r, const struct onnx_curve *c)
{
    for (uint32_t i = 0; i < r->graph.n_value; i++) {
        struct onnx_meaning *m = &r->meaning[i];
        if (m->means == ONNX_CURVE && (m->curve == c || m->curve->rounded_from == c))
            become_map(m, c);
    }
}

static enum err build(struct onnx_reader *r, uint32_t value, struct onnx_curve *c)
{
    const struct onnx_quantisation q = onnx_quantisation_of_all(r, &c->source);
    struct layer *fused = fused_with(r, c);
    struct onnx_draft *d;
    uint32_t *list;
    bool only = false;
    enum err e = onnx_new_list(r, c->maker, 1, &list);

    if (!e && fused && !has_gone_on(r, c))
        e = leads_only_to(r, value, &only);
    if (!e && only) {
        list[0] = c->source.layer[0];
    } else if (!e) {
        e = onnx_draft_digital(r, c->maker, &c->source, LAYER_SCALE, &d);
        if (!e)
            e = onnx_draft_quantise(r, c->maker, d, &q, list);
    }
    if (!e)
        e = set_table(r, c, &r->network->layer[list[0]]);
    c->layer = list;
    return e;
}

enum err onnx_curve_settle_end(struct onnx_reader *r, uint32_t value)
{
    const struct onnx_curve *c = r->meaning[value].curve;
    const struct onnx_node *node = &r->graph.node[r->graph.value[value].index];

    return c->rounded || c->rounded_from ? onnx_curve_settle(r, node, value) : ERR_NONE;
}

enum err onnx_curve_settle(struct onnx_reader *r, const struct onnx_node *node, uint32_t value)
{
    struct onnx_meaning *m = &r->meaning[value];
    struct onnx_curve *c;
    enum err e = ERR_NONE;

    if (m->means != ONNX_CURVE)
        return ERR_NONE;
    c = m->curve->rounded_from ? m->curve->rounded_from : m->curve;
    if (!c->rounded)
        return onnx_node_refuse(node, r->msg, "reads an unquantised function of a map: want "
                                "QuantizeLinear in front of it");
    if (!c->layer)
        e = build(r, value, c);
    if (!e)
        become_maps(r, c);
    return e;
}
