/* dataflow/plan/rules.c -- see rules.h. */
#include "dataflow/plan/rules.h"

#include <assert.h>

#include "noc/fabric.h"

const char *stage_name(enum stage s)
{
    static const char *const names[N_STAGE] = {
        [STAGE_MEMORY] = "memory", [STAGE_CROSSBAR] = "crossbar", [STAGE_DIGITAL] = "digital",
        [STAGE_LINK] = "link",     [STAGE_PARTIAL_SUM] = "partial_sum",
    };

    assert(s < N_STAGE);
    return names[s];
}

uint64_t stage_link_clocks(const struct config *machine, uint64_t bits, uint64_t rate_bps)
{
    return fabric_clocks(bits, (uint64_t)machine->clock_mhz * 1000000, rate_bps);
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
        return stage_link_clocks(machine, work, machine->fabric.link_bps);
    case STAGE_PARTIAL_SUM:
        return stage_link_clocks(machine, work, machine->fabric.partial_sum_bps);
    case N_STAGE:
        break;
    }
    assert(!"unknown stage");
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
