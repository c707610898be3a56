/* traces/images/images.h -- sets of images, labelled or not, streamed from files.
 *
 * Formats, recognised by content, plain or gzip, one file each: IDX, with the labels file that lies
 * beside it ("images-idx3" becomes "labels-idx1" in the name); CIFAR-10 and CIFAR-100 binary;
 * arrays of numpy, .npy and .npz; PNG and JPEG, one or a folder of them; bytes of a stated shape;
 * and the name "random" where there is no such file. Where n_bin maps are wanted of each, sets are
 * event recordings, frames of numpy, (recording, bin, channel, row, column), or "random". Pixels
 * are uint8, delivered as int8 = pixel - 128, all channels of a pixel together, row by row inside
 * each column:
 *
 *     out[((bin * width + column) * height + row) * channels + ch]
 *
 * An image smaller than the network wants is centred on a frame of pixel value 0; a grey one is
 * repeated in every channel. Where the network has one pixel whose channels are as many as the
 * image has bytes, the image is that vector, channel by channel, row by row. Other larger ones are
 * an error. images_map() has other values delivered. Nothing is kept: memory does not grow with the
 * number of images.
 */
#ifndef TRACES_IMAGES_IMAGES_H
#define TRACES_IMAGES_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "traces/images/normalise.h"

struct images; // an open set

struct images_shape {
    uint32_t height, width, channels;
};

struct images_how { // what the user says of a set, each NULL: nothing
    const char *labels; // path of its labels: IDX, or whole numbers of numpy
    const char *shape;  // of an image, "3x32x32": the set is bytes without a header
    const char *mean, *std; // of its channels: for normalise_read(), not for images_open_as()
    uint32_t    crop;   // of each image so many rows and columns in its middle; 0: all
    uint32_t    n_bin, bin_us; // a recording has as many maps, each of so many us; 0: an image, one
};

/* Opens the set at `path`, to be delivered in shape `want`. n_classes: labels must be below it.
 * how: NULL, nothing is said. */
enum err images_open_as(struct images **set, const char *path, const struct images_how *how,
                        struct images_shape want, uint32_t n_classes, struct err_msg *m);
enum err images_open(struct images **set, const char *path, struct images_shape want,
                     uint32_t n_classes, struct err_msg *m);
void images_close(struct images *set); // takes NULL

/* Pixels by what the network has of them: each channel, or all alike; bytes, or twice as many. */
struct pixel_map {
    uint32_t n;
    bool     wide;
    int8_t   byte[NORMALISE_MOST][256];
    int8_t   high[NORMALISE_MOST][256]; // if wide
};

/* Delivers map->byte[channel][pixel], borrowed, in place of pixel - 128; the map->high of all
 * pixels behind those of all, if it is wide. ERR_INPUT when the map is for other channels. */
enum err images_map(struct images *set, const struct pixel_map *map, struct err_msg *m);

/* Whether the images have labels; if not, they are delivered as 0. */
bool images_labelled(const struct images *set);

/* Images in the set; read from the header or the file's size, or found by reading through. */
enum err images_count(struct images *set, uint64_t *count, struct err_msg *m);

/* Skips n images, or all that are left where those are fewer. They are read and checked. */
enum err images_skip(struct images *set, uint64_t n, struct err_msg *m);

/* Next image into out[bins * height * width * channels] and its label. ERR_INPUT names file and
 * offset when the file ends inside it, the label is out of range or the gzip stream is corrupt.
 * After the last image *more is 0 and nothing is delivered. */
enum err images_next(struct images *set, int8_t *out, uint32_t *label, int *more,
                     struct err_msg *m);

/* A recording with the times of its events. */
struct image_event {
    uint64_t t_ns; // from the beginning of the recording
    uint32_t at;   // (column * height + row) * channels + ch
};
struct image_events { // zeroed by who has it
    struct image_event *event; // owned
    size_t              n, room;
};
void image_events_release(struct image_events *e);

/* Whether the set's events have times of their own; if not, they are in bins. */
bool images_timed(const struct images *set);

/* The next recording of such a set, its events in the order of the file, and its label. ERR_INPUT
 * and *more as images_next(). */
enum err images_next_events(struct images *set, struct image_events *e, uint32_t *label, int *more,
                            struct err_msg *m);

#endif
