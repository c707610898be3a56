/* traces/timeline.c -- see timeline.h.
 *
 * An image makes 70,000 events. Most of the time of a fprintf() for each would be spent on reading
 * the format, so that numbers are put together here.
 */
#include "traces/timeline.h"

#include <string.h>

enum { MOST_DIGITS = 20, US_DIGITS = 6 }; // of an uint64_t; of picoseconds in a microsecond

static void flush(struct timeline *t)
{
    fwrite(t->byte, 1, t->n_byte, t->out);
    t->n_byte = 0;
}

static void put_bytes(struct timeline *t, const char *byte, size_t n)
{
    if (n > TIMELINE_BUFFER - t->n_byte)
        flush(t);
    if (n > TIMELINE_BUFFER) {
        fwrite(byte, 1, n, t->out);
        return;
    }
    memcpy(t->byte + t->n_byte, byte, n);
    t->n_byte += n;
}

static inline void put(struct timeline *t, const char *text)
{
    put_bytes(t, text, strlen(text)); // of a literal, known when compiled
}

/* With zeros in front up to so many digits. */
static void put_number(struct timeline *t, uint64_t n, size_t least_digits)
{
    char digit[MOST_DIGITS];
    size_t at = MOST_DIGITS;

    do {
        digit[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0 || MOST_DIGITS - at < least_digits);
    put_bytes(t, digit + at, MOST_DIGITS - at);
}

void timeline_begin(struct timeline *t, FILE *out, uint32_t clock_mhz)
{
    t->out = out;
    t->clock_mhz = clock_mhz;
    t->n_event = 0;
    t->n_byte = 0;
    put(t, "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [");
}

void timeline_end(struct timeline *t)
{
    put(t, "\n]}\n");
    flush(t);
}

/* ---- parts of an event ---- */

static void put_field(struct timeline *t, const char *key, uint64_t value)
{
    put(t, ",\"");
    put(t, key);
    put(t, "\":");
    put_number(t, value, 1);
}

/* One field that is not the first, and the end of the event. */
static void put_arg(struct timeline *t, const char *key, uint64_t value)
{
    put(t, ",\"args\":{\"");
    put(t, key);
    put(t, "\":");
    put_number(t, value, 1);
    put(t, "}}");
}

static void put_name(struct timeline *t, const char *name)
{
    put(t, ",\"args\":{\"name\":\"");
    put(t, name);
    put(t, "\"}}");
}

static void open_event(struct timeline *t, char phase, uint32_t process, const char *name)
{
    put(t, t->n_event++ ? ",\n{\"ph\":\"" : "\n{\"ph\":\"");
    put_bytes(t, &phase, 1);
    put(t, "\",\"name\":\"");
    put(t, name);
    put(t, "\"");
    put_field(t, "pid", process);
}

static void put_time(struct timeline *t, const char *key, uint64_t cyc)
{
    const uint64_t ps_per_us = 1000000;
    uint64_t part_ps = cyc % t->clock_mhz * ps_per_us / t->clock_mhz;
    size_t digits = US_DIGITS;

    put_field(t, key, cyc / t->clock_mhz);
    if (part_ps == 0)
        return;
    for (; part_ps % 10 == 0; part_ps /= 10)
        digits--;
    put(t, ".");
    put_number(t, part_ps, digits);
}

/* ---- events ---- */

void timeline_name_process(struct timeline *t, uint32_t process, const char *name)
{
    open_event(t, 'M', process, "process_name");
    put_name(t, name);
    open_event(t, 'M', process, "process_sort_index");
    put_arg(t, "sort_index", process);
}

void timeline_name_thread(struct timeline *t, struct timeline_track track, const char *name)
{
    open_event(t, 'M', track.process, "thread_name");
    put_field(t, "tid", track.thread);
    put_name(t, name);
    open_event(t, 'M', track.process, "thread_sort_index");
    put_field(t, "tid", track.thread);
    put_arg(t, "sort_index", track.thread);
}

void timeline_slice(struct timeline *t, struct timeline_track track, const char *name,
                    uint64_t begin_cyc, uint64_t n_cyc, const struct timeline_number *number,
                    uint32_t n)
{
    open_event(t, 'X', track.process, name);
    put_field(t, "tid", track.thread);
    put_time(t, "ts", begin_cyc);
    put_time(t, "dur", n_cyc);
    for (uint32_t i = 0; i < n; i++) {
        put(t, i ? ",\"" : ",\"args\":{\"");
        put(t, number[i].name);
        put(t, "\":");
        put_number(t, number[i].value, 1);
    }
    put(t, n ? "}}" : "}");
}

void timeline_flow(struct timeline *t, enum timeline_flow phase, uint64_t id,
                   struct timeline_track track, uint64_t cyc)
{
    open_event(t, "stf"[phase], track.process, "pixel");
    put_field(t, "tid", track.thread);
    put_time(t, "ts", cyc);
    put_field(t, "id", id);
    put(t, ",\"cat\":\"pixel\"");
    put(t, phase == FLOW_END ? ",\"bp\":\"e\"}" : "}"); // binds to the slice around it
}

void timeline_counter(struct timeline *t, uint32_t process, const char *name, uint64_t cyc,
                      uint64_t value)
{
    open_event(t, 'C', process, name);
    put_time(t, "ts", cyc);
    put_arg(t, "value", value);
}
