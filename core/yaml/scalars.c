/* core/yaml/scalars.c -- what the text of a scalar means: numbers and text. */
#include "core/yaml.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- digits ---- */

/* The digit at *p, over underscores that stand between two: 1_000. Or -1. */
static int next_digit(const char **p, unsigned base)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = *p;

    if (at[0] == '_' && at[1] != '\0')
        at++;
    const char *found = *at ? strchr(digits, *at >= 'A' && *at <= 'F' ? *at + 'a' - 'A' : *at)
                            : NULL;
    if (!found || found - digits >= (int)base)
        return -1;
    *p = at + 1;
    return (int)(found - digits);
}

/* *v = *v * base + digit; false where 64 bits do not hold it. */
static bool append_digit(uint64_t *v, unsigned base, unsigned digit)
{
    if (*v > (UINT64_MAX - digit) / base)
        return false;
    *v = *v * base + digit;
    return true;
}

static bool read_hexadecimal(const char *p, uint64_t *v)
{
    int digit = *p == '_' ? -1 : next_digit(&p, 16);

    for (*v = 0; digit >= 0; digit = next_digit(&p, 16))
        if (!append_digit(v, 16, (unsigned)digit))
            return false;
    return *p == '\0' && p[-1] != 'x';
}

/* e3, E+3, e-3 or nothing. */
static bool read_exponent(const char *p, long *exponent)
{
    *exponent = 0;
    if (*p == '\0')
        return true;
    if ((*p != 'e' && *p != 'E') || p[strcspn(p, "0123456789")] == '\0')
        return false;
    size_t n_sign = p[1] == '-' || p[1] == '+';
    if (strspn(p + 1 + n_sign, "0123456789") != strlen(p + 1 + n_sign) || strlen(p) > 6)
        return false;
    *exponent = strtol(p + 1, NULL, 10);
    return true;
}

/* Digits from *p on go to *v; the zeros at their end are only counted, so that 1.500e2 fits. */
static bool read_digits(const char **p, uint64_t *v, long *n_zero, long *n_digit)
{
    int digit;

    for (*n_digit = 0; (digit = next_digit(p, 10)) >= 0; ++*n_digit) {
        ++*n_zero;
        if (digit == 0)
            continue;
        for (; *n_zero > 1; --*n_zero)
            if (!append_digit(v, 10, 0))
                return false;
        *n_zero = 0;
        if (!append_digit(v, 10, (unsigned)digit))
            return false;
    }
    return true;
}

bool yaml_decimal(const char *text, unsigned decimals, uint64_t *value)
{
    uint64_t v = 0;
    long zeros = 0, whole, fraction = 0, exponent;
    const char *p = text;

    if (text[0] == '0' && text[1] == 'x') {
        if (!read_hexadecimal(text + 2, &v))
            return false;
        exponent = 0;
    } else {
        bool leading_zero = text[0] == '0' && text[1] != '\0' && strchr("0123456789_", text[1]);
        if (leading_zero || *p == '_' || !read_digits(&p, &v, &zeros, &whole) || whole == 0)
            return false;
        bool point = *p == '.';
        p += point;
        if (point && (*p == '_' || !read_digits(&p, &v, &zeros, &fraction) || fraction == 0))
            return false;
        if (!read_exponent(p, &exponent))
            return false;
    }
    exponent += zeros - fraction + (long)decimals;
    if (v != 0 && exponent < 0)
        return false;
    for (; v != 0 && exponent > 0; exponent--)
        if (!append_digit(&v, 10, 0))
            return false;
    *value = v;
    return true;
}

/* ---- typed readers ---- */

/* Why a scalar that looks like a number is none. */
static const char *number_hint(const struct yaml *node)
{
    if (node->kind == YAML_SCALAR && node->text[0] == '0' && node->text[1] >= '0' &&
        node->text[1] <= '9')
        return ", without leading zeros";
    return "";
}

enum err yaml_u64(const struct yaml *node, const char *name, uint64_t least, uint64_t most,
                  const char *unit, uint64_t *value, struct err_msg *m)
{
    uint64_t v;

    if (node->kind == YAML_SCALAR && yaml_decimal(node->text, 0, &v) && v >= least && v <= most) {
        *value = v;
        return ERR_NONE;
    }
    return yaml_error(node, m, "%.200s = %s: want a whole number from %" PRIu64 " to %" PRIu64
                      "%s%s%s", name, yaml_show(node).text, least, most, unit[0] ? " " : "", unit,
                      number_hint(node));
}

/* [-]digits[.digits][e[+-]digits]: what JSON calls a number, so neither infinite nor nan. */
static bool is_number(const char *p)
{
    size_t n = strspn(p += *p == '-', "0123456789");

    if (n == 0 || (p[0] == '0' && n > 1))
        return false;
    p += n;
    if (*p == '.') {
        n = strspn(++p, "0123456789");
        if (n == 0)
            return false;
        p += n;
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '-' || *p == '+';
        n = strspn(p, "0123456789");
        if (n == 0)
            return false;
        p += n;
    }
    return *p == '\0';
}

/* A number as JSON has it, or one that yaml_decimal() reads: 1_000, 0x10. */
static bool read_number(const char *text, double *v)
{
    uint64_t whole;

    if (is_number(text)) {
        *v = strtod(text, NULL);
        return isfinite(*v);
    }
    if (!yaml_decimal(text, 0, &whole))
        return false;
    *v = (double)whole;
    return true;
}

enum err yaml_double(const struct yaml *node, const char *name, double least, double most,
                     const char *unit, double *value, struct err_msg *m)
{
    double v;

    if (node->kind == YAML_SCALAR && read_number(node->text, &v) && v >= least && v <= most) {
        *value = v;
        return ERR_NONE;
    }
    return yaml_error(node, m, "%.200s = %s: want a number from %.15g to %.15g%s%s%s", name,
                      yaml_show(node).text, least, most, unit[0] ? " " : "", unit,
                      number_hint(node));
}

enum err yaml_text(const struct yaml *node, const char *name, const char **text, struct err_msg *m)
{
    if (node->kind != YAML_SCALAR || node->text[0] == '\0')
        return yaml_error(node, m, "%.200s = %s: want text", name, yaml_show(node).text);
    *text = node->text;
    return ERR_NONE;
}
