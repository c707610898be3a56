/* study/sweep/where.h -- conditions: numbers, keys, + - * / %, comparisons, and, or, not, ( ).
 *
 * A number is a double, and true where it is not 0. From the loosest: or; and; not; == != < <= >
 * >=; + -; * / %; unary -. Both sides of and and or are computed.
 */
#ifndef STUDY_SWEEP_WHERE_H
#define STUDY_SWEEP_WHERE_H

#include "core/err.h"

/* The value of a key. */
typedef enum err where_key(const void *user, const char *key, double *value, struct err_msg *m);

/* ERR_INPUT quotes the condition and says where it stops to be one, or which division is by 0. */
enum err where_value(const char *text, where_key *key, const void *user, double *value,
                     struct err_msg *m);

#endif
