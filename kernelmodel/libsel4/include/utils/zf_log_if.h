/* utils/zf_log_if.h - messages on a condition. Layer: libsel4. */
#ifndef SKERRY_UTILS_ZF_LOG_IF_H
#define SKERRY_UTILS_ZF_LOG_IF_H
#include <utils/zf_log.h>
#endif
