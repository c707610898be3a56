/* memory/input_memory.h -- the SRAM in which a core caches its input pixels.
 *
 * A word of W bits holds floor(W / b) values of b bits, each one channel of a pixel; what is left
 * of it stays empty. Addresses, sizes and strides count values.
 *
 * The memory keeps K columns of H pixels. Columns are counted on from image to image, c = image * W
 * + column of the map; column c sits in slot c mod K and is overwritten by column c + K. A placing
 * (Dazzi et al. 2021, section 2.3) decides where a pixel lies, by two strides, delta_kernel and
 * delta_pix of the article's Algorithm 2:
 *
 *     address of (row, c) = row * delta_kernel + (c mod K) * delta_pix
 *
 * The values of every pixel really sit at that address. A pixel may come as channel slices from
 * several cores and is complete when all of them have come. Reading a pixel that is not
 * complete, or whose slot another column has taken, is an error of the plan: memory_read_row()
 * refuses it. Padding takes no slot: whoever reads inserts the zeros.
 *
 * docs/models/memory.md derives the word counts. Not modelled: banks, ports other than one word a
 * clock (dataflow checks that budget).
 */
#ifndef MEMORY_INPUT_MEMORY_H
#define MEMORY_INPUT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/divisor.h"

struct memory_shape {
    uint32_t pixel_values;   // channels that this core stores
    uint32_t height;         // H: pixels in a column
    uint32_t columns;        // K: columns kept
    uint32_t kernel_columns; // F: pixels in a kernel row, at most K
    uint32_t word_values;    // that fit a word
    uint32_t tracked;        // columns whose progress is known; at least K are
    uint32_t announced;      // slices of a pixel that others store, and that it waits for; may be 0
};

/* One placing: one file, one row of placings[]. */
struct placing {
    const char *name; // "iwap"
    const char *doc;
    bool        needs_masks; // pixels share words: write masks and bit-line indexes
    /* In values. delta_pix is pixel_values, as it is or rounded up to words. */
    void (*strides)(const struct memory_shape *s, uint64_t *delta_kernel, uint64_t *delta_pix);
};

/* A new placing is its file and a row here. */
#define PLACINGS(X) X(place_iwap) X(place_klip) X(place_plip)
#define PLACING(name) extern const struct placing name;
PLACINGS(PLACING)
#undef PLACING
extern const struct placing *const placings[]; // ends with NULL
const struct placing *placing_find(const char *name); // NULL when unknown

/* IWAP where the pixel as stored (a part's own channels) is narrower than a word, else PLIP. */
const struct placing *placing_auto(uint32_t pixel_values, uint32_t word_values);

struct memory_layout { // immutable; part of the plan
    struct memory_shape   shape;
    const struct placing *placing;
    uint64_t              delta_kernel, delta_pix; // values
    struct divisor        columns, word;           // K, and the values of a word
};

/* Needs every size of *s at least 1, kernel_columns <= columns, and a size in values that fits 64
 * bits. The words of one access are counted in 32: compare memory_used_words() with the SRAM, which
 * has fewer, before asking for them. */
void memory_layout_init(struct memory_layout *l, const struct memory_shape *s,
                        const struct placing *p);

/* From the first to the last used value (padding behind the last row or pixel is not counted). */
uint64_t memory_used_values(const struct memory_layout *l);
uint64_t memory_used_words(const struct memory_layout *l);

/* Whether every pixel begins a word, so that none shares one: all take as many. */
bool memory_words_apart(const struct memory_layout *l);

/* Words touched by writing n values of pixel (row, c) from channel `first` on. */
uint32_t memory_write_words(const struct memory_layout *l, uint32_t row, uint64_t c, uint32_t first,
                            uint32_t n);

/* Words touched by the n_columns pixels (row, c) .. (row, c + n_columns - 1): one kernel row. A
 * word that several of them share counts once. n_columns is 1 to K. */
uint32_t memory_read_words(const struct memory_layout *l, uint32_t row, uint64_t c,
                           uint32_t n_columns);

/* Images of `width` columns until their accesses take as many words as those of the first: until
 * columns come to the same slots again. 1 where pixels begin with words. */
uint32_t memory_rotation(const struct memory_layout *l, uint32_t width);

/* Words that an access takes in n images in a row, in each at the same place: their columns come to
 * other slots. `first` and `n_value` as in memory_write_words(), n_columns as in
 * memory_read_words(). */
struct image_row {
    uint32_t width;    // of an image
    uint32_t rotation; // memory_rotation() of it
    uint64_t n;
};
uint64_t memory_write_words_in(const struct memory_layout *l, const struct image_row *images,
                               uint32_t row, uint64_t c, uint32_t first, uint32_t n_value);
uint64_t memory_read_words_in(const struct memory_layout *l, const struct image_row *images,
                              uint32_t row, uint64_t c, uint32_t n_columns);

/* Table 1: smallest and largest over every position. */
struct memory_metrics {
    uint64_t used_values;
    double   empty_percent; // 100 * (1 - payload / used)
    uint32_t read_least, read_most, write_least, write_most; // words
};
struct memory_metrics memory_metrics(const struct memory_layout *l);

struct input_memory {
    const struct memory_layout *layout; // borrowed
    uint8_t                    *byte;   // owned; [planes]: a byte a value; NULL in a timing run
    uint32_t                    planes;
    size_t                      plane_bytes;
    uint64_t                   *known; // owned; [words]: see memory_learn(); NULL: nothing is
    struct pixel_slot {
        uint64_t column;  // c of the pixel whose values are here; meaningless while arrived == 0
        uint32_t arrived; // values and announcements of it that have come
    }        *slot;       // [height][columns]
    struct column_progress {
        uint64_t column; // meaningless while rows == 0
        uint32_t rows;   // pixels complete from the top
    }        *progress;   // [n_progress], by column
    uint32_t       n_progress;
    struct divisor tracked; // n_progress
};

/* Allocates slots, and words for as many planes: the memory of one chip, or of several in which the
 * same happens to other values. 0 planes: a timing run. False when the host has no memory; then *m
 * is zero. */
bool memory_init(struct input_memory *m, const struct memory_layout *layout, uint32_t planes);
void memory_release(struct input_memory *m); // takes a zeroed one

/* What a reader knows of words: that of a pixel which is `what`, not 0, is kept with each word of
 * it until something is written there, by whichever address. memory_known() returns it for where
 * (row, c) lies now; 0: nothing, or a pixel that does not begin with a word, of which nothing is
 * kept. memory_keep_known(), once, makes room for it; false: the host has no memory. */
bool memory_keep_known(struct input_memory *m);
void memory_learn(struct input_memory *m, uint32_t row, uint64_t c, uint64_t what);
uint64_t memory_known(const struct input_memory *m, uint32_t row, uint64_t c);

/* How many of the pixels (row, c) .. (row, c + n_columns - 1), from the first on, are known as
 * what, what + step and so on. n_columns is 1 to K. */
uint32_t memory_known_row(const struct input_memory *m, uint32_t row, uint64_t c,
                          uint32_t n_columns, uint64_t what, uint64_t step);

/* Forgets all pixels: the memory of a chip just reset. */
void memory_reset(struct input_memory *m);

/* Stores n values of pixel (row, c) from channel `first` on (article: store_data). Every channel
 * comes once; a pixel of another column that was in the slot is gone. bytes[planes][n]; NULL in a
 * timing run. Returns the words written. */
uint32_t memory_store(struct input_memory *m, uint32_t row, uint64_t c, uint32_t first, uint32_t n,
                      const uint8_t *bytes);

/* Takes note that one of the announced slices of pixel (row, c) has come elsewhere. */
void memory_announce(struct input_memory *m, uint32_t row, uint64_t c);

/* Pixels of column c that have come complete, from row 0 on, whether they are still there or not:
 * all of them once the column `tracked` later has one. Within a column pixels arrive in order of
 * their rows. */
uint32_t memory_rows_stored(const struct input_memory *m, uint64_t c);

/* Whether pixel (row, c) is complete and still there. */
bool memory_holds(const struct input_memory *m, uint32_t row, uint64_t c);

/* Reads the pixels (row, c) .. (row, c + n_columns - 1) in order of c, undoing the rotation of the
 * slots (article: read_data): plane p's to out[p * apart + n_columns * pixel_values]; out is NULL
 * in a timing run. Returns the words read, 0 when a pixel is not there: *missing is its column. */
uint32_t memory_read_row(const struct input_memory *m, uint32_t row, uint64_t c, uint32_t n_columns,
                         uint8_t *out, size_t apart, uint64_t *missing);

#endif
