/* noc/fabrics.c -- the table of fabrics; a new fabric is its file and a row here. */
#include <stddef.h>

#include "noc/fabric.h"

const struct fabric *const fabrics[] = {
    &fabric_point_to_point, &fabric_adjacent, &fabric_mesh, &fabric_tree, &fabric_bus, NULL,
};
