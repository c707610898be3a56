/* traces/timeline.h -- timelines: Chrome's trace-event format as JSON, which Perfetto opens,
 * written as it happens.
 *
 * Format: "Trace Event Format" (N. Duca, D. Sinclair), complete events X, counters C, flows s t f,
 * metadata M. A process is a core, a thread of it a track; both are counted from 1. Time goes in
 * clock cycles and is written in microseconds, rounded down to a picosecond.
 */
#ifndef TRACES_TIMELINE_H
#define TRACES_TIMELINE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TIMELINE_BUFFER = 4096 };

struct timeline {
    FILE    *out;       // borrowed; its errors are the caller's to look for
    uint32_t clock_mhz; // at least 1
    uint64_t n_event;
    size_t   n_byte; // written, but not to out yet:
    char     byte[TIMELINE_BUFFER];
};

struct timeline_track { // where an event is drawn
    uint32_t process, thread;
};

enum timeline_flow { FLOW_START, FLOW_STEP, FLOW_END };

void timeline_begin(struct timeline *t, FILE *out, uint32_t clock_mhz);
void timeline_end(struct timeline *t);

/* Names are letters, digits, spaces and . _ -; processes are shown in order of their numbers. */
void timeline_name_process(struct timeline *t, uint32_t process, const char *name);
void timeline_name_thread(struct timeline *t, struct timeline_track track, const char *name);

/* A slice of a track, with n numbers as its arguments. Slices of a track must not overlap. */
struct timeline_number {
    const char *name;
    uint64_t    value;
};
void timeline_slice(struct timeline *t, struct timeline_track track, const char *name,
                    uint64_t begin_cyc, uint64_t n_cyc, const struct timeline_number *number,
                    uint32_t n);

/* An arrow from the last point of the flow `id` to the slice that begins on the track at cyc. */
void timeline_flow(struct timeline *t, enum timeline_flow phase, uint64_t id,
                   struct timeline_track track, uint64_t cyc);

void timeline_counter(struct timeline *t, uint32_t process, const char *name, uint64_t cyc,
                      uint64_t value);

#endif
