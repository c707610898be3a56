/* study/sweep/store.h -- a database of points: SQLite, one row a point and version.
 *
 *     points(id, version, name, KEYS..., FIGURES..., error, images, host_s, result)
 *     study(key, value)
 *
 * The second table says what the last study wanted, and how far it is: its objective, its limits,
 * its progress.
 *
 * id and version are its primary key: the same machine with the same images is one row, and results
 * of another version stay beside it. A column is named after the key that varies or the figure it
 * holds; NULL: the point has none. `error` is why a point has no figures, `images` what was run
 * besides the configuration, as JSON, `result` the run's document, gzip; only host_s, the seconds
 * that it took, differs from run to run.
 *
 * Rows are written in batches, each a transaction of a write-ahead log: a process that is killed
 * loses at most the last batch, and no row is there in part. Another database, or one of another
 * program, is left as it is.
 */
#ifndef STUDY_SWEEP_STORE_H
#define STUDY_SWEEP_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct store;

struct store_id { // of a point: 128 bits
    uint8_t byte[16];
};

struct store_id_text {
    char text[33]; // hexadecimal digits
};
struct store_id_text store_id_text(const struct store_id *id);

/* FNV-1a of 128 bits over `text`, going on from *id; a zeroed one begins. */
void store_id_add(struct store_id *id, const char *text);

struct store_columns { // borrowed
    const char *const *key; // that vary
    size_t             n_key;
    const char *const *figure;
    size_t             n_figure;
};

struct store_row { // borrowed
    struct store_id    id;
    bool               there; // and not run: only name and keys are taken
    const char        *name, *error, *images; // NULL: none
    const char *const *key;    // [n_key] values as text, written as numbers where they are such
    const double      *figure; // [n_figure]; NAN: none. NULL: none of them
    double             host_s;
    const void        *result; // NULL: none
    size_t             n_result;
};

/* Opens the database at `path` for results of `version`, or makes it, with columns for all of
 * these. ERR_INPUT: it is no database, or another program's; ERR_OUTPUT: it cannot be written. */
enum err store_open(struct store **s, const char *path, const char *version,
                    const struct store_columns *columns, struct err_msg *m);
void store_close(struct store *s); // takes NULL; what was not flushed is lost

/* Points there are under this version, in order, for store_ids_have(); of those that failed only
 * where `failed`. */
struct store_ids {
    struct store_id *id; // owned
    size_t           n;
};
enum err store_ids(struct store *s, bool failed, struct store_ids *ids, struct err_msg *m);
bool store_ids_have(const struct store_ids *ids, const struct store_id *id);
void store_ids_release(struct store_ids *ids); // takes a zeroed one

/* All points there are. */
enum err store_count(struct store *s, int64_t *n, struct err_msg *m);

/* A row, in the batch that store_flush() ends. One that failed gives way; else of a point that has
 * a row only the name and values of keys that it lacks are taken. */
enum err store_add(struct store *s, const struct store_row *row, struct err_msg *m);
enum err store_flush(struct store *s, struct err_msg *m);

/* A value of the table `study`, in place of what it was, in the same batch; NULL takes it away. */
enum err store_say(struct store *s, const char *key, const char *value, struct err_msg *m);

/* Adds the rows of another database, all versions, as one batch: of points that both have, one that
 * failed gives way, and what a row lacks is taken from the other. *n: rows of the other. ERR_INPUT:
 * it is no database of a study, or this one itself. */
enum err store_merge(struct store *s, const char *path, uint64_t *n, struct err_msg *m);

#endif
