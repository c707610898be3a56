/* examples/run.c -- ten lines that run a machine: imcsim's own, or the one that is named. */
#include <stdio.h>

#include <imcsim.h>

int main(int argc, char **argv)
{
    double first, interval, energy;
    struct imcsim_error e;
    struct imcsim_study *s = imcsim_load(argc > 1 ? argv[1] : "dazzi2021_14nm", NULL, NULL, &e);
    struct imcsim_result *r = s ? imcsim_run(s, NULL, &e) : NULL;

    if (!r || !imcsim_number(r, "timing.first_result_timesteps", &first, &e) ||
        !imcsim_number(r, "timing.interval_timesteps", &interval, &e) ||
        !imcsim_number(r, "energy.total_nj_per_image", &energy, &e))
        return fprintf(stderr, "%s\n", e.text), 1;
    printf("first result after %.0f timesteps, then one every %.0f; %.0f nJ an image\n", first,
           interval, energy);
    imcsim_result_free(r);
    imcsim_study_free(s);
    return 0;
}
