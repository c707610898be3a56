/* report/analog_report.c -- see analog_report.h. */
#include "report/analog_report.h"

#include <inttypes.h>
#include <math.h>

void print_devices(const struct study *s, FILE *out)
{
    const struct analog_spec *a = &s->analog;

    if (!a->device)
        return;
    fprintf(out, "Devices  %s, %.4g to %.4g uS, for weights up to ", a->device->name, a->g_min_us,
            a->g_max_us);
    if (a->w_max)
        fprintf(out, "%" PRIu32 "\n", a->w_max);
    else
        fprintf(out, "the largest of a layer\n");
    if (a->levels)
        fprintf(out, "         %" PRIu32 " levels\n", a->levels);
    if (a->prog_scale > 0 && (a->device->sigma_prog || a->sigma_rel > 0))
        fprintf(out, "         programming noise, times %g\n", a->prog_scale);
    if (a->stuck_off + a->stuck_on > 0)
        fprintf(out, "         stuck: %g of the devices off, %g on\n", a->stuck_off, a->stuck_on);
    if (a->drift)
        fprintf(out, "         drift since %g s\n", a->device->t0_s);
    if (a->read_scale > 0)
        fprintf(out, "         read noise, times %g, the same at all reads of a time\n",
                a->read_scale);
    if (a->wires.model && a->wires.model != &wires_off)
        fprintf(out, "         wires, %s: %g ohm a device in rows, %g in columns, drivers %g, "
                "senses %g\n", a->wires.model->name, a->wires.r_row_ohm, a->wires.r_column_ohm,
                a->wires.r_driver_ohm, a->wires.r_sense_ohm);
    if (a->compensated)
        fprintf(out, "         drift is compensated, core by core, since %g s\n", a->reference_s);
    if (s->config.analog.batchnorm_images)
        fprintf(out, "         scales recalibrated with %" PRIu32 " images from number %" PRIu64
                " on\n", s->config.analog.batchnorm_images, s->config.analog.batchnorm_first);
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

json_t *json_analog(const struct report *r)
{
    json_t *o = json_object(), *times = json_array();

    for (uint32_t i = 0; i < r->analog->n_time; i++) {
        json_t *time = json_object();
        uint64_t saturated = 0;
        for (uint32_t c = 0; c < r->analog->n_chip; c++)
            saturated += r->analog->saturated[(size_t)i * r->analog->n_chip + c];
        json_put_count(&time, "time_s", r->analog->time_s[i]);
        json_put_count(&time, "saturated", saturated);
        json_put_real(&time, "drop", analog_drop(r->analog, i));
        json_add(&times, time);
    }
    json_put_text(&o, "device", r->study->analog.device->name);
    json_put_count(&o, "chips", r->analog->n_chip);
    json_put(&o, "times", times);
    return o;
}
