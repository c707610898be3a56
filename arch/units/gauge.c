/* arch/units/gauge.c -- see gauge.h. */
#include "arch/units/gauge.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "arch/units/sliced_array.h"
#include "core/util.h"

enum { CORE_BIN_BITS = 12, COLUMN_BIN_BITS = 8 }; // of a core's few histograms, of its many

struct meter { // the percentile lies in [low, low + bins << shift)
    int64_t   low;
    uint64_t  rank;  // of the percentile in there, from 1; 0: before the first run
    uint64_t *count; // owned; [bins]
};

struct core_gauge {
    const struct array_spec *spec;
    uint32_t      columns;  // of the array
    uint32_t      n_meter;  // one for each column, or of all; the column of ones has the last
    uint32_t      bin_bits, shift;
    bool          done;     // every meter has found its number
    struct meter *meter;    // owned; NULL where nothing is calibrated
};

struct gauge {
    struct imc_array_kind kind; // first: an array finds the gauge of its kind
    uint32_t              n_core;
    struct core_gauge    *core; // owned
    pthread_mutex_t       lock; // of the counts: chips run side by side
};

static uint32_t bits_of(int64_t v)
{
    uint32_t n = 0;

    while (v >> n)
        n++;
    return n;
}

/* ---- runs ---- */

static bool core_init(struct core_gauge *c, const struct plan *p, uint32_t core)
{
    const struct plan_core *pc = &p->core[core];
    const struct array_spec *s = &p->layer[pc->plan_layer].array;
    uint32_t bits = bits_of(array_most_sum(s, pc->rows));

    *c = (struct core_gauge){ .spec = s, .columns = pc->columns, .done = true };
    if (!s->calibrated)
        return true;
    c->n_meter = (s->per_column ? s->layout.n_slice * pc->columns : 1) + 1;
    c->bin_bits = s->per_column ? COLUMN_BIN_BITS : CORE_BIN_BITS;
    c->shift = bits > c->bin_bits ? bits - c->bin_bits : 0;
    c->done = false;
    c->meter = calloc(c->n_meter, sizeof *c->meter);
    for (uint32_t i = 0; c->meter && i < c->n_meter; i++) {
        c->meter[i].count = calloc(UINT64_C(1) << c->bin_bits, sizeof *c->meter[i].count);
        if (!c->meter[i].count)
            return false;
    }
    return c->meter;
}

bool gauge_more(const struct gauge *g)
{
    for (uint32_t i = 0; i < g->n_core; i++)
        if (!g->core[i].done)
            return true;
    return false;
}

/* The least rank that is p % of n: the ceiling of p n / 10^11, p in billionths. */
static uint64_t rank_of(uint64_t percentile, uint64_t n)
{
    enum { LOW_BITS = 20 }; // of n, so that no product has more than 64
    const uint64_t all = 100 * PARAM_BILLION, low = n & ((UINT64_C(1) << LOW_BITS) - 1);

    assert(percentile <= all && n >> 47 == 0);
    uint64_t high = percentile * (n >> LOW_BITS);
    uint64_t rest = (high % all << LOW_BITS) + percentile * low;
    return max_u64((high / all << LOW_BITS) + ceil_div(rest, all), 1);
}

/* The bin that holds the percentile becomes the interval. */
static void narrow(const struct core_gauge *c, struct meter *m, uint64_t percentile)
{
    uint64_t n = 0, bins = UINT64_C(1) << c->bin_bits, b = 0;

    for (uint64_t i = 0; i < bins; i++)
        n += m->count[i];
    if (m->rank == 0)
        m->rank = rank_of(percentile, n);
    for (; n > 0 && b + 1 < bins && m->rank > m->count[b]; b++)
        m->rank -= m->count[b];
    m->low += (int64_t)(b << c->shift);
    memset(m->count, 0, bins * sizeof *m->count);
}

void gauge_next(struct gauge *g)
{
    for (uint32_t i = 0; i < g->n_core; i++) {
        struct core_gauge *c = &g->core[i];
        if (c->done)
            continue;
        for (uint32_t k = 0; k < c->n_meter; k++)
            narrow(c, &c->meter[k], c->spec->percentile);
        c->done = c->shift == 0;
        c->shift -= min_u32(c->shift, c->bin_bits);
    }
}

void gauge_ranges(const struct gauge *g, struct ranges *r)
{
    assert(r->n_core == g->n_core);
    for (uint32_t i = 0; i < g->n_core; i++) {
        const struct core_gauge *c = &g->core[i];
        for (uint32_t k = 0; k < r->core[i].n; k++) {
            bool ones = k + 1 == r->core[i].n;
            int64_t low = c->meter[ones ? c->n_meter - 1 : c->spec->per_column ? k : 0].low;
            r->core[i].range[k] = low > 0 ? low : 1;
        }
    }
}

/* ---- arrays ---- */

struct array { // of a core of a chip
    struct imc_array    base; // first
    struct core_gauge  *gauge;
    pthread_mutex_t    *lock;
    uint32_t            outputs;
    bool                in_signed;
    struct crossbar     crossbar;
    struct sliced_array sliced; // its reads, while they are wanted
    uint16_t           *wide;   // owned; [rows]: bytes that are carried in more than 8 bits
    bool               *used;   // owned; [column]: of a replica that computes something
    struct meter       *meter;  // owned; counts of this array
};

static void release(struct imc_array *array)
{
    struct array *a = (struct array *)array;
    uint64_t bins = UINT64_C(1) << a->gauge->bin_bits;

    pthread_mutex_lock(a->lock);
    for (uint32_t i = 0; a->meter && i < a->gauge->n_meter; i++)
        for (uint64_t b = 0; a->meter[i].count && b < bins; b++)
            a->gauge->meter[i].count[b] += a->meter[i].count[b];
    pthread_mutex_unlock(a->lock);
    for (uint32_t i = 0; a->meter && i < a->gauge->n_meter; i++)
        free(a->meter[i].count);
    crossbar_release(&a->crossbar);
    sliced_array_release(&a->sliced);
    free(a->meter);
    free(a->wide);
    free(a->used);
    free(a);
}

static bool init_meters(struct array *a)
{
    const struct core_gauge *g = a->gauge;

    a->meter = calloc(g->n_meter, sizeof *a->meter);
    for (uint32_t i = 0; a->meter && i < g->n_meter; i++) {
        a->meter[i] = g->meter[i];
        a->meter[i].count = calloc(UINT64_C(1) << g->bin_bits, sizeof *a->meter[i].count);
        if (!a->meter[i].count)
            return false;
    }
    return a->meter;
}

static bool init_reads(struct array *a, const struct array_matrix *m)
{
    const struct array_spec *s = m->spec;
    const struct sliced_array_cfg cfg = {
        .rows = m->rows, .outputs = m->columns,
        .input_bits = s->reads.input_bits, .input_signed = m->in_signed,
        .input_slice_bits = min_u32(s->reads.input_slice_bits, s->reads.input_bits),
        .rows_at_once = array_rows_at_once(s, m->rows), .cell = s->cell, .weights = s->weights,
    };
    size_t n = (size_t)m->rows * m->columns;
    int32_t *weight = malloc(n * sizeof *weight);

    for (size_t i = 0; weight && i < n; i++)
        weight[i] = m->weight[i];
    a->wide = calloc(m->rows, sizeof *a->wide);
    a->used = calloc(m->columns, sizeof *a->used);
    bool done = weight && a->wide && a->used &&
                sliced_array_init(&a->sliced, &cfg, weight, m->simd);
    free(weight);
    return done;
}

static struct imc_array *program(const struct array_matrix *m)
{
    struct gauge *g = (struct gauge *)m->kind; // which gauge_array() gave, and may change
    struct array *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    *a = (struct array){
        .base = { m->kind, m->rows, m->columns, m->rows, m->columns },
        .gauge = &g->core[m->core], .lock = &g->lock, .outputs = m->outputs,
        .in_signed = m->in_signed,
    };
    bool done = crossbar_init(&a->crossbar, m->rows, m->columns, m->weight, m->in_signed, m->simd);
    if (done && !a->gauge->done)
        done = init_meters(a) && init_reads(a, m);
    if (!done) {
        release(&a->base);
        return NULL;
    }
    a->base.n_read = a->crossbar.packed_rows;
    a->base.n_write = a->crossbar.packed_columns;
    return &a->base;
}

static void multiply(struct imc_array *array, const struct array_product *p)
{
    const struct array *a = (const struct array *)array;

    for (uint32_t i = 0; i < p->planes; i++)
        crossbar_mvm(&a->crossbar, p->in[i], p->sum + i * p->apart);
}

static void add(const struct core_gauge *g, struct meter *m, int64_t sum)
{
    int64_t at = (sum < 0 ? -sum : sum) - m->low;

    if (at >= 0 && at >> g->shift < INT64_C(1) << g->bin_bits)
        m->count[at >> g->shift]++;
}

/* Columns of the replicas that compute an output are converted, and that of ones. */
static void see(void *user, uint32_t j, uint32_t first, uint32_t n, const int64_t *sum)
{
    const struct array *a = user;
    const struct core_gauge *g = a->gauge;
    bool ones = j == g->spec->layout.n_slice;

    for (uint32_t i = 0; i < n; i++)
        if (ones)
            add(g, &a->meter[g->n_meter - 1], sum[i]);
        else if (a->used[first + i])
            add(g, &a->meter[g->spec->per_column ? j * a->base.columns + first + i : 0], sum[i]);
}

static void count(const struct imc_array *array, const struct array_product *p, uint32_t plane,
                  struct array_counts *n)
{
    struct array *a = (struct array *)array; // of ours
    const uint8_t *in = p->in[plane];

    (void)n;
    if (!a->meter)
        return;
    memset(a->used, 0, a->base.columns * sizeof *a->used);
    for (uint32_t i = 0; i < p->n_output * a->outputs; i++)
        a->used[p->replica[i / a->outputs] * a->outputs + i % a->outputs] = true;
    for (uint32_t r = 0; r < a->base.rows; r++)
        a->wide[r] = (uint16_t)(a->in_signed ? (int8_t)in[r] : in[r]);
    const bool wide = a->sliced.cfg.input_bits > 8;
    sliced_array_sums(&a->sliced, wide ? (const void *)a->wide : in, see, a);
}

static bool takes(const struct array_spec *s)
{
    (void)s;
    return false;
}

/* ---- the gauge ---- */

void gauge_free(struct gauge *g)
{
    for (uint32_t i = 0; g && g->core && i < g->n_core; i++) {
        struct core_gauge *c = &g->core[i];
        for (uint32_t k = 0; c->meter && k < c->n_meter; k++)
            free(c->meter[k].count);
        free(c->meter);
    }
    if (g) {
        pthread_mutex_destroy(&g->lock);
        free(g->core);
    }
    free(g);
}

struct gauge *gauge_new(const struct plan *p)
{
    struct gauge *g = calloc(1, sizeof *g);

    if (!g)
        return NULL;
    *g = (struct gauge){
        .kind = { .name = "gauge", .doc = "exact, and measures what converters would see",
                  .takes = takes, .program = program, .multiply = multiply, .count = count,
                  .release = release },
        .n_core = p->n_core, .core = calloc(p->n_core, sizeof *g->core),
    };
    pthread_mutex_init(&g->lock, NULL);
    bool done = g->core;
    for (uint32_t i = 0; done && i < p->n_core; i++)
        done = core_init(&g->core[i], p, i);
    if (done)
        return g;
    gauge_free(g);
    return NULL;
}

const struct imc_array_kind *gauge_array(struct gauge *g)
{
    return &g->kind;
}
