/* What attention and normalisation cost: energies against counts by closed forms and circuits put
 * together here, areas, ratios, and prices that are not there. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/circuits/adder.h"
#include "arch/circuits/dff.h"
#include "arch/circuits/sram.h"
#include "cli/article/article.h"
#include "study/decode_price.h"
#include "study/pricing.h"
#include "test/cli_rig.h"
#include "test/tmpdir.h"
#include "test/token_machine.h"

struct machine {
    uint32_t layers, heads, head, ffn, sequence, cores, lanes, exp_lanes, bits, images;
    bool     causal;
};

static uint32_t draw(uint64_t *state, uint32_t least, uint32_t most)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return least + (uint32_t)((*state >> 33) % (most - least + 1));
}

static struct machine random_machine(uint64_t seed)
{
    static const uint32_t bits[] = { 6, 8, 10 };
    uint64_t s = seed * UINT64_C(0x9E3779B97F4A7C15);
    struct machine m = { .layers = draw(&s, 1, 3), .heads = draw(&s, 1, 4),
                         .head = draw(&s, 1, 16), .ffn = draw(&s, 1, 99),
                         .sequence = draw(&s, 1, 20), .lanes = draw(&s, 1, 99),
                         .exp_lanes = draw(&s, 1, 20), .images = draw(&s, 1, 3),
                         .causal = draw(&s, 0, 1) };

    m.cores = draw(&s, 0, 1) ? 1 : m.heads;
    m.bits = bits[draw(&s, 0, 2)];
    return m;
}

/* Words of 256 bit, links and ports that never set the pace. */
static void load(struct study *s, struct run_result *r, const struct machine *m)
{
    const struct run_cfg cfg = { .n_image = m->images, .jobs = 1 };
    struct token_settings a = { .n = 0 };
    struct err_msg msg;

    token_set_word(&a, "network.family", "transformer");
    token_set(&a, "network.layers", m->layers);
    token_set(&a, "network.hidden", m->heads * m->head);
    token_set(&a, "network.heads", m->heads);
    token_set(&a, "network.ffn", m->ffn);
    token_set(&a, "network.sequence", m->sequence);
    token_set(&a, "network.classes", 0);
    token_set_word(&a, "network.causal", m->causal ? "true" : "false");
    token_set(&a, "core.crossbar.rows", 64);
    token_set(&a, "core.crossbar.columns", 64);
    token_set(&a, "core.input_memory.word_bits", 256);
    token_set(&a, "core.input_memory.words", 4096);
    token_set(&a, "core.digital.lanes", 65536);
    token_set(&a, "clocking.timestep_ns", 1000);
    token_set(&a, "fabric.link_gbps", 10000);
    token_set(&a, "fabric.partial_sum_gbps", 10000);
    token_set(&a, "chip.cores", 1000);
    token_set(&a, "attention.cores", m->cores);
    token_set(&a, "attention.lanes", m->lanes);
    token_set(&a, "attention.exp_lanes", m->exp_lanes);
    token_set(&a, "attention.bits", m->bits);
    token_set(&a, "attention.memory_bytes", 98304);
    token_set(&a, "digital_core.timesteps", 100);
    token_set_word(&a, "energy.chip", "composed");
    if (study_load(s, NULL, a.set, a.n, &msg) || run(&s->plan, &cfg, r, &msg))
        fail_msg("%s", msg.text);
}

/* ---- circuits, put together here ---- */

struct prices {
    double mac, add, multiply, read_word, write_word, mac_um2, memory_um2;
};

static struct prices prices_of(const struct chip_model *c, uint32_t bits)
{
    const struct technology *t = &c->technology;
    const struct activity a = { c->fact.adder_activity, c->fact.register_activity, 1 };
    const struct activity all = ACTIVITY_ALL;
    const struct sram_cfg cfg = { 512, 256 };
    const struct sram macro = sram_complete(sram(t, &cfg, &all));
    const double reg = dff(t, 32, 32, a.dff).energy_pj, wide = dff(t, 64, 64, a.dff).energy_pj;
    const double add = adder(t, 64, 0, &a).energy_pj + wide;

    return (struct prices){
        .mac = bits * adder(t, bits, 0, &a).energy_pj + adder(t, 32, 0, &a).energy_pj + reg,
        .add = add,
        .multiply = 16 * adder(t, 24, 0, &a).energy_pj + add,
        .read_word = macro.macro.energy_pj, .write_word = macro.write_pj,
        .mac_um2 = bits * adder(t, bits, 0, &a).area_um2 + adder(t, 32, 0, &a).area_um2 +
                   dff(t, 32, 32, a.dff).area_um2,
        .memory_um2 = macro.macro.area_um2,
    };
}

/* Pairs of a query and a key that it sees. */
static uint64_t pairs(const struct machine *m)
{
    const uint64_t n = m->sequence;

    return m->causal ? n * (n + 1) / 2 : n * n;
}

/* An image's, of one core with so many heads: products, exponentials (5 multiply-adds each),
 * divisions (5) and roundings of the outputs. */
static double attention_pj(const struct machine *m, const struct prices *p)
{
    const double heads = m->heads / m->cores, n = (double)pairs(m);
    const double outputs = m->sequence * heads * m->head;

    return 2 * n * heads * m->head * p->mac + n * heads * 5 * p->multiply +
           outputs * (5 * p->multiply + p->add);
}

/* Of a token: 4 additions, 2 multiplications and a rounding a channel, a root (7 multiply-adds) and
 * a division. */
static double norm_pj(const struct machine *m, const struct prices *p)
{
    const double h = m->heads * m->head;

    return m->sequence * (5 * h * p->add + 2 * h * p->multiply + (7 + 5) * p->multiply);
}

static void assert_pj(uint64_t seed, int64_t got, double want, double most)
{
    if (fabs((double)got - want) > most)
        fail_msg("seed %" PRIu64 ": %" PRId64 " pJ, want %.3f", seed, got, want);
}

static void energies_are_counts_of_closed_forms_times_circuits(void **state)
{
    uint32_t n_bits[11] = { 0 };

    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        const struct machine m = random_machine(seed);
        struct study s;
        struct run_result r;
        struct price_report price;
        struct chip_model chip;
        struct err_msg msg;
        load(&s, &r, &m);
        if (pricing_load(&chip, &s.config, &s.network, &msg) || pricing(&price, &s, &r, &msg))
            fail_msg("%s", msg.text);
        const struct prices p = prices_of(&chip, m.bits);
        const double cores = m.layers * m.cores; // each is rounded
        const int64_t *got = price.total.energy_pj;
        assert_pj(seed, got[PRICE_ATTENTION], cores * attention_pj(&m, &p), cores);
        assert_pj(seed, got[PRICE_NORM], 2 * m.layers * norm_pj(&m, &p), 2 * m.layers);
        assert_pj(seed, got[PRICE_OFF_CHIP], 162.5 * m.sequence * m.heads * m.head, .5);
        double memory = 0;
        for (uint32_t i = 0; i < s.plan.n_core; i++) {
            const struct core_counters *n = &r.core[i];
            memory += ((double)n->kv_words_read + .5 * (double)n->queue_words) * p.read_word +
                      ((double)n->kv_words_written + .5 * (double)n->queue_words) * p.write_word;
        }
        assert_pj(seed, got[PRICE_KV_MEMORY], memory / m.images, cores);
        n_bits[m.bits]++;
        price_report_release(&price);
        run_result_release(&r);
        study_release(&s);
    }
    assert_true(n_bits[6] > 20 && n_bits[8] > 20 && n_bits[10] > 20);
}

/* What a decoded token takes of what counts it: attention over n keys, of tokens that each see one
 * more, norms, bytes from off the chip; of the mean of the tokens, whatever the prompt. */
static void decoded_tokens_take_what_their_keys_say(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct machine m = random_machine(seed);
        struct study s;
        struct run_result r, decoded;
        struct decoder d;
        struct decode_price price;
        struct chip_model chip;
        struct err_msg msg;
        const struct run_cfg cfg = { .n_image = 1, .jobs = 1 };
        const uint32_t prompt = (uint32_t)(seed % 7), streams = 1 + (uint32_t)(seed % 3);
        const uint32_t tokens = 1 + (uint32_t)(seed % 4);
        m.causal = true;
        m.sequence = 1;
        m.images = 1;
        load(&s, &r, &m);
        s.config.decode = (struct decode_cfg){ prompt, tokens, streams, 0 };
        if (decoder_make(&d, &s, &msg) || run(&d.plan, &cfg, &decoded, &msg) ||
            decode_price(&price, &s, &d, &decoded, &msg) ||
            pricing_load(&chip, &s.config, &s.network, &msg))
            fail_msg("seed %" PRIu64 ": %s", seed, msg.text);
        const struct prices p = prices_of(&chip, m.bits);
        const double heads = m.heads, keys = prompt + (tokens + 1) / 2., h = heads * m.head;
        const double attention = 2 * keys * h * p.mac + keys * heads * 5 * p.multiply +
                                 h * (5 * p.multiply + p.add);
        const double cores = m.layers * m.cores, shared = tokens * streams;
        double leaked[N_PRICE_ALL] = { 0 };
        struct price_report all;
        const struct study whole = { .config = d.config, .network = d.network, .plan = d.plan };
        assert_int_equal(pricing(&all, &whole, &decoded, &msg), ERR_NONE);
        for (unsigned b = 0; b < N_PRICE_ALL; b++)
            leaked[b] = (double)all.total.leakage_pj[b] / shared; // at the most
        const double got = price.token_block[PRICE_ATTENTION];
        const double off = price.token_block[PRICE_OFF_CHIP];
        if (got < m.layers * attention - 2 * cores / shared ||
            got > m.layers * attention + leaked[PRICE_ATTENTION] + 2 * cores / shared)
            fail_msg("seed %" PRIu64 ": %.3f pJ, want %.3f", seed, got, m.layers * attention);
        if (fabs(off - 162.5 * h) > 1 / shared)
            fail_msg("seed %" PRIu64 ": %.3f pJ from off the chip, want %.3f", seed, off,
                     162.5 * h);
        double sum = 0;
        for (unsigned b = 0; b < N_PRICE_ALL; b++)
            sum += price.token_block[b];
        assert_true(fabs(sum - price.token) < 1e-6 * sum);
        assert_true(price.token * shared <= price.all * 1.0001);
        price_report_release(&all);
        run_result_release(&decoded);
        decoder_release(&d);
        run_result_release(&r);
        study_release(&s);
    }
}

/* The lanes of a core, and macros of 512 words for two banks of all that it may hold and the
 * queries that wait; a core that normalises has neither array nor memory. */
static void areas_are_those_of_lanes_and_macros(void **state)
{
    struct machine m = random_machine(3);
    struct study s;
    struct run_result r;
    struct price_report a, b;
    struct chip_model chip;
    struct err_msg msg;

    (void)state;
    load(&s, &r, &m);
    assert_int_equal(pricing(&a, &s, &r, &msg), ERR_NONE);
    assert_int_equal(pricing_load(&chip, &s.config, &s.network, &msg), ERR_NONE);
    const struct prices p = prices_of(&chip, m.bits);
    const uint64_t queue = (uint64_t)m.sequence * m.heads / m.cores * m.head;
    const double macros = ceil(ceil((8. * (98304 + (double)queue)) / 256) / 512);
    const double um2 = m.layers * m.cores * macros * p.memory_um2;
    assert_true(fabs((double)a.total.area_um2[PRICE_KV_MEMORY] - um2) <= m.layers * m.cores);
    run_result_release(&r);
    study_release(&s);
    m.lanes += 1000;
    load(&s, &r, &m);
    assert_int_equal(pricing(&b, &s, &r, &msg), ERR_NONE);
    const double more = (double)(b.total.area_um2[PRICE_ATTENTION] -
                                 a.total.area_um2[PRICE_ATTENTION]);
    assert_true(fabs(more - m.layers * m.cores * 1000 * p.mac_um2) <= 2. * m.layers * m.cores);
    const struct price_row *norm = &b.core[s.plan.layer[network_find(&s.network, "l1.norm1") - 1]
                                               .first_core];
    assert_int_equal(norm->area_um2[PRICE_CROSSBAR] + norm->area_um2[PRICE_ADC] +
                         norm->area_um2[PRICE_INPUT_MEMORY] + norm->area_um2[PRICE_KV_MEMORY], 0);
    assert_true(norm->area_um2[PRICE_NORM] > 0 && norm->area_um2[PRICE_CONTROLLER] > 0);
    /* an operation is a product or a sum: of weights and of attention */
    const double h = m.heads * m.head, n = m.sequence;
    const double macs = m.layers * (n * (4 * h * h + 2 * h * m.ffn) + 2 * (double)pairs(&m) * h);
    assert_true(fabs(b.image_ops - 2 * macs) < .5);
    assert_true(fabs(b.attention_peak.tops - 2e-6 * m.lanes * s.config.clock_mhz) < 1e-12);
    assert_true(fabs(b.attention_peak.tops_per_w - 2 / p.mac) < 1e-9 * 2 / p.mac);
    assert_int_equal(b.n_kind[PRICE_ARRAY_CORE] + b.n_unused, 1000); // digital ones are beside
    price_report_release(&a);
    price_report_release(&b);
    run_result_release(&r);
    study_release(&s);
}

/* ---- from the command ---- */

static const char bert[] = "bert_base_spoon --set network.layers=1 ";

static void a_machine_of_tokens_is_priced_block_by_block(void **state)
{
    static const char *const chips[] = { "composed", "dazzi2021_14nm", "isaac_32nm" };
    static const char *const blocks[] = { "attention", "kv_memory", "norm", "off_chip" };
    char text[256];

    for (size_t i = 0; i < sizeof chips / sizeof *chips; i++) {
        snprintf(text, sizeof text, "breakdown %s --set energy.chip=%s --json -", bert, chips[i]);
        json_t *doc = json_of(*state, text), *value;
        const char *key;
        double sum = 0;
        json_object_foreach(at(doc, "energy.blocks"), key, value)
            sum += json_number_value(value);
        assert_true(fabs(sum - number_at(doc, "energy.total_nj_per_image")) < 1e-6 * sum);
        for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
            snprintf(text, sizeof text, "energy.blocks.%s", blocks[b]);
            assert_true(number_at(doc, text) > 0);
        }
        assert_true(fabs(number_at(doc, "energy.attention_operations_per_image") -
                         4. * 128 * 128 * 768) < .5);
        json_decref(doc);
    }
    json_t *doc = json_of(*state, "breakdown resnet32 --json -");
    assert_null(json_object_get(at(doc, "energy.blocks"), "attention"));
    assert_null(json_object_get(at(doc, "energy"), "attention_peak"));
    json_decref(doc);
}

/* Without its section a file prices other networks as before; of it every key is told that lacks,
 * and the key's cure works. */
static void a_price_that_is_not_there_is_an_error_with_its_key(void **state)
{
    char path[TMPDIR_PATH_MAX], text[512];
    char *chip = read_file("configs/chips", "composed.yaml");
    char *section = strstr(chip, "tokens:");
    FILE *out = fopen(tmpdir_path(path, *state, "chip.yaml"), "w");

    assert_non_null(section);
    fprintf(out, "%.*s", (int)(section - chip), chip);
    fclose(out);
    snprintf(text, sizeof text, "breakdown %s --set energy.chip=@/chip.yaml", bert);
    assert_fails(*state, text, 2, "tokens.exp_steps, tokens.division_steps, tokens.root_steps, "
                 "tokens.macro_words and tokens.off_chip_pj_byte are missing");
    free(succeed(*state, "breakdown resnet32 --set energy.chip=@/chip.yaml"));
    out = fopen(path, "a");
    fprintf(out, "tokens: {exp_steps: 1, division_steps: 1, root_steps: 1, macro_words: 64, "
                 "off_chip_pj_byte: 0}\n");
    fclose(out);
    free(succeed(*state, text));
    snprintf(text, sizeof text, "breakdown %s --set attention.bits=fp32", bert);
    assert_fails(*state, text, 2, "composed.yaml:");
    assert_fails(*state, text, 2, "tokens.float_mac_pj and tokens.float_mac_um2 are missing: want "
                 "them all, or attention.bits = 8");
    out = fopen(path, "w");
    fprintf(out, "%.*stokens: {float_mac_pj: 3, float_mac_um2: 100, exp_steps: 1, "
                 "division_steps: 1, root_steps: 1, macro_words: 64, off_chip_pj_byte: 0}\n",
            (int)(section - chip), chip);
    fclose(out);
    snprintf(text, sizeof text, "breakdown %s --set attention.bits=fp32 --set "
             "energy.chip=@/chip.yaml --json -", bert);
    json_t *doc = json_of(*state, text);
    assert_true(fabs(number_at(doc, "energy.attention_peak.tops_per_w") - 2. / 3) < 1e-12);
    assert_string_equal(text_at(doc, "energy.basis.attention"), "cited");
    json_decref(doc);
    free(chip);
}

/* bfloat16 is 1, 6 bit 1/11.3 of its energy and 1/4.7 of its area; nothing else is stated. */
static void spoon_prices_six_bits_beside_bfloat16_and_no_others(void **state)
{
    static const struct {
        const char *bits, *want;
    } refused[] = {
        { "8", "attention.bits = 8: has no price" },
        { "8", "int8_energy_less and int8_area_less are missing: want them all; or attention.bits "
               "= 6" },
        { "10", "attention.bits = 10: has no price" },
        { "fp32", "attention.bits = fp32: energy.technology = spoon2021 has ratios of integers" },
    };
    const double macs = 2. * 128 * 128 * 768, lanes = 12 * 328;
    char text[256];

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        snprintf(text, sizeof text, "breakdown %s --set energy.technology=spoon2021 --set "
                 "attention.bits=%s", bert, refused[i].bits);
        assert_fails(*state, text, 2, refused[i].want);
    }
    snprintf(text, sizeof text, "breakdown %s --set energy.technology=spoon2021 --set "
             "attention.bits=6 --json -", bert);
    json_t *doc = json_of(*state, text);
    assert_true(number_at(doc, "relative.total.energy_bf16") == macs);
    assert_true(fabs(number_at(doc, "relative.total.energy_integers") - macs / 11.3) < 1e-6);
    assert_true(number_at(doc, "relative.total.area_bf16") == lanes);
    assert_true(fabs(number_at(doc, "relative.total.area_integers") - lanes / 4.7) < 1e-9);
    assert_null(json_object_get(doc, "energy"));
    json_decref(doc);
    assert_fails(*state, "breakdown resnet32 --set energy.technology=spoon2021", 2,
                 "of which network resnet-cifar-32 has none: want a name such as 14nm_lp");
    snprintf(text, sizeof text, "run %s --set energy.chip=composed --set "
             "energy.technology=spoon2021", bert);
    assert_fails(*state, text, 2, "has ratios, no joules: want a name such as 14nm_lp here");
}

/* (1 - f) + f r, f = 2 S H / (2 S H + 4 H^2 + 2 H F). */
static void the_share_of_attention_and_what_integers_save_are_closed_forms(void **state)
{
    struct figure_table t;
    struct err_msg m;
    double sequence = 16;

    (void)state;
    assert_int_equal(article_spoon2021(&t, &m), ERR_NONE);
    assert_int_equal(t.n_row, 6);
    for (size_t i = 0; i < 6; i++, sequence *= 2) {
        const double h = 768, n = 2 * sequence * h, f = n / (n + 4 * h * h + 2 * h * 3072);
        const double want[] = { 100 * f, 100 - 100 * f, 1 - f + 10 * f, 1 - f + 10 * f / 11.3,
                                1 - f + 100 * f, 1 - f + 100 * f / 11.3 };
        assert_int_equal(t.row[i].n_figure, 6);
        for (size_t k = 0; k < 6; k++) {
            const struct figure *g = &t.row[i].figure[k];
            assert_true(fabs(strtod(g->ours, NULL) - want[k]) <= (k < 2 ? .00501 : .000501));
            assert_int_equal(figure_status(g), i == 3 && k == 0   ? FIGURE_DEVIATES
                                               : i == 2 && k == 1 ? FIGURE_WITHIN
                                                                  : FIGURE_OURS_ALONE);
        }
    }
    assert_string_equal(t.row[3].figure[0].deviation, "D25");
    figure_table_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(energies_are_counts_of_closed_forms_times_circuits),
        cmocka_unit_test(decoded_tokens_take_what_their_keys_say),
        cmocka_unit_test(areas_are_those_of_lanes_and_macros),
        cmocka_unit_test(a_machine_of_tokens_is_priced_block_by_block),
        cmocka_unit_test(a_price_that_is_not_there_is_an_error_with_its_key),
        cmocka_unit_test(spoon_prices_six_bits_beside_bfloat16_and_no_others),
        cmocka_unit_test(the_share_of_attention_and_what_integers_save_are_closed_forms),
    };

    return cmocka_run_group_tests(tests, tmpdir_make, tmpdir_remove);
}
