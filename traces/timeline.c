/* traces/timeline.c -- see timeline.h. */
#include "traces/timeline.h"

#include <inttypes.h>

void timeline_begin(struct timeline *t, FILE *out, uint32_t clock_mhz)
{
    *t = (struct timeline){ .out = out, .clock_mhz = clock_mhz };
    fputs("{\"displayTimeUnit\": \"ns\", \"traceEvents\": [", out);
}

void timeline_end(struct timeline *t)
{
    fputs("\n]}\n", t->out);
}

static void open_event(struct timeline *t, char phase, uint32_t process, const char *name)
{
    fprintf(t->out, "%s\n{\"ph\":\"%c\",\"pid\":%" PRIu32 ",\"name\":\"%s\"",
            t->n_event++ ? "," : "", phase, process, name);
}

static void put_time(struct timeline *t, const char *key, uint64_t cyc)
{
    const uint64_t ps_per_us = 1000000;
    uint64_t part_ps = cyc % t->clock_mhz * ps_per_us / t->clock_mhz;

    fprintf(t->out, ",\"%s\":%" PRIu64 ".%06" PRIu64, key, cyc / t->clock_mhz, part_ps);
}

static void put_thread(struct timeline *t, struct timeline_track track)
{
    fprintf(t->out, ",\"tid\":%" PRIu32, track.thread);
}

void timeline_name_process(struct timeline *t, uint32_t process, const char *name)
{
    open_event(t, 'M', process, "process_name");
    fprintf(t->out, ",\"args\":{\"name\":\"%s\"}}", name);
    open_event(t, 'M', process, "process_sort_index");
    fprintf(t->out, ",\"args\":{\"sort_index\":%" PRIu32 "}}", process);
}

void timeline_name_thread(struct timeline *t, struct timeline_track track, const char *name)
{
    open_event(t, 'M', track.process, "thread_name");
    put_thread(t, track);
    fprintf(t->out, ",\"args\":{\"name\":\"%s\"}}", name);
    open_event(t, 'M', track.process, "thread_sort_index");
    put_thread(t, track);
    fprintf(t->out, ",\"args\":{\"sort_index\":%" PRIu32 "}}", track.thread);
}

void timeline_slice(struct timeline *t, struct timeline_track track, const char *name,
                    uint64_t begin_cyc, uint64_t n_cyc, const struct timeline_number *number,
                    uint32_t n)
{
    open_event(t, 'X', track.process, name);
    put_thread(t, track);
    put_time(t, "ts", begin_cyc);
    put_time(t, "dur", n_cyc);
    fputs(",\"args\":{", t->out);
    for (uint32_t i = 0; i < n; i++)
        fprintf(t->out, "%s\"%s\":%" PRIu64, i ? "," : "", number[i].name, number[i].value);
    fputs("}}", t->out);
}

void timeline_flow(struct timeline *t, enum timeline_flow phase, uint64_t id,
                   struct timeline_track track, uint64_t cyc)
{
    open_event(t, "stf"[phase], track.process, "pixel");
    put_thread(t, track);
    put_time(t, "ts", cyc);
    fprintf(t->out, ",\"cat\":\"pixel\",\"id\":%" PRIu64 "%s}", id,
            phase == FLOW_END ? ",\"bp\":\"e\"" : ""); // binds to the slice around it
}

void timeline_counter(struct timeline *t, uint32_t process, const char *name, uint64_t cyc,
                      uint64_t value)
{
    open_event(t, 'C', process, name);
    put_time(t, "ts", cyc);
    fprintf(t->out, ",\"args\":{\"value\":%" PRIu64 "}}", value);
}
