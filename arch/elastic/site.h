/* arch/elastic/site.h -- what a chip under elastic clocking is made of: sites, which are cores and
 * scratchpads, their links, buffers and meters. Of arch/elastic alone. */
#ifndef ARCH_ELASTIC_SITE_H
#define ARCH_ELASTIC_SITE_H

#include "arch/elastic/elastic.h"
#include "core/block.h"
#include "core/divisor.h"
#include "core/mail.h"
#include "core/util.h"
#include "memory/registers.h"

#define NOWHERE UINT32_MAX

/* ---- pixels in the order in which they come, or are made ---- */

struct place {
    uint32_t row, column;
};

struct order { // of one image
    uint32_t      n, height, width;
    struct divisor by;    // n
    struct place *at;    // owned; [n]
    uint32_t     *index; // owned; [column * height + row]: where in at[], or NOWHERE
    bool          scans; // all of the map, column by column
};

static inline uint32_t order_index(const struct order *o, uint32_t row, uint32_t column)
{
    return o->index[(size_t)column * o->height + row];
}

/* The image of the i-th pixel of all, and which of that image it is. */
static inline uint64_t order_image(const struct order *o, uint64_t i)
{
    return quotient(i, &o->by);
}

static inline uint32_t order_at(const struct order *o, uint64_t i)
{
    return (uint32_t)remainder_of(i, &o->by);
}

/* ---- where time goes ---- */

struct meter_time { // for a cause
    uint64_t clk;
    uint64_t late_clk; // since the last work: idle, if none follows
    uint64_t work;     // after which work that was
};

struct meter {
    enum elastic_state  state; // since since_clk
    uint64_t            since_clk;
    uint32_t            by;    // of cause[]: why; of ELASTIC_BUSY none
    struct meter_time  *time;  // owned; [room]
    uint64_t            work;  // times that it began to work
    uint64_t            busy_clk, idle_clk; // the latter until its first work, and after its last
    uint64_t            begin_clk; // of its first work
    struct elastic_cause *cause; // owned; [room]; without their clocks
    uint32_t            n, room;
    uint32_t            stage; // of the result
    const struct elastic_watch *watch; // NULL: nobody
};

bool meter_init(struct meter *m, uint32_t room);
void meter_release(struct meter *m); // takes a zeroed one

/* From now on. */
void meter_change(struct meter *m, uint64_t now, enum elastic_state state, enum elastic_on on,
                  uint32_t stream);

/* Likewise; where it is already so, and for the same reason, its time just goes on. */
static inline void meter_set(struct meter *m, uint64_t now, enum elastic_state state,
                             enum elastic_on on, uint32_t stream)
{
    const struct elastic_cause *c = &m->cause[m->by];

    if (state != m->state ||
        (state != ELASTIC_BUSY && (m->by == 0 || c->on != on || c->stream != stream)))
        meter_change(m, now, state, on, stream);
}

/* Which of cause[] it is. */
uint32_t meter_find(struct meter *m, enum elastic_state state, enum elastic_on on,
                    uint32_t stream);

/* Adds the time since the last change. */
static inline void meter_pass(struct meter *m, uint64_t now)
{
    const uint64_t clk = now - m->since_clk;

    m->since_clk = now;
    if (m->state == ELASTIC_BUSY) {
        m->busy_clk += clk;
        return;
    }
    struct meter_time *c = &m->time[m->by];
    if (c->work != m->work)
        c->late_clk = 0;
    c->work = m->work;
    c->late_clk += clk;
    c->clk += clk;
}

/* What is known behind the clock: in which state it was until then, if that is later than what is
 * known already; and that it works in [from, to). *by is the cause, once it has been looked for; 0
 * before. */
static inline void meter_spend(struct meter *m, uint64_t until, uint32_t *by,
                               enum elastic_state state, enum elastic_on on, uint32_t stream)
{
    if (until <= m->since_clk)
        return;
    if (*by == 0)
        *by = meter_find(m, state, on, stream);
    m->by = *by;
    m->state = state;
    meter_pass(m, until);
}

void meter_begin(struct meter *m, uint64_t now); // the first of its work
static inline void meter_work(struct meter *m, uint64_t from, uint64_t to)
{
    assert(from == m->since_clk && to >= from);
    if (m->work == 0)
        meter_begin(m, from);
    m->work++;
    m->busy_clk += to - from;
    m->since_clk = to;
}

void meter_settle(struct meter *m, uint64_t now); // counts what goes on until now
void meter_end(struct meter *m); // when it is settled
void meter_clocks(const struct meter *m, uint64_t clk[N_ELASTIC_STATE]); // after its end

/* ---- links, and the buffers that they send from ---- */

struct fill { // how full a buffer is
    uint32_t size, used, most;
    bool     raised;
    uint64_t full_clk, since_clk; // the latter while it is full
    uint32_t buffer; // of the result
    const struct elastic_watch *watch; // NULL: nobody
};

static inline void fill_tell(const struct fill *f, uint64_t now)
{
    if (f->watch)
        f->watch->fill(f->watch->user, now, f->buffer, f->used);
}

static inline void fill_add(struct fill *f, uint64_t now, uint32_t n)
{
    const bool was = f->used >= f->size;

    f->used += n;
    f->most = max_u32(f->most, f->used);
    if (!was && f->used >= f->size)
        f->since_clk = now;
    fill_tell(f, now);
}

static inline void fill_take(struct fill *f, uint64_t now, uint32_t n)
{
    const bool was = f->used >= f->size;

    assert(f->used >= n);
    f->used -= n;
    if (was && f->used < f->size)
        f->full_clk += now - f->since_clk;
    fill_tell(f, now);
}

static inline void fill_settle(struct fill *f, uint64_t now) // counts what goes on until now
{
    if (f->used >= f->size)
        f->full_clk += now - f->since_clk;
    f->since_clk = now;
}

struct token_out {
    uint32_t n, left;  // pixels; links that have not finished sending it
    uint64_t clk;      // it is there from then on
    uint64_t free_clk; // and its place is free, once nothing is left: of a core that works ahead
};

struct send_buffer {
    struct fill fill;
    struct token_out *token; // owned; ring of mask + 1, a power of two
    uint32_t          mask;
    uint64_t          first, end; // tokens [first, end) are there
    uint32_t          n_link;
    struct link     **link; // owned; [n_link]; NULL: not ahead
};

struct wire { // that several streams share: a link between two places
    struct link **link; // owned; borrowed ones, in the order of the plan
    uint32_t      n, turn;
    struct link  *busy; // that sends; NULL: none
};

struct link { // of one stream that goes out
    uint32_t            stream;
    const struct order *order; // of the pixels that it carries
    struct mail        *tokens;  // pixels of each
    struct mail        *credits; // places; told as soon as what frees them has begun
    struct send_buffer *from;
    uint64_t            next;    // token of it
    uint32_t            n;       // pixels of the token that is being sent; 0: idle
    uint64_t            end_clk; // CYC_NEVER: idle
    bool                waits;   // for credits
    uint32_t            credit, size; // places known to be free at the receiver, of so many
    uint32_t            hop_clk;
    uint64_t            last_bits, last_clk; // of the token before; 0: none
    bool                routed; // through the chip's net
    bool                fast;   // a token takes a clock
    struct link        *lead;   // that sends for it: itself, or another that has the same tokens
    struct link       **with;   // owned; of a lead of several: all of them, itself first; else NULL
    uint32_t            n_with;
    struct wire        *wire;   // NULL: has one for itself
    uint64_t            pixels; // begun to be sent
    uint64_t            got;    // credits that have come back
    uint64_t            pixel_bits; // 0: not all pixels have as many
    uint64_t           *sent_clk; // owned; ring as its buffer's: when tokens were sent; NULL: not
                                  // ahead
    uint32_t            by_token, by_credit; // ahead: of its meter
    struct elastic_stream count;
    struct meter        meter;
};

/* ---- streams that come in ---- */

struct intake {
    uint32_t            stream;
    const struct order *order;
    struct mail        *tokens, *credits;
    struct fill         fill;
    uint64_t            arrived, taken; // pixels
    uint32_t            credit_clk;     // until places that are free are known to be
    bool                prompt;         // a pixel that comes may free its place whatever goes on
    uint64_t            visible;        // of pixels to be stored: those of whole tokens
    uint32_t           *token; // owned; ring of fill.size: pixels of the tokens that are here
    uint32_t            token_first, token_n, token_done; // done: pixels stored of the first
    uint32_t            first, n; // channels, as the memory has them
    struct order        folded;   // owned; zero, or where a layer that makes a row of a map stores
    bool               *used;     // owned; by pixel of the order: an output adds it; NULL: stored
};

/* ---- a core ---- */

struct back { // pixels read back for one receiver
    const struct read_back *who;
    const struct order     *order;  // of the receiver's outputs
    uint32_t               *need;   // owned; [order->n][n_in]
    uint32_t               *index;  // owned; of the memory's map: where in the order, or NOWHERE
    uint64_t                begun, done; // pixels
    struct send_buffer      out;
    uint32_t                stream; // one of those that it goes out by
};

enum port_work { PORT_IDLE, PORT_STORES, PORT_READS_BACK, PORT_READS };
enum registers_state { REGISTERS_EMPTY, REGISTERS_LOAD, REGISTERS_FULL, REGISTERS_IN_USE };

/* Resources that a clock has to look at, since something has changed that they depend on. */
enum { LOOK_LINKS = 1, LOOK_DIGITAL = 2, LOOK_ARRAY = 4, LOOK_PORT = 8, LOOK_ALL = 15 };

struct elastic_chip;
struct ahead;

struct site {
    struct block         base; // first; then what every step needs
    struct ahead        *ahead; // owned; NULL: it is stepped clock by clock
    struct elastic_chip *chip;
    const struct order  *own;  // of a core's outputs
    struct intake       *in;   // owned; [n_in]: to be stored, in the order of the plan
    struct intake       *added; // owned; [n_added]: residual pixels
    uint32_t             n_in, n_added;
    uint32_t             n_link, n_back;
    struct link         *link;  // owned
    uint64_t             load_next, array_next, digital_next, made; // outputs
    struct meter         port_meter, array_meter, digital_meter;
    struct elastic_core  count;
    uint64_t            *want; // owned; [n_in]: pixels that the next firing needs
    uint32_t            *need; // [own->n][n_in]: pixels of a stream that must be visible
    bool                *reads; // [own->n]: whether its registers load anything for it
    uint32_t            *last_read; // of the memory's map: the output for which it is read last,
                                    // or NOWHERE
    uint32_t            *words; // [rotation][own->n]: that they load, of an image whose first is
                                // not NOWHERE; NULL: of firings that are not of one output
    uint32_t            *adds; // owned; [own->n][n_added]: which pixel of a stream, or NOWHERE
    uint64_t             word_clk; // of its port
    uint64_t             load_end, array_end, digital_end;
    uint64_t             array_clk;   // that the array takes
    uint64_t             digital_clk; // that the processor takes for digital_of outputs
    uint32_t             digital_of;
    uint32_t             digital_n, digital_out; // outputs, and places taken for them
    uint32_t             rotation; // images until columns lie where they did
    bool                 fast[ELASTIC_LINK]; // an operation takes a clock at most
    bool                 is_array;
    bool                 delivers; // results that leave the chip
    bool                 ends;     // its chain
    bool                 pools;    // its layer, all outputs of an image
    bool                 tokens;   // of a layer of tokens: no port, no array, lanes as processor
    bool                 prompt;   // one of its added streams is
    bool                 stays;    // with the clock, though its operations may be known ahead of it
    struct firing_shape  shape;
    struct send_buffer   out;
    struct intake        sums;  // tokens NULL: the first of its chain

    unsigned             look; // LOOK_*
    uint64_t             link_end, core_end; // clocks in which the next of them ends
    uint32_t             index; // core of the plan, or behind them image feeds
    struct wire         *wire;  // owned
    uint32_t             n_wire;
    uint32_t             n_waiting; // links, for credits

    /* Of a scratchpad. */
    uint64_t             pixels; // put into the buffer

    /* Of a core. */
    const struct plan_core  *pc;
    const struct plan_layer *pl;
    const struct layer      *layer;
    const struct memory_layout *layout;
    struct divisor       width;    // of its map
    struct input_registers registers;
    struct back         *back; // owned; [n_back]
    const struct site   *like;  // that owns what it reads as well; NULL: it does itself
    enum port_work       port;
    uint32_t             port_of;  // intake or back
    uint64_t             port_end;
    enum registers_state loaded;
    bool                 load_uses_port;
    uint32_t             load_n, array_n; // outputs
    uint64_t             load_done;
    struct pixel        *fired;    // owned; [a firing's most]: for who watches; NULL: nobody does
    bool                 works;    // any of port, array and digital processor, since works_clk
    uint64_t             works_clk;
    bool                 array_busy, digital_busy;
    uint32_t             group_n;  // of the next firing; 0: not known
    uint32_t            *result;   // owned; ring of elastic.results
    uint32_t             result_first, result_n;
};

struct left_out { // images that were not run, since they repeat others
    uint64_t images, clk;         // and their clocks
    uint64_t period, period_clk;  // images that they repeat, and their clocks
    uint64_t begun, ended;        // images, before them
    uint64_t *start_clk;          // owned; [n_start]: when they begin, and so on rotation_clk after
    uint64_t n_start, rotation_clk; // each; NULL: a period after others
};

struct elastic_chip {
    const struct plan        *plan;
    const struct elastic_cfg *cfg;
    uint64_t                  n_image; // that are run
    bool                      live;    // images come while it runs (live.c)
    uint64_t                 *given_clk; // owned; [n_given]: then, when each is there
    uint64_t                  n_given;
    struct left_out           left_out;
    const struct core_probe  *probe; // NULL: nobody
    const struct elastic_watch *watch; // NULL: nobody
    const struct elastic_reads *reads; // NULL: all
    struct err_msg            msg;
    enum err                  err;   // why reads are not known
    uint32_t                  n_stage, n_buffer; // of the result
    bool                      checks; // links_check() in every step
    bool                      ahead;  // its cores are
    const bool               *alone;  // borrowed; [n_site]: of these it consists; NULL: of all
    struct order              image;
    struct order             *order;  // owned; by core: of its outputs, at the first of its copy
    struct order              pooled; // one pixel
    struct site              *site;   // owned; [n_site]
    uint32_t                  n_site;
    char                    **path;   // owned
    struct net               *net; // owned; NULL: a link for every stream
    struct mail              *tokens, *credits; // owned; [n_stream]
    struct link             **link_of;   // owned; [n_stream]
    struct intake           **intake_of; // owned; [n_stream]; NULL: leaves the chip
    uint64_t                 *start_clk, *result_clk; // owned; [n_noted]
    uint64_t                  n_noted;   // all images, or those given at least
    uint64_t                  n_result;  // outputs of the result that are made
    struct block            **block; // owned
    struct design             design;
    struct kernel            *kernel; // owned; NULL once the run has ended
};

/* Whether its chip consists of more than its mail. */
static inline bool site_is_run(const struct site *s)
{
    return !s->chip->alone || s->chip->alone[s->index];
}

/* The i-th output of a core, and how many there are. */
static inline struct pixel site_output(const struct site *s, uint64_t i)
{
    const struct place *at = &s->own->at[order_at(s->own, i)];

    return (struct pixel){ order_image(s->own, i), at->row, at->column };
}

static inline uint64_t site_n_output(const struct site *s)
{
    return s->chip->n_image * s->own->n;
}

/* ---- reads.c ---- */

/* When the array ends that has started its last array_n outputs now; CYC_NEVER: chip->err says why
 * nobody knows. */
uint64_t site_array_end(struct site *s, uint64_t now);

/* ---- orders.c ---- */

bool order_of_outputs(struct order *o, const struct plan *p, uint32_t layer, uint32_t copy);
bool order_of_map(struct order *o, uint32_t height, uint32_t width);
/* Of a map of `rows` rows that is stored as one row, column after column. */
bool order_of_folded(struct order *o, const struct order *map, uint32_t rows);
void order_release(struct order *o);

/* Fills what a core's outputs need. False when the host has no memory. */
bool site_needs(struct site *s);
void site_needs_release(struct site *s);

/* ---- links.c ---- */

static inline struct token_out *send_buffer_token(const struct send_buffer *b, uint64_t token)
{
    return &b->token[token & b->mask];
}

bool send_buffer_init(struct send_buffer *b, uint32_t size, uint32_t least, uint32_t n_link);

/* Room for so many tokens at least; there are none. False when the host has no memory. */
bool send_buffer_room(struct send_buffer *b, uint32_t n);

/* A token whose place is taken already. */
static inline void send_buffer_put(struct send_buffer *b, uint32_t n, uint64_t clk)
{
    assert(b->end - b->first <= b->mask);
    *send_buffer_token(b, b->end++) = (struct token_out){ n, b->n_link, clk, clk };
}

/* Clocks in which a link sends its next token, of n pixels. */
uint64_t link_find_clocks(const struct site *s, struct link *l, uint32_t n, uint64_t *bits);
static inline uint64_t link_clocks(const struct site *s, struct link *l, uint32_t n,
                                   uint64_t *bits)
{
    *bits = n * l->pixel_bits;
    if (*bits > 0 && *bits == l->last_bits) // mostly they are as many
        return l->last_clk;
    return link_find_clocks(s, l, n, bits);
}

/* Rules 1 and 2 of all links, the latter with their meters. */
void links_end(struct site *s, uint64_t now);
void links_start(struct site *s, uint64_t now);

/* The next clock in which a link's end lets something start, another token or what waits for room
 * where that stood, or credits come that one waits for. */
uint64_t links_wake(const struct site *s);

/* Takes all credits, when all is done; returns when the last of them came, or 0. */
uint64_t links_drain(struct site *s);

/* Asserts what holds at any time, of every stream that goes out: places known to be free, taken by
 * pixels on their way or there, and whose credits are on their way back are all places. */
void links_check(struct site *s, uint64_t now);

/* ---- share.c: streams of a core that are sent together, or in turn ---- */

/* Links of the same tokens to different cores send together: one packet, copied on its way. */
bool links_unite(struct elastic_chip *c);

/* Streams from a place to another share the link between them. ERR_INPUT: there is none. */
enum err links_share(struct elastic_chip *c, const struct elastic_places *places,
                     struct err_msg *m);
void links_release(struct site *s); // what both have made

/* Of links that are shared, when all is done. */
void links_measure(const struct elastic_chip *c, const struct elastic_places *places,
                   struct elastic_wires *w);

/* Of links that send together the first whose receiver has no room for n pixels; NULL: all have. */
struct link *link_short_of(struct link *l, uint32_t n);

/* Whether a link may send its next token: its wire is idle, and no other's turn comes before. */
bool link_has_turn(const struct link *l);
bool link_is_shared(const struct link *l); // its wire: somebody may wait for it
void link_takes_wire(struct link *l);

/* ---- net.c: routers between the cores ---- */

struct net;

enum err net_new(struct net **n, struct elastic_chip *c, const struct elastic_places *places,
                 struct err_msg *m);
void net_free(struct net *n); // takes NULL

bool net_carries(const struct plan_stream *st);
struct block *net_block(struct net *n);

/* How tokens of a stream come to its receiver, of which `size` are on their way at most. False when
 * the host has no memory. */
bool net_connect(struct net *n, uint32_t stream, struct mail *to_core, uint32_t size);
uint32_t net_hops(const struct net *n, uint32_t stream);
uint32_t net_to(const struct net *n, uint32_t stream); // node

/* After links_unite(): the ways of packets that are copied. */
enum err net_unite(struct net *n, struct err_msg *m);

/* A token of so many pixels and bits is sent from now on, for all links that the stream's leads;
 * whether its tail was, before now. */
void net_send(struct net *n, uint32_t stream, uint32_t pixels, uint64_t bits, uint64_t now);
bool net_has_sent(struct net *n, uint32_t stream, uint64_t now);

/* Whether the streams' tokens fit. ERR_INPUT: longer than a packet may be. */
enum err net_check(const struct net *n, uint32_t stream, uint64_t most_bits, struct err_msg *m);

/* Why the routers could not go on, if they could not. */
enum err net_error(const struct net *n, struct err_msg *m);

/* For repeat.c: all that decides what follows from now on, and all that adds up, to now. */
void net_state(struct net *n, uint64_t now, void (*put)(void *user, uint64_t number), void *user);
void net_sums(struct net *n, void (*add)(void *user, uint64_t *sum), void *user);
void net_settle(struct net *n, uint64_t now);

/* When all is done. */
enum err net_collect(struct net *n, struct elastic_packets *p, struct err_msg *m);

/* ---- repeat.c ---- */

struct repeat;

/* NULL when the host has no memory. */
struct repeat *repeat_new(struct elastic_chip *c, const struct elastic_cfg_run *cfg);
void repeat_free(struct repeat *r);

/* After each clock in which something was due: leaves out what repeats. False when there is no more
 * to look for. */
bool repeat_step(struct repeat *r, uint64_t now);

/* Counts what goes on until now, of everything; of cores that work ahead when all is done. */
void chip_settle(struct elastic_chip *c, uint64_t now, bool done);

/* All that can be known in a clock, whatever order cores were stepped in. */
void chip_find_out(struct elastic_chip *c, uint64_t now);

/* Images that anybody knows to come. */
uint64_t chip_images_known(const struct elastic_chip *c);

/* Of those that are run: that have begun; whole. */
uint64_t chip_images_begun(const struct elastic_chip *c);
uint64_t chip_images_ended(const struct elastic_chip *c);

/* When all is done: when each image began and ended. */
void repeat_spread(struct elastic_chip *c);

/* ---- turns.c: cores whose memories turn from image to image ---- */

struct turns;

/* Of a chip whose cores work ahead, before it runs: keeps what these cores are told and tell, and
 * makes them stay with the clock. NULL: there are none, they cannot be run alone, or the host has
 * no memory. */
struct turns *turns_new(struct elastic_chip *c, const struct elastic_cfg_run *cfg,
                        uint64_t rotation);
void turns_free(struct turns *t); // takes NULL; no more is kept

/* An image has ended, and all is known that can be. False when it is not the next one since the
 * last call, there are no more turns, or the host has no memory. */
bool turns_mark(struct turns *t, uint64_t image, uint64_t now);

/* The chip's state was the same as image `before` and as the last one had ended, but for where in
 * its words a memory has its columns. Whether all that follows is as in between, as these cores
 * tell the others the same wherever they have them. That costs to run them alone for some images:
 * it is not tried where that is more than it saves, at most to run the chip for `most` images. */
bool turns_repeat(struct turns *t, uint64_t before, uint64_t most);

/* After this, what is in between is left out n times: whether a site was run alone; counts what
 * those would have counted, and when images would have begun. */
bool turns_has(const struct turns *t, uint32_t site);
void turns_leave_out(struct turns *t, uint64_t n);

/* ---- port.c ---- */

/* Places are free from a clock on; n are. */
static inline void intake_credit(struct intake *in, uint64_t clk, uint32_t n)
{
    mail_put(in->credits, clk + in->credit_clk, n);
}

static inline void intake_free(struct intake *in, uint64_t now, uint32_t n)
{
    fill_take(&in->fill, now, n);
    in->taken += n;
}

/* A token's pixels lie in the input buffer. */
static inline void intake_put(struct intake *in, uint32_t n)
{
    uint32_t at = in->token_first + in->token_n++;

    in->token[at < in->fill.size ? at : at - in->fill.size] = n;
}

void intake_take(struct site *s, struct intake *in, uint64_t now); // the oldest token

void port_ends(struct site *s, uint64_t now); // what stores, or reads back
void port_load_ends(struct site *s);
void port_starts(struct site *s, uint64_t now); // rule 5
void port_watch(struct site *s, uint64_t now);

/* Words of a pixel that is stored, of the next that is read back, of the next n outputs; the port's
 * clocks for them. */
uint64_t port_store_words(const struct site *s, const struct intake *in, const struct pixel *at);
uint64_t port_back_words(const struct site *s, const struct back *b);
uint64_t port_firing_words(struct site *s, uint32_t n);

/* Of each output of an image; s->words is not NULL. */
void port_find_words(struct site *s, uint64_t image, uint32_t *words);
static inline const uint32_t *port_words(struct site *s, uint64_t image)
{
    const uint64_t turn = s->rotation > 1 ? (image + s->chip->left_out.images) % s->rotation : 0;
    uint32_t *words = s->words + turn * s->own->n;

    if (words[0] == NOWHERE)
        port_find_words(s, image, words);
    return words;
}
static inline uint64_t port_clocks(const struct site *s, uint64_t words)
{
    const uint64_t clk = words * s->word_clk;

    return s->fast[ELASTIC_PORT] ? min_u64(clk, 1) : clk;
}

/* Whether the next n outputs read anything; the next group, which it finds, is there; the next
 * pixel to be read back is. A pixel is stored, maybe the last of its token. */
bool port_is_needed(const struct site *s, uint32_t n);
bool port_group_is_there(struct site *s);
bool port_back_is_visible(const struct site *s, const struct back *b);
static inline void port_stored(struct intake *in)
{
    if (++in->token_done < in->token[in->token_first])
        return;
    in->visible += in->token_done;
    in->token_done = 0;
    in->token_first = in->token_first + 1 < in->fill.size ? in->token_first + 1 : 0;
    in->token_n--;
}

/* The first stream of which the next firing lacks a pixel; NULL: it lacks none, or is none. */
const struct intake *port_missing(const struct site *s);

/* When the port's end lets something start, or a pixel comes while it is idle. */
uint64_t port_wake(struct site *s);

/* ---- core.c, scratchpad.c ---- */

/* Takes what ends or comes in clocks before this one; returns the last of them in which something
 * did, or 0. */
uint64_t site_settle(struct site *s, uint64_t before);

/* Places that n outputs from `first` on take in the output buffer; clocks of digital operations for
 * the next n. */
static inline uint32_t site_places(const struct site *s, uint64_t first, uint32_t n)
{
    if (!s->pools)
        return n;
    return (uint32_t)(order_image(s->own, first + n) - order_image(s->own, first));
}

uint64_t site_find_digital_clocks(struct site *s, uint32_t n);
static inline uint64_t site_digital_clocks(struct site *s, uint32_t n)
{
    if (s->tokens || n != s->digital_of) // mostly they are as many
        return site_find_digital_clocks(s, n);
    return s->fast[ELASTIC_DIGITAL] ? 1 : s->digital_clk;
}

/* Outputs of the chip's result, those of the digital operation, are there. */
void site_deliver(struct site *s, uint64_t now);

/* ---- ahead.c ---- */

/* A core whose operations are known before they come, as far as nothing unknown may change them.
 * False when the host has no memory. */
bool ahead_new(struct site *s);
void ahead_free(struct site *s);
bool ahead_may(const struct elastic_chip *c); // whether the chip's cores can be such

/* site_settle() of it. */
uint64_t ahead_settle(struct site *s, uint64_t before);

/* All that can be known in a clock; whether there was anything new. */
bool ahead_run(struct site *s, uint64_t now);

/* Images have been left out: columns come to other slots. */
void ahead_turn(struct site *s);

/* For repeat.c: all that decides what follows, but for what comes and what the port does. */
void ahead_state(const struct site *s, uint64_t image, uint64_t now,
                 void (*put)(void *user, uint64_t number), void *user);

extern const struct block_ops elastic_core_ops, elastic_ahead_ops, elastic_scratchpad_ops;

/* ---- stuck.c: why nothing moves ---- */

struct stuck { // the circle of stages
    bool     is;
    bool     full[N_ELASTIC_BUFFER]; // buffers of a kind are
    uint32_t columns; // of a memory in it that are all taken; 0: none
};

void stuck_explain(const struct elastic_chip *c, struct err_msg *m, struct stuck *stuck);

/* Tells cfg->waits of every stage that has work and cannot go on. */
void stuck_list(const struct elastic_chip *c, const struct elastic_cfg_run *cfg);

/* ---- chip.c, cure.c ---- */

/* A chip in clock 0; *c is to be released after an error. */
struct chip_kind {
    bool        live;  // images come while it runs
    bool        ahead; // its cores work ahead if they may
    const bool *alone; // borrowed; [n_site]: of these it consists; NULL: of all
};
enum err chip_make(struct elastic_chip *c, const struct plan *p,
                   const struct elastic_cfg_run *cfg, const struct chip_kind *kind,
                   struct err_msg *m);
void chip_release(struct elastic_chip *c);

/* Room for when n images begin and end. False when the host has no memory. */
bool chip_note_images(struct elastic_chip *c, uint64_t n);

/* Runs until nothing moves, and says what came of it. ERR_RUN: not all images are through, as
 * *stuck says. On error *r is zero. */
enum err chip_end(struct elastic_chip *c, const struct elastic_cfg_run *cfg,
                  struct elastic_result *r, struct err_msg *m, struct stuck *stuck);

/* One run; *stuck says how it stands still, if it does. */
enum err elastic_run_once(const struct plan *p, const struct elastic_cfg_run *cfg,
                          struct elastic_result *r, struct err_msg *m, struct stuck *stuck);

/* Puts the least change that was found to break it behind what the line says. */
void cure_suggest(const struct plan *p, const struct elastic_cfg_run *cfg,
                  const struct stuck *stuck, struct err_msg *m);

#endif
