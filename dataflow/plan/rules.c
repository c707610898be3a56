/* dataflow/plan/rules.c -- see rules.h. */
#include "dataflow/plan/rules.h"

#include <assert.h>

const char *stage_name(enum stage s)
{
    static const char *const names[N_STAGE] = {
        [STAGE_MEMORY] = "memory", [STAGE_CROSSBAR] = "crossbar", [STAGE_DIGITAL] = "digital",
        [STAGE_LINK] = "link",     [STAGE_PARTIAL_SUM] = "partial_sum",
    };

    assert(s < N_STAGE);
    return names[s];
}

struct fabric_machine stage_fabric(const struct config *machine)
{
    return (struct fabric_machine){
        .clock_hz = (uint64_t)machine->clock_mhz * 1000000,
        .link_bps = machine->fabric.link_bps,
        .partial_sum_bps = machine->fabric.partial_sum_bps,
        .hop_timesteps = machine->fabric.hop_timesteps,
        .partial_sum_hops = machine->fabric.partial_sum_hops,
    };
}

uint64_t stage_link_clocks(const struct config *machine, const struct fabric *f,
                           const struct fabric_route *route, uint64_t bits)
{
    const struct fabric_machine m = stage_fabric(machine);

    return f->use(&m, route, bits);
}

uint64_t stage_clocks(const struct config *machine, enum stage s, uint64_t work)
{
    uint64_t clk = 0;

    switch (s) {
    case STAGE_MEMORY:
        return work;
    case STAGE_CROSSBAR: // config_load() has seen to whole clocks
        config_clocks(machine->crossbar.mvm_ns, machine->clock_mhz, &clk);
        return work * clk;
    case STAGE_DIGITAL:
        return ceil_div(work, machine->digital.lanes);
    case STAGE_LINK:
    case STAGE_PARTIAL_SUM:
    case N_STAGE:
        break;
    }
    assert(!"not inside a core");
    return 0;
}

uint64_t stage_digital_ops(const struct layer *l, uint64_t outputs, uint32_t channels)
{
    uint64_t pixels = layer_is_digital(l) ? (uint64_t)l->window.kernel[0] * l->window.kernel[1] : 1;

    return outputs * pixels * channels;
}

uint64_t stage_least_bps(const struct config *machine, uint64_t bits, uint64_t clocks)
{
    return ceil_div(bits * machine->clock_mhz * 1000000, clocks);
}
