/* sel4utils/sel4_zf_logif.h - messages about errors of seL4. Layer: libsel4. */
#ifndef SKERRY_SEL4UTILS_SEL4_ZF_LOGIF_H
#define SKERRY_SEL4UTILS_SEL4_ZF_LOGIF_H
#include <sel4utils/strerror.h>
#include <utils/zf_log.h>

#define SKERRY_LOG_IF_ERROR(log, error, format, ...)                                                         \
	do {                                                                                                 \
		const int skerry_error_ = (int)(error);                                                      \
		if (skerry_error_ != (int)seL4_NoError)                                                      \
			log("[Err %s]:\n\t" format, sel4_strerror(skerry_error_), ##__VA_ARGS__);            \
	} while (0)
#define ZF_LOGD_IFERR(error, ...) SKERRY_LOG_IF_ERROR(ZF_LOGD, error, __VA_ARGS__)
#define ZF_LOGI_IFERR(error, ...) SKERRY_LOG_IF_ERROR(ZF_LOGI, error, __VA_ARGS__)
#define ZF_LOGW_IFERR(error, ...) SKERRY_LOG_IF_ERROR(ZF_LOGW, error, __VA_ARGS__)
#define ZF_LOGE_IFERR(error, ...) SKERRY_LOG_IF_ERROR(ZF_LOGE, error, __VA_ARGS__)
#define ZF_LOGF_IFERR(error, ...) SKERRY_LOG_IF_ERROR(ZF_LOGF, error, __VA_ARGS__)

#endif
