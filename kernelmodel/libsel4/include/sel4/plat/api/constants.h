/* sel4/plat/api/constants.h - constants of the platform: none. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_PLAT_API_CONSTANTS_H
#define SKERRY_LIBSEL4_PLAT_API_CONSTANTS_H
#include <sel4/constants.h>
#endif
