/* cli/import/report.h -- what there is to say of an import: the scale and the error of each rounded
 * value and of sums that are a map, and what both models make of the images. */
#ifndef CLI_IMPORT_REPORT_H
#define CLI_IMPORT_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/import/measure.h"
#include "import/import.h"
#include "report/form.h"

struct import_report { // borrows all of it
    const char           *model, *images;
    const char           *pixels;      // what the model takes a pixel for
    uint64_t              n_calibrate; // images that scales were chosen on
    const struct import  *import;
    const uint32_t       *pair; // n_pair values of the float graph, each with an error
    uint32_t              n_pair;
    const struct measure *measure;
    uint64_t              n_image;
    bool                  labelled;
};

/* Whether the result is one number for each class, and no map. */
bool import_has_classes(const struct import *im);

extern const struct form import_form; // its functions take a report

#endif
