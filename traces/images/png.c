/* traces/images/png.c -- PNG through libpng: palettes and grey of 1, 2 and 4 bit expanded, the
 * upper byte of 16 bits taken, transparency left out, no correction of gamma. */
#include <png.h>
#include <string.h>

#include "traces/images/picture.h"

struct decoder {
    struct image_reader *reader;
    struct err_msg      *msg;
    enum err             err; // ours, where libpng was left for it
    const uint8_t       *bytes;
    size_t               n, at;
    png_structp          png;
    png_infop            info;
};

static void take(png_structp png, png_bytep to, size_t n)
{
    struct decoder *d = png_get_io_ptr(png);

    if (n > d->n - d->at)
        png_error(png, "the data end here");
    memcpy(to, d->bytes + d->at, n);
    d->at += n;
}

static void fail(png_structp png, png_const_charp text)
{
    struct decoder *d = png_get_error_ptr(png);

    if (!d->err)
        d->err = infile_error(d->reader->file, d->at, d->msg, "not a whole PNG: %s: make it again",
                              text);
    png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

/* Leaves by longjmp() where it fails. */
static void decode_all(struct decoder *d, uint8_t *pixels)
{
    struct image_reader *r = d->reader;

    png_set_read_fn(d->png, d, take);
    png_read_info(d->png, d->info);
    png_set_expand(d->png);
    png_set_strip_16(d->png);
    png_set_strip_alpha(d->png);
    int passes = png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
    r->shape = (struct images_shape){ png_get_image_height(d->png, d->info),
                                      png_get_image_width(d->png, d->info),
                                      png_get_channels(d->png, d->info) };
    d->err = image_check_shape(r, d->msg);
    size_t row_byte = png_get_rowbytes(d->png, d->info);
    if (d->err || row_byte != (size_t)r->shape.width * r->shape.channels)
        png_error(d->png, "rows of another size");
    while (passes-- > 0)
        for (uint32_t x = 0; x < r->shape.height; x++)
            png_read_row(d->png, pixels + x * row_byte, NULL);
    png_read_end(d->png, NULL);
}

static enum err png_decode(struct image_reader *r, const uint8_t *bytes, size_t n, uint8_t *pixels,
                           struct err_msg *m)
{
    struct decoder d = { .reader = r, .msg = m, .bytes = bytes, .n = n };

    r->interleaved = true;
    d.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &d, fail, ignore);
    d.info = d.png ? png_create_info_struct(d.png) : NULL;
    if (!d.info)
        d.err = err_set(m, ERR_MEMORY, "%s: no memory to read it", infile_path(r->file));
    else if (setjmp(png_jmpbuf(d.png)) == 0)
        decode_all(&d, pixels);
    png_destroy_read_struct(&d.png, &d.info, NULL);
    return d.err;
}

const struct picture_kind picture_png = { "\x89PNG", 4, png_decode };
