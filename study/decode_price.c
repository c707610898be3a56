/* study/decode_price.c -- see decode_price.h. */
#include "study/decode_price.h"

#include "study/pricing.h"

/* Adds what a decoder's run takes, times `sign`, to *all and to the blocks. */
static enum err add(double *all, struct decode_price *price, double sign, const struct decoder *d,
                    const struct run_result *run, struct err_msg *m)
{
    const struct study whole = { .config = d->config, .network = d->network, .plan = d->plan };
    struct price_report r;
    enum err e = pricing(&r, &whole, run, m);

    if (e)
        return e;
    const double n = (double)d->config.decode.streams;
    for (unsigned b = 0; b < N_PRICE_ALL; b++) {
        const double pj = (double)(r.total.energy_pj[b] + r.total.leakage_pj[b]);
        price->token_block[b] += sign * pj / n;
        price->has_block[b] = r.has_block[b];
        *all += pj;
    }
    price_report_release(&r);
    return ERR_NONE;
}

/* The run of the prompts alone, by the plan. */
static enum err less_prompts(struct decode_price *price, const struct study *s, struct err_msg *m)
{
    const struct run_cfg cfg = { .n_image = 1, .jobs = 1 };
    struct study prompts = *s; // borrows all that it has
    struct run_result run_of;
    struct decoder d;
    double unused = 0;

    prompts.config.decode.tokens = 0;
    enum err e = decoder_make(&d, &prompts, m);
    if (e)
        return e;
    if (!(e = run(&d.plan, &cfg, &run_of, m))) {
        e = add(&unused, price, -1, &d, &run_of, m);
        run_result_release(&run_of);
    }
    decoder_release(&d);
    return e;
}

enum err decode_price(struct decode_price *price, const struct study *s, const struct decoder *d,
                      const struct run_result *run, struct err_msg *m)
{
    const struct decode_cfg *c = &d->config.decode;

    *price = (struct decode_price){ .all = 0 };
    enum err e = add(&price->all, price, 1, d, run, m);
    if (!e && c->prompt > 0)
        e = less_prompts(price, s, m);
    for (unsigned b = 0; !e && b < N_PRICE_ALL; b++) {
        price->token_block[b] /= c->tokens;
        price->token += price->token_block[b];
    }
    return e;
}
