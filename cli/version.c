/* cli/version.c -- see version.h. */
#include "cli/version.h"

const char imcsim_version[] = "0.1.0";
