/* sel4utils/util.h - what programs use of seL4's library of that name. Layer: libsel4. */
#ifndef SKERRY_SEL4UTILS_UTIL_H
#define SKERRY_SEL4UTILS_UTIL_H
#include <sel4/sel4.h>
#include <sel4utils/sel4_zf_logif.h>
#include <sel4utils/strerror.h>
#include <utils/util.h>
#endif
