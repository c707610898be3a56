/* arch/elastic/reads.c -- how long an array takes for the reads that zeros leave: see elastic.h. */
#include "arch/elastic/site.h"

static struct pixel output_at(const struct site *s, uint64_t i)
{
    const struct place *at = &s->own->at[order_at(s->own, i)];

    return (struct pixel){ order_image(s->own, i), at->row, at->column };
}

/* Outputs from `first` on, before `end`, that replicas of one place compute. */
static uint32_t product_outputs(const struct site *s, uint64_t first, uint64_t end)
{
    const struct pixel head = output_at(s, first);
    uint32_t n = 1;

    for (; first + n < end; n++) {
        const struct pixel next = output_at(s, first + n);
        if (firing_replica(s->pl->firing, &s->shape, &head, &next) == s->shape.n)
            break;
    }
    return n;
}

static uint64_t product_reads(struct site *s, uint64_t first, uint32_t n)
{
    struct elastic_chip *c = s->chip;
    const struct elastic_product p = { s->index, order_image(s->own, first),
                                       order_at(s->own, first), n };
    uint64_t reads = 0;

    if (!c->err)
        c->err = c->reads->reads(c->reads->user, &p, &reads, &c->msg);
    s->count.products++;
    s->count.reads += reads;
    return reads;
}

uint64_t site_array_end(struct site *s, uint64_t now)
{
    uint64_t most = 0;

    if (!s->chip->reads || !s->is_array)
        return now + s->array_clk;
    for (uint64_t i = s->array_next - s->array_n, n; i < s->array_next; i += n) {
        n = product_outputs(s, i, s->array_next);
        most = max_u64(most, product_reads(s, i, (uint32_t)n));
    }
    if (s->chip->err)
        return CYC_NEVER;
    return now + (s->fast[ELASTIC_CROSSBAR]
                      ? 1 : stage_reads_clocks(s->chip->plan->config, &s->pl->array, s->pc->rows,
                                               most));
}
