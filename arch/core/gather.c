/* arch/core/gather.c -- the stage of a core of a layer of tokens: it gathers what the window of the
 * next output sees and works on it, for as many timesteps as that takes; see stages.h and
 * dataflow/plan/tokens.h.
 *
 * Each token is read from where it was stored, its queries, keys and values side by side; one that
 * is not there stops the run. Where there are values, what was read is what the layer's kind
 * computes with. */
#include "arch/core/fire.h"
#include "arch/core/proof.h"
#include "arch/core/token_counts.h"
#include "core/planes.h"
#include "core/util.h"
#include "dataflow/plan/tokens.h"
#include "network/output.h"

static void lost(struct imc_core *c, const struct core_now *now, uint64_t image, uint32_t row,
                 uint64_t missing)
{
    const uint32_t width = c->spec->in_width;
    const struct pixel at = { image, row, (uint32_t)(missing % width) };

    core_fail(&c->base, now->cyc, "not in the memory when it is read:", &at);
}

/* Of a token, in proof. */
static uint64_t name_of(const struct imc_core *c, const struct pixel *at)
{
    return 1 + (at->image * c->spec->in_width + at->column) * c->spec->pl->in_height + at->row;
}

/* Reads a token of a window, the n-th; false: it is not there, or in proof is another. */
static bool read_token(struct imc_core *c, const struct core_now *now, const struct pixel *at,
                       uint32_t n)
{
    const struct imc_spec *s = c->spec;
    const uint64_t column = at->image * s->in_width + at->column;
    const bool kept = !s->proof && s->planes.n > 0;
    uint8_t *to = kept ? c->tokens.byte + (size_t)n * s->in_n : c->scratch.pixel;
    const size_t apart = kept ? (size_t)c->tokens.most * s->in_n : s->in_n;
    uint64_t missing;

    if (memory_read_row(&c->memory, at->row, column, 1, s->planes.n > 0 ? to : NULL, apart,
                        &missing) == 0) {
        lost(c, now, at->image, at->row, missing);
        return false;
    }
    if (kept)
        c->tokens.number[n] = at->column * s->pl->in_height + at->row;
    if (!s->proof)
        return true;
    if (!proof_token(c, now->cyc, at, to))
        return false;
    memory_learn(&c->memory, at->row, column, name_of(c, at));
    return true;
}

/* n neighbours of a row whose values nobody wants; false: one is not there. */
static bool skip_tokens(struct imc_core *c, const struct core_now *now, const struct pixel *at,
                        uint32_t n)
{
    const uint64_t column = at->image * c->spec->in_width + at->column;
    uint64_t missing;

    if (memory_read_row(&c->memory, at->row, column, n, NULL, 0, &missing) > 0)
        return true;
    lost(c, now, at->image, at->row, missing);
    return false;
}

/* n neighbours of a row, in a timing run or in proof, where those whose words are known by name are
 * not compared again. */
static bool read_row(struct imc_core *c, const struct core_now *now, struct pixel at, uint32_t n)
{
    const struct imc_spec *s = c->spec;

    if (!s->proof)
        return skip_tokens(c, now, &at, n);
    for (uint32_t some; n > 0; n -= some, at.column += some) {
        some = memory_known_row(&c->memory, at.row, at.image * s->in_width + at.column, n,
                                name_of(c, &at), s->pl->in_height);
        if (some > 0 ? !skip_tokens(c, now, &at, some) : !read_token(c, now, &at, 0))
            return false;
        some = max_u32(some, 1);
    }
    return true;
}

/* What the window sees along an axis; false: nothing. */
static bool places_seen(const struct plan_layer *pl, int axis, uint32_t at,
                        struct token_places *places)
{
    const uint32_t size = axis == 0 ? pl->in_height : pl->in_width;

    if (window_inside(&pl->window, axis, at, size) == 0)
        return false;
    *places = (struct token_places){ window_first(&pl->window, axis, at, size),
                                     window_last(&pl->window, axis, at, size),
                                     pl->window.dilation[axis] };
    return true;
}

/* Reads what the window sees, in the order of numbers where values are kept. Returns how many
 * tokens; none: what is stored for it. */
static uint32_t gather(struct imc_core *c, const struct core_now *now, const struct pixel *at)
{
    const struct plan_layer *pl = c->spec->pl;
    const bool kept = !c->spec->proof && c->spec->planes.n > 0;
    struct token_places rows, columns;
    const bool any = places_seen(pl, 0, at->row, &rows) && places_seen(pl, 1, at->column, &columns);
    uint32_t n = 0;

    if (c->spec->proof)
        proof_places(c, now->cyc, at, any ? &rows : NULL, any ? &columns : NULL);
    if (!any)
        return 0;
    if (!kept && columns.step == 1) {
        const uint32_t width = columns.last - columns.first + 1;
        for (uint32_t row = rows.first; row <= rows.last; row += rows.step, n += width)
            if (!read_row(c, now, (struct pixel){ at->image, row, columns.first }, width))
                break;
        return n;
    }
    for (uint32_t column = columns.first; column <= columns.last; column += columns.step)
        for (uint32_t row = rows.first; row <= rows.last; row += rows.step)
            if (!read_token(c, now, &(struct pixel){ at->image, row, column }, n++))
                return n;
    return n;
}

static int32_t code_of(const struct imc_core *c, const uint8_t *byte, size_t apart)
{
    if (c->spec->of_sums)
        return kept_sum(byte, apart);
    if (c->spec->planes.wide)
        return value_of_bytes(byte[0], byte[apart], c->spec->in_signed);
    return c->spec->in_signed ? (int8_t)byte[0] : byte[0];
}

static struct token_heads heads_of(const struct imc_core *c)
{
    return tokens_heads(c->spec->plan, c->spec->pc->plan_layer, c->spec->pc->split);
}

/* The outputs of every stream, of the n tokens that were read. */
static void compute(struct imc_core *c, const struct pixel *at, uint32_t n, int32_t *acc)
{
    const struct imc_spec *s = c->spec;
    const struct imc_tokens *t = &c->tokens;
    const size_t values = (size_t)n * s->in_n, apart = (size_t)t->most * s->in_n;
    const uint32_t planes = s->planes.wide ? 2 : 1;
    const struct token_window w = {
        .heads = heads_of(c),
        .at = at->column * s->layer->out.height + at->row, .n = n, .number = t->number,
        .code = t->token,
    };

    for (uint32_t p = 0; p < s->planes.n; p += planes) {
        int32_t *out = acc + p * c->acc_plane;
        const uint8_t *byte = t->byte + (s->of_sums ? p / planes * SUM_PLANES : p) * apart;
        for (size_t i = 0; i < values; i++)
            t->code[i] = code_of(c, byte + i, apart);
        token_kind_of(s->layer)->compute(s->layer, &w, t->room, out);
        for (uint32_t o = 0; planes > 1 && o < s->out_n; o++)
            wide_sum_set(out + o, c->acc_plane, out[o]);
    }
}

static void begin(struct imc_core *c, const struct core_now *now, struct core_sums *own)
{
    const struct pixel *at = &own->place[0];
    const uint64_t lasts = plan_lasts(c->spec->plan, c->spec->pc->plan_layer, at->row, at->column);
    const uint32_t seen = gather(c, now, at);

    if (c->spec->proof)
        proof_gathered(c, now->cyc, at, heads_of(c), own->acc);
    else if (c->spec->planes.n > 0 && !c->base.fault->set)
        compute(c, at, seen, own->acc);
    token_count(c->spec->plan, c->spec->index, seen, core_weight(c, at->image),
                &c->base.report.counters);
    core_count_firing(c, own->place, 1, now->timestep);
    c->base.report.counters.busy_timesteps += (lasts - 1) * core_weight(c, at->image);
    core_tell_pixels(c, CORE_FIRED, now->timestep, 1, at, 0);
    own->passed = 0;
    c->state.next_timestep = now->timestep + lasts;
    c->state.next_sum_timestep = now->timestep + lasts - 1;
    c->state.sums_n++;
    c->state.sums_complete++;
}

static uint64_t act(struct imc_core *c, const struct core_now *now)
{
    const struct imc_state *state = &c->state;

    if (!now->between && now->timestep >= state->next_timestep) {
        struct core_sums *own = &c->sums[(state->sums_head + state->sums_n) % c->spec->sums_room];
        own->n = controller_fire(&c->controller, now->timestep, own->place);
        if (own->n > 0)
            begin(c, now, own);
    }
    uint64_t may = max_u64(state->next_timestep, controller_paced_timestep(&c->controller));
    may = max_u64(may, now->timestep + 1);
    return controller_ready(&c->controller, may) ? may : CYC_NEVER;
}

const struct core_stage stage_gather = {
    .name = "gather", .act = act, .describe = core_fire_describe,
};
