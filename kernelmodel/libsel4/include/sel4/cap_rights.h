/* sel4/cap_rights.h - rights. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_CAP_RIGHTS_H
#define SKERRY_LIBSEL4_CAP_RIGHTS_H
#include <sel4/shared_types.h>
#endif
