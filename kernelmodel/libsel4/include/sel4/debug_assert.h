/* sel4/debug_assert.h - checks that end the program. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_DEBUG_ASSERT_H
#define SKERRY_LIBSEL4_DEBUG_ASSERT_H
#include <sel4/assert.h>
#endif
