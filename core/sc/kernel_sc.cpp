/* core/sc/kernel_sc.cpp -- the SystemC kernel.
 *
 * Holds no model logic. A block becomes an sc_module whose one method calls its step(); a channel
 * becomes a primitive channel whose update() calls chan_commit(). SystemC's evaluate and update
 * phases then do what stepping and committing do in core/kernel.c, and its sc_events are the
 * pending wakes: a block's timer, a channel's arrival, a channel's free slot.
 *
 * SystemC keeps its simulation in a global, sc_curr_simcontext, and builds it once. Every kernel
 * therefore brings a simulation of its own and puts it there for the length of a call, so that any
 * number can follow one another beside a SystemC simulation of the user's. Two at once could meet
 * in two threads, which SystemC does not bear: a process has one such kernel at a time.
 */
#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstdlib>
#include <exception>
#include <memory>
#include <systemc>
#include <unordered_map>
#include <vector>

#include "core/kernel_impl.h"
extern "C" {
#include "core/block.h"
#include "core/chan.h"
}

namespace {

/* SystemC stops *before* the events of the time it is told to run to. Half a cycle later there are
 * none, so that a cut falls between two cycles. Cycles must stay below 2^63. */
constexpr uint64_t kTicksPerCyc = 2;
constexpr uint64_t kLastCyc = UINT64_MAX / kTicksPerCyc - 1;

uint64_t now_tick()
{
    return sc_core::sc_time_stamp().value();
}

uint64_t now_cyc()
{
    return now_tick() / kTicksPerCyc;
}

void notify_at(sc_core::sc_event &e, uint64_t cyc)
{
    assert(cyc <= kLastCyc);
    e.notify(sc_core::sc_time::from_value(cyc * kTicksPerCyc - now_tick()));
}

/* Whether the process's one kernel is out. */
std::atomic_flag taken = ATOMIC_FLAG_INIT;

class SystemcKernel;

class ChanSc : public sc_core::sc_prim_channel {
public:
    ChanSc(chan *c, const SystemcKernel *k);

    /* Ends now_cyc for the channel. */
    void commit(uint64_t now_cyc)
    {
        const chan_wakes wake = chan_commit(c_, now_cyc);
        if (wake.arrive_cyc != CYC_NEVER)
            notify_at(arrive, wake.arrive_cyc);
        if (wake.free_cyc != CYC_NEVER)
            notify_at(free_slot, wake.free_cyc);
    }

    sc_core::sc_event arrive, free_slot;

private:
    static void on_touch(chan *c);

    void update() override
    {
        commit(now_cyc());
    }

    chan *c_;
    const SystemcKernel *kernel_;
};

class BlockSc : public sc_core::sc_module {
public:
    SC_HAS_PROCESS(BlockSc);

    BlockSc(const sc_core::sc_module_name &name, block *b, kernel *k,
            const std::vector<sc_core::sc_event *> &wakes)
        : sc_module(name), b_(b), kernel_(k)
    {
        SC_METHOD(run);
        sensitive << timer_;
        for (sc_core::sc_event *e : wakes)
            sensitive << *e;
        b->kernel = this;
        b->wake = on_wake;
    }

private:
    void wake_at(uint64_t cyc)
    {
        timer_.cancel();
        if (cyc != CYC_NEVER)
            notify_at(timer_, cyc);
        timer_cyc_ = cyc;
    }

    static void on_wake(block *b, uint64_t cyc)
    {
        BlockSc *self = static_cast<BlockSc *>(b->kernel);
        if (cyc < self->timer_cyc_)
            self->wake_at(cyc);
    }

    void run()
    {
        const uint64_t now = now_cyc();
        const uint64_t timer_cyc = b_->ops->step(b_, now);

        assert(timer_cyc > now);
        kernel_->last_cyc = now;
        if (timer_cyc != timer_cyc_) // else pending already
            wake_at(timer_cyc);
    }

    block *b_;
    kernel *kernel_;
    sc_core::sc_event timer_;
    uint64_t timer_cyc_ = CYC_NEVER;
};

/* While it lives, SystemC's one simulation is ours. */
class Turn {
public:
    explicit Turn(sc_core::sc_simcontext *ours) : theirs_(sc_core::sc_curr_simcontext)
    {
        sc_core::sc_curr_simcontext = ours;
    }

    ~Turn()
    {
        sc_core::sc_curr_simcontext = theirs_;
    }

    Turn(const Turn &) = delete;
    Turn &operator=(const Turn &) = delete;

private:
    sc_core::sc_simcontext *theirs_;
};

class SystemcKernel : public kernel {
public:
    explicit SystemcKernel(const struct design *d);
    ~SystemcKernel();

    void build();
    void run_until(uint64_t until_cyc);
    uint64_t next_due() const;
    void settle(chan *c);

    bool running() const
    {
        return running_;
    }

private:
    std::unique_ptr<sc_core::sc_simcontext> context_;
    std::vector<std::unique_ptr<ChanSc>> chans_;
    std::vector<std::unique_ptr<BlockSc>> blocks_;
    bool started_ = false, running_ = false;
};

ChanSc::ChanSc(chan *c, const SystemcKernel *k) : c_(c), kernel_(k)
{
    assert(chan_count(c) == 0);
    c->kernel = this;
    c->touched = on_touch;
}

/* Between two runs the channel is settled by hand. */
void ChanSc::on_touch(chan *c)
{
    ChanSc *self = static_cast<ChanSc *>(c->kernel);
    if (self->kernel_->running())
        self->request_update();
}

const kernel_ops systemc_ops = {
    [](kernel *k, uint64_t until_cyc) { static_cast<SystemcKernel *>(k)->run_until(until_cyc); },
    [](const kernel *k) { return static_cast<const SystemcKernel *>(k)->next_due(); },
    [](kernel *k, chan *c) { static_cast<SystemcKernel *>(k)->settle(c); },
    [](kernel *k) {
        delete static_cast<SystemcKernel *>(k);
        taken.clear();
    },
};

SystemcKernel::SystemcKernel(const struct design *d)
    : context_(std::make_unique<sc_core::sc_simcontext>())
{
    ops = &systemc_ops;
    design = d;
    open_cyc = until_cyc = last_cyc = 0;
}

SystemcKernel::~SystemcKernel()
{
    Turn turn(context_.get());

    blocks_.clear();
    chans_.clear();
    sc_core::sc_pending_activity_at_future_time(); // drops what the cancelled events left queued
    context_.reset();
}

void SystemcKernel::build()
{
    Turn turn(context_.get());
    std::unordered_map<const block *, std::vector<sc_core::sc_event *>> wakes;

    for (size_t i = 0; i < design->n_chan; i++) {
        chan *c = design->chan[i];
        chans_.push_back(std::make_unique<ChanSc>(c, this));
        wakes[c->consumer].push_back(&chans_.back()->arrive);
        wakes[c->producer].push_back(&chans_.back()->free_slot);
    }
    for (size_t i = 0; i < design->n_block; i++) {
        block *b = design->block[i];
        blocks_.push_back(
            std::make_unique<BlockSc>(sc_core::sc_gen_unique_name("block"), b, this, wakes[b]));
    }
}

void SystemcKernel::run_until(uint64_t until_cyc)
{
    const uint64_t next_cyc = next_due();
    if (next_cyc == CYC_NEVER || next_cyc > until_cyc)
        return; // SystemC warns of a start that finds nothing to do

    Turn turn(context_.get());
    const uint64_t end_tick = std::min(until_cyc, kLastCyc) * kTicksPerCyc + 1;
    started_ = running_ = true;
    sc_core::sc_start(sc_core::sc_time::from_value(end_tick - now_tick()),
                      sc_core::SC_EXIT_ON_STARVATION);
    running_ = false;
}

uint64_t SystemcKernel::next_due() const
{
    Turn turn(context_.get());

    if (!started_)
        return blocks_.empty() ? CYC_NEVER : 0;
    if (!sc_core::sc_pending_activity_at_future_time())
        return CYC_NEVER;
    return (now_tick() + sc_core::sc_time_to_pending_activity().value()) / kTicksPerCyc;
}

void SystemcKernel::settle(chan *c)
{
    Turn turn(context_.get());

    static_cast<ChanSc *>(c->kernel)->commit(open_cyc - 1);
}

} // namespace

struct kernel *kernel_new_systemc(const struct design *d)
{
    if (taken.test_and_set())
        return nullptr;
    try {
        auto k = std::make_unique<SystemcKernel>(d);
        k->build();
        return k.release();
    } catch (const std::exception &) {
        taken.clear();
        return nullptr;
    }
}

bool kernel_systemc_available()
{
    return true;
}

/* libsystemc has a main() of its own that calls this; imcsim's is an ordinary one. A platform that
 * holds an imc_accelerator may have its own. */
__attribute__((weak)) int sc_main(int, char **)
{
    return EXIT_FAILURE;
}
