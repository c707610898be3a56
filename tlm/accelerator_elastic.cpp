/* tlm/accelerator_elastic.cpp -- see accelerator_elastic.h. */
#include "tlm/accelerator_elastic.h"

#include <algorithm>
#include <cassert>
#include <new>

namespace imcsim {

accelerator_elastic::accelerator_elastic(const struct study &study,
                                         const struct elastic_places *places,
                                         const struct ranges &ranges, uint64_t n_image)
    : study_(study)
{
    const struct plan &p = study.plan;
    const bool exact = plan_is_exact(&p);
    struct elastic_cfg_run cfg = {};
    struct elastic_live *live;
    struct err_msg m;

    cfg.places = places;
    cfg.n_image = n_image;
    if (plan_skips(&p)) {
        struct read_counts_cfg counts = {};

        counts.plan = &p;
        counts.n_image = n_image;
        counts.at_once = 1;
        counts.ranges = &ranges;
        counts.again = again;
        counts.next = next;
        counts.user = this;
        reads_.reset(read_counts_new(&counts));
        if (!reads_)
            throw std::bad_alloc();
        cfg.reads = read_counts_reads(reads_.get());
    }
    if (elastic_live_new(&live, &p, &cfg, &m) != ERR_NONE)
        throw std::bad_alloc();
    live_.reset(live);
    if (!exact)
        sliced_.reset(sliced_layers_new(&p, &ranges, nullptr));
    if (exact || sliced_)
        values_.reset(values_new_on(p.network, nullptr,
                                    exact ? nullptr : sliced_layers_cores(sliced_.get())));
    if (values_)
        lanes_.reset(value_lanes_new(values_.get()));
    const bool counts = run_counts_all(&p) && !firing_log_needed(&p); // else time groups outputs
    if (counts && lanes_) {
        counted_.reset(tally_plan_new(&p, nullptr, 0));
        if (counted_)
            tally_.reset(tally_new(counted_.get(), values_.get()));
    }
    if (!lanes_ || (counts && !tally_))
        throw std::bad_alloc();
}

/* Counts are kept as long as an array may ask for them. */
enum err accelerator_elastic::again(void *, struct err_msg *m)
{
    return err_set(m, ERR_RUN, "images that came one by one do not come again");
}

/* No array begins with an image that has not been given. */
enum err accelerator_elastic::next(void *user, uint8_t *image, struct err_msg *)
{
    std::deque<std::vector<unsigned char>> &unread =
        static_cast<accelerator_elastic *>(user)->unread_;

    assert(!unread.empty());
    std::copy(unread.front().begin(), unread.front().end(), image);
    unread.pop_front();
    return ERR_NONE;
}

void accelerator_elastic::give(uint64_t clk, const std::vector<unsigned char> &image)
{
    scores values(layer_delivers(network_result(study_.plan.network)).channels);

    if (!elastic_live_give(live_.get(), clk))
        throw std::bad_alloc();
    if (reads_)
        unread_.push_back(image);
    value_lanes_number(lanes_.get(), given_++);
    value_lanes_run(lanes_.get(), image.data(), 1, values.data(),
                    tally_ ? tally_watch(tally_.get()) : nullptr);
    scores_.push_back(values);
}

bool accelerator_elastic::run(uint64_t clk)
{
    struct err_msg m;

    return elastic_live_run(live_.get(), clk, &m) == ERR_NONE;
}

bool accelerator_elastic::take(scores &values)
{
    uint64_t clk;

    if (elastic_live_ended(live_.get(), &clk) == taken_)
        return false;
    taken_++;
    values = scores_.front();
    scores_.pop_front();
    return true;
}

bool accelerator_elastic::end(struct run_result &r)
{
    struct elastic_result e;
    struct err_msg m;

    if (!tally_ || elastic_live_end(live_.get(), &e, &m) != ERR_NONE ||
        run_of_elastic(&r, &study_.plan, &e, &m) != ERR_NONE)
        return false;
    r.values = true;
    const bool counted = tally_count(tally_.get(), r.core);
    if (sliced_)
        sliced_layers_count(sliced_.get(), r.core);
    if (!counted)
        run_result_release(&r);
    return counted;
}

} // namespace imcsim
