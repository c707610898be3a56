/* study/sweep/rows.h -- the points of a database (store.h), read.
 *
 * Only those of one version: the asked one if it has any, else that of the last row. The database
 * is not changed; a study may go on while it is read.
 */
#ifndef STUDY_SWEEP_ROWS_H
#define STUDY_SWEEP_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct row_of_study {
    char   id[33];
    char  *name, *error; // owned; NULL: none
    char **key;          // owned: [n_key] values as text, NULL: none
    double *figure;      // owned: [n_figure], NAN: none
};

struct rows {
    struct row_of_study *row; // owned; [n], in the order of their ids
    size_t   n, n_failed;
    char   **key; // owned; [n_key] names
    size_t   n_key, n_figure;
    char    *version;  // owned
    uint64_t n_others; // points of other versions
    char    *objective, *limits, *progress; // owned: of the last study, as JSON; NULL: none
};

/* Figures are columns of these names. ERR_INPUT: it cannot be read, is no database of a study, or
 * has no points. On error *r is zero. */
enum err rows_read(struct rows *r, const char *path, const char *version,
                   const char *const *figure, size_t n_figure, struct err_msg *m);
void rows_release(struct rows *r); // takes a zeroed one

/* The documents of points that did not fail, in the order of their ids: text[n], and its images as
 * JSON or NULL, all borrowed for the call. An error of `visit` ends it. */
typedef enum err rows_visit(void *user, const char *id, const char *text, const char *images,
                            struct err_msg *m);
enum err rows_documents(const char *path, const char *version, rows_visit *visit, void *user,
                        struct err_msg *m);

/* That of the one point whose id begins with `begin`, of `version` if it has one. ERR_INPUT: there
 * is none, or several; or it failed. */
enum err rows_document(const char *path, const char *begin, const char *version, rows_visit *visit,
                       void *user, struct err_msg *m);

#endif
