/* examples/policy.c -- a policy of one's own: pixels in words of the input memory.
 *
 * The machine stores an input pixel in whole words (plip) or packs pixels one behind the other
 * (iwap). This placing rounds a pixel up to half a word, so that two small ones share a word and
 * none straddles two. How many words does a run read?
 */
#include <stdio.h>

#include <imcsim.h>
#include <memory/input_memory.h>

/* In values, from a kernel row to the next and from a pixel of it to the next: columns lie side by
 * side as in iwap and plip. */
static void strides(const struct memory_shape *s, uint64_t *delta_kernel, uint64_t *delta_pix)
{
    const uint64_t half = s->word_values / 2 > 0 ? s->word_values / 2 : 1;

    *delta_pix = (s->pixel_values + half - 1) / half * half;
    *delta_kernel = *delta_pix * s->columns;
}

static const struct placing half_words = { .name = "half_words",
                                           .doc = "pixels begin with half words",
                                           .needs_masks = true,
                                           .strides = strides };

static double words_read(const char *placing)
{
    const struct placing *const mine[] = { &half_words, NULL };
    const struct imcsim_policies own = { .placing = mine };
    const char *const set[] = { placing, NULL };
    struct imcsim_error e = { 0 };
    struct imcsim_study *s = imcsim_load("resnet32", set, &own, &e);
    struct imcsim_result *r = s ? imcsim_run(s, NULL, &e) : NULL;
    double words = -1;

    if (!r || !imcsim_number(r, "layers.conv1.sram_reads", &words, &e))
        fprintf(stderr, "%s\n", e.text);
    imcsim_result_free(r);
    imcsim_study_free(s);
    return words;
}

int main(void)
{
    const double plip = words_read("core.input_memory.placing=plip");
    const double iwap = words_read("core.input_memory.placing=iwap");
    const double mine = words_read("core.input_memory.placing=half_words");

    printf("words read by conv1: plip %.0f, iwap %.0f, half_words %.0f\n", plip, iwap, mine);
    return plip < 0 || iwap < 0 || mine < 0;
}
