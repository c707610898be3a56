/* report/version.c -- see version.h. */
#include "report/version.h"

const char imcsim_version[] = "0.1.0";
