/* arch/core/read_back.h -- the timetable that a core's read-backs follow. */
#ifndef ARCH_CORE_READ_BACK_H
#define ARCH_CORE_READ_BACK_H

#include "arch/core/imc_core.h"

/* Works out when the next pixel of a timetable is due. */
void read_back_set_due(const struct imc_spec *spec, struct core_read_back *rb);

#endif
