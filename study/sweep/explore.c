/* study/sweep/explore.c -- see explore.h. */
#include "study/sweep/explore.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool explore_better(double a, double b, bool more)
{
    if (isnan(a) || isnan(b))
        return !isnan(a) && isnan(b);
    return more ? a > b : a < b;
}

static bool dominates(const double *a, const double *b, size_t n_figure, const bool *more)
{
    bool better = false;

    for (size_t f = 0; f < n_figure; f++) {
        if (explore_better(b[f], a[f], more[f]))
            return false;
        better = better || explore_better(a[f], b[f], more[f]);
    }
    return better;
}

static bool is_whole(const double *value, size_t n_figure)
{
    for (size_t f = 0; f < n_figure; f++)
        if (isnan(value[f]))
            return false;
    return true;
}

bool explore_front(bool *keep, const double *value, size_t n, size_t n_figure, const bool *more)
{
    size_t *front = malloc((n + 1) * sizeof *front), n_front = 0;

    if (!front)
        return false;
    memset(keep, 0, n * sizeof *keep);
    for (size_t i = 0; i < n; i++) {
        const double *own = value + i * n_figure;
        bool beaten = !is_whole(own, n_figure);
        for (size_t j = 0; j < n_front && !beaten; j++)
            beaten = dominates(value + front[j] * n_figure, own, n_figure, more);
        if (beaten)
            continue;
        size_t left = 0; // of the front so far
        for (size_t j = 0; j < n_front; j++)
            if (!dominates(own, value + front[j] * n_figure, n_figure, more))
                front[left++] = front[j];
        front[left++] = i;
        n_front = left;
    }
    for (size_t j = 0; j < n_front; j++)
        keep[front[j]] = true;
    free(front);
    return true;
}

double explore_effect(double *mean, size_t *n_point, const size_t *level, const double *value,
                      size_t n, size_t n_level)
{
    double least = NAN, most = NAN;

    for (size_t l = 0; l < n_level; l++) {
        mean[l] = 0;
        n_point[l] = 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (isnan(value[i]))
            continue;
        mean[level[i]] += value[i];
        n_point[level[i]]++;
    }
    for (size_t l = 0; l < n_level; l++) {
        mean[l] = n_point[l] > 0 ? mean[l] / (double)n_point[l] : NAN;
        least = fmin(least, mean[l]);
        most = fmax(most, mean[l]);
    }
    return most - least;
}

/* ---- values of a key ---- */

struct value {
    const char *text;
    double      number;
    size_t      point;
};

static double number_of(const char *text)
{
    char *end;

    if (!text || *text == '\0')
        return NAN;
    double number = strtod(text, &end);
    return *end == '\0' ? number : NAN;
}

static int compare(const struct value *a, const struct value *b)
{
    if (!a->text || !b->text)
        return (a->text == NULL) - (b->text == NULL);
    if (isnan(a->number) != isnan(b->number))
        return isnan(a->number) ? 1 : -1;
    if (isnan(a->number))
        return strcmp(a->text, b->text);
    return (a->number > b->number) - (a->number < b->number);
}

static int compare_in_order(const void *a, const void *b)
{
    const struct value *x = a, *y = b;
    int order = compare(x, y);

    return order ? order : (x->point > y->point) - (x->point < y->point);
}

size_t explore_levels(size_t *level, size_t *at, const char *const *text, size_t n)
{
    struct value *all = malloc((n + 1) * sizeof *all);
    size_t n_level = 0;

    if (!all)
        return 0;
    for (size_t i = 0; i < n; i++)
        all[i] = (struct value){ text[i], number_of(text[i]), i };
    qsort(all, n, sizeof *all, compare_in_order);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || compare(&all[i - 1], &all[i]) != 0)
            at[n_level++] = all[i].point;
        level[all[i].point] = n_level - 1;
    }
    free(all);
    return n_level;
}
