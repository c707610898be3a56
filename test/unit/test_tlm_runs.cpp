/* Runs of the TLM-2.0 module: classes, cycles, slow memory, resets, traces, the example. */
#include <fstream>

#include "test/tlm_rig.hpp"

extern "C" {
#include "test/tmpdir.h"
#include "test/vcd_read.h"
}

using namespace tlm_rig;

namespace {

/* What a program of this build says; it must succeed. */
std::string output_of(const std::string &program, const std::string &arguments)
{
    char path[1024];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(n > 0);
    std::string self(path, static_cast<size_t>(n)), text;
    const std::string build = self.substr(0, self.rfind("/test/unit/"));
    FILE *f = popen((build + "/" + program + " " + arguments + " 2>/dev/null").c_str(), "r");
    assert_non_null(f);
    for (int c; (c = getc(f)) != EOF;)
        text += static_cast<char>(c);
    assert_int_equal(pclose(f), 0);
    return text;
}

std::string classify(const std::string &arguments)
{
    return output_of("tlm/example/classify", arguments);
}

struct vcd_file read_dump(const std::string &path)
{
    std::ifstream f(path);
    const std::string text{ std::istreambuf_iterator<char>(f), std::istreambuf_iterator<char>() };
    return vcd_read(text.c_str());
}

/* ---- runs ---- */

/* Of an independent integer program: a line "label,class" for each image. */
std::vector<uint32_t> predicted_by_the_reference(uint32_t count)
{
    std::ifstream f("test/data/resnet32_fmnist_predictions.csv");
    std::vector<uint32_t> c;
    std::string line;
    CHECK(std::getline(f, line) && line == "label,int8");
    while (c.size() < count && std::getline(f, line))
        c.push_back(static_cast<uint32_t>(std::stoul(line.substr(line.find(',') + 1))));
    CHECK(c.size() == count);
    return c;
}

/* With a memory that keeps up: the chip's own cycles, plus the first image's way in and the last
 * result's way out. */
void a_hundred_images_get_the_classes_and_the_cycles_of_the_run_alone(void **)
{
    enum { N = 100 };
    in_child({}, [](bench &b) {
        const alone want(N);
        b.memory.latency = sc_time(40, SC_NS);
        b.memory.per_byte = sc_time(1, SC_NS);
        b.load_images(N);
        b.start(N);
        wait(sc_time(50, sc_core::SC_US));
        CHECK_EQUAL(b.memory.n_transaction, 3 * 48); // the first, and two ahead
        b.sleep_until_irq();
        CHECK_EQUAL(b.reg(REG_STATUS), STATUS_DONE);
        CHECK_EQUAL(b.reg(REG_FINISHED), N);
        CHECK(b.classes(N) == want.classes);
        CHECK(b.classes(N) == predicted_by_the_reference(N));
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

/* The trained vision transformer: queries wait for all keys, images of one channel. */
void tokens_get_the_classes_and_the_cycles_of_the_run_alone(void **)
{
    enum { N = 3 };
    const char *const config = "configs/vit_fmnist.yaml";
    struct study s;
    struct run_result r;
    struct run_cfg run_cfg = {};
    struct err_msg m;
    child_cfg cfg;

    run_cfg.images = kImages;
    run_cfg.n_image = N;
    run_cfg.jobs = 1;
    assert_int_equal(study_load(&s, config, nullptr, 0, &m), ERR_NONE);
    assert_int_equal(run(&s.plan, &run_cfg, &r, &m), ERR_NONE);
    const std::vector<uint32_t> want(r.predicted, r.predicted + N);
    const uint64_t cycles = (s.plan.time.lead + r.total_timesteps + s.config.fabric.hop_timesteps) *
                            s.plan.timestep_clk;
    const struct shape in = s.network.layer[0].out;
    const struct images_shape shape = { in.height, in.width, in.channels };
    run_result_release(&r);
    study_release(&s);

    cfg.accelerator.config = config;
    in_child(cfg, [&](bench &b) {
        b.load_images(N, shape);
        b.start(N);
        b.sleep_until_irq();
        CHECK_EQUAL(b.reg(REG_STATUS), STATUS_DONE);
        CHECK_EQUAL(b.reg(REG_FINISHED), N);
        CHECK(b.classes(N) == want);
        CHECK_EQUAL(b.reg64(REG_RUN_CYCLES), cycles);
    });
}

/* The energy of an image is what the command's breakdown of the same images adds up to, and is not
 * there before the run is done. */
void the_energy_register_holds_what_the_command_computes(void **)
{
    enum { N = 3 };
    static const char *const set[] = { "energy.chip=dazzi2021_14nm" };
    struct study s;
    struct run_result r;
    struct price_report price;
    struct run_cfg run_cfg = {};
    struct err_msg m;
    child_cfg cfg;

    run_cfg.images = kImages;
    run_cfg.n_image = N;
    run_cfg.jobs = 1;
    assert_int_equal(study_load(&s, kConfig, set, 1, &m), ERR_NONE);
    assert_int_equal(run(&s.plan, &run_cfg, &r, &m), ERR_NONE);
    assert_int_equal(pricing(&price, &s, &r, &m), ERR_NONE);
    const int64_t want = price_row_energy_pj(&price.total) + price_row_leakage_pj(&price.total);
    assert_true(want > 0);
    price_report_release(&price);
    run_result_release(&r);
    study_release(&s);

    cfg.accelerator.set = { set[0] };
    in_child(cfg, [want](bench &b) {
        b.load_images(N);
        b.start(N);
        CHECK_EQUAL(b.reg64(REG_ENERGY), 0);
        b.sleep_until_irq();
        CHECK_EQUAL(b.reg64(REG_ENERGY), want);
        b.start(1);
        CHECK_EQUAL(b.reg64(REG_ENERGY), 0);
    });
    in_child({}, [](bench &b) { // nothing has a price
        b.load_images(1);
        b.start(1);
        b.sleep_until_irq();
        CHECK_EQUAL(b.reg64(REG_ENERGY), 0);
    });
}

/* Clock by clock, the machine of docs/tlm.md: one transfer at a time, results first, two images
 * ahead; a timestep begins if the image that is due has been read. In clocks, from START. */
struct twin {
    uint64_t cycles = 0, run = 0, stall = 0;

    twin(const alone &want, uint32_t n, uint64_t read, uint64_t write)
    {
        const uint64_t timestep = 50, timesteps = want.cycles / timestep;
        uint64_t fetched = 0, injected = 0, written = 0, ran = 0; // images, timesteps
        uint64_t transfer_left = 0, timestep_left = 0;
        bool reading = false, stalls = false;

        for (;; cycles++) {
            if (transfer_left > 0 && --transfer_left == 0) {
                fetched += reading;
                written += !reading;
                if (written == n)
                    return;
            }
            if (timestep_left > 0 && --timestep_left == 0 && !stalls)
                ran++;
            if (timestep_left == 0 && ran < timesteps) {
                const bool due =
                    injected < n &&
                    want.first_inject_timestep + injected * want.interval <= ran;
                stalls = due && fetched == injected;
                injected += due && !stalls;
                if (injected > 0) {
                    timestep_left = timestep;
                    (stalls ? stall : run) += timestep;
                }
            }
            const uint64_t last = timesteps - ran; // timesteps to go, one result an interval
            const uint64_t results = n - std::min<uint64_t>(n, (last + want.interval - 1) /
                                                                   want.interval);
            const bool wants = fetched < n && fetched < injected + 2;
            if (transfer_left == 0 && (results > written || wants)) {
                reading = results == written;
                transfer_left = reading ? read : write;
            }
        }
    }
};

/* Late images: the chip stands still, results and its own cycles stay, and the cycles are those of
 * the twin, exactly: with a memory that is just too slow, and with slower ones. */
void slow_memory_costs_the_modelled_cycles_and_no_results(void **)
{
    enum { N = 4 };
    for (const int latency_ns : { 2080, 2134, 3010, 20002 }) { // 2,089: an interval for 49 bursts
        in_child({}, [latency_ns](bench &b) {
            const alone want(N);
            b.memory.latency = sc_time(latency_ns, SC_NS);
            b.load_images(N);
            b.start(N);
            b.sleep_until_irq();
            const uint64_t read = b.transfer_cyc(3072, 64), write = b.transfer_cyc(40, 64);
            const twin modelled(want, N, read, write);
            CHECK(b.classes(N) == want.classes);
            CHECK_EQUAL(b.reg64(REG_RUN_CYCLES), want.cycles);
            CHECK_EQUAL(b.reg64(REG_RUN_CYCLES), modelled.run);
            CHECK_EQUAL(b.reg64(REG_STALL_CYCLES), modelled.stall);
            CHECK_EQUAL(b.reg64(REG_CYCLES), modelled.cycles);
            CHECK_EQUAL(b.reg64(REG_CYCLES), read + want.cycles + modelled.stall + write);
            CHECK((modelled.stall > 0) == (latency_ns > 2080));
        });
    }
}

void bursts_and_nb_transport_take_the_time_that_is_modelled(void **)
{
    for (const bool at : { false, true }) {
        for (const uint32_t burst : { 1000u, 4096u }) {
            child_cfg cfg;
            cfg.accelerator.burst_bytes = burst;
            cfg.accelerator.at = at;
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

void any_way_to_answer_nb_transport_gives_the_same_run(void **)
{
    for (const answer how : { answer::COMPLETED, answer::BEGIN_RESP, answer::INSIDE,
                              answer::NO_END_REQ, answer::UPDATED, answer::FOUR_PHASES }) {
        child_cfg cfg;
        cfg.accelerator.at = true;
        cfg.accelerator.burst_bytes = 512;
        cfg.how = how;
        in_child(cfg, [how](bench &b) {
            const alone want(2);
            b.memory.latency = sc_time(100, SC_NS);
            b.load_images(2);
            b.start(2);
            b.sleep_until_irq();
            CHECK_EQUAL(b.reg(REG_STATUS), STATUS_DONE);
            CHECK(b.classes(2) == want.classes);
            CHECK_EQUAL(b.memory.n_transaction, 2 * (3072 / 512 + 1));
            CHECK_EQUAL(b.phased.n_end_resp, how == answer::COMPLETED ? 0 : 2 * (3072 / 512 + 1));
            CHECK_EQUAL(b.reg64(REG_CYCLES),
                        want.cycles + b.transfer_cyc(3072, 512) + b.transfer_cyc(40, 512));
            CHECK(b.write64(kRegs + REG_SOURCE, kSize - 1000) == tlm::TLM_OK_RESPONSE);
            CHECK(b.set(REG_CONTROL, CONTROL_START) == tlm::TLM_OK_RESPONSE);
            b.sleep_until_irq();
            CHECK_EQUAL(b.reg(REG_CAUSE), CAUSE_READ);
            CHECK_EQUAL(b.reg64(REG_DMA_BYTES), 512);
        });
    }
}

void counters_grow_while_the_run_goes_on(void **)
{
    enum { N = 3 };
    in_child({}, [](bench &b) {
        const alone want(N);
        uint64_t finished = 0, firings = 0, last = 0;
        b.load_images(N);
        b.start(N);
        const sc_time begin = sc_core::sc_time_stamp();
        while (b.reg(REG_STATUS) & STATUS_BUSY) {
            const uint64_t cycles = b.reg64(REG_CYCLES);
            const uint64_t now = (sc_core::sc_time_stamp() - begin).value() / 2000; // ps a cycle
            CHECK(cycles <= now && cycles + 2 >= now); // the read took two
            CHECK(b.reg64(REG_RUN_CYCLES) + b.reg64(REG_STALL_CYCLES) <= now);
            CHECK(b.reg64(REG_FIRINGS) >= firings && b.reg(REG_FINISHED) >= finished);
            CHECK(b.reg(REG_FINISHED) <= finished + 1);
            firings = b.reg64(REG_FIRINGS);
            finished = b.reg(REG_FINISHED);
            CHECK(last == 0 || (finished > 0) == (now > want.latency_cyc + 2500));
            last = now > want.latency_cyc ? now : 0;
            wait(sc_time(10, sc_core::SC_US));
        }
        CHECK_EQUAL(finished, N - 1); // when last seen
    });
}

void starts_back_to_back_wait_for_the_end_and_repeat_the_run(void **)
{
    in_child({}, [](bench &b) {
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
    in_child({}, [](bench &b) {
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
    static const struct {
        int at_us, latency_ns;
    } cases[] = {
        { 1, 100 }, { 5, 100 },     // in the first read, later,
        { 50, 100 }, { 150, 100 },  // in mid-image, twice,
        { 350, 3010 },              // with a result that waits for a read to end
    };
    for (const auto &c : cases) {
        in_child({}, [at_us = c.at_us, latency_ns = c.latency_ns](bench &b) {
            const alone want(3);
            b.memory.latency = sc_time(latency_ns, SC_NS);
            b.load_images(3);
            b.start(3);
            wait(sc_time(at_us, sc_core::SC_US));
            CHECK(b.set(REG_CONTROL, CONTROL_RESET) == tlm::TLM_OK_RESPONSE);
            CHECK_EQUAL(b.reg(REG_STATUS), 0);
            const uint64_t n = b.memory.n_transaction;
            wait(sc_time(1, sc_core::SC_MS));
            CHECK(b.memory.n_transaction <= n + 1); // the burst under way
            CHECK(!b.irq.read());
            b.memory.latency = sc_time(100, SC_NS);
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
    in_child({}, [](bench &b) {
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

/* ---- sc_trace ---- */

/* What sc_trace shows of a run of images, after one that is reset if that is wanted. */
struct vcd_file trace_run(const char *dir, uint32_t count, int latency_ns, int reset_us = 0)
{
    const std::string path = std::string(dir) + "/chip";
    sc_core::sc_trace_file *file = nullptr;
    child_cfg cfg;

    cfg.before = [&](bench &b) {
        file = sc_core::sc_create_vcd_trace_file(path.c_str());
        file->set_time_unit(1, SC_NS);
        sc_trace(file, b.accelerator, "chip");
    };
    in_child(cfg, [&](bench &b) {
        b.memory.latency = sc_time(latency_ns, SC_NS);
        b.load_images(count);
        b.start(count);
        if (reset_us > 0) {
            wait(sc_time(reset_us, sc_core::SC_US));
            CHECK(b.set(REG_CONTROL, CONTROL_RESET) == tlm::TLM_OK_RESPONSE);
            wait(sc_time(1, sc_core::SC_US));
            CHECK(b.set(REG_CONTROL, CONTROL_START) == tlm::TLM_OK_RESPONSE);
        }
        b.sleep_until_irq();
        CHECK(b.classes(count) == alone(count).classes);
        CHECK(b.set(REG_STATUS, STATUS_DONE) == tlm::TLM_OK_RESPONSE);
        wait(sc_time(1, sc_core::SC_US));
        sc_core::sc_close_vcd_trace_file(file);
    });
    return read_dump(path + ".vcd");
}

/* What the command's trace shows of a run of the same images. */
struct vcd_file trace_alone(const char *dir, uint32_t count)
{
    const std::string path = std::string(dir) + "/t.vcd";

    output_of("imcsim", "run " + std::string(kConfig) + " --images " + kImages + " --trace " +
                            path + " --count " + std::to_string(count));
    return read_dump(path);
}

bool is_stage(const char *path)
{
    return strstr(path, "_busy") || strstr(path, "_valid");
}

/* Signal for signal and tick for tick, from the cycle on in which the chip began. */
void sc_trace_shows_what_trace_shows(void **state)
{
    const char *dir = static_cast<char *>(*state);
    struct vcd_file got = trace_run(dir, 2, 10), want = trace_alone(dir, 2);

    assert_string_equal(got.timescale, want.timescale);
    assert_int_equal(got.n_signal, want.n_signal + 1); // status, irq; less timestep_0_cycle
    const uint64_t begin = vcd_find(&got, "SystemC.chip.L1.fire")->change[0].time -
                           vcd_find(&want, "chip.L1.fire")->change[0].time;
    const struct vcd_signal *status = vcd_find(&got, "SystemC.chip.status");
    assert_int_equal(begin, status->change[1].time + 48 * 10); // from START: the first image's read
    for (uint32_t i = 0; i < want.n_signal; i++) {
        const struct vcd_signal *w = &want.signal[i];
        const struct vcd_signal *g = vcd_find(&got, (std::string("SystemC.") + w->path).c_str());
        if (strcmp(w->path, "chip.timestep_0_cycle") == 0)
            continue; // of a run that begins with the file
        assert_non_null(g);
        assert_string_equal(g->type, w->type);
        if (g->n_change != w->n_change)
            fail_msg("%s: %u changes, want %u", w->path, g->n_change, w->n_change);
        for (uint32_t k = 0; k < w->n_change; k++) {
            assert_int_equal(g->change[k].value, w->change[k].value);
            if (k > 0 || strcmp(w->type, "event") == 0)
                assert_int_equal(g->change[k].time, w->change[k].time + begin);
        }
    }
    assert_int_equal(status->n_change, 4); // 0, BUSY, DONE, 0
    assert_int_equal(vcd_find(&got, "SystemC.chip.irq")->n_change, 3);
    vcd_file_release(&got);
    vcd_file_release(&want);
}

/* In mid-timestep: stages fall idle at once, and the next run shows as if it were the first. */
void a_reset_ends_what_sc_trace_shows(void **state)
{
    const char *dir = static_cast<char *>(*state);
    struct vcd_file got = trace_run(dir, 1, 10, 50), want = trace_alone(dir, 1);
    const struct vcd_signal *status = vcd_find(&got, "SystemC.chip.status");
    const uint64_t reset = status->change[2].time, again = status->change[3].time;

    assert_int_equal(vcd_value_at(vcd_find(&got, "SystemC.chip.L1.crossbar_busy"), reset - 1), 1);
    for (uint32_t i = 0; i < want.n_signal; i++) {
        const struct vcd_signal *w = &want.signal[i];
        const struct vcd_signal *g = vcd_find(&got, (std::string("SystemC.") + w->path).c_str());
        if (strcmp(w->path, "chip.timestep_0_cycle") == 0)
            continue; // of a run that begins with the file
        uint32_t before = 0;
        while (before < g->n_change && g->change[before].time < again)
            before++;
        for (uint32_t k = 0; k < before; k++)
            assert_true(g->change[k].time <= reset);
        if (is_stage(w->path)) {
            assert_int_equal(vcd_value_at(g, reset), 0);
            assert_int_equal(g->n_change - before, w->n_change - 1);
        }
        if (strcmp(w->type, "event") == 0)
            assert_int_equal(g->n_change - before, w->n_change);
    }
    vcd_file_release(&got);
    vcd_file_release(&want);
}

/* Everything happens in the same order as without stalls, and nothing in a stall. */
void stages_are_idle_while_the_chip_stands_still(void **state)
{
    const char *dir = static_cast<char *>(*state);
    struct vcd_file got = trace_run(dir, 2, 3010), want = trace_alone(dir, 2);
    const struct vcd_signal *clock = vcd_find(&got, "SystemC.chip.timestep");
    uint64_t stall_begin = 0, stall_end = 0; // the longest time between two timesteps

    for (uint32_t k = 1; k < clock->n_change; k++)
        if (clock->change[k].time - clock->change[k - 1].time > stall_end - stall_begin &&
            clock->change[k - 1].time > clock->change[1].time) {
            stall_begin = clock->change[k - 1].time + 100;
            stall_end = clock->change[k].time;
        }
    assert_true(stall_end > stall_begin + 20000); // of ns: 41,760 less a result's write
    for (uint32_t i = 0; i < want.n_signal; i++) {
        const struct vcd_signal *w = &want.signal[i];
        const struct vcd_signal *g = vcd_find(&got, (std::string("SystemC.") + w->path).c_str());
        if (strcmp(w->path, "chip.timestep_0_cycle") == 0)
            continue; // of a run that begins with the file
        if (is_stage(w->path)) {
            assert_int_equal(vcd_value_at(g, stall_begin + 100), 0);
            assert_int_equal(vcd_time_up(g, got.end_time), vcd_time_up(w, want.end_time));
            continue;
        }
        assert_int_equal(g->n_change, w->n_change);
        for (uint32_t k = 0; k < w->n_change; k++) {
            assert_int_equal(g->change[k].value, w->change[k].value);
            assert_true(g->change[k].time <= stall_begin || g->change[k].time >= stall_end);
        }
    }
    vcd_file_release(&got);
    vcd_file_release(&want);
}

/* ---- the example ---- */

/* Three hosts that always want the bus. */
void the_bus_serves_in_the_order_of_arrival(void **)
{
    class greedy : public platform::host {
    public:
        SC_HAS_PROCESS(greedy);
        uint64_t n = 0;
        explicit greedy(const sc_core::sc_module_name &name) : host(name)
        {
            SC_THREAD(run);
        }

    private:
        void run()
        {
            for (;; n++)
                read(0);
        }
    };
    in_process([] {
        platform::memory memory("memory", 4);
        platform::bus bus("bus");
        greedy a("a"), b("b"), c("c");
        memory.latency = sc_time(10, SC_NS);
        for (greedy *g : { &a, &b, &c })
            g->socket.bind(bus.from);
        bus.to.bind(memory.socket);
        sc_core::sc_start(sc_time(3005, SC_NS));
        return a.n == 100 && b.n == 100 && c.n == 100;
    });
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
    for (const char *a : { "accelerator 0", "accelerator 1" }) { // each as a chip of its own
        const std::string line = std::string(a) + " status 2 finished 4 ";
        const std::string runs = " run " + std::to_string(alone(N / 2).cycles) + " stall ";
        assert_true(fast.find(line) != std::string::npos && slow.find(line) != std::string::npos);
        assert_true(fast.find(runs, fast.find(line)) != std::string::npos);
        assert_true(slow.find(runs, slow.find(line)) != std::string::npos);
        assert_true(fast.find(runs + "0\n", fast.find(line)) != std::string::npos);
    }
    assert_true(most_cycles(fast) > 0);
    assert_true(most_cycles(slow) > 2 * most_cycles(fast));
    assert_int_equal(unlink(images.c_str()), 0);
    assert_int_equal(rmdir(dir), 0);
}

} // namespace

int main()
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_make, tmpdir_remove)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_energy_register_holds_what_the_command_computes),
        cmocka_unit_test(a_hundred_images_get_the_classes_and_the_cycles_of_the_run_alone),
        cmocka_unit_test(tokens_get_the_classes_and_the_cycles_of_the_run_alone),
        cmocka_unit_test(slow_memory_costs_the_modelled_cycles_and_no_results),
        cmocka_unit_test(bursts_and_nb_transport_take_the_time_that_is_modelled),
        cmocka_unit_test(starts_back_to_back_wait_for_the_end_and_repeat_the_run),
        cmocka_unit_test(the_interrupt_follows_status_and_enable),
        cmocka_unit_test(a_reset_in_mid_image_leaves_nothing_behind),
        cmocka_unit_test(a_refused_burst_ends_the_run_with_its_cause),
        cmocka_unit_test(two_accelerators_classify_and_slow_memory_slows_them),
        cmocka_unit_test(any_way_to_answer_nb_transport_gives_the_same_run),
        cmocka_unit_test(counters_grow_while_the_run_goes_on),
        IN_DIR(sc_trace_shows_what_trace_shows),
        IN_DIR(a_reset_ends_what_sc_trace_shows),
        IN_DIR(stages_are_idle_while_the_chip_stands_still),
        cmocka_unit_test(the_bus_serves_in_the_order_of_arrival),
    };

    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
