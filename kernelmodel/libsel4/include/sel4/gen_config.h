/* sel4/gen_config.h - the kernel's configuration: <autoconf.h>. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_SEL4_GEN_CONFIG_H
#define SKERRY_LIBSEL4_SEL4_GEN_CONFIG_H
#include <autoconf.h>
#endif
