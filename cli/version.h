/* cli/version.h -- the version that every result carries. */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

extern const char imcsim_version[]; // "0.1.0"

#endif
