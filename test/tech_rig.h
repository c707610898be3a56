/* test/tech_rig.h -- what the tests of arch/tech share. */
#ifndef TEST_TECH_RIG_H
#define TEST_TECH_RIG_H

#include "arch/tech/technology.h"

/* A node of configs/tech, which must be there without a warning or (tech_load_any) may be between.
 */
struct technology tech_load(const char *name);
struct technology tech_load_any(const char *name);

/* Fails the test, naming the expressions and the error, unless |got - want| <= tolerance * |want|.
 */
void check_near(double got, double want, double tolerance, const char *what, const char *file,
                int line);
#define CHECK_NEAR(got, want, tolerance) \
    check_near(got, want, tolerance, #got " ~ " #want, __FILE__, __LINE__)

#endif
