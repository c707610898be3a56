/* study/idle.c -- see idle.h. */
#include "study/idle.h"

#include <stdbool.h>
#include <string.h>

#include "dataflow/plan/clocking.h"
#include "dataflow/policies.h"
#include "network/spiking/coding.h"
#include "network/spiking/neuron.h"
#include "noc/fabric.h"
#include "noc/placement.h"
#include "study/pricing.h"
#include "study/study.h"

static bool unpriced(const struct study *s)
{
    return !pricing_wanted(&s->config);
}

static bool unpriced_and_ideal(const struct study *s)
{
    return unpriced(s) && !s->analog.device;
}

static bool not_optimised(const struct study *s)
{
    return s->mapping.optimize == OPTIMIZE_NONE;
}

static bool unsliced(const struct study *s)
{
    return !cell_find(s->config.crossbar.cell)->takes_bits;
}

static bool uncoded(const struct study *s)
{
    return !readout_find(s->config.readout.kind)->codes;
}

static bool unshared(const struct study *s)
{
    return !readout_find(s->config.readout.kind)->takes_time;
}

/* Whether no devices are subtracted that could be converted apart. */
static bool undivided(const struct study *s)
{
    return !cell_find(s->config.crossbar.cell)->divided;
}

static bool timed_as_a_whole(const struct study *s)
{
    return s->config.crossbar.mvm_ns != MVM_AUTO;
}

static bool conversion_untimed(const struct study *s)
{
    return unshared(s) || timed_as_a_whole(s);
}

static bool not_calibrated(const struct study *s)
{
    return uncoded(s) || s->config.readout.range != RANGE_PERCENTILE;
}

static bool calibrates_nothing(const struct study *s)
{
    return not_calibrated(s) && s->config.analog.batchnorm_images == 0;
}

static bool exact(const struct study *s)
{
    return !s->analog.device;
}

static bool without_wires(const struct study *s)
{
    return s->config.wires.model == WIRES_OFF;
}

static bool without_places(const struct study *s)
{
    return strcmp(s->config.fabric.kind, "point_to_point") == 0;
}

/* Whether a kind that is chosen has this key of its own. */
static bool has_key(const char *keys, const char *key)
{
    return keys && strstr(keys, key);
}

static const struct fabric *fabric_of(const struct study *s)
{
    const struct fabric *f;
    struct err_msg unsaid;

    return policies_fabric(&f, &s->config, &unsaid) ? NULL : f;
}

static bool not_adjacent(const struct study *s)
{
    const struct fabric *f = fabric_of(s);

    return !f || !f->direct;
}

static bool without_routers(const struct study *s)
{
    return without_places(s) || !not_adjacent(s);
}

static bool placement_has(const struct study *s, const char *key)
{
    const struct placement_policy *p;
    struct err_msg unsaid;

    return !placement_find(&p, s->config.placement.kind, &unsaid) && has_key(p->keys, key);
}

static bool moves_nothing(const struct study *s)
{
    return !without_places(s) && !placement_has(s, "placement.seed");
}

static bool tries_nothing(const struct study *s)
{
    return !without_places(s) && !placement_has(s, "placement.moves");
}

/* Sums are packets like other tokens. */
static bool sums_are_packets(const struct study *s)
{
    return config_clocking(&s->config) == CLOCKING_ELASTIC && !without_routers(s);
}

static bool no_arity(const struct study *s)
{
    const struct fabric *f = fabric_of(s);

    return !f || !has_key(f->keys, "fabric.arity");
}

static bool never_fires(const struct study *s)
{
    return s->config.network.nir[0] == '\0' && strcmp(s->config.neuron.kind, "requantize") == 0;
}

static bool never_leaks(const struct study *s)
{
    const struct neuron_kind *kind = neuron_kind_find(s->config.neuron.kind);

    return !kind || !kind->leaks;
}

static bool no_threshold(const struct study *s)
{
    const struct coding *coding = coding_find(s->config.input.coding);

    return !coding || !has_key(coding->keys, "input.level");
}

static bool no_chance(const struct study *s)
{
    const struct coding *coding = coding_find(s->config.input.coding);

    return !coding || !has_key(coding->keys, "input.seed");
}

static bool of_events(const struct study *s)
{
    return s->config.core_kind == CORE_EVENT;
}

static bool without_rule(const struct study *s)
{
    return strcmp(s->config.learning.rule, "none") == 0;
}

static bool without_events(const struct study *s)
{
    return !of_events(s);
}

static bool by_cycles(const struct study *s)
{
    return of_events(s) && s->config.event.service_cycles > 0;
}

static bool without_cycles(const struct study *s)
{
    return of_events(s) && s->config.event.service_cycles == 0;
}

static bool without_tokens(const struct study *s)
{
    return !network_has_tokens(&s->network);
}

static bool not_a_transformer(const struct study *s)
{
    return strcmp(s->config.network.family, "transformer") != 0;
}

static bool not_elastic(const struct study *s)
{
    return config_clocking(&s->config) != CLOCKING_ELASTIC;
}

static bool not_timestep(const struct study *s)
{
    return config_clocking(&s->config) != CLOCKING_TIMESTEP;
}

static bool one_pass(const struct study *s)
{
    return config_clocking(&s->config) == CLOCKING_COMBINATIONAL;
}

/* The mapper looks at the links of mappings that it does not choose. */
static bool without_partial_sums(const struct study *s)
{
    for (uint32_t i = 0; i < s->plan.n_stream; i++)
        if (s->plan.stream[i].kind == STREAM_PARTIAL_SUM)
            return false;
    return !s->mapping_chosen;
}

#define OF_EXACT "no device or converter errs"
#define OF_WIRES "core.wires.model = off"
#define OF_LINKS "fabric.kind = point_to_point"
#define OF_PACKETS "fabric.kind has no routers"
#define OF_PLACES "fabric.kind is not adjacent"
#define OF_SUMS "neuron.kind = requantize"
#define OF_EVENTS "core.kind = event"
#define OF_IMC "core.kind = imc"
#define OF_FAMILY "network.family is not transformer"
#define OF_TOKENS "the network has no attention"
#define OF_CLOCKING NULL // clocking.kind

static const struct idle_row { // a key is one row
    const char *key;
    bool (*idle)(const struct study *s);
    const char *why;
} rows[] = {
    { "mapping.effort", not_optimised, "mapping.optimize = none" },
    { "energy.technology", unpriced, "energy.chip = none" },
    { "energy.mean_input", unpriced, "energy.chip = none" },
    { "energy.clock_gating", unpriced, "energy.chip = none" },
    { "energy.activity", unpriced, "energy.chip = none" },
    { "energy.device", unpriced, "energy.chip = none" },
    { "core.crossbar.device", unpriced_and_ideal,
      "this device does not err (pcm_joshi, pcm_hermes and levels do), and energy.chip = none" },
    { "fabric.partial_sum_gbps", without_partial_sums, "no layer is split by its rows" },
    { "fabric.partial_sum_gbps", sums_are_packets, "sums are packets of routers" },
    { "fabric.partial_sum_hops", without_partial_sums, "no layer is split by its rows" },
    { "core.crossbar.cell_bits", unsliced, "core.crossbar.cell is not sliced" },
    { "core.crossbar.scheme", unsliced, "core.crossbar.cell is not sliced" },
    { "core.crossbar.read_ns", timed_as_a_whole, "core.crossbar.mvm_ns is not auto" },
    { "core.readout.bits", uncoded, "core.readout.kind is not adc" },
    { "core.readout.range", uncoded, "core.readout.kind is not adc" },
    { "core.readout.percentile", not_calibrated, "core.readout.range is not percentile" },
    { "core.readout.per", not_calibrated, "core.readout.range is not percentile" },
    { "core.readout.separate", undivided, "core.crossbar.cell is neither differential nor pair" },
    { "core.readout.columns_per_adc", unshared, "no column is converted" },
    { "core.readout.conversion_ns", conversion_untimed,
      "it takes core.readout.kind = adc and core.crossbar.mvm_ns = auto" },
    { "core.readout.pipelined", conversion_untimed,
      "it takes core.readout.kind = adc and core.crossbar.mvm_ns = auto" },
    { "core.crossbar.w_max", exact, OF_EXACT },
    { "analog.chips", exact, OF_EXACT },
    { "analog.times_s", exact, OF_EXACT },
    { "analog.programming", exact, OF_EXACT },
    { "analog.drift", exact, OF_EXACT },
    { "analog.reference_s", exact, OF_EXACT },
    { "core.wires.input", without_wires, OF_WIRES },
    { "core.wires.r_row_ohm", without_wires, OF_WIRES },
    { "core.wires.r_column_ohm", without_wires, OF_WIRES },
    { "core.wires.r_driver_ohm", without_wires, OF_WIRES },
    { "core.wires.r_sense_ohm", without_wires, OF_WIRES },
    { "core.wires.layout", without_wires, OF_WIRES },
    { "core.wires.place", without_wires, OF_WIRES },
    { "calibration.images", calibrates_nothing, "nothing is calibrated" },
    { "calibration.first", calibrates_nothing, "nothing is calibrated" },
    { "calibration.count", calibrates_nothing, "nothing is calibrated" },
    { "energy.converter", unpriced, "energy.chip = none" },
    { "input.level", no_threshold, "input.coding is not binary" },
    { "input.seed", no_chance, "input.coding is not bernoulli" },
    { "neuron.beta", never_leaks, "neuron.kind is not lif" },
    { "neuron.theta", never_fires, OF_SUMS },
    { "neuron.reset", never_fires, OF_SUMS },
    { "neuron.floor", never_fires, OF_SUMS },
    { "neuron.ceiling", never_fires, OF_SUMS },
    { "neuron.most", never_fires, OF_SUMS },
    { "neuron.skip_periods", never_fires, OF_SUMS },
    { "neuron.fraction_bits", never_fires, OF_SUMS },
    { "neuron.layers", never_fires, OF_SUMS },
    { "fabric.rows", without_places, OF_LINKS },
    { "fabric.columns", without_places, OF_LINKS },
    { "fabric.pitch_um", without_places, OF_LINKS },
    { "fabric.reach.row", not_adjacent, OF_PLACES },
    { "fabric.reach.column", not_adjacent, OF_PLACES },
    { "fabric.reach.diagonal", not_adjacent, OF_PLACES },
    { "fabric.links", not_adjacent, OF_PLACES },
    { "fabric.links_are", not_adjacent, OF_PLACES },
    { "placement.kind", without_places, OF_LINKS },
    { "placement.file", without_places, OF_LINKS },
    { "placement.seed", without_places, OF_LINKS },
    { "placement.moves", without_places, OF_LINKS },
    { "placement.seed", moves_nothing, "placement.kind is not anneal" },
    { "placement.moves", tries_nothing, "placement.kind is neither anneal nor search" },
    { "fabric.arity", no_arity, "fabric.kind is not tree" },
    { "fabric.flit_bits", without_routers, OF_PACKETS },
    { "fabric.header_bits", without_routers, OF_PACKETS },
    { "fabric.vcs", without_routers, OF_PACKETS },
    { "fabric.vc_flits", without_routers, OF_PACKETS },
    { "fabric.switching", without_routers, OF_PACKETS },
    { "fabric.multicast", without_routers, OF_PACKETS },
    { "fabric.routing_clocks", without_routers, OF_PACKETS },
    { "fabric.vc_clocks", without_routers, OF_PACKETS },
    { "fabric.switch_clocks", without_routers, OF_PACKETS },
    { "fabric.crossbar_clocks", without_routers, OF_PACKETS },
    { "fabric.link_clocks", without_routers, OF_PACKETS },
    { "fabric.vc_credit_clocks", without_routers, OF_PACKETS },
    { "elastic.input_pixels", not_elastic, OF_CLOCKING },
    { "elastic.residual_pixels", not_elastic, OF_CLOCKING },
    { "elastic.partial_sum_pixels", not_elastic, OF_CLOCKING },
    { "elastic.output_pixels", not_elastic, OF_CLOCKING },
    { "elastic.read_back_pixels", not_elastic, OF_CLOCKING },
    { "elastic.results", not_elastic, OF_CLOCKING },
    { "elastic.registers", not_elastic, OF_CLOCKING },
    { "elastic.group", not_elastic, OF_CLOCKING },
    { "elastic.hop_clocks", not_elastic, OF_CLOCKING },
    { "elastic.partial_sum_hop_clocks", not_elastic, OF_CLOCKING },
    { "elastic.credit_clocks", not_elastic, OF_CLOCKING },
    { "elastic.image_period_clocks", not_elastic, OF_CLOCKING },
    { "core.digital.clock_mhz", not_elastic, OF_CLOCKING },
    { "core.input_memory.columns", not_elastic, OF_CLOCKING },
    { "clocking.timestep_ns", not_timestep, OF_CLOCKING },
    { "fabric.hop_timesteps", not_timestep, OF_CLOCKING },
    { "fabric.partial_sum_hops", not_timestep, OF_CLOCKING },
    { "fabric.link_gbps", one_pass, OF_CLOCKING },
    { "fabric.partial_sum_gbps", one_pass, OF_CLOCKING },
    { "core.digital.lanes", one_pass, OF_CLOCKING },
    { "core.input_memory.kind", one_pass, OF_CLOCKING },
    { "network.layers", not_a_transformer, OF_FAMILY },
    { "network.hidden", not_a_transformer, OF_FAMILY },
    { "network.heads", not_a_transformer, OF_FAMILY },
    { "network.kv_heads", not_a_transformer, OF_FAMILY },
    { "network.ffn", not_a_transformer, OF_FAMILY },
    { "network.sequence", not_a_transformer, OF_FAMILY },
    { "network.causal", not_a_transformer, OF_FAMILY },
    { "network.norm", not_a_transformer, OF_FAMILY },
    { "network.gated", not_a_transformer, OF_FAMILY },
    { "network.qkv", not_a_transformer, OF_FAMILY },
    { "network.vocabulary", not_a_transformer, OF_FAMILY },
    { "network.patch", not_a_transformer, OF_FAMILY },
    { "attention.cores", without_tokens, OF_TOKENS },
    { "attention.lanes", without_tokens, OF_TOKENS },
    { "attention.exp_lanes", without_tokens, OF_TOKENS },
    { "attention.bits", without_tokens, OF_TOKENS },
    { "attention.memory_bytes", without_tokens, OF_TOKENS },
    { "attention.banks", without_tokens, OF_TOKENS },
    { "digital_core.lanes", without_tokens, OF_TOKENS },
    { "digital_core.timesteps", without_tokens, OF_TOKENS },
    { "digital_core.timesteps", not_timestep, OF_CLOCKING },
    { "digital.numbers", without_tokens, OF_TOKENS },
    { "decode.prompt", without_tokens, OF_TOKENS },
    { "decode.tokens", without_tokens, OF_TOKENS },
    { "decode.streams", without_tokens, OF_TOKENS },
    { "decode.sample_ns", without_tokens, OF_TOKENS },
    { "learning.rule", never_fires, OF_SUMS },
    { "learning.update_pj", without_rule, "learning.rule = none" },
    { "core.event.arbiter", without_events, OF_IMC },
    { "core.event.service_ns", without_events, OF_IMC },
    { "core.event.service_cycles", without_events, OF_IMC },
    { "core.event.arbiter_clock_khz", without_events, OF_IMC },
    { "core.event.neuron_clock_khz", without_events, OF_IMC },
    { "core.event.hop_ns", without_events, OF_IMC },
    { "core.event.service_ns", by_cycles, "core.event.service_cycles is given" },
    { "core.event.arbiter_clock_khz", without_cycles, "core.event.service_cycles = 0" },
    { "clocking.kind", of_events, OF_EVENTS },
    { "core.crossbar.mvm_ns", of_events, OF_EVENTS },
    { "core.crossbar.read_ns", of_events, OF_EVENTS },
    { "core.crossbar.rows_at_once", of_events, OF_EVENTS },
    { "core.digital.lanes", of_events, OF_EVENTS },
    { "core.input_memory.columns", of_events, OF_EVENTS },
    { "input.order", of_events, OF_EVENTS },
    { "mapping.firing", of_events, OF_EVENTS },
};

static bool is_set(const char *where)
{
    return strncmp(where, "--set ", strlen("--set ")) == 0;
}

struct reason {
    char text[128];
};

static struct reason why(const struct study *s, const struct idle_row *row)
{
    struct reason r;

    if (row->why)
        snprintf(r.text, sizeof r.text, "%s", row->why);
    else if (of_events(s))
        snprintf(r.text, sizeof r.text, OF_EVENTS);
    else
        snprintf(r.text, sizeof r.text, "clocking.kind = %s", clocking_of(&s->config)->name);
    return r;
}

/* What to set for a key that wants another clocking; NULL where that is not the matter. */
static const char *cure(const struct study *s, const struct idle_row *row)
{
    if (row->idle == without_events)
        return "core.kind=event";
    if (row->why)
        return NULL;
    if (of_events(s))
        return "core.kind=imc";
    return row->idle == not_elastic ? "clocking.kind=elastic" : "clocking.kind=timestep";
}

/* A key that names another clocking than the study's, by --set: what it asks for cannot be had. */
enum err idle_refuse(const struct study *s, struct err_msg *m)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *where = config_where(&s->config, rows[i].key);
        const char *other = cure(s, &rows[i]);
        if (other && is_set(where) && rows[i].idle(s))
            return err_set(m, ERR_INPUT, "%.400s: %s has no effect with %s: want no such key, or "
                           "--set %s", where, rows[i].key, why(s, &rows[i]).text, other);
    }
    return ERR_NONE;
}

/* Links of partial sums in a machine's file count for other networks than the one that --set runs
 * on it: whether layers are split is not the file's to know. */
static bool of_another_network(const struct study *s, const struct idle_row *row,
                               const char *where)
{
    static const char *const keys[] = { "network.onnx", "network.nir", "network.family" };
    bool set = false;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        set = set || is_set(config_where(&s->config, keys[i]));
    return set && row->idle == without_partial_sums && !is_set(where);
}

void idle_note(struct study *s)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *where = config_where(&s->config, rows[i].key);
        if (strcmp(where, "default") != 0 && rows[i].idle(s) &&
            !of_another_network(s, &rows[i], where) && !config_is_default(&s->config, rows[i].key))
            notes_add(&s->config.notes, "%s: %s has no effect: %s", where, rows[i].key,
                      why(s, &rows[i]).text);
    }
}
