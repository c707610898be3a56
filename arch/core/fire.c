/* arch/core/fire.c -- see fire.h. */
#include "arch/core/fire.h"

#include <inttypes.h>

void core_fire_describe(const struct imc_core *c, FILE *out)
{
    const struct pixel *p = &c->controller.next;

    fprintf(out, " waits for the patch of output (%" PRIu32 ", %" PRIu32 ") of image %" PRIu64,
            p->row, p->column, p->image);
    for (uint32_t column = c->controller.first_column; column <= c->controller.last_column;
         column++)
        fprintf(out, "%s column %" PRIu32 " has %" PRIu32 " of %" PRIu32 " pixels",
                column == c->controller.first_column ? ":" : ",", column,
                memory_rows_stored(&c->memory, p->image * c->spec->in_width + column),
                c->controller.rows_seen);
}
