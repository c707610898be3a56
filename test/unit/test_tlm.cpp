/* The TLM-2.0 module as a platform meets it. SystemC has one simulation a process: each test is a
 * child process, in which a host thread does the checking.
 */
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "core/sc/example/platform.h"
#include "core/sc/imc_accelerator.h"

extern "C" {
#include <cmocka.h>

#include "arch/run.h"
#include "cli/study.h"
#include "traces/images.h"
}

using namespace imcsim;
using sc_core::SC_NS;
using sc_core::sc_time;

namespace {

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

/* Host, bus, memory and one accelerator; the host's thread is the test. With cfg.at everything goes
 * by nb_transport, and directly: the bus is loosely timed. */
class bench : public platform::host {
public:
    SC_HAS_PROCESS(bench);
    platform::memory         memory;
    platform::bus            bus;
    imc_accelerator          accelerator;
    sc_core::sc_signal<bool> irq;

    bench(const sc_core::sc_module_name &name, const accelerator_cfg &cfg,
          std::function<void(bench &)> body)
        : host(name), memory("memory", kSize), bus("bus"), accelerator("accelerator", cfg),
          body_(std::move(body)), at_(cfg.at), nb_("nb"), other_("other", 0)
    {
        socket.bind(bus.from);
        if (at_) {
            nb_.register_nb_transport_bw(this, &bench::nb_backward);
            nb_.bind(accelerator.registers);
            accelerator.dma.bind(memory.socket);
            bus.to.bind(other_.socket);
        } else {
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
        bool                        dmi = false; // hint, out
    };
    tlm::tlm_response_status ask(wish &w)
    {
        tlm::tlm_generic_payload trans;
        sc_time delay = sc_core::SC_ZERO_TIME;
        unsigned char none;

        trans.set_command(w.command);
        trans.set_address(kRegs + w.at);
        trans.set_data_ptr(w.data.empty() ? &none : w.data.data());
        trans.set_data_length(static_cast<unsigned>(w.data.size()));
        trans.set_streaming_width(w.width == UINT32_MAX ? trans.get_data_length() : w.width);
        if (w.enabled) {
            trans.set_byte_enable_ptr(w.enable.empty() ? &none : w.enable.data());
            trans.set_byte_enable_length(static_cast<unsigned>(w.enable.size()));
        }
        socket->b_transport(trans, delay);
        wait(delay);
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
        trans.release();
        n_nb++;
        return s;
    }

    uint64_t n_nb = 0; // transactions by nb_transport

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
        const uint32_t n = reg(REG_IMAGE_BYTES);
        struct images *set;
        struct err_msg m;
        uint32_t label;
        int more;

        CHECK(images_open(&set, kImages, { 32, 32, n / 1024 }, 10, &m) == ERR_NONE);
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
        phase = tlm::END_RESP;
        return tlm::TLM_COMPLETED;
    }

    std::function<void(bench &)>              body_;
    bool                                      at_;
    tlm_utils::simple_initiator_socket<bench> nb_;
    platform::memory                          other_;
    sc_core::sc_event                         response_;
    owner                                     owner_;
};

/* What the command's run of the same images says. */
struct alone {
    std::vector<uint32_t> classes, labels;
    uint64_t              cycles, interval_cyc;

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
        cycles = (s.plan.lead + r.total_timesteps + s.config.fabric.hop_timesteps) *
                 s.plan.timestep_clk; // a result leaves the chip a hop after it was computed
        interval_cyc = s.plan.interval * s.plan.timestep_clk;
        run_result_release(&r);
        study_release(&s);
    }
};

accelerator_cfg config()
{
    accelerator_cfg cfg;

    cfg.config = kConfig;
    return cfg;
}

void in_child(const accelerator_cfg &cfg, const std::function<void(bench &)> &body)
{
    fflush(nullptr);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
        bool done = false;
        bench b("host", cfg, [&](bench &own) {
            body(own);
            done = true;
        });
        sc_core::sc_start();
        _exit(done ? EXIT_SUCCESS : EXIT_FAILURE); // a thread that waits for ever
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS);
}

/* ---- registers ---- */

void a_reset_module_reads_as_documented(void **)
{
    in_child(config(), [](bench &b) {
        CHECK_EQUAL(b.reg(REG_ID), 0x41434d49);
        CHECK_EQUAL(b.reg(REG_VERSION), 1);
        CHECK_EQUAL(b.reg(REG_IMAGE_BYTES), 32 * 32 * 3);
        CHECK_EQUAL(b.reg(REG_RESULT_BYTES), 40);
        CHECK_EQUAL(b.reg(REG_INTERVAL), 1024 * 50);
        CHECK_EQUAL(b.reg(REG_LATENCY) % 50, 0);
        CHECK_EQUAL(b.reg(REG_CLOCK_MHZ), 500);
        CHECK_EQUAL(b.reg(REG_CORES), 43);
        for (uint32_t r = REG_CONTROL; r < REG_END; r += 4)
            CHECK_EQUAL(b.reg(r), 0);
    });
}

void writable_registers_keep_what_is_written_and_no_more(void **)
{
    in_child(config(), [](bench &b) {
        const uint32_t whole[] = { REG_COUNT, REG_SOURCE, REG_SOURCE + 4, REG_TARGET,
                                   REG_TARGET + 4 };
        for (uint32_t r : whole) {
            CHECK(b.set(r, 0x89abcdef + r) == tlm::TLM_OK_RESPONSE);
            CHECK_EQUAL(b.reg(r), 0x89abcdef + r);
        }
        for (uint32_t r : whole) // none has hit another
            CHECK_EQUAL(b.reg(r), 0x89abcdef + r);
        CHECK(b.set(REG_IRQ_ENABLE, UINT32_MAX) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg(REG_IRQ_ENABLE), STATUS_DONE | STATUS_ERROR);
        CHECK(b.set(REG_STATUS, UINT32_MAX) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg(REG_STATUS), 0);
        CHECK(b.set(REG_CONTROL, CONTROL_RESET) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg(REG_CONTROL), 0);
        CHECK_EQUAL(b.reg(REG_COUNT), 0x89abcdef + REG_COUNT); // a reset stops, no more
    });
}

void bytes_bursts_and_byte_enables_reach_the_bytes_they_name(void **)
{
    in_child(config(), [](bench &b) {
        bench::wish w = { tlm::TLM_WRITE_COMMAND, REG_SOURCE + 3, { 1, 2, 3 } }; // across two words
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg64(REG_SOURCE), UINT64_C(0x030201000000));
        w = { tlm::TLM_WRITE_COMMAND, REG_SOURCE, { 9, 8, 7, 6, 5, 4, 3, 2 }, { 0xff, 0 }, true };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE); // every other byte
        CHECK_EQUAL(b.reg64(REG_SOURCE), UINT64_C(0x0003030501070009));
        w = { tlm::TLM_READ_COMMAND, REG_SOURCE + 1, { 0xaa, 0xaa, 0xaa }, { 0, 0xff }, true };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
        CHECK((w.data == std::vector<unsigned char>{ 0xaa, 7, 0xaa }));
        w = { tlm::TLM_READ_COMMAND, 0, std::vector<unsigned char>(REG_END), {} };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE); // the whole map
        CHECK(memcmp(w.data.data(), "IMCA\1\0\0", 8) == 0);
        CHECK(memcmp(&w.data[REG_SOURCE], "\x09\0\x07\x01\x05\x03\x03", 8) == 0);
        w = { tlm::TLM_IGNORE_COMMAND, REG_COUNT, { 1, 2, 3, 4 } };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg(REG_COUNT), 0);
    });
}

void what_cannot_be_done_is_refused_by_its_response_and_changes_nothing(void **)
{
    in_child(config(), [](bench &b) {
        const std::vector<unsigned char> word(4, 1);
        bench::wish w = { tlm::TLM_READ_COMMAND, REG_END, word };
        CHECK(b.ask(w) == tlm::TLM_ADDRESS_ERROR_RESPONSE);
        w = { tlm::TLM_READ_COMMAND, REG_END - 3, word }; // over the edge
        CHECK(b.ask(w) == tlm::TLM_ADDRESS_ERROR_RESPONSE);
        w = { tlm::TLM_READ_COMMAND, REG_END - 4, word };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
        w = { tlm::TLM_WRITE_COMMAND, REG_COUNT, word };
        w.width = 3; // streaming
        CHECK(b.ask(w) == tlm::TLM_BURST_ERROR_RESPONSE);
        w = { tlm::TLM_WRITE_COMMAND, REG_COUNT, {} };
        CHECK(b.ask(w) == tlm::TLM_BURST_ERROR_RESPONSE);
        w = { tlm::TLM_WRITE_COMMAND, REG_COUNT, word, {}, true };
        CHECK(b.ask(w) == tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
        const uint32_t constant[] = { REG_ID, REG_CORES, REG_FINISHED, REG_CYCLES,
                                      REG_DMA_BYTES + 4 };
        for (uint32_t r : constant)
            CHECK(b.set(r, 1) == tlm::TLM_COMMAND_ERROR_RESPONSE);
        w = { tlm::TLM_WRITE_COMMAND, REG_TARGET + 4, std::vector<unsigned char>(8, 1) };
        CHECK(b.ask(w) == tlm::TLM_COMMAND_ERROR_RESPONSE); // its second half is read only
        w.enable = { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 };  // and not touched here
        w.enabled = true;
        CHECK_EQUAL(b.reg(REG_TARGET + 4), 0);
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg(REG_TARGET + 4), 0x01010101);
        CHECK(b.set(REG_CONTROL, CONTROL_START) == tlm::TLM_GENERIC_ERROR_RESPONSE); // of 0 images
        CHECK(b.set(REG_COUNT, 1) == tlm::TLM_OK_RESPONSE);
        CHECK(b.set(REG_CONTROL, CONTROL_START | CONTROL_RESET) == tlm::TLM_GENERIC_ERROR_RESPONSE);
        CHECK_EQUAL(b.reg(REG_STATUS), 0);
        CHECK_EQUAL(b.reg(REG_COUNT), 1);
    });
}

void constants_may_be_read_directly_and_nothing_else(void **)
{
    in_child(config(), [](bench &b) {
        tlm::tlm_generic_payload trans;
        tlm::tlm_dmi dmi;
        bench::wish w = { tlm::TLM_READ_COMMAND, REG_CORES, std::vector<unsigned char>(4) };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE && w.dmi);
        w = { tlm::TLM_READ_COMMAND, REG_CORES, std::vector<unsigned char>(8) };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE && !w.dmi);

        trans.set_command(tlm::TLM_READ_COMMAND);
        trans.set_address(REG_VERSION);
        CHECK(b.bus.to[1]->get_direct_mem_ptr(trans, dmi));
        CHECK(dmi.get_start_address() == 0 && dmi.get_end_address() == DMI_END - 1);
        CHECK(dmi.is_read_allowed() && !dmi.is_write_allowed());
        for (uint32_t r = 0; r < DMI_END; r += 4) {
            uint32_t value;
            memcpy(&value, dmi.get_dmi_ptr() + r, sizeof value);
            CHECK_EQUAL(value, b.reg(r));
        }
        trans.set_address(REG_CONTROL);
        CHECK(!b.bus.to[1]->get_direct_mem_ptr(trans, dmi));
        CHECK(!dmi.is_read_allowed());
        trans.set_address(REG_ID);
        trans.set_command(tlm::TLM_WRITE_COMMAND);
        CHECK(!b.bus.to[1]->get_direct_mem_ptr(trans, dmi));
    });
}

void a_debugger_reads_without_time_and_writes_nothing(void **)
{
    in_child(config(), [](bench &b) {
        tlm::tlm_generic_payload trans;
        unsigned char data[16];
        const sc_time before = sc_core::sc_time_stamp();
        trans.set_data_ptr(data);
        trans.set_data_length(sizeof data);
        trans.set_command(tlm::TLM_READ_COMMAND);
        trans.set_address(REG_END - 8);
        CHECK_EQUAL(b.bus.to[1]->transport_dbg(trans), 8);
        trans.set_address(REG_ID);
        CHECK_EQUAL(b.bus.to[1]->transport_dbg(trans), 16);
        CHECK(memcmp(data, "IMCA", 4) == 0);
        trans.set_command(tlm::TLM_WRITE_COMMAND);
        trans.set_address(REG_COUNT);
        CHECK_EQUAL(b.bus.to[1]->transport_dbg(trans), 0);
        CHECK(sc_core::sc_time_stamp() == before);
        CHECK_EQUAL(b.reg(REG_COUNT), 0);
    });
}

/* ---- runs ---- */

/* With a memory that keeps up: the chip's own cycles, plus the first image's way in and the last
 * result's way out. */
void a_hundred_images_get_the_classes_and_the_cycles_of_the_run_alone(void **)
{
    enum { N = 100 };
    in_child(config(), [](bench &b) {
        const alone want(N);
        b.memory.latency = sc_time(40, SC_NS);
        b.memory.per_byte = sc_time(1, SC_NS);
        b.load_images(N);
        b.start(N);
        b.sleep_until_irq();
        CHECK_EQUAL(b.reg(REG_STATUS), STATUS_DONE);
        CHECK_EQUAL(b.reg(REG_FINISHED), N);
        CHECK(b.classes(N) == want.classes);
        uint32_t right = 0;
        for (uint32_t i = 0; i < N; i++)
            right += want.classes[i] == want.labels[i];
        CHECK(right > 90);
        CHECK_EQUAL(b.reg64(REG_STALL_CYCLES), 0);
        CHECK_EQUAL(b.reg64(REG_RUN_CYCLES), want.cycles);
        CHECK_EQUAL(b.reg64(REG_CYCLES),
                    want.cycles + b.transfer_cyc(3072, 64) + b.transfer_cyc(40, 64));
        CHECK_EQUAL(b.reg64(REG_DMA_BYTES), N * (3072 + 40));
        /* One a pixel: conv1 to 11; rs1, conv12 to 21; rs2, conv22 and the two parts of conv23 to
         * 31; fc. */
        CHECK_EQUAL(b.reg64(REG_FIRINGS), (11 * 1024 + 11 * 256 + (2 + 2 * 9) * 64 + 1) * N);
    });
}

/* Reading an image takes longer than the chip needs for one: reading sets the pace, and the chip
 * stands still for the rest, in whole timesteps. */
void slow_memory_costs_cycles_and_no_results(void **)
{
    enum { N = 4 };
    in_child(config(), [](bench &b) {
        const alone want(N);
        b.memory.latency = sc_time(3010, SC_NS);
        b.load_images(N);
        b.start(N);
        b.sleep_until_irq();
        const uint64_t read = b.transfer_cyc(3072, 64); // 48 bursts, 72,240 cycles
        CHECK(read > want.interval_cyc && read % 50 != 0); // not whole timesteps
        CHECK(b.classes(N) == want.classes);
        CHECK_EQUAL(b.reg64(REG_RUN_CYCLES), want.cycles);
        CHECK_EQUAL(b.reg64(REG_CYCLES), want.cycles + b.reg64(REG_STALL_CYCLES) + read +
                                             b.transfer_cyc(40, 64));
        /* Image 1 is due one interval after image 0 and there when it has been read; so is each
         * after it. A result's write of 1,505 cycles comes between. */
        const uint64_t least = (N - 1) * (read - want.interval_cyc);
        CHECK(b.reg64(REG_STALL_CYCLES) >= least);
        CHECK(b.reg64(REG_STALL_CYCLES) <= least + (N - 1) * (50 + b.transfer_cyc(40, 64)));
        CHECK_EQUAL(b.reg64(REG_STALL_CYCLES) % 50, 0);
    });
}

void bursts_and_nb_transport_take_the_time_that_is_modelled(void **)
{
    for (const bool at : { false, true }) {
        for (const uint32_t burst : { 1000u, 4096u }) {
            accelerator_cfg cfg = config();
            cfg.burst_bytes = burst;
            cfg.at = at;
            in_child(cfg, [burst, at](bench &b) {
                const alone want(2);
                b.memory.latency = sc_time(100, SC_NS);
                b.memory.per_byte = sc_time(2, SC_NS);
                b.load_images(2);
                b.start(2);
                b.sleep_until_irq();
                CHECK(b.classes(2) == want.classes);
                CHECK_EQUAL(b.reg64(REG_CYCLES), want.cycles + b.transfer_cyc(3072, burst) +
                                                     b.transfer_cyc(40, burst));
                CHECK_EQUAL(b.memory.n_transaction, 2 * ((3072 + burst - 1) / burst + 1));
                CHECK((b.n_nb > 0) == at);
            });
        }
    }
}

void starts_back_to_back_wait_for_the_end_and_repeat_the_run(void **)
{
    in_child(config(), [](bench &b) {
        const alone want(2);
        b.load_images(2);
        b.start(2);
        CHECK_EQUAL(b.reg(REG_STATUS), STATUS_BUSY);
        CHECK(b.set(REG_CONTROL, CONTROL_START) == tlm::TLM_GENERIC_ERROR_RESPONSE);
        CHECK(b.set(REG_COUNT, 1) == tlm::TLM_GENERIC_ERROR_RESPONSE);
        CHECK(b.set(REG_TARGET + 4, 1) == tlm::TLM_GENERIC_ERROR_RESPONSE);
        b.sleep_until_irq();
        const uint64_t cycles = b.reg64(REG_CYCLES);
        memset(&b.memory.byte[kTarget], 0, 80);
        CHECK(b.set(REG_CONTROL, CONTROL_START) == tlm::TLM_OK_RESPONSE); // DONE is still set
        CHECK_EQUAL(b.reg(REG_STATUS), STATUS_BUSY);
        CHECK(!b.irq.read());
        b.sleep_until_irq();
        CHECK(b.classes(2) == want.classes);
        CHECK_EQUAL(b.reg64(REG_RUN_CYCLES), want.cycles);
        CHECK(b.reg64(REG_CYCLES) <= cycles); // the first shared the bus with the host
    });
}

void the_interrupt_follows_status_and_enable(void **)
{
    in_child(config(), [](bench &b) {
        b.load_images(1);
        b.prepare(1);
        CHECK(b.set(REG_IRQ_ENABLE, STATUS_ERROR) == tlm::TLM_OK_RESPONSE);
        CHECK(b.set(REG_CONTROL, CONTROL_START) == tlm::TLM_OK_RESPONSE);
        while (b.reg(REG_STATUS) & STATUS_BUSY)
            wait(sc_time(1, sc_core::SC_US));
        CHECK(!b.irq.read()); // masked
        CHECK(b.set(REG_IRQ_ENABLE, STATUS_DONE) == tlm::TLM_OK_RESPONSE);
        wait(sc_time(1, SC_NS));
        CHECK(b.irq.read());
        CHECK(b.set(REG_STATUS, STATUS_ERROR) == tlm::TLM_OK_RESPONSE);
        wait(sc_time(1, SC_NS));
        CHECK(b.irq.read()); // the wrong bit
        CHECK(b.set(REG_STATUS, STATUS_DONE) == tlm::TLM_OK_RESPONSE);
        wait(sc_time(1, SC_NS));
        CHECK(!b.irq.read());
        CHECK_EQUAL(b.reg(REG_STATUS), 0);
    });
}

void a_reset_in_mid_image_leaves_nothing_behind(void **)
{
    for (const int at_us : { 1, 5, 50, 150 }) { // in the first read, later, in mid-image, twice
        in_child(config(), [at_us](bench &b) {
            const alone want(3);
            b.memory.latency = sc_time(100, SC_NS);
            b.load_images(3);
            b.start(3);
            wait(sc_time(at_us, sc_core::SC_US));
            CHECK(b.set(REG_CONTROL, CONTROL_RESET) == tlm::TLM_OK_RESPONSE);
            CHECK_EQUAL(b.reg(REG_STATUS), 0);
            const uint64_t n = b.memory.n_transaction;
            wait(sc_time(1, sc_core::SC_MS));
            CHECK(b.memory.n_transaction <= n + 1); // the burst under way
            CHECK(!b.irq.read());
            b.start(3);
            wait(sc_time(3, sc_core::SC_US));
            CHECK(b.set(REG_CONTROL, CONTROL_RESET) == tlm::TLM_OK_RESPONSE);
            b.start(3); // at once
            b.sleep_until_irq();
            CHECK(b.classes(3) == want.classes);
            CHECK_EQUAL(b.reg64(REG_RUN_CYCLES), want.cycles);
        });
    }
}

void a_refused_burst_ends_the_run_with_its_cause(void **)
{
    in_child(config(), [](bench &b) {
        b.load_images(1);
        b.prepare(1);
        CHECK(b.write64(kRegs + REG_SOURCE, kSize - 100) == tlm::TLM_OK_RESPONSE);
        CHECK(b.set(REG_CONTROL, CONTROL_START) == tlm::TLM_OK_RESPONSE);
        b.sleep_until_irq();
        CHECK_EQUAL(b.reg(REG_STATUS), STATUS_ERROR);
        CHECK_EQUAL(b.reg(REG_CAUSE), CAUSE_READ);
        CHECK_EQUAL(b.reg64(REG_DMA_BYTES), 64);
        CHECK_EQUAL(b.reg(REG_FINISHED), 0);
        b.prepare(1);
        CHECK(b.write64(kRegs + REG_TARGET, kSize - 39) == tlm::TLM_OK_RESPONSE);
        CHECK(b.set(REG_CONTROL, CONTROL_START) == tlm::TLM_OK_RESPONSE);
        b.sleep_until_irq();
        CHECK_EQUAL(b.reg(REG_STATUS), STATUS_ERROR);
        CHECK_EQUAL(b.reg(REG_CAUSE), CAUSE_WRITE);
        b.start(1); // and works again
        b.sleep_until_irq();
        CHECK_EQUAL(b.reg(REG_STATUS), STATUS_DONE);
        CHECK_EQUAL(b.reg(REG_CAUSE), 0);
    });
}

/* ---- the example ---- */

/* Lines of classify's output, and its status. */
std::string classify(const std::string &arguments)
{
    char path[1024];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(n > 0);
    std::string self(path, static_cast<size_t>(n)), text;
    const std::string build = self.substr(0, self.rfind("/test/unit/"));
    const std::string command = build + "/core/sc/example/classify " + arguments + " 2>/dev/null";
    FILE *f = popen(command.c_str(), "r");
    assert_non_null(f);
    for (int c; (c = getc(f)) != EOF;)
        text += static_cast<char>(c);
    assert_int_equal(pclose(f), 0);
    return text;
}

uint64_t most_cycles(const std::string &text)
{
    uint64_t most = 0;

    for (size_t at = 0; (at = text.find(" cycles ", at)) != std::string::npos; at++)
        most = std::max<uint64_t>(most, strtoull(&text[at + 8], nullptr, 10));
    return most;
}

void two_accelerators_classify_and_slow_memory_slows_them(void **)
{
    enum { N = 8 };
    char dir[] = "/tmp/tlm-XXXXXX";
    assert_non_null(mkdtemp(dir));
    const std::string images = std::string(dir) + "/images";
    assert_int_equal(system(("zcat " + std::string(kImages) + " >" + images).c_str()), 0);
    const std::string arguments = std::string(kConfig) + " " + images + " " + std::to_string(N);
    const std::string fast = classify(arguments + " 100"), slow = classify(arguments + " 3000");
    const alone want(N);
    for (uint32_t i = 0; i < N; i++) {
        const std::string line =
            "image " + std::to_string(i) + " class " + std::to_string(want.classes[i]) + "\n";
        assert_true(fast.find(line) != std::string::npos);
        assert_true(slow.find(line) != std::string::npos);
    }
    assert_true(fast.find("accelerator 1 status 2 finished 4") != std::string::npos);
    assert_true(most_cycles(fast) > 0);
    assert_true(most_cycles(slow) > 2 * most_cycles(fast));
    assert_int_equal(unlink(images.c_str()), 0);
    assert_int_equal(rmdir(dir), 0);
}

} // namespace

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_module_reads_as_documented),
        cmocka_unit_test(writable_registers_keep_what_is_written_and_no_more),
        cmocka_unit_test(bytes_bursts_and_byte_enables_reach_the_bytes_they_name),
        cmocka_unit_test(what_cannot_be_done_is_refused_by_its_response_and_changes_nothing),
        cmocka_unit_test(constants_may_be_read_directly_and_nothing_else),
        cmocka_unit_test(a_debugger_reads_without_time_and_writes_nothing),
        cmocka_unit_test(a_hundred_images_get_the_classes_and_the_cycles_of_the_run_alone),
        cmocka_unit_test(slow_memory_costs_cycles_and_no_results),
        cmocka_unit_test(bursts_and_nb_transport_take_the_time_that_is_modelled),
        cmocka_unit_test(starts_back_to_back_wait_for_the_end_and_repeat_the_run),
        cmocka_unit_test(the_interrupt_follows_status_and_enable),
        cmocka_unit_test(a_reset_in_mid_image_leaves_nothing_behind),
        cmocka_unit_test(a_refused_burst_ends_the_run_with_its_cause),
        cmocka_unit_test(two_accelerators_classify_and_slow_memory_slows_them),
    };

    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
