/* traces/vcd.c -- see vcd.h. */
#include "traces/vcd.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"

enum {
    FIRST_ID = '!', N_ID = '~' - '!' + 1, // characters of a short name: printable, not a space
    ID_CHARS = 5,                         // N_ID ^ 5 > 2 ^ 32
    MOST_BITS = 64
};

struct variable {
    enum vcd_kind kind;
    uint32_t      bits;
    uint64_t      value, written; // now, and before this cycle (or at the window's end)
    char         *scope, *name; // owned
    char          id[ID_CHARS + 1];
    uint32_t      id_len;
    bool          touched; // in this cycle
};

struct vcd {
    struct vcd_cfg   cfg;
    struct variable *var; // owned
    uint32_t         n_var, room;
    uint32_t        *touched; // owned; in the order in which they were
    uint32_t         n_touched;
    uint64_t         cyc;
    bool             dumped; // the values at the window's begin
    bool             timed;  // a time has been written, the last of them:
    uint64_t         timed_cyc;
};

struct vcd *vcd_new(const struct vcd_cfg *cfg)
{
    struct vcd *v = calloc(1, sizeof *v);

    assert(cfg->clock_mhz >= 1 && cfg->clock_mhz <= 1000000);
    if (v)
        v->cfg = *cfg;
    return v;
}

void vcd_free(struct vcd *v)
{
    if (!v)
        return;
    for (uint32_t i = 0; i < v->n_var; i++) {
        free(v->var[i].scope);
        free(v->var[i].name);
    }
    free(v->var);
    free(v->touched);
    free(v);
}

/* ---- declarations ---- */

static bool make_room(struct vcd *v)
{
    uint32_t room = max_u32(2 * v->room, 64);

    if (v->n_var < v->room)
        return true;
    struct variable *var = realloc(v->var, room * sizeof *var);
    if (!var)
        return false;
    v->var = var;
    uint32_t *touched = realloc(v->touched, room * sizeof *touched);
    if (!touched)
        return false;
    v->touched = touched;
    v->room = room;
    return true;
}

bool vcd_declare(struct vcd *v, const char *scope, const char *name, enum vcd_kind kind,
                 uint32_t bits, uint64_t value, uint32_t *number)
{
    struct variable new = { .kind = kind, .bits = bits, .value = value, .written = value };

    assert(bits >= 1 && bits <= MOST_BITS);
    if (!make_room(v))
        return false;
    new.scope = strdup(scope);
    new.name = strdup(name);
    if (!new.scope || !new.name) {
        free(new.scope);
        free(new.name);
        return false;
    }
    uint32_t n = v->n_var;
    do {
        new.id[new.id_len++] = (char)(FIRST_ID + n % N_ID);
        n /= N_ID;
    } while (n > 0);
    *number = v->n_var;
    v->var[v->n_var++] = new;
    return true;
}

/* Ticks of the file's unit, itself 10^*exponent fs, in which cycle `cyc` begins. */
static uint64_t ticks(uint64_t cyc, uint32_t clock_mhz, uint32_t *exponent)
{
    const uint64_t fs_per_us = 1000000000;
    uint64_t period = fs_per_us / clock_mhz;

    *exponent = 0;
    if (fs_per_us % clock_mhz != 0)
        return cyc / clock_mhz * fs_per_us + cyc % clock_mhz * fs_per_us / clock_mhz;
    for (; period % 10 == 0; period /= 10)
        ++*exponent;
    return cyc * period;
}

/* Length of what two paths have in common, in whole names. */
static size_t common_path(const char *a, const char *b)
{
    size_t common = 0;

    for (size_t i = 0;; i++) {
        if ((!a[i] || a[i] == '.') && (!b[i] || b[i] == '.'))
            common = i;
        if (a[i] != b[i] || !a[i])
            return common;
    }
}

/* Goes on to the next name of a path; its length, 0 at the end. */
static int next_name(const char **path)
{
    *path += **path == '.';
    return (int)strcspn(*path, ".");
}

static void change_scope(FILE *out, const char *from, const char *to)
{
    size_t common = common_path(from, to);
    int n;

    for (const char *p = from + common; (n = next_name(&p)) > 0; p += n)
        fputs("$upscope $end\n", out);
    for (const char *p = to + common; (n = next_name(&p)) > 0; p += n)
        fprintf(out, "$scope module %.*s $end\n", n, p);
}

void vcd_begin(struct vcd *v, const char *comment)
{
    static const char *const unit[] = { "fs", "ps", "ns", "us" };
    static const char *const kinds[] = { [VCD_WIRE] = "wire", [VCD_EVENT] = "event",
                                         [VCD_SIGNED] = "real" };
    uint32_t exponent;
    const char *scope = "";

    ticks(0, v->cfg.clock_mhz, &exponent);
    fprintf(v->cfg.out, "$version imcsim $end\n$comment %s $end\n$timescale 1%.*s %s $end\n",
            comment, (int)(exponent % 3), "00", unit[exponent / 3]);
    for (uint32_t i = 0; i < v->n_var; i++) {
        const struct variable *var = &v->var[i];
        change_scope(v->cfg.out, scope, var->scope);
        scope = var->scope;
        fprintf(v->cfg.out, "$var %s %" PRIu32 " %s %s $end\n",
                kinds[var->kind], var->bits, var->id, var->name);
    }
    change_scope(v->cfg.out, scope, "");
    fputs("$enddefinitions $end\n", v->cfg.out);
}

/* ---- values ---- */

static void write_value(FILE *out, const struct variable *var, uint64_t value)
{
    char line[MOST_BITS + ID_CHARS + 4];
    size_t n = 0;

    if (var->kind == VCD_SIGNED) {
        n = (size_t)snprintf(line, sizeof line, "r%" PRId64 " ", (int64_t)value);
    } else if (var->bits == 1) {
        line[n++] = var->kind == VCD_EVENT || value ? '1' : '0';
    } else {
        uint32_t bit = var->bits - 1;
        while (bit > 0 && !(value >> bit & 1))
            bit--; // leading zeros may be left out
        line[n++] = 'b';
        for (; bit > 0; bit--)
            line[n++] = value >> bit & 1 ? '1' : '0';
        line[n++] = value & 1 ? '1' : '0';
        line[n++] = ' ';
    }
    memcpy(line + n, var->id, var->id_len);
    n += var->id_len;
    line[n++] = '\n';
    fwrite(line, 1, n, out);
}

static void write_time(struct vcd *v, uint64_t cyc)
{
    uint32_t exponent;

    if (!v->timed || cyc != v->timed_cyc)
        fprintf(v->cfg.out, "#%" PRIu64 "\n", ticks(cyc, v->cfg.clock_mhz, &exponent));
    v->timed = true;
    v->timed_cyc = cyc;
}

/* The window begins: every wire as it was before this cycle. */
static void dump(struct vcd *v)
{
    v->dumped = true;
    write_time(v, v->cfg.first_cyc);
    fputs("$dumpvars\n", v->cfg.out);
    for (uint32_t i = 0; i < v->n_var; i++) {
        struct variable *var = &v->var[i];
        if (v->cyc == v->cfg.first_cyc)
            var->written = var->value;
        if (var->kind != VCD_EVENT)
            write_value(v->cfg.out, var, var->written);
    }
    fputs("$end\n", v->cfg.out);
}

static void write_cycle(struct vcd *v)
{
    if (!v->dumped)
        dump(v);
    for (uint32_t i = 0; i < v->n_touched; i++) {
        const struct variable *var = &v->var[v->touched[i]];
        if (var->kind != VCD_EVENT && var->value == var->written)
            continue;
        write_time(v, v->cyc);
        write_value(v->cfg.out, var, var->value);
    }
}

static void end_cycle(struct vcd *v)
{
    if (v->n_touched > 0 && v->cyc >= v->cfg.first_cyc && v->cyc <= v->cfg.last_cyc)
        write_cycle(v);
    for (uint32_t i = 0; i < v->n_touched; i++) {
        struct variable *var = &v->var[v->touched[i]];
        if (v->cyc <= v->cfg.last_cyc)
            var->written = var->value;
        var->touched = false;
    }
    v->n_touched = 0;
}

void vcd_time(struct vcd *v, uint64_t cyc)
{
    assert(cyc >= v->cyc);
    if (cyc > v->cyc)
        end_cycle(v);
    v->cyc = cyc;
}

static void touch(struct vcd *v, uint32_t number)
{
    struct variable *var = &v->var[number];

    if (!var->touched)
        v->touched[v->n_touched++] = number;
    var->touched = true;
}

void vcd_set(struct vcd *v, uint32_t wire, uint64_t value)
{
    struct variable *var = &v->var[wire];

    assert(var->kind != VCD_EVENT && (var->bits == MOST_BITS || value >> var->bits == 0));
    if (var->value == value)
        return;
    var->value = value;
    touch(v, wire);
}

void vcd_happen(struct vcd *v, uint32_t event)
{
    assert(v->var[event].kind == VCD_EVENT);
    touch(v, event);
}

void vcd_end(struct vcd *v, uint64_t cyc)
{
    vcd_time(v, cyc);
    end_cycle(v);
    uint64_t end = min_u64(cyc, v->cfg.last_cyc);
    if (!v->dumped && end >= v->cfg.first_cyc)
        dump(v);
    if (v->dumped)
        write_time(v, end);
}
