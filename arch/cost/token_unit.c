/* arch/cost/token_unit.c -- see token_unit.h. */
#include "arch/cost/token_unit.h"

#include <math.h>
#include <stddef.h>

#include "arch/circuits/adder.h"
#include "arch/circuits/dff.h"
#include "arch/circuits/sram.h"
#include "arch/cost/core_cost.h"
#include "arch/tech/facts.h"
#include "core/datadir.h"
#include "core/yaml.h"

enum { OF_INTEGERS = 1 << TOKEN_INTEGERS, OF_FLOATS = 1 << TOKEN_FLOATS,
       OF_ANY = OF_INTEGERS | OF_FLOATS };

#define ROW(field, unit, least, most, when, doc) \
    { #field, unit, offsetof(struct token_facts, field), least, most, doc, when }

static const struct fact_row rows[] = {
    ROW(exp_steps,        "op",   1,    1e3, OF_ANY,    "multiply-adds of an exponential"),
    ROW(division_steps,   "op",   1,    1e3, OF_ANY,    "multiply-adds of a division"),
    ROW(root_steps,       "op",   1,    1e3, OF_ANY,    "multiply-adds of a square root"),
    ROW(macro_words,      "word", 4,    1e6, OF_ANY,    "words of a macro of K/V memory"),
    ROW(off_chip_pj_byte, "pJ",   0,    1e6, OF_ANY,    "a byte from off the chip"),
    ROW(float_mac_pj,     "pJ",   1e-6, 1e6, OF_FLOATS, "a multiply-accumulate of floats"),
    ROW(float_mac_um2,    "um2",  1e-3, 1e7, OF_FLOATS, "the area of a lane of floats"),
    FACT_END
};

static enum err read_facts(struct chip_model *c, const struct yaml *root, unsigned mask,
                           struct err_msg *m)
{
    static const char *const none[] = { NULL };
    static const struct yaml empty = { .kind = YAML_MAP };
    const struct yaml *map = yaml_get(root, "tokens");
    struct facts_missing missing = { 0 };

    if (map && map->kind != YAML_MAP)
        return yaml_error(map, m, "tokens: want a map of numbers with their sources");
    facts_missing_add(&missing, map ? map : &empty, "tokens.", rows, mask, NULL);
    enum err e = map ? facts_check_known(map, "tokens.", rows, OF_ANY, none, m) : ERR_NONE;
    if (!e)
        e = facts_missing_check(&missing, map ? map : root, m);
    return e ? e : facts_change(map, "tokens.", rows, OF_ANY, none, &c->token, m);
}

enum err token_facts_load(struct chip_model *c, const char *chip, enum token_numbers numbers,
                          struct err_msg *m)
{
    char path[DATADIR_BYTE];
    struct yaml root;
    enum err e = datadir_find(path, "chips", chip, m);

    c->token = (struct token_facts){ 0 };
    if (!e)
        e = yaml_load(&root, path, m);
    if (e)
        return e;
    e = read_facts(c, &root, 1u << numbers, m);
    yaml_release(&root);
    if (numbers == TOKEN_INTEGERS)
        c->token.float_mac_pj = c->token.float_mac_um2 = 0;
    return e;
}

/* Area of so many lanes, or tables, of a block. */
static void add_lanes(struct core_unit *u, enum price_block b, double n, double um2, double uw)
{
    u->area_um2[b] += n * um2;
    u->leakage_uw[b] += n * uw;
}

/* q.k and p.v. */
static void macs(const struct chip_model *c, const struct token_hardware *h, struct core_unit *u)
{
    const unsigned sum_bits = 32;
    const struct technology *t = &c->technology;
    const struct chip_facts *f = &c->fact;
    const struct activity a = { f->adder_activity, f->register_activity, 1 };

    if (h->mac_bits == 0) {
        u->mac = c->token.float_mac_pj;
        add_lanes(u, PRICE_ATTENTION, h->lanes, c->token.float_mac_um2, 0);
        return;
    }
    const struct circuit row = adder(t, h->mac_bits, 0, &a), sum = adder(t, sum_bits, 0, &a);
    const struct circuit reg = dff(t, sum_bits, sum_bits, a.dff);
    u->mac = h->mac_bits * row.energy_pj + sum.energy_pj + reg.energy_pj;
    add_lanes(u, PRICE_ATTENTION, h->lanes,
              f->control_area * (h->mac_bits * row.area_um2 + sum.area_um2 + reg.area_um2),
              f->control_leakage * (h->mac_bits * row.leakage_uw + sum.leakage_uw +
                                    reg.leakage_uw));
}

static struct sram macro(const struct chip_model *c, unsigned words, unsigned word_bits)
{
    const struct sram_cfg cfg = { words, word_bits };
    const struct activity all = ACTIVITY_ALL;

    return sram_complete(sram(&c->technology, &cfg, &all));
}

static void memory(const struct chip_model *c, const struct token_hardware *h, struct core_unit *u)
{
    const struct chip_facts *f = &c->fact;
    const struct sram s = macro(c, (unsigned)c->token.macro_words, h->word_bits);

    u->kv_read_word = f->sram_energy * s.macro.energy_pj;
    u->kv_write_word = f->sram_energy * s.write_pj;
    add_lanes(u, PRICE_KV_MEMORY, ceil((double)h->memory_words / floor(c->token.macro_words)),
              f->sram_area * s.macro.area_um2, f->sram_leakage * s.macro.leakage_uw);
}

static void tables(const struct chip_model *c, const struct token_hardware *h, struct core_unit *u)
{
    const struct sram s = macro(c, 256, h->value_bits);

    u->look_up = c->fact.sram_energy * s.macro.energy_pj;
    if (h->looks_up)
        add_lanes(u, PRICE_NORM, h->lanes, c->fact.sram_area * s.macro.area_um2,
                  c->fact.sram_leakage * s.macro.leakage_uw);
}

void token_unit(const struct chip_model *c, const struct token_hardware *h, struct core_unit *u)
{
    const enum price_block block = h->attends ? PRICE_ATTENTION : PRICE_NORM;
    const struct core_hardware like = {
        .lanes = h->attends ? h->exp_lanes : h->lanes, .value_bits = h->value_bits,
        .pixel_channels = h->channels,
    };

    *u = (struct core_unit){ 0 };
    core_unit_controller(c, &like, u);
    core_unit_digital(c, &like, u);
    add_lanes(u, block, 1, u->area_um2[PRICE_DIGITAL], u->leakage_uw[PRICE_DIGITAL]);
    u->area_um2[PRICE_DIGITAL] = u->leakage_uw[PRICE_DIGITAL] = 0;
    u->multiply = u->scale;
    u->exp = c->token.exp_steps * u->scale;
    u->division = c->token.division_steps * u->scale;
    u->root = c->token.root_steps * u->scale;
    tables(c, h, u);
    if (!h->attends)
        return;
    macs(c, h, u);
    memory(c, h, u);
}
