/* sel4/messages.h - messages of errors. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_MESSAGES_H
#define SKERRY_LIBSEL4_MESSAGES_H
#include <sel4/sel4_arch/mapping.h>
#endif
