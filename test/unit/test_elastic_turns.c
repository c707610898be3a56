/* Images that repeat others although memories turn from image to image: cores run alone for their
 * other turns, beside a chip that runs every image clock by clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "arch/elastic/elastic.h"
#include "memory/input_memory.h"
#include "test/elastic_rig.h"
#include "test/plan_rig.h"
#include "test/random_study.h"

static void tell_nobody(void *user, uint32_t core, const struct core_event *e)
{
    (void)user;
    (void)core;
    (void)e;
}

/* Where each firing is told, no core works ahead and no image is left out. */
static const struct core_probe probe = { .event = tell_nobody };

static uint32_t gcd(uint32_t a, uint32_t b)
{
    return b == 0 ? a : gcd(b, a % b);
}

/* Images until every memory in which pixels share words has its columns where it had them. */
static uint32_t rotation(const struct plan *p)
{
    uint32_t n = 1;

    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct memory_layout *l = &p->time.core[i].layout;
        const uint32_t k = l->shape.columns, width = p->layer[p->core[i].plan_layer].in_width;
        if (memory_words_apart(l))
            continue;
        n = n / gcd(n, k / gcd(k, width)) * (k / gcd(k, width));
    }
    return n;
}

/* Whether fewer images are run than a rotation, the one that repeats its first, and the one that is
 * under way as that is known. */
static bool is_turned(const struct plan *p, uint64_t n_image)
{
    const struct elastic_cfg_run some = { .n_image = n_image },
                                 all = { .n_image = n_image, .probe = &probe };
    struct elastic_result a, b;
    struct err_msg m;

    if (elastic_run(p, &some, &a, &m))
        return false; // it stands still
    assert_int_equal(elastic_run(p, &all, &b, &m), ERR_NONE);
    assert_int_equal(b.n_run, n_image);
    elastic_rig_same(&a, &b, p);
    elastic_rig_adds_up(&a);
    const bool turned = a.n_run < n_image && a.n_run < rotation(p) + 2;
    elastic_result_release(&a);
    elastic_result_release(&b);
    return turned;
}

typedef void make_fn(struct random_study *s, unsigned seed);

static uint32_t count_turned(make_fn *study_make, unsigned first, unsigned last)
{
    uint32_t n = 0;

    for (unsigned seed = first; seed <= last; seed++) {
        struct random_study s;
        struct plan p;

        study_make(&s, seed);
        if (random_study_elastic(&p, &s)) {
            s.config.elastic.image_period_clk = seed % 5 == 0 ? seed % 7 * 300 : 0;
            n += is_turned(&p, 4 + seed % 17);
            plan_release(&p);
        }
        random_study_release(&s);
    }
    return n;
}

static void random_memories_turn_alone(void **state)
{
    (void)state;
    const uint32_t n = count_turned(random_study_make, 140, 370),
                   n_wide = count_turned(random_wide_study_make, 1940, 2260);
    print_message("%u and %u networks repeat before their memories do\n", n, n_wide);
    assert_true(n >= 4 && n_wide >= 4);
}

/* Three channels in three columns of words: ResNets of 32 and 44 layers, of 4 to 9 images. */
static void a_first_layer_of_three_channels_turns_alone(void **state)
{
    static const char *const depth[] = { "network.depth=32", "network.depth=44" };

    (void)state;
    for (size_t i = 0; i < sizeof depth / sizeof *depth; i++)
        for (uint32_t n_image = 4; n_image <= 9; n_image++) {
            const char *const set[] = { "clocking.kind=elastic", "chip.cores=80", depth[i], NULL };
            struct plan_rig r;
            if (rig_make(&r, set))
                fail_msg("%s", r.msg.text);
            assert_int_equal(rotation(&r.plan), 3);
            const bool turned = is_turned(&r.plan, n_image);
            assert_true(turned || n_image < 5); // of four images it is not worth the trouble
            rig_release(&r);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_memories_turn_alone),
        cmocka_unit_test(a_first_layer_of_three_channels_turns_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
