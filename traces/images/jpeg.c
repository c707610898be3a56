/* traces/images/jpeg.c -- JPEG through libjpeg: grey, or any colours that it turns into red, green
 * and blue. What it only warns of, as data that end early, is an error here. */
#include <stdio.h>

#include <jpeglib.h>
#include <setjmp.h>

#include "traces/images/picture.h"

struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr         errors;
    jmp_buf                       out;
    struct image_reader          *reader;
    struct err_msg               *msg;
    enum err                      err;
};

static void fail(j_common_ptr jpeg)
{
    struct decoder *d = jpeg->client_data;
    char text[JMSG_LENGTH_MAX];

    jpeg->err->format_message(jpeg, text);
    d->err = infile_error(d->reader->file, 0, d->msg, "not a whole JPEG: %s: make it again", text);
    longjmp(d->out, 1);
}

static void message(j_common_ptr jpeg, int level)
{
    if (level < 0) // a warning
        fail(jpeg);
}

/* Leaves by longjmp() where libjpeg fails. */
static void decode_all(struct decoder *d, const uint8_t *bytes, size_t n, uint8_t *pixels)
{
    struct image_reader *r = d->reader;
    j_decompress_ptr j = &d->jpeg;

    jpeg_mem_src(j, bytes, (unsigned long)n);
    jpeg_read_header(j, TRUE);
    bool grey = j->num_components == 1;
    j->out_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
    r->shape = (struct images_shape){ j->image_height, j->image_width, grey ? 1 : 3 };
    if ((d->err = image_check_shape(r, d->msg)) != ERR_NONE)
        return;
    jpeg_start_decompress(j);
    while (j->output_scanline < j->output_height) {
        JSAMPROW row = pixels + (size_t)j->output_scanline * r->shape.width * r->shape.channels;
        jpeg_read_scanlines(j, &row, 1);
    }
    jpeg_finish_decompress(j);
}

static enum err jpeg_decode(struct image_reader *r, const uint8_t *bytes, size_t n, uint8_t *pixels,
                            struct err_msg *m)
{
    struct decoder d = { .reader = r, .msg = m };

    r->interleaved = true;
    d.jpeg.err = jpeg_std_error(&d.errors);
    d.errors.error_exit = fail;
    d.errors.emit_message = message;
    d.jpeg.client_data = &d;
    if (setjmp(d.out) == 0) {
        jpeg_create_decompress(&d.jpeg);
        decode_all(&d, bytes, n, pixels);
    }
    jpeg_destroy_decompress(&d.jpeg);
    return d.err;
}

const struct picture_kind picture_jpeg = { "\xff\xd8\xff", 3, jpeg_decode };
