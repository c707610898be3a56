/* report/analog_report.c -- see analog_report.h. */
#include "report/analog_report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void print_converters(const struct study *s, FILE *out)
{
    const struct analog_spec *a = &s->analog;

    if (!a->converted)
        return;
    fprintf(out, "         converters of %" PRIu32 " bits%s", s->config.readout.bits,
            a->apart ? ", for each device of a weight" : "");
    if (a->adc_gain_sd > 0)
        fprintf(out, ", gains off by %g", a->adc_gain_sd);
    if (a->adc_offset_sd > 0)
        fprintf(out, ", offsets of %g steps", a->adc_offset_sd);
    if (a->adc_noise > 0)
        fprintf(out, ", noise of %g", a->adc_noise);
    fprintf(out, "\n");
}

void print_devices(const struct study *s, FILE *out)
{
    const struct analog_spec *a = &s->analog;

    if (!a->device)
        return;
    fprintf(out, "Devices  %s", a->device->name);
    if (a->device != &analog_ideal)
        fprintf(out, ", %.4g to %.4g uS", a->g_min_us, a->g_max_us);
    if (a->cut && strcmp(s->config.crossbar.cell, "sram") == 0)
        fprintf(out, ", a bit of a weight's two's complement each");
    else if (a->cut)
        fprintf(out, ", for weights in digits of %" PRIu32 " bits, %s",
                s->config.crossbar.cell_bits ? s->config.crossbar.cell_bits : 7,
                a->alone ? "with an offset" : "of either sign");
    else if (a->w_max)
        fprintf(out, ", for weights up to %" PRIu32, a->w_max);
    else if (a->device != &analog_ideal)
        fprintf(out, ", for weights up to the largest of a layer");
    fprintf(out, "\n");
    if (a->levels)
        fprintf(out, "         %" PRIu32 " levels\n", a->levels);
    if (a->prog_scale > 0 && (a->device->sigma_prog || a->sigma_rel > 0))
        fprintf(out, "         programming noise, times %g\n", a->prog_scale);
    if (a->stuck_off + a->stuck_on > 0)
        fprintf(out, "         stuck: %g of the devices off, %g on\n", a->stuck_off, a->stuck_on);
    if (a->drift)
        fprintf(out, "         drift since %g s\n", a->device->t0_s);
    if (a->read_scale > 0)
        fprintf(out, "         read noise, times %g, %s\n", a->read_scale,
                a->read_each ? "each read's own" : "the same at all reads of a time");
    if (a->wires.model && a->wires.model != &wires_off)
        fprintf(out, "         wires, %s%s: %g ohm a device in rows, %g in columns, drivers %g, "
                "senses %g\n", a->wires.model->name, a->gated ? ", inputs on gates" : "",
                a->wires.r_row_ohm, a->wires.r_column_ohm,
                a->wires.r_driver_ohm, a->wires.r_sense_ohm);
    print_converters(s, out);
    if (a->compensated)
        fprintf(out, "         drift is compensated, %s, since %g s%s\n",
                a->column_by_column ? "column by column" : "core by core", a->reference_s,
                a->through_adc ? ", as the converters see it" : "");
    if (s->config.analog.batchnorm_images)
        fprintf(out, "         scales recalibrated with %" PRIu32 " images from number %" PRIu32
                " on\n", s->config.analog.batchnorm_images, s->config.calibration.first);
}

/* A line on wires whose drop is beyond what `fast` is made for, or nothing. */
struct warning {
    char text[192];
};

static struct warning warn_of_drop(const struct report *r)
{
    const double most = 0.3;
    struct warning w = { "" };
    double drop = 0;

    for (uint32_t i = 0; i < r->analog->n_time; i++)
        drop = fmax(drop, analog_drop(r->analog, i));
    if (r->study->analog.wires.model == &wires_fast && drop > most)
        snprintf(w.text, sizeof w.text,
                 "\nWires take %.0f %% of a core's current: core.wires.model = fast errs by 1 %%"
                 "\nand more; core.wires.model = exact solves them.", 100 * drop);
    return w;
}

struct table *analog_table(const void *report)
{
    static const struct table_column columns[] = {
        { "time s", "time_s" }, { "chips", "chips" }, { "top-1", "mean" }, { "sd", "sd" },
        { "low", "low" },       { "high", "high" },   { "to right", "changed_to_right" },
        { "to wrong", "changed_to_wrong" }, { "drop", "drop" }, { 0 },
    };
    const struct report *r = report;
    struct table *t = table_new(columns);

    if (!r->analog)
        return t;
    table_title(t, "Accuracy of analog chips");
    table_note(t, "With exact weights %.2f %% of the same %s images have the right class.\n"
                  "top-1      mean of the chips; low to high is its 95 %% interval (Student)\n"
                  "sd         of chips\n"
                  "to right   images a chip that are right there and were wrong with exact\n"
                  "           weights; to wrong: the other way round\n"
                  "drop       that wires take, in the mean of the core where it is largest%s",
               100 * (double)r->result->n_correct / (double)r->result->n_image,
               format_count(r->result->n_image).text, warn_of_drop(r).text);
    for (uint32_t i = 0; i < r->analog->n_time; i++) {
        const struct analog_accuracy a = analog_accuracy(r->analog, r->result, i);
        table_count(t, r->analog->time_s[i]);
        table_count(t, r->analog->n_chip);
        table_share(t, a.mean, 2);
        table_share(t, a.sd, 2);
        table_share(t, a.low, 2);
        table_share(t, a.high, 2);
        table_real(t, a.to_right, 1);
        table_real(t, a.to_wrong, 1);
        table_share(t, analog_drop(r->analog, i), 1);
    }
    return t;
}

/* Whether a layer has cores that devices act in. */
static bool has_figures(const struct report *r, uint32_t layer)
{
    return !layer_is_digital(plan_network_layer(&r->study->plan, layer));
}

struct table *analog_layer_table(const void *report)
{
    static const struct table_column columns[] = {
        { "layer", "name" }, { "time s", "time_s" }, { "error", "mvm_error" },
        { "drop", "mean_drop" }, { "most", "most_drop" }, { "clipped", "clipped" },
        { "saturated", "saturated" }, { "scale", "compensation" }, { 0 },
    };
    const struct report *r = report;
    struct table *t = table_new(columns);

    if (!r->analog)
        return t;
    table_title(t, "Layers on analog chips");
    table_note(t, "Means of the chips.\n"
                  "error      rms of what cores give less exact products of the same inputs, of\n"
                  "           the rms of those, over the first %d images at most\n"
                  "drop       of current in wires, mean of the layer's cores; most: the largest\n"
                  "clipped    codes at their end, of all codes\n"
                  "saturated  weights that 16 bits do not hold, of all chips together\n"
                  "scale      k, by which sums are multiplied against drift", ANALOG_MEASURED);
    for (uint32_t i = 0; i < r->analog->n_layer; i++)
        for (uint32_t k = 0; k < r->analog->n_time && has_figures(r, i); k++) {
            const struct analog_figures f = analog_layer(r->analog, k, i);
            table_text(t, plan_network_layer(&r->study->plan, i)->name);
            table_count(t, r->analog->time_s[k]);
            if (f.error >= 0)
                table_real(t, f.error, 4);
            else
                table_none(t);
            table_share(t, f.drop, 1);
            table_share(t, f.most_drop, 1);
            table_share(t, f.clipped, 4);
            table_count(t, f.saturated);
            table_real(t, f.k, 4);
        }
    return t;
}

json_t *json_analog_times(const struct report *r)
{
    json_t *times = json_array();

    for (uint32_t i = 0; i < r->analog->n_time; i++) {
        const struct analog_accuracy a = analog_accuracy(r->analog, r->result, i);
        json_t *o = json_object(), *chips = json_array();
        json_put_count(&o, "time_s", r->analog->time_s[i]);
        for (uint32_t c = 0; c < r->analog->n_chip; c++)
            json_add(&chips, json_real(analog_top1(r->analog, r->result, i, c)));
        json_put(&o, "chips", chips);
        json_put_real(&o, "mean", a.mean);
        json_put_real(&o, "sd", a.sd);
        json_put_real(&o, "low", a.low);
        json_put_real(&o, "high", a.high);
        json_put_real(&o, "changed_to_right", a.to_right);
        json_put_real(&o, "changed_to_wrong", a.to_wrong);
        json_add(&times, o);
    }
    return times;
}

static json_t *json_analog_layers(const struct report *r)
{
    json_t *layers = json_array();

    for (uint32_t i = 0; i < r->analog->n_layer; i++)
        for (uint32_t k = 0; k < r->analog->n_time && has_figures(r, i); k++) {
            const struct analog_figures f = analog_layer(r->analog, k, i);
            json_t *o = json_object();
            json_put_text(&o, "name", plan_network_layer(&r->study->plan, i)->name);
            json_put_count(&o, "time_s", r->analog->time_s[k]);
            if (f.error >= 0)
                json_put_real(&o, "mvm_error", f.error);
            json_put_real(&o, "mean_drop", f.drop);
            json_put_real(&o, "most_drop", f.most_drop);
            json_put_real(&o, "clipped", f.clipped);
            json_put_count(&o, "saturated", f.saturated);
            json_put_real(&o, "compensation", f.k);
            json_add(&layers, o);
        }
    return layers;
}

json_t *json_analog(const struct report *r)
{
    json_t *o = json_object(), *times = json_array();

    for (uint32_t i = 0; i < r->analog->n_time; i++) {
        json_t *time = json_object();
        uint64_t saturated = 0;
        for (uint32_t k = 0; k < r->analog->n_layer; k++)
            saturated += analog_layer(r->analog, i, k).saturated;
        json_put_count(&time, "time_s", r->analog->time_s[i]);
        json_put_count(&time, "saturated", saturated);
        json_put_real(&time, "drop", analog_drop(r->analog, i));
        json_add(&times, time);
    }
    json_put_text(&o, "device", r->study->analog.device->name);
    json_put_count(&o, "chips", r->analog->n_chip);
    json_put(&o, "times", times);
    json_put(&o, "layers", json_analog_layers(r));
    return o;
}
