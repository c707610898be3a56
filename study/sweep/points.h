/* study/sweep/points.h -- the points of a study: one base configuration, and what varies.
 *
 *     base: ../resnet32.yaml                    a file, as seen from the study, or a machine
 *     vary: {core.crossbar.rows: [128, 256]}    an axis for each key
 *     zip: [{core.crossbar.columns: [128, 256], core.input_memory.words: [512, 1024]}]
 *     sample: {count: 100, seed: 1, kind: latin_hypercube, keys: {clock_mhz: [250, 1000]}}
 *     points: [{name: article, set: {mapping.firing: free}}]
 *     where: ["core.crossbar.rows >= core.crossbar.columns"]
 *     images: FILE, objective: FIGURE, limits: {FIGURE: NUMBER}      study/sweep/wishes.h
 *
 * An axis is a list of places, each of which sets the same keys. A key that varies is an axis,
 * lists that go together are one, and so is a sample. The grid is the product of all axes, the last
 * of them fastest; the points with a name come after it. A point is a list of "key=value" for the
 * reader of --set, so that there is one way to a configuration.
 *
 * Values are a list, or a range: {from: 1, to: 9, steps: 5} in equal steps, with `scale: log` in
 * equal ratios, {from: 64, to: 512, factor: 2} multiplied as long as it is at most `to`. They are
 * rounded to what the key takes: whole numbers, multiples, billionths.
 *
 * A sample draws value j of a key as a function of seed, key and j alone (core/rng.h), the same at
 * every place of the grid: a key or a value more changes no other draw. `random` is uniform in
 * [least, most]; `latin_hypercube` has one draw in each of `count` equal parts of that range
 * (McKay, Beckman and Conover, Technometrics 21(2), 1979), in an order of the key's own.
 */
#ifndef STUDY_SWEEP_POINTS_H
#define STUDY_SWEEP_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/datadir.h"
#include "core/err.h"
#include "dataflow/config.h"
#include "study/sweep/wishes.h"

enum {
    SWEEP_MOST_KEYS = 256,       // that a point sets
    SWEEP_MOST_POINTS = 10000000 // of a study, dropped ones included
};

struct axis {
    size_t   n_key;
    uint64_t n_place;
    char   **set; // owned; [n_place][n_key] "key=value"
};

struct named_point {
    char  *name; // owned
    size_t n_set;
    char **set; // owned
};

struct sweep {
    char                base[DATADIR_BYTE];
    struct config_file  base_file; // as it was when the study was read
    size_t              n_axis, n_named, n_where;
    struct axis        *axis;    // owned
    struct named_point *named;   // owned
    char              **where;   // owned
    uint64_t            n_grid, n_point; // n_point == n_grid + n_named
    json_t             *base_config; // owned; effective, for `where`
    struct wishes       wishes;
};

struct point {
    const char *name; // NULL: of the grid
    size_t      n_set;
    const char *set[SWEEP_MOST_KEYS]; // borrowed from the sweep
};

/* Reads the study at `path`. ERR_INPUT names place, value and cure: also for a key that no
 * configuration has, and for more than SWEEP_MOST_POINTS, which are counted before any is made.
 * On error *s is zero. */
enum err sweep_load(struct sweep *s, const char *path, struct err_msg *m);

/* The same of a text; its files are beside `path`. */
enum err sweep_load_text(struct sweep *s, const char *path, const char *text, struct err_msg *m);

void sweep_release(struct sweep *s); // takes a zeroed one

/* Point i of n_point. */
void sweep_point(const struct sweep *s, uint64_t i, struct point *p);

/* Whether all conditions hold at the point. */
enum err sweep_keeps(const struct sweep *s, const struct point *p, bool *kept, struct err_msg *m);

/* Keys that some point sets, each once, in the order of the study; borrowed but for the array and
 * its texts, which sweep_keys_free() takes. NULL without memory. */
char **sweep_keys(const struct sweep *s, size_t *n);
void sweep_keys_free(char **key, size_t n);

/* The value of a key at the point, as the point sets it or else as the base has it, in text[size];
 * false where neither has one. Maps are JSON. */
bool sweep_value(const struct sweep *s, const struct point *p, const char *key, char *text,
                 size_t size);

#endif
