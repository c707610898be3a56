/* traces/vcd.h -- waveforms: a value change dump, IEEE 1364-2005 section 18, written as it happens.
 *
 * Variables are declared first, in scopes named by dotted paths ("chip.conv1"); then time goes
 * forward and values are set. What is written at a time is the last value that each variable was
 * given in it, if that is another than before: a wire that falls and rises at once stays up. Events
 * have no value but happen. The format knows no signed wires, and viewers show -1 of 64 bits as
 * 2^64 - 1; a signed value is written as a real number, whole up to 2^53.
 *
 * Time is counted in clock cycles. The file's unit is the largest 1, 10 or 100 of microseconds to
 * femtoseconds in which a clock period is a whole number (500 MHz: 2 times 1 ns); if there is none,
 * a femtosecond, and the times of cycles are rounded down to it.
 *
 * Only the cycles of a window are written; it begins with the values that were there before.
 */
#ifndef TRACES_VCD_H
#define TRACES_VCD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum vcd_kind { VCD_WIRE, VCD_EVENT, VCD_SIGNED }; // the last is a wire of signed values

struct vcd;

struct vcd_cfg {
    FILE       *out;       // borrowed; its errors are the caller's to look for
    uint32_t    clock_mhz; // 1 to 1,000,000
    uint64_t    first_cyc, last_cyc; // of the window, both included
};

/* NULL when the host has no memory. */
struct vcd *vcd_new(const struct vcd_cfg *cfg);
void vcd_free(struct vcd *v); // takes NULL

/* Declares a variable and returns its number, counted from 0. A wire has 1 to 64 bits, a signed one
 * 64, and begins with `value`. Names are letters, digits, _ and -; those of one scope follow each
 * other. False when the host has no memory. */
bool vcd_declare(struct vcd *v, const char *scope, const char *name, enum vcd_kind kind,
                 uint32_t bits, uint64_t value, uint32_t *number);

/* Ends the declarations and writes them, under a comment without "$end". Time is cycle 0. */
void vcd_begin(struct vcd *v, const char *comment);

/* Goes on to a cycle, not before the present one. */
void vcd_time(struct vcd *v, uint64_t cyc);

void vcd_set(struct vcd *v, uint32_t wire, uint64_t value);
void vcd_happen(struct vcd *v, uint32_t event);

/* Writes what is left; the last time in the file is `cyc`, or the window's end. */
void vcd_end(struct vcd *v, uint64_t cyc);

#endif
