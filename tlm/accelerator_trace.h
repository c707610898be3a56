/* tlm/accelerator_trace.h -- the signals of a chip (arch/watch/signals.h) as objects that
 * sc_trace() can show. A chip does a whole timestep at once, at its beginning; here what it did is
 * played back at the cycles at which it happens. Nothing is watched unless add_to() has been
 * called.
 */
#ifndef IMCSIM_ACCELERATOR_TRACE_H
#define IMCSIM_ACCELERATOR_TRACE_H

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <systemc>

extern "C" {
#include "arch/watch/journal.h"
#include "arch/watch/signals.h"
}

namespace imcsim {

class accelerator_trace : public sc_core::sc_module {
public:
    SC_HAS_PROCESS(accelerator_trace);

    /* The plan must have been made, and the cycle known, when add_to() is called. */
    accelerator_trace(const sc_core::sc_module_name &name, const struct plan &plan,
                      const sc_core::sc_time &cycle);
    ~accelerator_trace() override;

    /* Before the simulation starts; any number of files. */
    void add_to(sc_core::sc_trace_file *file, const std::string &name);

    /* For a new chip; NULL when nobody traces. */
    const struct core_probe *begin_run();

    /* The chip, whose clock stands at `cyc`, has done its next timestep. */
    void play_timestep(uint64_t cyc);

    /* The chip is gone. */
    void end_run();

private:
    struct core { // what is traced
        std::array<uint64_t, N_SIGNAL> value;
        std::array<bool, N_STAGE>      busy;
        std::unique_ptr<sc_core::sc_event> fire;
    };
    struct change {
        uint64_t    cyc;
        uint32_t    core; // n_core: the timestep
        enum signal signal;
        uint64_t    value;
    };
    struct journal_deleter {
        void operator()(struct journal *a) const { journal_free(a); }
    };
    struct signals_deleter {
        void operator()(struct signals *s) const { signals_free(s); }
    };

    void set_first_values();
    void collect(uint32_t core, enum signal signal, uint64_t value);
    void apply(const change &c);
    void play();

    const struct plan       &plan_;
    const sc_core::sc_time  &cycle_;
    std::vector<core>        core_; // empty while nobody traces
    sc_dt::int64             timestep_ = 0;
    std::unique_ptr<struct signals, signals_deleter>   signals_;
    struct journal_sink     sink_ = {};
    std::unique_ptr<struct journal, journal_deleter> journal_;
    uint64_t                 cyc_ = 0;    // of what is collected
    std::deque<change>       changes_;    // to come
    uint64_t                 from_cyc_ = 0; // the cycle that began
    sc_core::sc_time         from_;         // at this time
    sc_core::sc_event        due_;
};

} // namespace imcsim

#endif
