/* report/version.h -- the version that every result carries. */
#ifndef REPORT_VERSION_H
#define REPORT_VERSION_H

extern const char imcsim_version[]; // "0.1.0"

#endif
