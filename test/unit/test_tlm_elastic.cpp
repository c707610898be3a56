/* The TLM-2.0 module under elastic clocking: its clocks are those of the command's run of the same
 * images, and with images that come late those of a twin of the memory and the DMA around a chip of
 * arch/elastic, which has a twin of its own (test_elastic_live.c). */
#include "test/tlm_rig.hpp"

extern "C" {
#include "arch/elastic/elastic.h"
#include "study/measure.h"
#include "study/pricing.h"
}

using namespace tlm_rig;

namespace {

const char *const kVit = "configs/vit_fmnist.yaml"; // needs more places for residual tokens
constexpr uint64_t kClockPs = 2000; // of 500 MHz

using settings = std::vector<std::string>;

settings elastic(settings more = {})
{
    more.insert(more.begin(), { "clocking.kind=elastic", "batch=6" });
    return more;
}

accelerator_cfg accelerator(const settings &set, const char *config = kConfig)
{
    accelerator_cfg cfg;

    cfg.config = config;
    cfg.set = set;
    return cfg;
}

/* What the command's run of the first images says. */
struct command {
    std::vector<uint32_t> classes;
    std::vector<uint64_t> result_clk;
    uint64_t              firings = 0, energy_pj = 0, interval_clk = 0;

    command(uint32_t count, const settings &set, const char *config = kConfig)
    {
        std::vector<const char *> all;
        struct measured d = {};
        struct run_cfg cfg = {};
        struct study s;
        struct err_msg m;

        for (const std::string &one : set)
            all.push_back(one.c_str());
        cfg.images = kImages;
        cfg.n_image = count;
        cfg.jobs = 1;
        CHECK(study_load_network(&s, config, all.data(), all.size(), &m) == ERR_NONE);
        CHECK(study_plan_any(&s, &m) == ERR_NONE);
        CHECK(measured_place(&d, &s, &cfg, nullptr, nullptr, &m) == ERR_NONE);
        if (run(&s.plan, &cfg, &d.run, &m) != ERR_NONE)
            fprintf(stderr, "%s\n", m.text);
        CHECK(d.run.elastic);
        CHECK(measured_price(&d, &s, &m) == ERR_NONE);
        classes.assign(d.run.predicted, d.run.predicted + count);
        result_clk.assign(d.run.elastic->result_clk, d.run.elastic->result_clk + count);
        uint64_t clocks, images;
        if (elastic_interval(&s.plan, d.run.elastic, &clocks, &images))
            interval_clk = (clocks + images / 2) / images;
        for (uint32_t i = 0; i < s.plan.n_core; i++)
            firings += d.run.core[i].firings;
        if (d.is_priced)
            energy_pj = static_cast<uint64_t>(price_row_energy_pj(&d.price.total) +
                                              price_row_leakage_pj(&d.price.total));
        measured_release(&d);
        study_release(&s);
    }
};

/* With a memory that keeps up: n images, and then as many again. */
void check_run(uint32_t n, const settings &set, const char *config = kConfig,
               struct images_shape shape = { 32, 32, 3 })
{
    const command want(n, set, config), batch(6, set, config);
    child_cfg cfg;

    cfg.accelerator = accelerator(set, config);
    in_child(cfg, [&](bench &b) {
        CHECK_EQUAL(b.reg(REG_LATENCY), batch.result_clk[0] + 1);
        CHECK_EQUAL(b.reg(REG_INTERVAL), batch.interval_clk);
        b.load_images(n, shape);
        for (uint32_t i = 0; i < 2; i++) {
            b.start(n);
            b.sleep_until_irq();
            CHECK_EQUAL(b.reg(REG_STATUS), STATUS_DONE);
            CHECK_EQUAL(b.reg64(REG_RUN_CYCLES), want.result_clk[n - 1] + 1);
            CHECK_EQUAL(b.reg64(REG_STALL_CYCLES), 0);
            CHECK(b.classes(n) == want.classes);
            CHECK_EQUAL(b.reg64(REG_FIRINGS), want.firings);
            CHECK_EQUAL(b.reg64(REG_ENERGY), want.energy_pj);
        }
    });
}

void images_back_to_back_take_the_clocks_of_the_command(void **)
{
    for (uint32_t n = 1; n <= 4; n++)
        check_run(n, elastic());
    check_run(2, elastic({ "mapping.replicas={32: 4, 16: 2, 8: 1}", "chip.cores=128",
                            "core.crossbar.rows=512", "core.crossbar.columns=512",
                            "fabric.link_gbps=6" }));
}

void routers_and_tokens_take_the_clocks_of_the_command(void **)
{
    check_run(2, elastic({ "fabric.kind=mesh", "fabric.rows=6" }));
    check_run(2, elastic({ "elastic.residual_pixels=47" }), kVit, { 28, 28, 1 });
}

void the_energy_register_holds_what_the_command_computes(void **)
{
    const settings set = elastic({ "energy.chip=dazzi2021_14nm" });

    assert_true(command(1, set).energy_pj > 0);
    check_run(2, set);
}

/* What an image takes is known when it is there; INTERVAL and LATENCY are of all reads. Images come
 * back to back, and at a pace: two, since a third would wait until the first result is written. */
void skipped_zeros_take_the_clocks_of_the_command(void **)
{
    const settings all = elastic({ "core.crossbar.input_slice_bits=1",
                                   "core.crossbar.rows_at_once=7", "energy.chip=composed" });
    settings rows = all, patches = all;

    rows.push_back("core.crossbar.skip_zero_rows=yes");
    patches.push_back("core.crossbar.skip_zero_patches=yes");
    for (const settings &set : { rows, patches })
        for (const int paced : { 0, 1 }) {
            const uint32_t n = paced ? 2 : 3;
            settings of_command = set;
            if (paced)
                of_command.push_back("elastic.image_period_clocks=72240");
            const command want(n, of_command), batch(6, all);
            child_cfg cfg;
            cfg.accelerator = accelerator(set);
            CHECK(want.result_clk[0] < batch.result_clk[0] || set == patches);
            in_child(cfg, [&](bench &b) {
                if (paced)
                    b.memory.latency = sc_time(3010, SC_NS); // 48 bursts: 72,240 clocks
                CHECK_EQUAL(b.reg(REG_LATENCY), batch.result_clk[0] + 1);
                CHECK_EQUAL(b.reg(REG_INTERVAL), batch.interval_clk);
                b.load_images(n);
                b.start(n);
                b.sleep_until_irq();
                CHECK(b.classes(n) == want.classes);
                CHECK_EQUAL(b.reg64(REG_RUN_CYCLES), want.result_clk[n - 1] + 1);
                CHECK_EQUAL(b.reg64(REG_FIRINGS), want.firings);
                CHECK(paced || b.reg64(REG_ENERGY) == want.energy_pj);
                CHECK(want.energy_pj > 0);
            });
        }
}

void the_first_transfer_and_the_last_are_added(void **)
{
    enum { N = 2 };
    const command want(N, elastic());
    child_cfg cfg;

    cfg.accelerator = accelerator(elastic());
    in_child(cfg, [&](bench &b) {
        b.memory.latency = sc_time(40, SC_NS);
        b.memory.per_byte = sc_time(1, SC_NS);
        b.load_images(N);
        b.start(N);
        b.sleep_until_irq();
        CHECK_EQUAL(b.reg64(REG_CYCLES), b.transfer_cyc(3072, 64) + want.result_clk[N - 1] + 1 +
                                             b.transfer_cyc(40, 64));
        CHECK_EQUAL(b.reg64(REG_DMA_BYTES), N * (3072 + 40));
    });
}

/* ---- images that come late ---- */

/* In ps from when the first image was there: one transfer at a time, results first, images up to
 * two ahead of those that the chip has begun. */
struct twin {
    uint64_t run_clk = 0, end_ps = 0;

    twin(const struct plan &p, uint32_t n, uint64_t read_ps, uint64_t write_ps)
        : n_(n), read_ps_(read_ps), write_ps_(write_ps)
    {
        struct elastic_cfg_run cfg = {};
        struct err_msg m;

        cfg.n_image = n;
        CHECK(elastic_live_new(&chip_, &p, &cfg, &m) == ERR_NONE);
        CHECK(elastic_live_give(chip_, 0));
        begin(0);
        for (uint64_t clk = 0; written_ < n; clk++) {
            end_until(clk * kClockPs);
            CHECK(elastic_live_run(chip_, clk, &m) == ERR_NONE);
            end_until((clk + 1) * kClockPs - 1);
            begun_ = elastic_live_begun(chip_);
            ended_ = elastic_live_ended(chip_, &run_clk);
            begin((clk + 1) * kClockPs);
        }
        elastic_live_free(chip_);
    }

private:
    void begin(uint64_t at_ps)
    {
        if (busy_until_ps_ > 0)
            return;
        reads_ = ended_ == written_;
        if (!reads_)
            busy_until_ps_ = at_ps + write_ps_;
        else if (fetched_ < n_ && fetched_ < begun_ + 2)
            busy_until_ps_ = at_ps + read_ps_;
    }

    void end_until(uint64_t at_ps)
    {
        while (busy_until_ps_ > 0 && busy_until_ps_ <= at_ps) {
            end_ps = busy_until_ps_;
            busy_until_ps_ = 0;
            if (reads_) {
                fetched_++;
                CHECK(elastic_live_give(chip_, (end_ps + kClockPs - 1) / kClockPs));
            } else {
                written_++;
            }
            begin(end_ps);
        }
    }

    uint64_t             n_, read_ps_, write_ps_;
    struct elastic_live *chip_;
    uint64_t             fetched_ = 1, begun_ = 0, ended_ = 0, written_ = 0;
    uint64_t             busy_until_ps_ = 0; // 0: no transfer
    bool                 reads_ = false;
};

/* The chip goes on with earlier images meanwhile. Of 3,010,021 ps a burst images come within a
 * clock; a period of the command's, where nothing is written before the last image is there. */
void late_images_take_the_clocks_of_a_twin(void **)
{
    enum { N = 4 };
    struct study s;
    struct err_msg m;
    const char *const set[] = { "clocking.kind=elastic" };

    assert_int_equal(study_load_network(&s, kConfig, set, 1, &m), ERR_NONE);
    assert_int_equal(study_plan_any(&s, &m), ERR_NONE);
    const command plain(N, elastic());
    for (const int latency_ps : { 2080000, 2134000, 3010000, 3010021, 9000500 }) {
        child_cfg cfg;
        cfg.accelerator = accelerator(elastic());
        in_child(cfg, [&](bench &b) {
            const uint64_t read_ps = 48 * uint64_t(latency_ps);
            const twin want(s.plan, N, read_ps, uint64_t(latency_ps));
            b.memory.latency = sc_time(latency_ps, sc_core::SC_PS);
            b.load_images(N);
            b.start(N);
            b.sleep_until_irq();
            CHECK(b.classes(N) == plain.classes);
            CHECK_EQUAL(b.reg64(REG_RUN_CYCLES), want.run_clk + 1);
            CHECK_EQUAL(b.reg64(REG_CYCLES), (read_ps + want.end_ps) / kClockPs);
            CHECK((want.run_clk > plain.result_clk[N - 1]) == (latency_ps > 2080000));
        });
    }
    study_release(&s);
}

void images_that_come_at_a_pace_are_those_of_the_period(void **)
{
    enum { N = 3 };
    const command want(N, elastic({ "elastic.image_period_clocks=72240" }));
    child_cfg cfg;

    cfg.accelerator = accelerator(elastic());
    in_child(cfg, [&](bench &b) {
        b.memory.latency = sc_time(3010, SC_NS); // 48 bursts: 72,240 clocks
        b.load_images(N);
        b.start(N);
        b.sleep_until_irq();
        CHECK(b.classes(N) == want.classes);
        CHECK_EQUAL(b.reg64(REG_RUN_CYCLES), want.result_clk[N - 1] + 1);
    });
}

/* ---- what a host may do ---- */

void a_reset_in_mid_image_leaves_nothing_behind(void **)
{
    const command want(2, elastic());
    child_cfg cfg;

    cfg.accelerator = accelerator(elastic());
    in_child(cfg, [&](bench &b) {
        b.load_images(2);
        for (const int at_us : { 1, 50, 150 }) {
            b.start(at_us == 50 ? UINT32_MAX : 2); // whose memory is wanted as they come
            wait(sc_time(at_us, sc_core::SC_US));
            const uint64_t firings = b.reg64(REG_FIRINGS);
            CHECK(firings > 0 || at_us == 1);
            CHECK(b.set(REG_CONTROL, CONTROL_RESET) == tlm::TLM_OK_RESPONSE);
            CHECK_EQUAL(b.reg(REG_STATUS), 0);
        }
        b.start(2);
        b.sleep_until_irq();
        CHECK(b.classes(2) == want.classes);
        CHECK_EQUAL(b.reg64(REG_RUN_CYCLES), want.result_clk[1] + 1);
    });
}

void a_chip_that_would_stand_still_is_not_made(void **)
{
    static const struct {
        settings    set;
        const char *config, *want;
    } cases[] = {
        { elastic({ "core.input_memory.columns=1" }), kConfig, "core.input_memory.columns" },
        { elastic({ "fabric.kind=mesh", "fabric.rows=2", "fabric.columns=2" }), kConfig, "places" },
        { elastic(), kVit, "placed_sum.output 2 of 2 full" },
        { elastic(), "configs/lif_fmnist.yaml", "neurons" },
    };
    for (const auto &c : cases)
        in_process([&] {
            std::string text;
            try {
                imc_accelerator chip("chip", accelerator(c.set, c.config));
            } catch (const std::runtime_error &e) {
                text = e.what();
            }
            if (text.find(c.want) == std::string::npos)
                fprintf(stderr, "want %s, got %s\n", c.want, text.c_str());
            return text.find(c.want) != std::string::npos && text.find('\n') == std::string::npos;
        });
}

} // namespace

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_back_to_back_take_the_clocks_of_the_command),
        cmocka_unit_test(routers_and_tokens_take_the_clocks_of_the_command),
        cmocka_unit_test(the_energy_register_holds_what_the_command_computes),
        cmocka_unit_test(skipped_zeros_take_the_clocks_of_the_command),
        cmocka_unit_test(the_first_transfer_and_the_last_are_added),
        cmocka_unit_test(late_images_take_the_clocks_of_a_twin),
        cmocka_unit_test(images_that_come_at_a_pace_are_those_of_the_period),
        cmocka_unit_test(a_reset_in_mid_image_leaves_nothing_behind),
        cmocka_unit_test(a_chip_that_would_stand_still_is_not_made),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
