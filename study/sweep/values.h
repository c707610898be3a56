/* study/sweep/values.h -- the values of a key that varies, as the reader of --set takes them. */
#ifndef STUDY_SWEEP_VALUES_H
#define STUDY_SWEEP_VALUES_H

#include <stdint.h>

#include "core/err.h"
#include "core/param.h"
#include "core/yaml.h"

/* The row of a key, or of the map that the key is in (mapping.replicas.32). ERR_INPUT, with the
 * place of `node`, for a key that no configuration has. */
enum err value_row(const struct param **row, const struct yaml *node, const char *key,
                   struct err_msg *m);

/* "key=value" for a node of any kind, the caller's. A file that lies beside the study (`directory`)
 * is named as seen from the current directory. */
enum err value_setting(char **set, const char *key, const struct yaml *node, const char *directory,
                       struct err_msg *m);

/* How many values `node` has, a list or a range. ERR_INPUT when it is neither, or has none. */
enum err values_count(uint64_t *n, const char *key, const struct yaml *node, struct err_msg *m);

/* Value i of them as a setting, the caller's. */
enum err values_setting(char **set, const char *key, const struct yaml *node, uint64_t i,
                        const char *directory, struct err_msg *m);

/* Ends of a sample's key, [least, most] or {from, to, scale}; *log: draws are of equal ratios. */
enum err values_ends(double end[2], bool *log, const char *key, const struct yaml *node,
                     struct err_msg *m);

/* "key=number", rounded to what the key takes, the caller's. */
enum err value_number(char **set, const char *key, const struct yaml *node, double value,
                      struct err_msg *m);

/* The point at `share` of the way between the ends. */
double values_between(const double end[2], bool log, double share);

#endif
