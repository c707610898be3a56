/* arch/units/digital_kernel.h -- what a file that implements digital_process() provides. */
#ifndef ARCH_UNITS_DIGITAL_KERNEL_H
#define ARCH_UNITS_DIGITAL_KERNEL_H

#include "arch/units/digital.h"

struct digital_kernel {
    void (*process)(const struct digital *d, const int32_t *acc, const uint8_t *residual,
                    uint8_t *out);
    bool in_doubles; // takes no t that might have more than 53 bits
};

extern const struct digital_kernel digital_avx512vnni, digital_avx2, digital_portable;

#endif
