/* study/run/host.h -- images of a network whose first layers a host computes (network/host.h). */
#ifndef STUDY_RUN_HOST_H
#define STUDY_RUN_HOST_H

#include <stdint.h>

#include "network/network.h"

struct host; // of one thread

/* n, which has such layers and weights, is borrowed. NULL when the host has no memory. */
struct host *host_new(const struct network *n);
void host_free(struct host *h); // takes NULL

/* The image as the host's network takes it becomes the chip's: network_image_bytes() each. */
void host_compute(struct host *h, const uint8_t *image, uint8_t *chips);

#endif
