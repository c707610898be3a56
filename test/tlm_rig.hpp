/* test/tlm_rig.hpp -- a platform with one imc_accelerator, whose host is the test. SystemC has one
 * simulation a process: each test is a child process, in which a host thread does the checking.
 */
#ifndef TEST_TLM_RIG_HPP
#define TEST_TLM_RIG_HPP

#include <algorithm>
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "tlm/example/platform.h"
#include "tlm/imc_accelerator.h"

extern "C" {
#include <cmocka.h>

#include "study/pricing.h"
#include "study/run.h"
#include "study/study.h"
#include "traces/images/images.h"
}

namespace tlm_rig {

using namespace imcsim;
using sc_core::SC_NS;
using sc_core::sc_time;

const char *const kConfig = "configs/resnet32_fmnist.yaml";
const char *const kImages = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz";
constexpr uint64_t kSource = 0x1000, kTarget = 0x800000, kSize = 16 << 20;
constexpr uint64_t kRegs = platform::kAccelerators;

#define CHECK(what)                                                          \
    do {                                                                     \
        if (!(what)) {                                                       \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);       \
            _exit(EXIT_FAILURE);                                             \
        }                                                                    \
    } while (0)

#define CHECK_EQUAL(a, b)                                                                 \
    do {                                                                                  \
        const uint64_t a_ = static_cast<uint64_t>(a), b_ = static_cast<uint64_t>(b);      \
        if (a_ != b_) {                                                                   \
            fprintf(stderr, "%s:%d: %s = %llu, %s = %llu\n", __FILE__, __LINE__, #a,      \
                    (unsigned long long)a_, #b, (unsigned long long)b_);                  \
            _exit(EXIT_FAILURE);                                                          \
        }                                                                                 \
    } while (0)

/* For payloads by nb_transport, which somebody must own. */
class owner : public tlm::tlm_mm_interface {
    void free(tlm::tlm_generic_payload *trans) override
    {
        trans->reset();
    }
};

/* The ways in which a target of nb_transport may answer. */
enum class answer {
    COMPLETED,   // at once, with a delay
    BEGIN_RESP,  // at once, with a delay
    INSIDE,      // BEGIN_RESP backwards, with a delay, from inside the call
    NO_END_REQ,  // BEGIN_RESP backwards later
    UPDATED,     // END_REQ at once, BEGIN_RESP later
    FOUR_PHASES, // END_REQ and BEGIN_RESP later
    ADAPTER,     // as SystemC's adapter to b_transport does
};

/* A memory that answers so. */
class phased_memory : public sc_core::sc_module {
public:
    SC_HAS_PROCESS(phased_memory);
    tlm_utils::simple_target_socket<phased_memory> socket;
    uint64_t n_end_resp = 0; // received, as a phase or a return value

    phased_memory(const sc_core::sc_module_name &name, platform::memory &memory, answer how)
        : sc_module(name), socket("socket"), memory_(memory), how_(how)
    {
        socket.register_nb_transport_fw(this, &phased_memory::nb_forward);
        SC_THREAD(respond);
    }

private:
    tlm::tlm_sync_enum nb_forward(tlm::tlm_generic_payload &trans, tlm::tlm_phase &phase,
                                  sc_time &delay)
    {
        if (phase == tlm::END_RESP) {
            n_end_resp++;
            return tlm::TLM_COMPLETED;
        }
        CHECK(phase == tlm::BEGIN_REQ && !trans_); // one at a time
        CHECK(trans.has_mm() && trans.get_response_status() == tlm::TLM_INCOMPLETE_RESPONSE);
        took_ = sc_core::SC_ZERO_TIME;
        memory_.access(trans, took_);
        switch (how_) {
        case answer::COMPLETED:
            delay += took_;
            return tlm::TLM_COMPLETED;
        case answer::BEGIN_RESP:
            delay += took_;
            phase = tlm::BEGIN_RESP;
            return tlm::TLM_UPDATED;
        case answer::INSIDE:
            backward(trans, tlm::BEGIN_RESP, took_);
            return tlm::TLM_ACCEPTED;
        default:
            trans_ = &trans;
            begin_.notify(sc_core::SC_ZERO_TIME);
            phase = how_ == answer::UPDATED ? tlm::END_REQ : phase;
            return how_ == answer::UPDATED ? tlm::TLM_UPDATED : tlm::TLM_ACCEPTED;
        }
    }

    void respond()
    {
        for (;;) {
            wait(begin_);
            wait(took_ / 2);
            if (how_ == answer::FOUR_PHASES)
                backward(*trans_, tlm::END_REQ, sc_core::SC_ZERO_TIME);
            tlm::tlm_generic_payload &trans = *trans_;
            trans_ = nullptr;
            backward(trans, tlm::BEGIN_RESP, took_ - took_ / 2);
        }
    }

    void backward(tlm::tlm_generic_payload &trans, tlm::tlm_phase phase, sc_time delay)
    {
        const bool last = phase == tlm::BEGIN_RESP;
        const tlm::tlm_sync_enum sync = socket->nb_transport_bw(trans, phase, delay);

        CHECK(sync == (last ? tlm::TLM_COMPLETED : tlm::TLM_ACCEPTED));
        n_end_resp += last;
    }

    platform::memory         &memory_;
    answer                    how_;
    tlm::tlm_generic_payload *trans_ = nullptr;
    sc_time                   took_;
    sc_core::sc_event         begin_;
};

/* Host, bus, memory and one accelerator; the host's thread is the test. With cfg.at everything goes
 * by nb_transport, and directly: the bus is loosely timed. */
class bench : public platform::host {
public:
    SC_HAS_PROCESS(bench);
    platform::memory         memory;
    platform::bus            bus;
    imc_accelerator          accelerator;
    sc_core::sc_signal<bool> irq;
    phased_memory            phased;

    bench(const sc_core::sc_module_name &name, const accelerator_cfg &cfg,
          std::function<void(bench &)> body, answer how)
        : host(name), memory("memory", kSize), bus("bus"), accelerator("accelerator", cfg),
          phased("phased", memory, how), body_(std::move(body)), at_(cfg.at), nb_("nb"),
          other_("other", 0), idle_("idle")
    {
        socket.bind(bus.from);
        if (at_) {
            nb_.register_nb_transport_bw(this, &bench::nb_backward);
            nb_.bind(accelerator.registers);
            if (how == answer::ADAPTER) {
                accelerator.dma.bind(memory.socket);
                idle_.bind(phased.socket);
            } else {
                accelerator.dma.bind(phased.socket);
                idle_.bind(memory.socket);
            }
            bus.to.bind(other_.socket);
        } else {
            idle_.bind(phased.socket);
            nb_.bind(other_.socket);
            accelerator.dma.bind(bus.from);
            bus.to.bind(memory.socket);
            bus.to.bind(accelerator.registers);
        }
        accelerator.irq(irq);
        SC_THREAD(run);
    }

    /* Any transaction with the accelerator. */
    struct wish {
        tlm::tlm_command            command;
        uint64_t                    at;
        std::vector<unsigned char>  data;
        std::vector<unsigned char>  enable = {};
        bool                        enabled = false; // whether there is `enable`
        unsigned                    width = UINT32_MAX; // of streaming; the data's length
        sc_time                     delay = {};  // in, and out
        bool                        dmi = false; // hint, out
    };
    tlm::tlm_response_status ask(wish &w)
    {
        tlm::tlm_generic_payload trans;
        unsigned char none;

        trans.set_command(w.command);
        trans.set_address(w.at);
        trans.set_data_ptr(w.data.empty() ? &none : w.data.data());
        trans.set_data_length(static_cast<unsigned>(w.data.size()));
        trans.set_streaming_width(w.width == UINT32_MAX ? trans.get_data_length() : w.width);
        if (w.enabled) {
            trans.set_byte_enable_ptr(w.enable.empty() ? &none : w.enable.data());
            trans.set_byte_enable_length(static_cast<unsigned>(w.enable.size()));
        }
        CHECK(!at_);
        bus.to[1]->b_transport(trans, w.delay);
        w.dmi = trans.is_dmi_allowed();
        return trans.get_response_status();
    }

    tlm::tlm_response_status transport(tlm::tlm_command command, uint64_t address, void *data,
                                       unsigned n) override
    {
        if (!at_)
            return host::transport(command, address, data, n);
        tlm::tlm_generic_payload trans(&owner_);
        tlm::tlm_phase phase = tlm::BEGIN_REQ;
        sc_time delay = sc_core::SC_ZERO_TIME;
        trans.acquire();
        trans.set_command(command);
        trans.set_address(address - kRegs);
        trans.set_data_ptr(static_cast<unsigned char *>(data));
        trans.set_data_length(n);
        trans.set_streaming_width(n);
        const tlm::tlm_sync_enum sync = nb_->nb_transport_fw(trans, phase, delay);
        CHECK(sync != tlm::TLM_COMPLETED); // it takes time
        wait(response_);
        const tlm::tlm_response_status s = trans.get_response_status();
        if (ends_later) {
            wait(sc_time(5, SC_NS));
            phase = tlm::END_RESP;
            delay = sc_core::SC_ZERO_TIME;
            nb_->nb_transport_fw(trans, phase, delay);
        }
        trans.release();
        n_nb++;
        return s;
    }

    uint64_t n_nb = 0; // transactions by nb_transport
    bool     ends_later = false; // a call of its own for their END_RESP

    uint32_t reg(uint32_t r) { return read(kRegs + r); }
    uint64_t reg64(uint32_t r) { return read64(kRegs + r); }
    tlm::tlm_response_status set(uint32_t r, uint32_t value) { return write(kRegs + r, value); }

    void prepare(uint32_t count)
    {
        CHECK(set(REG_COUNT, count) == tlm::TLM_OK_RESPONSE);
        CHECK(write64(kRegs + REG_SOURCE, kSource) == tlm::TLM_OK_RESPONSE);
        CHECK(write64(kRegs + REG_TARGET, kTarget) == tlm::TLM_OK_RESPONSE);
        CHECK(set(REG_IRQ_ENABLE, STATUS_DONE | STATUS_ERROR) == tlm::TLM_OK_RESPONSE);
    }

    void start(uint32_t count)
    {
        prepare(count);
        CHECK(set(REG_CONTROL, CONTROL_START) == tlm::TLM_OK_RESPONSE);
    }

    void sleep_until_irq()
    {
        while (!irq.read())
            wait(irq.posedge_event());
    }

    /* The real images, as imcsim reads them. */
    void load_images(uint32_t count)
    {
        load_images(count, { 32, 32, reg(REG_IMAGE_BYTES) / 1024 });
    }

    void load_images(uint32_t count, struct images_shape shape)
    {
        const uint32_t n = reg(REG_IMAGE_BYTES);
        struct images *set;
        struct err_msg m;
        uint32_t label;
        int more;

        CHECK(images_open(&set, kImages, shape, 10, &m) == ERR_NONE);
        for (uint32_t i = 0; i < count; i++)
            CHECK(images_next(set, reinterpret_cast<int8_t *>(&memory.byte[kSource + i * n]),
                              &label, &more, &m) == ERR_NONE);
        images_close(set);
    }

    std::vector<uint32_t> classes(uint32_t count) const
    {
        std::vector<uint32_t> c;

        for (uint32_t i = 0; i < count; i++) {
            int32_t score[10];
            uint32_t best = 0;
            memcpy(score, &memory.byte[kTarget + i * sizeof score], sizeof score);
            for (uint32_t k = 1; k < 10; k++)
                best = score[k] > score[best] ? k : best;
            c.push_back(best);
        }
        return c;
    }

    /* Clocks of 500 MHz that a transfer of n bytes in bursts takes on the idle bus. */
    uint64_t transfer_cyc(uint32_t n, uint32_t burst) const
    {
        const sc_time t = memory.latency * double((n + burst - 1) / burst) + memory.per_byte * n;
        return t.value() / sc_time(2, SC_NS).value();
    }

private:
    void run()
    {
        body_(*this);
        sc_core::sc_stop();
    }

    tlm::tlm_sync_enum nb_backward(tlm::tlm_generic_payload &, tlm::tlm_phase &phase,
                                   sc_time &delay)
    {
        if (phase != tlm::BEGIN_RESP)
            return tlm::TLM_ACCEPTED;
        response_.notify(delay);
        if (ends_later)
            return tlm::TLM_ACCEPTED;
        phase = tlm::END_RESP;
        return tlm::TLM_COMPLETED;
    }

    std::function<void(bench &)>              body_;
    bool                                      at_;
    tlm_utils::simple_initiator_socket<bench> nb_;
    platform::memory                          other_;
    tlm_utils::simple_initiator_socket<bench> idle_; // bound to what is not used
    sc_core::sc_event                         response_;
    owner                                     owner_;
};

/* What the command's run of the same images says. */
struct alone {
    std::vector<uint32_t> classes, labels;
    uint64_t              cycles, interval_cyc, latency_cyc;
    uint64_t              first_inject_timestep, interval; // timesteps of the chip

    explicit alone(uint32_t count)
    {
        struct study s;
        struct run_result r;
        struct run_cfg cfg = {};
        struct err_msg m;

        cfg.images = kImages;
        cfg.n_image = count;
        cfg.jobs = 1;
        CHECK(study_load(&s, kConfig, nullptr, 0, &m) == ERR_NONE);
        CHECK(run(&s.plan, &cfg, &r, &m) == ERR_NONE);
        classes.assign(r.predicted, r.predicted + count);
        labels.assign(r.label, r.label + count);
        cycles = (s.plan.time.lead + r.total_timesteps + s.config.fabric.hop_timesteps) *
                 s.plan.timestep_clk; // a result leaves the chip a hop after it was computed
        interval = s.plan.interval;
        interval_cyc = interval * s.plan.timestep_clk;
        latency_cyc = (s.plan.time.lead + r.first_result) * s.plan.timestep_clk;
        int64_t due = INT64_MAX; // the first pixel is stored
        for (uint32_t i = 0; i < s.plan.n_image_feed; i++)
            due = std::min(due, s.plan.time.image_feed[i].stored[0]);
        const int64_t lead = static_cast<int64_t>(s.plan.time.lead);
        first_inject_timestep = static_cast<uint64_t>(lead + due - 1);
        run_result_release(&r);
        study_release(&s);
    }
};

inline accelerator_cfg trained()
{
    accelerator_cfg cfg;

    cfg.config = kConfig;
    return cfg;
}

struct child_cfg {
    accelerator_cfg              accelerator = trained();
    answer                       how = answer::ADAPTER; // of the memory, by nb_transport
    std::function<void(bench &)> before = nullptr;      // the simulation starts
};

inline void in_process(const std::function<bool()> &body)
{
    fflush(nullptr);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
        _exit(body() ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS);
}

inline void in_child(const child_cfg &cfg, const std::function<void(bench &)> &body)
{
    in_process([&] {
        bool done = false; // or a thread waits for ever
        bench b("host", cfg.accelerator, [&](bench &own) {
            body(own);
            done = true;
        }, cfg.how);
        if (cfg.before)
            cfg.before(b);
        sc_core::sc_start();
        return done;
    });
}

} // namespace tlm_rig

#endif
