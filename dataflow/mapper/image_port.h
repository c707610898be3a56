/* dataflow/mapper/image_port.h -- whether the memories that hold the image could keep up with an
 * option, at the least.
 *
 * A layer that reads the image fires without a gap (docs/accelerator.md, section 4), so that its
 * firings, and when the scratchpad stores each pixel, follow from the option and the interval
 * alone. In each of their timesteps a memory of T clocks writes
 *
 *     at least a word for each pixel, and reads at least ceil(bytes / word) of each new row
 *
 * More than T clocks in some timestep are too many wherever pixels lie. This is a necessary
 * condition: of options that meet it a plan says more (mapper_alone_fits()), which asks for the
 * very words. Pixels are told by runs, not one by one, so that all options are asked.
 */
#ifndef DATAFLOW_MAPPER_IMAGE_PORT_H
#define DATAFLOW_MAPPER_IMAGE_PORT_H

#include "dataflow/mapper/mapper.h"

/* Neighbours in a column that are first used together. */
struct image_port_run {
    uint32_t rows;
    int64_t  use; // so long after the column's first
};

/* Rooms to ask in; reused from option to option. */
struct image_port {
    const struct mapper *mp;
    uint32_t             layer; // reads the image: FEED_SCRATCHPAD
    int64_t             *use;   // owned; [in_width]: the first use of each column
    struct image_port_run *run; // owned; of a column, from its top on
    uint32_t             n_run;
    uint32_t            *write; // owned; [interval]: pixels stored in a timestep, folded
    uint32_t             room;  // of write[]
};

enum err image_port_init(struct image_port *ip, const struct mapper *mp, uint32_t layer,
                         struct err_msg *m);
void image_port_release(struct image_port *ip); // takes a zeroed one

/* False: no plan has the option with images so far apart. Forms of windows and firings that are
 * not told here are true. */
bool image_port_may_fit(struct image_port *ip, const struct mapper_option *o, uint64_t interval);

#endif
