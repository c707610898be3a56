/* tlm/accelerator_trace.cpp -- see accelerator_trace.h. */
#include "tlm/accelerator_trace.h"

#include <new>

namespace imcsim {

using sc_core::sc_time;

accelerator_trace::accelerator_trace(const sc_core::sc_module_name &name, const struct plan &plan,
                                     const sc_time &cycle)
    : sc_module(name), plan_(plan), cycle_(cycle)
{
    SC_METHOD(play);
    sensitive << due_;
    dont_initialize();
}

accelerator_trace::~accelerator_trace() = default;

static bool is_stage(enum signal s)
{
    return s >= SIGNAL_BUSY;
}

void accelerator_trace::set_first_values()
{
    timestep_ = -static_cast<sc_dt::int64>(plan_.time.lead);
    for (uint32_t i = 0; i < core_.size(); i++) {
        for (uint32_t k = 0; k < N_SIGNAL; k++)
            core_[i].value[k] = signal_first_value(&plan_, i, static_cast<enum signal>(k));
        core_[i].busy.fill(false);
    }
}

void accelerator_trace::add_to(sc_core::sc_trace_file *file, const std::string &name)
{
    if (core_.empty()) {
        core_.resize(plan_.n_core);
        for (core &c : core_)
            c.fire = std::make_unique<sc_core::sc_event>(sc_core::sc_gen_unique_name("fire"));
        set_first_values();
    }
    sc_core::sc_trace(file, timestep_, name + ".timestep", 64);
    for (uint32_t i = 0; i < plan_.n_core; i++)
        for (uint32_t k = 0; k < N_SIGNAL; k++) {
            const enum signal s = static_cast<enum signal>(k);
            const std::string path = name + "." + plan_.core[i].name + "." + signal_kind(s)->name;
            if (signal_kind(s)->event)
                sc_core::sc_trace(file, *core_[i].fire, path);
            else if (is_stage(s))
                sc_core::sc_trace(file, core_[i].busy[k - SIGNAL_BUSY], path);
            else
                sc_core::sc_trace(file, core_[i].value[k], path,
                                  static_cast<int>(signal_kind(s)->bits));
        }
}

/* ---- what the chip does, collected ---- */

const struct core_probe *accelerator_trace::begin_run()
{
    if (core_.empty())
        return nullptr;
    end_run();
    set_first_values();
    const struct signals_sink sink = {
        [](void *user, uint64_t cyc) { static_cast<accelerator_trace *>(user)->cyc_ = cyc; },
        [](void *user, int64_t timestep) {
            accelerator_trace *t = static_cast<accelerator_trace *>(user);
            t->collect(t->plan_.n_core, N_SIGNAL, static_cast<uint64_t>(timestep));
        },
        [](void *user, uint32_t core, enum signal signal, uint64_t value) {
            static_cast<accelerator_trace *>(user)->collect(core, signal, value);
        },
        this,
    };
    signals_.reset(signals_new(&plan_, sink));
    if (!signals_)
        throw std::bad_alloc();
    sink_ = signals_journal(signals_.get());
    journal_.reset(journal_new(&plan_, &sink_, 1));
    if (!journal_)
        throw std::bad_alloc();
    return journal_probe(journal_.get());
}

void accelerator_trace::collect(uint32_t core, enum signal signal, uint64_t value)
{
    changes_.push_back({ cyc_, core, signal, value });
}

void accelerator_trace::play_timestep(uint64_t cyc)
{
    if (!journal_)
        return;
    journal_end(journal_.get());
    signals_until(signals_.get(), cyc + plan_.timestep_clk);
    from_cyc_ = cyc;
    from_ = sc_core::sc_time_stamp();
    play();
}

void accelerator_trace::end_run()
{
    journal_.reset();
    signals_.reset();
    changes_.clear();
    for (core &c : core_)
        c.busy.fill(false);
}

/* ---- and played back ---- */

void accelerator_trace::apply(const change &c)
{
    if (c.core == plan_.n_core)
        timestep_ = static_cast<sc_dt::int64>(c.value);
    else if (signal_kind(c.signal)->event)
        core_[c.core].fire->notify(sc_core::SC_ZERO_TIME);
    else if (is_stage(c.signal))
        core_[c.core].busy[c.signal - SIGNAL_BUSY] = c.value;
    else
        core_[c.core].value[c.signal] = c.value;
}

/* Does what is due; what is due at the end of a timestep is so even if the clock then stands. */
void accelerator_trace::play()
{
    const sc_time since = sc_core::sc_time_stamp() - from_;
    const uint64_t now = from_cyc_ + since.value() / cycle_.value();

    for (; !changes_.empty() && changes_.front().cyc <= now; changes_.pop_front())
        apply(changes_.front());
    if (!changes_.empty())
        due_.notify(sc_time::from_value((changes_.front().cyc - from_cyc_) * cycle_.value()) -
                    since);
}

} // namespace imcsim
