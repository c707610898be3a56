#!/usr/bin/env bash
# libpng 1.6.39 (Debian 12): png_image_finish_read() and png_read_row() take the same grey file of 8 bits for other
# pixels, once the file says its gamma. With a gAMA of 1.0 the bytes 0 64 128 255 come as 0 136 186 255 from the first,
# which converts to sRGB whatever format is asked for, and as they stand from the second. A network that is
# trained on the one and run on the other sees brighter images; without gAMA both agree, so most files hide it.
. "$(dirname "$0")/tools/setup.sh"
debian libpng16-16=1.6.39-2+deb12u6 libpng-dev=1.6.39-2+deb12u6

cat >grey.c <<'C'
#include <png.h>
#include <stdio.h>
#include <string.h>

static void show(const char *how, const unsigned char *pixel)
{
    printf(" %s %d %d %d %d", how, pixel[0], pixel[1], pixel[2], pixel[3]);
}

int main(void)
{
    unsigned char row[4] = { 0, 64, 128, 255 }, got[4];

    for (int states = 0; states < 2; states++) { // its gamma
        FILE *f = fopen("grey.png", "wb");
        png_structp p = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
        png_infop info = png_create_info_struct(p);
        png_init_io(p, f);
        png_set_IHDR(p, info, 4, 1, 8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, 0, 0);
        if (states)
            png_set_gAMA(p, info, 1.0);
        png_write_info(p, info);
        png_write_row(p, row);
        png_write_end(p, info);
        png_destroy_write_struct(&p, &info);
        fclose(f);

        png_image image;
        memset(&image, 0, sizeof image);
        image.version = PNG_IMAGE_VERSION;
        png_image_begin_read_from_file(&image, "grey.png");
        image.format = PNG_FORMAT_GRAY;
        png_image_finish_read(&image, NULL, got, 0, NULL);
        printf("%s", states ? "gAMA" : "plain");
        show("simplified", got);

        f = fopen("grey.png", "rb");
        p = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
        info = png_create_info_struct(p);
        png_init_io(p, f);
        png_read_info(p, info);
        png_read_row(p, got, NULL);
        png_destroy_read_struct(&p, &info, NULL);
        fclose(f);
        show("row", got);
        printf("; ");
    }
    return 0;
}
C
gcc -I root/usr/include grey.c -o grey root/usr/lib/x86_64-linux-gnu/libpng16.so.16 -lm
./grey | expect "0 64 128 255" \
    "plain simplified 0 64 128 255 row 0 64 128 255; gAMA simplified 0 136 186 255 row 0 64 128 255; "
