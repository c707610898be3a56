/* test/vcd_read.h -- reads value change dumps back: a small parser of IEEE 1364-2005, section 18,
 * that shares nothing with the writer. Anything it does not know fails the test.
 */
#ifndef TEST_VCD_READ_H
#define TEST_VCD_READ_H

#include <stdint.h>

struct vcd_change {
    uint64_t time; // ticks of the file
    uint64_t value;
};

struct vcd_signal {
    char  path[256]; // scopes and name, dots between; the name without that of its core
    char  name[128]; // as it stands in the file
    char  id[8];
    char  type[16]; // "wire", of real numbers too
    uint32_t bits;
    struct vcd_change *change; // owned; the first is $dumpvars', but for events
    uint32_t n_change, room;
};

struct vcd_file {
    char     timescale[32]; // "1 ns"
    char     comment[256];
    struct vcd_signal *signal; // owned
    uint32_t n_signal;
    uint64_t dump_time, end_time;
};

struct vcd_file vcd_read(const char *text);
void vcd_file_release(struct vcd_file *f);

/* NULL when there is none. */
const struct vcd_signal *vcd_find(const struct vcd_file *f, const char *path);

/* Value that the signal has from a time on. */
uint64_t vcd_value_at(const struct vcd_signal *s, uint64_t time);

/* Ticks for which a wire of one bit is up, until `end`. */
uint64_t vcd_time_up(const struct vcd_signal *s, uint64_t end);

#endif
