/* test/fuzz/fuzz_tech.c -- hostile prices: files of technologies, devices, chips, calibrations and
 * the macro.
 *
 * Input: a letter that says which, then the file.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/cost/core_cost.h"
#include "arch/cost/macro.h"
#include "test/tmpdir.h"

#define MUST(claim) ((claim) ? (void)0 : (fprintf(stderr, "not so: %s\n", #claim), abort()))

static enum err check_technology(const char *dir, enum flavour flavour, struct err_msg *m)
{
    struct technology t;
    struct technology_warning w;
    enum err e = technology_load(&t, dir, 14, flavour, &w, m);

    if (!e)
        MUST(isfinite(t.supply_v) && t.supply_v > 0 && t.n.on_ma > 0 && t.feature_um > 0);
    return e;
}

static enum err check_device(const char *path, struct err_msg *m)
{
    struct device d;
    struct err_msg refusal;
    enum err e = device_load(&d, path, m);

    if (e)
        return e;
    MUST(d.sram || (isfinite(d.r_on_ohm) && isfinite(d.r_off_ohm) && d.r_on_ohm > 0));
    for (int bits = 1; bits < 10; bits++)
        if (device_check_bits(&d, bits, &refusal))
            MUST(refusal.text[0]);
    return ERR_NONE;
}

/* A device in a configuration. */
static enum err check_map(const uint8_t *bytes, size_t n, struct err_msg *m)
{
    char *text = calloc(n + 2, 1);
    struct device d;

    MUST(text);
    text[0] = '{';
    memcpy(text + 1, bytes, n);
    enum err e = device_read(&d, text, "energy.device", m);
    if (!e)
        MUST(d.sram || (isfinite(d.mean_us) && d.mean_us > 0 && d.r_off_ohm > d.r_on_ohm));
    free(text);
    return e;
}

static enum err check_chip(const char *device, const char *chip, struct err_msg *m)
{
    const struct core_hardware h = { 256, 256, 512, 128, 64, 100, 2, 0, 8, 8, 3, 56, { 0 } };
    struct chip_model c;
    struct core_unit u;
    enum err e = chip_model_load(&c, "14nm_lp", device, chip, m);

    if (e)
        return e;
    struct chip_model predicted = chip_model_predicted(&c);
    if (core_unit(&c, &h, &u, m) == ERR_NONE) {
        struct core_peak peak = core_peak(&h, &u);
        MUST(isfinite(u.cell) && isfinite(u.conversion) && isfinite(u.read_word));
        MUST(isfinite(peak.tops_per_w) && isfinite(link_bit_pj(&c, &u, 3)));
    }
    if (core_unit(&predicted, &h, &u, m))
        MUST(m->text[0]);
    return ERR_NONE;
}

static enum err check_calibration(const char *path, struct err_msg *m)
{
    struct calibration c;
    enum err e = calibration_load(&c, path, m);

    if (!e)
        MUST(isfinite(c.sensing_delay) && isfinite(c.post_layout_energy));
    return e;
}

static enum err check_macro(const char *path, struct err_msg *m)
{
    struct macro_preset p;

    if (!macro_is(path))
        return ERR_NONE;
    enum err e = macro_load(&p, path, m);
    if (!e)
        MUST(isfinite(macro(&p.fitted, &p.factors).post_layout_pj.ours));
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char path[TMPDIR_PATH_MAX];
    struct err_msg m = { "" };
    enum err e = ERR_NONE;
    void *dir;

    if (n == 0)
        return 0;
    MUST(tmpdir_make(&dir) == 0);
    tmpdir_write(dir, "14nm.yaml", bytes + 1, n - 1);
    tmpdir_path(path, dir, "14nm.yaml");
    switch (bytes[0]) {
    case 't': e = check_technology(dir, FLAVOUR_LP, &m); break;
    case 'T': e = check_technology(dir, FLAVOUR_HP, &m); break;
    case 'd': e = check_device(path, &m); break;
    case 'M': e = check_map(bytes + 1, n - 1, &m); break;
    case 'D': e = check_chip(path, "configs/chips/dazzi2021_14nm.yaml", &m); break;
    case 'c': e = check_chip("configs/devices/pcm.yaml", path, &m); break;
    case 'f': e = check_calibration(path, &m); break;
    case 'm': e = check_macro(path, &m); break;
    default: break;
    }
    MUST(!e || (m.text[0] && !strpbrk(m.text, "\n\r\t\033")));
    MUST(tmpdir_remove(&dir) == 0);
    return 0;
}
