/* arch/core/proof.c -- see proof.h. */
#include "arch/core/proof.h"

#include <stdlib.h>
#include <string.h>

#include "arch/core/imc_core.h"
#include "core/util.h"
#include "dataflow/plan/tokens.h"

enum { RAMP = 256, MARK_BIT = 20 }; // marks of up to 2,048 parts add up to 31 bits

/* What the network and the plan want is asked of the proof's plan, never of the core's. */
static const struct plan_core *core_of(const struct imc_core *c)
{
    return &c->spec->proof->plan->core[c->spec->index];
}

static const struct plan_layer *layer_of(const struct imc_core *c)
{
    return &c->spec->proof->plan->layer[core_of(c)->plan_layer];
}

/* ---- numbers ---- */

static uint64_t volume(const struct shape *s)
{
    return (uint64_t)s->height * s->width * s->channels;
}

/* Numbers all layers' channels; returns how many, and the most of one pixel. */
static uint64_t number_layers(struct proof *p, uint32_t *widest)
{
    const struct network *n = p->plan->network;
    uint64_t at = 0;

    for (uint32_t i = 0; i < n->n_layer; i++) {
        p->first[i] = at;
        at += volume(&n->layer[i].out);
        p->pooled[i] = at;
        at += n->layer[i].pooled ? n->layer[i].out.channels : 0;
        *widest = max_u32(*widest, max_u32(n->layer[i].out.channels, n->layer[i].in.channels));
    }
    return at;
}

bool proof_init(struct proof *p, const struct plan *plan, uint64_t n_image)
{
    uint32_t n_layer = plan->network->n_layer, widest = 1;
    uint64_t most;

    *p = (struct proof){ .plan = plan };
    p->first = calloc(n_layer, sizeof *p->first);
    p->pooled = calloc(n_layer, sizeof *p->pooled);
    if (p->first && p->pooled)
        p->per_image = number_layers(p, &widest);
    p->ramp = calloc((size_t)widest + RAMP, 1);
    p->expected = calloc(widest, 1);
    p->sums = calloc(widest, sizeof *p->sums);
    if (!p->first || !p->pooled || !p->ramp || !p->expected || !p->sums ||
        __builtin_mul_overflow(p->per_image, n_image, &most) || most == UINT64_MAX) {
        proof_release(p);
        return false;
    }
    for (size_t i = 0; i < (size_t)widest + RAMP; i++)
        p->ramp[i] = (uint8_t)i;
    do
        p->planes++;
    while (p->planes < 8 && most >> (8 * p->planes));
    return true;
}

void proof_release(struct proof *p)
{
    free(p->first);
    free(p->pooled);
    free(p->ramp);
    free(p->expected);
    free(p->sums);
    *p = (struct proof){ 0 };
}

uint64_t proof_number(const struct proof *p, uint32_t layer, const struct pixel *at)
{
    const struct layer *l = &p->plan->network->layer[layer];
    uint64_t image = 1 + at->image * p->per_image;

    if (l->pooled)
        return image + p->pooled[layer];
    return image + p->first[layer] +
           ((uint64_t)at->row * l->out.width + at->column) * l->out.channels;
}

/* Number of an output before pooling. */
static uint64_t output_number(const struct proof *p, uint32_t layer, const struct pixel *at)
{
    const struct layer *l = &p->plan->network->layer[layer];

    return 1 + at->image * p->per_image + p->first[layer] +
           ((uint64_t)at->row * l->out.width + at->column) * l->out.channels;
}

/* Byte `plane` of the numbers from `number` on, n of them. */
static void write_bytes(const struct proof *p, uint64_t number, uint32_t n, uint32_t plane,
                        uint8_t *to)
{
    if (plane == 0) {
        memcpy(to, p->ramp + number % RAMP, n);
        return;
    }
    for (uint32_t at = 0; at < n;) { // the byte holds until the ones below it wrap
        uint64_t step = UINT64_C(1) << (8 * plane), left = step - number % step;
        uint32_t run = (uint32_t)min_u64(n - at, left);
        memset(to + at, (int)(number >> (8 * plane) & 255), run);
        at += run;
        number += run;
    }
}

/* The same bytes, each in the four of a sum. */
static void write_in_sums(const struct proof *p, uint64_t number, uint32_t n, uint32_t plane,
                          uint8_t *to)
{
    int32_t *sum = (int32_t *)(void *)to;

    write_bytes(p, number, n, plane, to);
    for (uint32_t i = n; i-- > 0;)
        sum[i] = to[i];
}

/* As write_bytes() would write them. */
static bool has_bytes(const struct proof *p, uint64_t number, uint32_t n, uint32_t plane,
                      const uint8_t *found)
{
    if (plane == 0)
        return memcmp(found, p->ramp + number % RAMP, n) == 0;
    uint8_t first = (uint8_t)(number >> (8 * plane));
    if (first == (uint8_t)((number + n - 1) >> (8 * plane)) && n <= UINT64_C(1) << 8 * plane)
        return found[0] == first && memcmp(found, found + 1, n - 1) == 0;
    write_bytes(p, number, n, plane, p->expected);
    return memcmp(found, p->expected, n) == 0;
}

/* ---- marks ---- */

/* Of a part in a plane. */
static uint32_t mark_factor(uint32_t part, uint32_t plane)
{
    uint64_t h = (part + 1) * UINT64_C(0x9e3779b97f4a7c15) + plane * UINT64_C(0x165667b19e3779f9);

    return (uint32_t)((h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93) >> 32) | 1;
}

/* Of channel o of the pixel that begins with `number`: mark_of(mark_begin() + o * factor). */
static uint32_t mark_begin(uint64_t number, uint32_t channel, uint32_t factor)
{
    return (((uint32_t)number ^ (uint32_t)(number >> 32)) + channel) * factor;
}

static int32_t mark_of(uint32_t at)
{
    return (int32_t)(at >> (32 - MARK_BIT));
}

/* Of this part, for an output in a plane. */
static void write_marks(const struct imc_core *c, const struct pixel *place, uint32_t plane,
                        int32_t *acc)
{
    const struct plan_core *core = core_of(c);
    uint64_t number = output_number(c->spec->proof, layer_of(c)->layer, place);
    uint32_t factor = mark_factor(core->part, plane), n = core->out_n;
    uint32_t at = mark_begin(number, core->out_first, factor);

    for (uint32_t o = 0; o < n; o++, at += factor)
        acc[o] = mark_of(at);
}

/* Of n outputs from `channel` on, all parts. */
static bool are_sums(const struct proof *p, uint32_t plan_layer, const struct pixel *at,
                     uint32_t channel, uint32_t n, uint32_t plane, const int32_t *found)
{
    const struct plan_layer *pl = &p->plan->layer[plan_layer];
    uint64_t number = output_number(p, pl->layer, at);

    memset(p->sums, 0, n * sizeof *p->sums);
    for (uint32_t part = 0; part < pl->parts; part++) {
        uint32_t factor = mark_factor(part, plane), next = mark_begin(number, channel, factor);
        for (uint32_t o = 0; o < n; o++, next += factor)
            p->sums[o] += mark_of(next);
    }
    return memcmp(p->sums, found, n * sizeof *p->sums) == 0;
}

int32_t proof_sum(const struct proof *p, uint32_t plan_layer, const struct pixel *at,
                  uint32_t channel, uint32_t plane)
{
    const struct plan_layer *pl = &p->plan->layer[plan_layer];
    uint64_t number = output_number(p, pl->layer, at);
    int32_t sum = 0;

    for (uint32_t part = 0; part < pl->parts; part++)
        sum += mark_of(mark_begin(number, channel, mark_factor(part, plane)));
    return sum;
}

/* ---- what a core receives ---- */

static bool fail(struct imc_core *c, uint64_t now_cyc, const char *what, const struct pixel *at)
{
    core_fail(&c->base, now_cyc, what, at);
    return false;
}

/* Rows and columns of a layer's input from one to the next that its memories store. */
static const uint32_t *sampled(const struct imc_core *c)
{
    static const uint32_t all[] = { 1, 1 };
    const struct plan *p = c->spec->proof->plan;

    for (uint32_t i = 0; layer_of(c)->feed == FEED_READ_BACK && i < p->n_read_back; i++)
        if (p->read_back[i].receiver == core_of(c)->plan_layer &&
            p->read_back[i].reader == layer_of(c)->feeder)
            return p->read_back[i].stride;
    return all;
}

/* Where the input of a layer lies in the map that its memories store a sample of. */
static void unsampled(const struct imc_core *c, struct pixel *at)
{
    const uint32_t *stride = sampled(c);
    const uint32_t folds = plan_folds(c->spec->proof->plan, core_of(c)->plan_layer);

    if (folds > 0)
        *at = (struct pixel){ at->image, at->column % folds, at->column / folds };
    at->row *= stride[0];
    at->column *= stride[1];
}

struct found { // some channels of a pixel, in planes [plane, plane + n)
    const uint8_t *const *in; // [n]
    size_t                at; // in each
    uint32_t              plane, n;
};

static bool are_numbers(const struct proof *p, uint64_t number, uint32_t n,
                        const struct found *found, uint32_t offset)
{
    bool good = true;

    for (uint32_t i = 0; good && i < found->n; i++)
        good = has_bytes(p, number, n, found->plane + i, found->in[i] + found->at + offset);
    return good;
}

/* Channels [from, end) of a pixel of the layer's input: those of several layers in turn. */
static bool check_channels(struct imc_core *c, const struct pixel *stored, uint32_t from,
                           uint32_t end, const struct found *found, uint64_t now_cyc)
{
    const struct proof *proof = c->spec->proof;
    const struct network *n = proof->plan->network;
    const struct layer *l = plan_network_layer(proof->plan, core_of(c)->plan_layer);
    struct pixel at = *stored;
    uint32_t base = 0;

    unsampled(c, &at);
    for (uint32_t i = 0; i < l->n_input; i++) {
        uint32_t channels = layer_delivers(&n->layer[l->input[i]]).channels;
        uint32_t first = max_u32(from, base), last = min_u32(end, base + channels);
        uint64_t number = proof_number(proof, l->input[i], &at) + first - base;
        if (first < last && !are_numbers(proof, number, last - first, found, first - from))
            return fail(c, now_cyc, "not what is read for", stored);
        base += channels;
    }
    return true;
}

/* A pixel of the core's input, all its channels. */
static bool check_input(struct imc_core *c, const struct pixel *stored, const struct found *found,
                        uint64_t now_cyc)
{
    uint32_t first = core_of(c)->in_first;

    return check_channels(c, stored, first, first + core_of(c)->in_n, found, now_cyc);
}

static bool check_padding(struct imc_core *c, const struct found *found, uint32_t n,
                          const struct pixel *place, uint64_t now_cyc)
{
    for (uint32_t p = 0; p < found->n; p++)
        for (uint32_t i = 0; i < n; i++)
            if (found->in[p][found->at + i] != (uint8_t)c->spec->layer->in_zero)
                return fail(c, now_cyc, "not zero in the padding of output", place);
    return true;
}

/* Where position i of an output's window lies; false: in the padding. */
static bool window_pixel(const struct imc_core *c, const struct pixel *place, uint32_t i,
                         struct pixel *at)
{
    const struct window *w = &layer_of(c)->window;
    int64_t row = (int64_t)place->row * w->stride[0] + w->skip[0] - w->pad_before[0] +
                (int64_t)(i / w->kernel[1]) * w->dilation[0];
    int64_t column = (int64_t)place->column * w->stride[1] + w->skip[1] - w->pad_before[1] +
                (int64_t)(i % w->kernel[1]) * w->dilation[1];

    if (w->again[0] || w->again[1]) { // without padding
        row /= (int64_t)w->again[0] + 1;
        column /= (int64_t)w->again[1] + 1;
    }

    *at = (struct pixel){ place->image, (uint32_t)row, (uint32_t)column };
    if (window_between(w, place->row, place->column))
        return false;
    return row >= 0 && row < layer_of(c)->in_height && column >= 0 &&
           column < layer_of(c)->in_width;
}

/* The patch of one replica. */
static bool check_patch(struct imc_core *c, const struct pixel *place, uint32_t replica,
                        uint64_t now_cyc)
{
    const uint32_t *patch = c->matrix.patch + (size_t)replica * c->matrix.patch_n;
    const uint32_t n = core_of(c)->in_n;
    struct found found = { .in = c->scratch.in, .n = c->spec->planes.n };
    bool good = true;

    for (uint32_t i = 0; good && i < c->matrix.patch_n; i++) {
        struct pixel at;
        found.at = (size_t)patch[i] * n;
        good = window_pixel(c, place, i, &at) ? check_input(c, &at, &found, now_cyc)
                                              : check_padding(c, &found, n, place, now_cyc);
    }
    return good;
}

/* The rows of a part that is cut inside channels: row r of [channel][position] is the core's if it
 * lies between its first and its last. They come position by position. */
static bool check_rows(struct imc_core *c, const struct pixel *place, uint64_t now_cyc)
{
    const struct plan_core *core = core_of(c);
    const uint32_t positions = c->matrix.patch_n, before = core->row_first / positions;
    struct found found = { .in = c->scratch.in, .n = c->spec->planes.n };
    bool good = true;

    for (uint32_t i = 0; good && i < positions; i++) {
        struct pixel at;
        bool inside = window_pixel(c, place, i, &at);
        for (uint32_t ch = 0; good && ch < core->in_n; ch++) {
            uint32_t row = (before + ch) * positions + i, channel = core->in_first + ch;
            if (row < core->row_first || row - core->row_first >= core->row_n)
                continue;
            good = inside ? check_channels(c, &at, channel, channel + 1, &found, now_cyc)
                          : check_padding(c, &found, 1, place, now_cyc);
            found.at++;
        }
    }
    return good;
}

void proof_product(struct imc_core *c, uint64_t cyc, const struct pixel *place, uint32_t n,
                   int32_t *acc)
{
    for (uint32_t i = 0; i < n; i++) {
        if (layer_of(c)->inside)
            check_rows(c, &place[i], cyc);
        else
            check_patch(c, &place[i], c->scratch.used[i], cyc);
        for (uint32_t p = 0; p < c->spec->planes.n; p++)
            write_marks(c, &place[i], p, acc + p * c->acc_plane + (size_t)i * core_of(c)->out_n);
    }
}

static bool check_window(struct imc_core *c, const struct pixel *place, uint32_t plane,
                         const uint8_t *const *pixel, uint32_t n_pixel, uint64_t now_cyc)
{
    const struct window *w = &layer_of(c)->window;
    uint32_t n = 0;

    for (uint32_t i = 0; i < w->kernel[0] * w->kernel[1]; i++) {
        struct pixel at;
        if (!window_pixel(c, place, i, &at))
            continue;
        if (n == n_pixel)
            return fail(c, now_cyc, "a pixel is missing in the window of", place);
        const struct found found = { .in = &pixel[n++], .plane = plane, .n = 1 };
        if (!check_input(c, &at, &found, now_cyc))
            return false;
    }
    return n == n_pixel || fail(c, now_cyc, "too many pixels in the window of", place);
}

void proof_window(struct imc_core *c, uint64_t cyc, const struct pixel *place, uint32_t plane,
                  const uint8_t *const *pixel, uint32_t n_pixel, int32_t *acc)
{
    check_window(c, place, plane, pixel, n_pixel, cyc);
    write_marks(c, place, plane, acc);
}

/* Whether a window of outputs `at` sees those places and no others. What it sees lies as far apart
 * as its dilation says, so that the ends decide. */
static bool sees_places(const struct imc_core *c, int axis, uint32_t at,
                        const struct token_places *found)
{
    const struct layer *l = plan_network_layer(c->spec->proof->plan, core_of(c)->plan_layer);
    const uint32_t size = axis == 0 ? l->in.height : l->in.width, apart = sampled(c)[axis];
    const uint32_t first = found->first * apart, last = found->last * apart;
    const uint32_t step = l->window.dilation[axis];

    return (first == last || found->step * apart == step) && last < size &&
           token_sees(&l->window, axis, at, first) && token_sees(&l->window, axis, at, last) &&
           (first < step || !token_sees(&l->window, axis, at, first - step)) &&
           (last + step >= size || !token_sees(&l->window, axis, at, last + step));
}

void proof_places(struct imc_core *c, uint64_t cyc, const struct pixel *place,
                  const struct token_places *rows, const struct token_places *columns)
{
    const struct layer *l = plan_network_layer(c->spec->proof->plan, core_of(c)->plan_layer);
    const bool good = rows && columns ? sees_places(c, 0, place->row, rows) &&
                                            sees_places(c, 1, place->column, columns)
                                      : token_seen(l, place->row, place->column) == 0;

    if (!good)
        fail(c, cyc, "other tokens than those that the window sees of", place);
}

bool proof_token(struct imc_core *c, uint64_t cyc, const struct pixel *at, const uint8_t *byte)
{
    const struct plan *p = c->spec->proof->plan;
    struct token_range range[TOKEN_RANGES];
    const uint32_t n = tokens_ranges(p, core_of(c)->plan_layer, core_of(c)->split, range);
    bool good = true;

    for (uint32_t plane = 0; plane < c->spec->planes.n; plane++, byte += core_of(c)->in_n)
        for (uint32_t i = 0; i < n; i++) {
            const struct found found = { .in = &byte, .at = range[i].at, .plane = plane, .n = 1 };
            good &= check_channels(c, at, range[i].first, range[i].first + range[i].n, &found, cyc);
        }
    return good;
}

void proof_gathered(struct imc_core *c, uint64_t cyc, const struct pixel *place,
                    struct token_heads heads, int32_t *acc)
{
    const struct token_op *t = plan_network_layer(c->spec->proof->plan,
                                                  core_of(c)->plan_layer)->token;

    if (heads.n > 0 && (heads.first * t->value_head != core_of(c)->out_first ||
                        heads.n * t->value_head != core_of(c)->out_n))
        fail(c, cyc, "other heads than those of", place);
    for (uint32_t p = 0; p < c->spec->planes.n; p++)
        write_marks(c, place, p, acc + p * c->acc_plane);
}

/* ---- what a core delivers ---- */

void proof_result(struct imc_core *c, uint64_t cyc, const struct pixel *place, uint32_t plane,
                  const int32_t *acc, const uint8_t *residual, uint8_t *out)
{
    const struct proof *p = c->spec->proof;
    uint32_t first = core_of(c)->out_first, n = core_of(c)->out_n;

    if (!are_sums(p, core_of(c)->plan_layer, place, first, n, plane, acc))
        fail(c, cyc, "other sums than those of", place);
    if (residual && !has_bytes(p, proof_number(p, c->spec->layer->residual, place) + first, n,
                               plane, residual))
        fail(c, cyc, "another residual than that of", place);
    if (c->spec->layer->raw_output && layer_of(c)->layer + 1 < p->plan->network->n_layer)
        write_in_sums(p, output_number(p, layer_of(c)->layer, place) + first, n, plane, out);
    else if (c->spec->layer->raw_output)
        memcpy(out, acc, n * sizeof *acc);
    else
        write_bytes(p, output_number(p, layer_of(c)->layer, place) + first, n, plane, out);
}

static int32_t as_value(const struct imc_core *c, uint8_t byte)
{
    return c->spec->layer->out_signed ? (int8_t)byte : byte;
}

void proof_pool(struct imc_core *c, uint64_t cyc, uint64_t image, uint32_t plane,
                const int32_t *sum, uint8_t *out)
{
    const struct proof *p = c->spec->proof;
    const struct shape *map = &c->spec->layer->out;
    const struct pixel whole = { .image = image };
    const uint32_t layer = layer_of(c)->layer, first = core_of(c)->out_first;

    for (uint32_t o = 0; o < core_of(c)->out_n; o++) {
        int32_t want = 0;
        for (uint32_t row = 0; row < map->height; row++)
            for (uint32_t column = 0; column < map->width; column++) {
                const struct pixel at = { image, row, column };
                uint64_t number = output_number(p, layer, &at) + first + o;
                want += as_value(c, (uint8_t)(number >> (8 * plane)));
            }
        if (want != sum[o])
            fail(c, cyc, "another map summed up than that of", &whole);
    }
    write_bytes(p, proof_number(p, layer, &whole) + first, core_of(c)->out_n, plane, out);
}
