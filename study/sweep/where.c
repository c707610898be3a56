/* study/sweep/where.c -- see where.h. */
#include "study/sweep/where.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DEPTH = 64, KEY_BYTE = 256 };

struct reader { // value 0 and an error from the first mistake on
    const char     *text, *at;
    where_key      *key;
    const void     *user;
    unsigned        depth;
    enum err        e;
    struct err_msg *m;
};

static double any(struct reader *r);

static double mistake(struct reader *r, const char *want)
{
    if (!r->e)
        r->e = err_set(r->m, ERR_INPUT, "condition \"%.200s\": at \"%.40s\": want %s", r->text,
                       r->at, want);
    return 0;
}

/* Takes the sign or word if it is next; a word ends where a key would. */
static bool take(struct reader *r, const char *sign)
{
    size_t n = strlen(sign);

    while (isspace((unsigned char)*r->at))
        r->at++;
    if (r->e || strncmp(r->at, sign, n) != 0)
        return false;
    if (isalpha((unsigned char)*sign) && (isalnum((unsigned char)r->at[n]) || r->at[n] == '_' ||
                                          r->at[n] == '.'))
        return false;
    r->at += n;
    return true;
}

static double key(struct reader *r)
{
    char name[KEY_BYTE];
    double value = 0;
    size_t n = 0;

    while (isalnum((unsigned char)r->at[n]) || r->at[n] == '_' || r->at[n] == '.')
        n++;
    if (n == 0 || n >= sizeof name)
        return mistake(r, "a key, a number or (");
    memcpy(name, r->at, n);
    name[n] = '\0';
    r->at += n;
    if (!r->e)
        r->e = r->key(r->user, name, &value, r->m);
    return value;
}

static double primary(struct reader *r)
{
    char *end;

    if (++r->depth > MOST_DEPTH)
        return mistake(r, "at most 64 levels");
    double value = 0;
    if (take(r, "-"))
        value = -primary(r);
    else if (take(r, "(")) {
        value = any(r);
        if (!take(r, ")"))
            mistake(r, ")");
    } else if (isdigit((unsigned char)*r->at)) {
        value = strtod(r->at, &end);
        r->at = end;
    } else
        value = key(r);
    r->depth--;
    return value;
}

static double product(struct reader *r)
{
    double value = primary(r);

    for (;;) {
        bool times = take(r, "*"), by = !times && take(r, "/");
        if (!times && !by && !take(r, "%"))
            return value;
        double other = primary(r);
        if (!times && other == 0)
            return mistake(r, "no division by 0 before it");
        value = times ? value * other : by ? value / other : fmod(value, other);
    }
}

static double sum(struct reader *r)
{
    double value = product(r);

    for (;;) {
        if (take(r, "+"))
            value += product(r);
        else if (take(r, "-"))
            value -= product(r);
        else
            return value;
    }
}

static double comparison(struct reader *r)
{
    double value = sum(r);

    if (take(r, "=="))
        return value == sum(r);
    if (take(r, "!="))
        return value != sum(r);
    if (take(r, "<="))
        return value <= sum(r);
    if (take(r, ">="))
        return value >= sum(r);
    if (take(r, "<"))
        return value < sum(r);
    if (take(r, ">"))
        return value > sum(r);
    return value;
}

static double negation(struct reader *r)
{
    bool turned = false;

    while (take(r, "not"))
        turned = !turned;
    double value = comparison(r);
    return turned ? value == 0 : value;
}

static double both(struct reader *r)
{
    double value = negation(r);

    while (take(r, "and")) {
        double other = negation(r);
        value = value != 0 && other != 0;
    }
    return value;
}

static double any(struct reader *r)
{
    double value = both(r);

    while (take(r, "or")) {
        double other = both(r);
        value = value != 0 || other != 0;
    }
    return value;
}

enum err where_value(const char *text, where_key *of, const void *user, double *value,
                     struct err_msg *m)
{
    struct reader r = { .text = text, .at = text, .key = of, .user = user, .m = m };

    *value = any(&r);
    take(&r, ""); // spaces at the end
    if (*r.at != '\0')
        mistake(&r, "an operator, or the end");
    return r.e;
}
