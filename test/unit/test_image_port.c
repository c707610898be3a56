/* test/unit/test_image_port.c -- what the mapper says at a glance of memories that hold the image,
 * against plans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/util.h"
#include "dataflow/mapper/image_port.h"
#include "dataflow/plan/dry_run/dry_run.h"
#include "test/plan_rig.h"

static uint32_t pick(uint32_t *seed, uint32_t least, uint32_t most)
{
    *seed = *seed * 1664525u + 1013904223u;
    return least + (*seed >> 8) % (most - least + 1);
}

/* One convolution of any window on an image, and one behind it; few clocks, and nothing else is
 * short. Words of one value: each pixel begins one. */
static void draw(struct plan_rig *r, uint32_t *seed, bool one_value)
{
    static const char *const firing[] = { "column", "column", "block", "free" };
    char text[4][64];
    const char *set[] = { text[0], text[1], text[2], text[3], "core.input_memory.words=65536",
                          "chip.cores=60", "core.crossbar.rows=200", "core.crossbar.columns=12",
                          "core.digital.lanes=4096", "fabric.link_gbps=4000",
                          "fabric.partial_sum_gbps=4000", NULL };

    *r = (struct plan_rig){ 0 };
    rig_image(r, pick(seed, 3, 12), pick(seed, 3, 12), pick(seed, 1, 3));
    struct layer *l = rig_conv(r, 0, pick(seed, 1, 4), pick(seed, 1, 5), pick(seed, 1, 3));
    for (int a = 0; a < 2; a++) {
        uint32_t size = a == 0 ? l->in.height : l->in.width;
        struct window *w = &l->window;
        w->kernel[a] = w->kernel[a] > size ? size : w->kernel[a];
        w->pad_before[a] = pick(seed, 0, w->kernel[a] - 1);
        w->pad_after[a] = pick(seed, 0, w->kernel[a] - 1);
        w->dilation[a] = 1;
        size += w->pad_before[a] + w->pad_after[a] - w->kernel[a];
        w->skip[a] = pick(seed, 0, min_u32(size, 1));
        size = (size - w->skip[a]) / w->stride[a] + 1;
        *(a == 0 ? &l->out.height : &l->out.width) = size;
    }
    rig_conv(r, 1, 2, 1, 1)->pooled = true; // what is pooled is not copied
    snprintf(text[0], sizeof text[0], "core.input_memory.word_bits=%u",
             one_value ? 8 : 8 * pick(seed, 2, 12));
    snprintf(text[1], sizeof text[1], "clocking.timestep_ns=%u", 2 * pick(seed, 2, 16));
    snprintf(text[2], sizeof text[2], "mapping.firing=%s", firing[pick(seed, 0, 3)]);
    snprintf(text[3], sizeof text[3], "core.crossbar.mvm_ns=2");
    struct network network = r->network;
    rig_config(r, set);
    r->network = network;
}

struct seen {
    uint32_t fit, not_fit, refuted; // by plans; at a glance
};

/* Free firings are not told; what depends on more than columns and rows is not either. */
static bool is_told(const struct mapper *mp)
{
    const struct layer *l = plan_network_layer(&mp->plan, 0);
    const struct window *w = &l->window;

    return mp->config->mapping.firing[0] != 'f' && w->stride[0] <= w->kernel[0] &&
           w->stride[1] <= w->kernel[1] && l->out.height * l->out.width > 1;
}

/* Pixels that each timestep stores, counted one by one: the first firing whose windows see it, and
 * then what a plan says of all pixels of the image. */
static void check_stored(const struct image_port *ip, const struct mapper_option *o,
                         uint64_t interval)
{
    const struct layer *l = plan_network_layer(&ip->mp->plan, 0);
    const struct window *w = &l->window;
    const struct firing_shape shape = mapper_firing_shape(l, o);
    const uint32_t width = o->firing->strip_width(&shape);
    const uint32_t height = min_u32(o->replicas.n / o->replicas.width, l->out.height);
    const uint32_t blocks = (uint32_t)ceil_div(l->out.height, height);
    const size_t n = (size_t)l->in.height * l->in.width;
    int64_t *time = malloc(n * sizeof *time);
    uint32_t *stored = calloc(interval, sizeof *stored);

    assert_non_null(time);
    assert_non_null(stored);
    for (size_t i = 0; i < n; i++)
        time[i] = DRY_RUN_NEVER_USED;
    for (uint32_t i = 0; i < l->out.height * l->out.width; i++) {
        uint32_t row = i / l->out.width, column = i % l->out.width;
        int64_t fired = (int64_t)(column / width / o->copies) * blocks + row / height;
        for (uint32_t k = 0; k < w->kernel[0] * w->kernel[1]; k++) {
            int64_t r = window_begin(w, 0, row) + k / w->kernel[1];
            int64_t c = window_begin(w, 1, column) + k % w->kernel[1];
            if (r < 0 || c < 0 || r >= l->in.height || c >= l->in.width)
                continue;
            int64_t *use = &time[c * l->in.height + r];
            *use = fired < *use ? fired : *use;
        }
    }
    dry_run_as_late_as_possible(time, n, interval);
    for (size_t i = 0; i < n; i++) {
        int64_t late = time[i] % (int64_t)interval;
        stored[late < 0 ? late + (int64_t)interval : late]++;
    }
    assert_memory_equal(stored, ip->write, interval * sizeof *stored);
    free(time);
    free(stored);
}

static void check_option(struct image_port *ip, const struct mapper_option *o, bool exact,
                         struct seen *seen)
{
    for (uint64_t more = 0; more < 3; more++) {
        uint64_t interval = o->least_interval + more * more * 2;
        bool may = image_port_may_fit(ip, o, interval);
        bool fits = mapper_alone_fits(ip->mp, 0, o, interval);
        assert_true(may || !fits);
        if (exact && !o->inside)
            assert_int_equal(may, fits);
        if (exact && !o->inside && may)
            check_stored(ip, o, interval);
        seen->fit += fits;
        seen->not_fit += !fits;
        seen->refuted += !may;
    }
}

static struct seen check_cases(uint32_t cases, bool one_value)
{
    struct seen seen = { 0 };

    for (uint32_t seed = 1; seed <= cases; seed++) {
        uint32_t r = seed * 7919;
        struct plan_rig rig;
        struct mapper mp;
        struct image_port ip;
        draw(&rig, &r, one_value);
        if (mapper_init(&mp, &rig.network, &rig.config, &rig.msg) == ERR_NONE) {
            bool exact = one_value && is_told(&mp);
            assert_int_equal(image_port_init(&ip, &mp, 0, &rig.msg), ERR_NONE);
            for (uint32_t i = 0; i < mp.layer[0].n_option; i += 1 + mp.layer[0].n_option / 40)
                if (!mp.layer[0].option[i].doubtful)
                    check_option(&ip, &mp.layer[0].option[i], exact, &seen);
            image_port_release(&ip);
        }
        mapper_release(&mp);
        rig_release(&rig);
    }
    return seen;
}

static void what_no_port_has_time_for_has_no_plan(void **state)
{
    (void)state;
    struct seen seen = check_cases(150, false);

    assert_true(seen.fit > 500 && seen.refuted > 500);
    assert_true(seen.refuted * 2 > seen.not_fit); // most are found at a glance
}

/* Where a pixel begins a word the words at least are the words. */
static void pixels_of_whole_words_are_told_to_the_clock(void **state)
{
    (void)state;
    struct seen seen = check_cases(150, true);

    assert_true(seen.fit > 500 && seen.refuted > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_no_port_has_time_for_has_no_plan),
        cmocka_unit_test(pixels_of_whole_words_are_told_to_the_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
