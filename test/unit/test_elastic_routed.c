/* Elastic chips whose tokens are packets of routers, beside a twin that steps every core and every
 * router in every clock: times and counters of random networks on random small machines. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/elastic/elastic.h"
#include "core/util.h"
#include "noc/fabric.h"
#include "test/dice.h"
#include "test/elastic_rig.h"
#include "test/random_study.h"
#include "test/token_machine.h"

enum { N_NETWORK = 360, N_TRANSFORMER = 60, LEAST_CORES = 4 };

struct routed { // a random network on routers
    struct random_study   s;
    struct plan           p;
    struct graph          g;
    uint32_t             *node; // owned
    struct elastic_places places;
    uint64_t              n_image;
};

typedef void make_fn(struct random_study *s, unsigned seed);

/* ---- machines at random ---- */

static void draw_routers(struct dice *d, struct fabric_cfg *f, uint32_t most_side)
{
    static const char *const kind[] = { "mesh", "mesh", "tree", "bus" };

    snprintf(f->kind, sizeof f->kind, "%s", kind[pick(d, 0, 3)]);
    f->rows = pick(d, 2, most_side);
    f->columns = pick(d, 3, most_side);
    f->arity = chance(d, 2) ? ARITY_2 : ARITY_4;
    f->flit_bits = UINT32_C(16) << pick(d, 0, 4);
    f->header_bits = pick(d, 0, 24);
    f->vcs = pick(d, 1, 4);
    f->vc_flits = pick(d, 1, 8);
    f->routing_clk = pick(d, 0, 2);
    f->vc_clk = pick(d, 0, 2);
    f->switch_clk = pick(d, 0, 2);
    f->crossbar_clk = f->switch_clk > 0 ? pick(d, 0, 2) : 1;
    f->link_clk = pick(d, 1, 3);
    f->vc_credit_clk = pick(d, 0, 2);
    const bool cuts = chance(d, 2), copies = cuts && !chance(d, 4);
    f->switching = cuts ? SWITCHING_CUT_THROUGH : SWITCHING_WORMHOLE;
    f->multicast = copies ? MULTICAST_TREE : MULTICAST_UNICAST;
}

/* On arrays that are large enough for as many cores as there are places. */
static bool fits(struct routed *r)
{
    for (int i = 0; i < 6; i++) {
        if (random_study_elastic(&r->p, &r->s)) {
            if (r->p.n_core >= LEAST_CORES && r->p.n_core <= r->s.config.chip_cores)
                return true;
            plan_release(&r->p);
        }
        r->s.config.crossbar.rows *= 2;
        r->s.config.crossbar.columns *= 2;
    }
    return false;
}

/* Cores at places in any order. */
static void place(struct dice *d, struct routed *r)
{
    const uint32_t n = r->g.n_node;

    r->node = calloc(n, sizeof *r->node);
    assert_non_null(r->node);
    for (uint32_t i = 0; i < n; i++)
        r->node[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        const uint32_t k = pick(d, 0, i - 1), was = r->node[i - 1];
        r->node[i - 1] = r->node[k];
        r->node[k] = was;
    }
    r->places = (struct elastic_places){ &r->g, r->node };
}

/* As a user would: who cuts through wants a buffer that holds the longest packet. */
static void lengthen(struct routed *r)
{
    const struct elastic_cfg_run cfg = { .n_image = 1, .places = &r->places };
    uint32_t *flits = &r->s.config.fabric.vc_flits;
    struct elastic_result e;
    struct err_msg m;

    if (!elastic_run(&r->p, &cfg, &e, &m)) {
        elastic_result_release(&e);
        return;
    }
    const char *want = strstr(m.text, "want at least fabric.vc_flits = ");
    if (want)
        assert_int_equal(sscanf(want, "want at least fabric.vc_flits = %" SCNu32, flits), 1);
}

static bool draw(struct routed *r, make_fn *study_make, uint32_t most_side, unsigned seed)
{
    struct dice d = { .state = seed };
    struct fabric_cfg *f = &r->s.config.fabric;
    struct err_msg m;

    study_make(&r->s, seed);
    draw_routers(&d, f, most_side);
    r->s.config.chip_cores = f->rows * f->columns;
    r->n_image = pick(&d, 1, 3);
    if (!fits(r)) {
        random_study_release(&r->s);
        return false;
    }
    r->s.config.elastic.residual_pixels += chance(&d, 2) ? 60 : 0; // fewer stand still
    r->s.config.elastic.image_period_clk = chance(&d, 4) ? pick(&d, 1, 3000) : 0;
    if (r->p.fabric->graph(f, &r->g, &m))
        fail_msg("seed %u: %s", seed, m.text);
    place(&d, r);
    if (f->switching == SWITCHING_CUT_THROUGH)
        lengthen(r);
    return true;
}

static void release(struct routed *r)
{
    free(r->node);
    graph_release(&r->g);
    plan_release(&r->p);
    random_study_release(&r->s);
}

/* ---- both alike ---- */

struct seen { // machines
    uint32_t n, n_run, n_stuck;
    uint32_t n_wait, n_blocked, n_copied; // packets wait; flits have no place to go to, are copied
    uint32_t n_parts, n_replicas, n_residual, n_pooled;
};

static void see(struct seen *seen, const struct routed *r, const struct elastic_packets *t)
{
    bool blocked = false, parts = false, replicas = false, residual = false, pooled = false;

    for (uint32_t i = 0; i < r->g.n_router * r->g.n_port; i++)
        blocked |= t->channel[i].blocked_clk > 0;
    for (uint32_t i = 0; i < r->p.n_layer; i++) {
        const struct layer *l = plan_network_layer(&r->p, i);
        parts |= r->p.layer[i].parts > 1;
        replicas |= plan_firing_shape(&r->p, i).n > 1;
        residual |= l->has_residual;
        pooled |= l->pooled;
    }
    seen->n_run++;
    seen->n_wait += t->latency_sum > t->zero_load_sum;
    seen->n_blocked += blocked;
    seen->n_copied += t->counts.flits_copied > 0;
    seen->n_parts += parts;
    seen->n_replicas += replicas;
    seen->n_residual += residual;
    seen->n_pooled += pooled;
}

static void compare(make_fn *study_make, uint32_t most_side, unsigned seed, struct seen *seen)
{
    struct elastic_result e;
    struct routed r;

    if (!draw(&r, study_make, most_side, seed))
        return;
    const struct elastic_cfg_run cfg = { .n_image = r.n_image, .places = &r.places };
    const bool ends = elastic_rig_agrees(&e, &r.p, &cfg, seed);
    seen->n++;
    seen->n_stuck += !ends;
    if (ends) {
        see(seen, &r, &e.packets);
        elastic_result_release(&e);
    }
    release(&r);
}

static void network_make(struct random_study *s, unsigned seed)
{
    random_study_make(s, seed);
    random_study_clocks(s);
}

static void all_is_as_a_twin_of_cores_and_routers_says(void **state)
{
    struct seen n = { 0 };

    (void)state;
    for (unsigned seed = 1; seed <= N_NETWORK; seed++)
        compare(network_make, 4, seed, &n);
    print_message("%u networks, %u run, %u stand still; of those that run packets wait in %u, "
                  "flits lack room in %u and are copied in %u; %u have row splits, %u replicas, "
                  "%u residuals, %u pools\n", n.n, n.n_run, n.n_stuck, n.n_wait, n.n_blocked,
                  n.n_copied, n.n_parts, n.n_replicas, n.n_residual, n.n_pooled);
    assert_true(n.n_run >= 120 && n.n_stuck > 0);
    assert_true(n.n_wait >= 100 && n.n_blocked >= 20 && n.n_copied >= 20);
    assert_true(n.n_parts >= 20 && n.n_replicas >= 50 && n.n_residual >= 40 && n.n_pooled >= 100);
}

static void transformers_too(void **state)
{
    struct seen n = { 0 };

    (void)state;
    for (unsigned seed = 1; seed <= N_TRANSFORMER; seed++)
        compare(seed % 2 ? token_study_make : token_map_study_make, 6, seed, &n);
    print_message("%u transformers, %u run, %u stand still; packets wait in %u, flits are copied "
                  "in %u\n", n.n, n.n_run, n.n_stuck, n.n_wait, n.n_copied);
    assert_true(n.n_run >= 20 && n.n_wait >= 20 && n.n_copied >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_as_a_twin_of_cores_and_routers_says),
        cmocka_unit_test(transformers_too),
    };
    return cmocka_run_group_tests_name("elastic_routed", tests, NULL, NULL);
}
