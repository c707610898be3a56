/* tlm/accelerator_elastic.h -- a run of a chip under elastic clocking (arch/elastic): its clocks,
 * stepped from outside as images come, and the values of the images, computed layer by layer beside
 * them, as the command does.
 */
#ifndef IMCSIM_ACCELERATOR_ELASTIC_H
#define IMCSIM_ACCELERATOR_ELASTIC_H

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

extern "C" {
#include "arch/elastic/elastic.h"
#include "arch/values/sliced_layers.h"
#include "arch/values/tally.h"
#include "study/read_counts.h"
#include "study/run.h"
#include "study/study.h"
}

namespace imcsim {

class accelerator_elastic {
public:
    using scores = std::vector<int64_t>; // of a result's channels

    /* All borrowed; places: NULL where the fabric has none. Throws std::bad_alloc. */
    accelerator_elastic(const struct study &study, const struct elastic_places *places,
                        const struct ranges &ranges, uint64_t n_image);

    /* The next image, as the network has it signed, is there from a clock on; as
     * elastic_live_give(). */
    void give(uint64_t clk, const std::vector<unsigned char> &image);

    uint64_t next() const { return elastic_live_next(live_.get()); }
    uint64_t begun() const { return elastic_live_begun(live_.get()); }
    uint64_t firings() const { return elastic_live_firings(live_.get()); }

    /* Runs all clocks up to this one; false when the chip failed. */
    bool run(uint64_t clk);

    /* The next result; false when there is none yet. */
    bool take(scores &values);

    /* After the last result: what the command's run of the same images, coming in the same clocks,
     * would have counted; false when the host has no memory, or something counts too little for a
     * price. The caller releases *r. Once. */
    bool end(struct run_result &r);

private:
    template <auto release> struct deleter {
        template <typename T> void operator()(T *t) const { release(t); }
    };
    template <typename T, auto release> using owned = std::unique_ptr<T, deleter<release>>;

    static enum err again(void *user, struct err_msg *m);
    static enum err next(void *user, uint8_t *image, struct err_msg *m);

    const struct study &study_;
    owned<struct read_counts, read_counts_free>     reads_; // none: no zeros are skipped
    std::deque<std::vector<unsigned char>> unread_; // images of which no reads are counted yet
    owned<struct elastic_live, elastic_live_free>   live_;
    owned<struct sliced_layers, sliced_layers_free> sliced_; // none: every code is its sum
    owned<struct values, values_free>               values_;
    owned<struct value_lanes, value_lanes_free>     lanes_;
    owned<struct tally_plan, tally_plan_free>       counted_; // none: nothing is to be priced
    owned<struct tally, tally_free>                 tally_;
    std::deque<scores> scores_; // of images that are in the chip
    uint64_t           given_ = 0, taken_ = 0;
};

} // namespace imcsim

#endif
