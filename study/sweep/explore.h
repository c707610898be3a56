/* study/sweep/explore.h -- what a table of points says: which are best, which no other beats, and
 * what a key does. Points and figures are numbers; NAN: the point has none.
 */
#ifndef STUDY_SWEEP_EXPLORE_H
#define STUDY_SWEEP_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether `a` is better than `b`: `more` or less of it. None is worse than any. */
bool explore_better(double a, double b, bool more);

/* The Pareto front: keep[i] of the n points, where no other is as good in all of n_figure figures
 * and better in one. value[i * n_figure + f]; a point that lacks one is not on the front. Points
 * that are equal stand on it together. O(n * front); values are borrowed. False without memory. */
bool explore_front(bool *keep, const double *value, size_t n, size_t n_figure, const bool *more);

/* The main effect of a key on a figure: at each of its n_level values, level[i] of point i, the
 * mean[] over the n_point[] points that have the figure; NAN over none. Returns the spread between
 * the largest and the least mean; NAN without any. */
double explore_effect(double *mean, size_t *n_point, const size_t *level, const double *value,
                      size_t n, size_t n_level);

/* The values of a key in order, numbers by size before words by letters, none last: level[i] of
 * point i, and at[l] a point that has value l. How many; 0 without memory. */
size_t explore_levels(size_t *level, size_t *at, const char *const *text, size_t n);

#endif
