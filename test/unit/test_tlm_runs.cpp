/* Runs of the TLM-2.0 module: classes, cycles, slow memory, resets, traces, the example. */
#include "test/tlm_rig.hpp"

using namespace tlm_rig;

namespace {

/* ---- runs ---- */

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
    in_child({}, [](bench &b) {
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
    for (const int at_us : { 1, 5, 50, 150 }) { // in the first read, later, in mid-image, twice
        in_child({}, [at_us](bench &b) {
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
