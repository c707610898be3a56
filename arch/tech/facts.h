/* arch/tech/facts.h -- numbers that each say where they come from.
 *
 * Technology nodes, devices and calibrations are YAML maps whose leaves are
 *
 *     supply_v: {value: 0.85, source: "PTM LP 22 nm"}
 *
 * with exactly one of source (paper, table), fit (to what, how well) or assumed (why). A number
 * without an origin is an error, and so is one that is asked for and not there: a cost that is not
 * given is never zero. One row per number says key, unit and range. All keys that a file lacks are
 * told in one line.
 */
#ifndef ARCH_TECH_FACTS_H
#define ARCH_TECH_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/yaml.h"

struct fact_row {
    const char *key;
    const char *unit;
    size_t      offset; // of a double in the struct that facts_read() fills
    double      least, most;
    const char *doc;
    unsigned    when;   // read only when (when & mask) != 0
};
#define FACT_END { NULL, NULL, 0, 0, 0, NULL, 0 }

/* Reads every row of the mask from a map into the struct at `base`, and refuses a key of the map
 * that is neither a row of the mask nor in `others` (ends with NULL). `path` is the map's dotted
 * name with its dot, "lp.", or "". */
enum err facts_read(const struct yaml *map, const char *path, const struct fact_row *rows,
                    unsigned mask, const char *const *others, void *base, struct err_msg *m);

/* Reads those rows of the mask that the map has, whose numbers may also stand by themselves: what a
 * configuration says of itself needs no origin. */
enum err facts_change(const struct yaml *map, const char *path, const struct fact_row *rows,
                      unsigned mask, const char *const *others, void *base, struct err_msg *m);

/* That refusal alone, with the key that was probably meant. */
enum err facts_check_known(const struct yaml *map, const char *path, const struct fact_row *rows,
                           unsigned mask, const char *const *others, struct err_msg *m);

/* What a file lacks: add() what is missing of its maps, then check(). */
struct facts_missing {
    unsigned               n;
    const struct fact_row *row; // of the last one, or NULL
    char                   keys[800]; // "lp.supply_v, lp.gate_ff_um"
    char                   last[96];
};

/* The rows of the mask, and the keys of `others`, or NULL, that the map must have; no map has
 * none. */
void facts_missing_add(struct facts_missing *f, const struct yaml *map, const char *path,
                       const struct fact_row *rows, unsigned mask, const char *const *others);

/* ERR_INPUT at the map when there are any. */
enum err facts_missing_check(const struct facts_missing *f, const struct yaml *map,
                             struct err_msg *m);

/* "source", "fit" or "assumed": what stands beside the number of that key. NULL: nothing does. */
const char *facts_origin(const struct yaml *map, const char *key);

/* Whether the number of that key was fitted. */
bool facts_fitted(const struct yaml *map, const char *key);

#endif
