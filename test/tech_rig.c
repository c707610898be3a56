/* test/tech_rig.c -- see tech_rig.h. */
#include "test/tech_rig.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct technology tech_load_any(const char *name)
{
    struct technology t;
    struct technology_warning w;
    struct err_msg m;

    if (technology_load_name(&t, "configs/tech", name, &w, &m)) {
        print_error("%s\n", m.text);
        fail();
    }
    return t;
}

struct technology tech_load(const char *name)
{
    struct technology t;
    struct technology_warning w;
    struct err_msg m;

    if (technology_load_name(&t, "configs/tech", name, &w, &m) || w.text[0]) {
        print_error("%s\n", w.text[0] ? w.text : m.text);
        fail();
    }
    return t;
}

void check_near(double got, double want, double tolerance, const char *what, const char *file,
                int line)
{
    if (fabs(got - want) <= tolerance * fabs(want))
        return;
    print_error("%s:%d: %s: %.8g, want %.8g within %g %%, off by %.3f %%\n", file, line, what, got,
                want, 100 * tolerance, want == 0 ? 0 : 100 * (got / want - 1));
    _fail(file, line);
}
