/* cli/run/notes.c -- see notes.h. */
#include "cli/run/notes.h"

#include <inttypes.h>

#include "cli/log.h"

void note_cut_values(const struct options *o, const struct run_result *r)
{
    if (r->n_cut > 0)
        log_line(o, LOG_INFO, "note: %s: %" PRIu64 " values lie beyond the range of the model's "
                 "first QuantizeLinear, which cuts them", o->inputs, r->n_cut);
}
