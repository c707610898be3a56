/* arch/elastic/ahead.h -- cores that work ahead of the clock: what ahead.c and ahead_port.c share.
 * Of these two alone. */
#ifndef ARCH_ELASTIC_AHEAD_H
#define ARCH_ELASTIC_AHEAD_H

#include "arch/elastic/site.h"

struct cursor { // the next pixel of an order, image after image
    uint64_t image;
    uint32_t at;
};

static inline void cursor_pass(struct cursor *c, const struct order *o, uint32_t n)
{
    for (c->at += n; c->at >= o->n; c->at -= o->n)
        c->image++;
}

struct flight { // a firing, from its registers to its token
    uint32_t n, out; // outputs; places of their token
    uint64_t load_end, array_start, array_end, digital_start, digital_end;
};

struct span { // in which the port works
    uint64_t from, to;
};

struct column { // of an image
    uint64_t        image;
    uint32_t        at;    // NOWHERE: none yet
    const uint32_t *words; // of a pixel in each row of its slot
};

struct gate { // of a stream that is stored
    struct intake     *in;
    const struct site *sender;
    const struct link *link;
    struct cursor      next; // pixel to be stored
    uint64_t clk;        // it may be, as far as port and slot go; CYC_NEVER: that is not known
    uint64_t seen_before, visible_clk; // pixels of tokens: all but the last, visible until then
    uint64_t stored_clk; // of the pixel that was stored last, if its place is not counted to be
                         // free yet; else CYC_NEVER
    struct column column; // the next pixel's
    bool     reused;      // its slots had pixels before, of this column of an image:
    uint64_t old_image;
    size_t   old;         // its first pixel, in the order of the map
    uint32_t *write_words; // owned; [columns][rows] of the memory: of a pixel in a slot
    uint32_t by_pixels, by_slot; // causes of the port's meter
};

struct returning { // a pixel read back
    struct back  *back;
    struct cursor next;
    struct column column;  // its
    uint64_t      clk;     // it may be, as far as the port goes; CYC_NEVER: that is not known
};

enum phase { LACKS_RESULT, LACKS_ROOM, LACKS_SUMS, LACKS_RESIDUAL }; // of stream 0, 1 ..

struct ahead {
    struct flight *flight; // owned; ring of mask + 1
    uint32_t      *used;   // owned; [mask + 1][n_added]: residual pixels that a firing takes
    uint32_t       mask;
    uint32_t       results; // of the array that may wait
    bool           shadow;  // registers: they are free as the array starts
    uint64_t       n_load, n_array, n_digital; // firings whose start of this is known
    uint64_t       seen_array, seen_digital;   // that have started by the clock
    struct cursor  load, digital;              // the next of each takes these outputs
    unsigned       phase;                      // of the next digital operation
    uint32_t       held;      // places of the output buffer that are not known to be free
    uint64_t       freed;     // the first token that holds some
    bool           asks;      // to be told of credits or pixels that something waits for
    uint64_t       registers_clk; // they take the next firing; CYC_NEVER: nobody knows
    uint64_t       ready_clk; // what that reads was there; CYC_NEVER: it is not
    bool           needs_port; // it reads anything
    uint64_t       idle_clk;  // of the port, from then on
    uint64_t       works_clk; // until then the core is counted to work
    struct span   *span;      // owned; ring of mask + 1: not counted yet
    uint64_t       first_span, n_span; // n_span: all there ever were
    struct gate      *gate, *gate_end; // owned; [n_in]
    struct returning *back, *back_end; // owned; [n_back]
    uint32_t         *read_words; // owned; as a gate's write_words
    uint32_t  by_port, by_digital;            // causes of the array's meter
    uint32_t  by_crossbar, by_sums, *by_added; // of the processor's; owned
    bool     *single;                         // owned; [n_added]: each token is a pixel
    uint32_t  by_array, by_nothing;           // of the port's
};

static inline struct flight *flight(const struct ahead *a, uint64_t i)
{
    return &a->flight[i & a->mask];
}

static inline uint32_t *flight_used(const struct site *s, uint64_t i)
{
    return s->ahead->used + (i & s->ahead->mask) * s->n_added;
}

/* When so many pixels of a stream have come; CYC_NEVER: it asks to be told. */
uint64_t ahead_comes(const struct intake *in, uint64_t pixels);

/* Array, digital processor and links, as far as is known; whether anything has started. */
bool ahead_look(struct site *s);

/* Likewise behind a pixel that was read back, and behind a firing whose registers begin to load. */
void ahead_send(struct site *s, const struct send_buffer *b);
void ahead_fire(struct site *s);

/* Counts what has started by a clock, until when all is known; frees of a buffer; what has come. */
void ahead_see(struct site *s, uint64_t now);

static inline void ahead_see_freed(struct send_buffer *b, uint64_t now)
{
    for (; b->first < b->end; b->first++) {
        const struct token_out *t = send_buffer_token(b, b->first);
        if (t->left > 0 || t->free_clk > now)
            return;
        fill_take(&b->fill, t->free_clk, t->n);
    }
}

static inline void ahead_see_come(struct intake *in, uint64_t now)
{
    for (uint64_t clk; in->tokens->n > 0 && (clk = mail_cyc(in->tokens)) <= now;) {
        uint32_t n = mail_take(in->tokens);
        in->arrived += n;
        fill_add(&in->fill, clk, n);
        if (in->token)
            intake_put(in, n);
    }
}

/* What has come to a gate by a clock, and the pixel that was stored last if its place is free. */
static inline void ahead_see_gate(struct gate *g, uint64_t now)
{
    if (g->stored_clk <= now) {
        ahead_see_come(g->in, g->stored_clk);
        fill_take(&g->in->fill, g->stored_clk, 1);
        g->stored_clk = CYC_NEVER;
    }
    ahead_see_come(g->in, now);
}

/* ---- ahead_port.c ---- */

/* All that the port begins by a clock, or later where nothing unknown can change that; *next: when
 * it begins the next, as far as that is known. Whether there was anything. */
bool ahead_serve(struct site *s, uint64_t now, uint64_t *next);

#endif
