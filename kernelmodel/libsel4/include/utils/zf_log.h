/* utils/zf_log.h - messages with a place: ZF_LOGF() and its kin. Layer: libsel4.
 *
 * They go to stderr. Levels from ZF_LOG_LEVEL up (errors, unless the program says otherwise before it includes this) are
 * written, and a fatal one ends the program with status 1. */
#ifndef SKERRY_UTILS_ZF_LOG_H
#define SKERRY_UTILS_ZF_LOG_H
#include <skerry/user.h>
#include <stdio.h>

#define ZF_LOG_VERBOSE 1
#define ZF_LOG_DEBUG   2
#define ZF_LOG_INFO    3
#define ZF_LOG_WARN    4
#define ZF_LOG_ERROR   5
#define ZF_LOG_FATAL   6
#define ZF_LOG_NONE    0xFF
#ifndef ZF_LOG_LEVEL
#define ZF_LOG_LEVEL ZF_LOG_ERROR
#endif

#define SKERRY_LOG(level, format, ...)                                                                       \
	do {                                                                                                 \
		if ((level) >= ZF_LOG_LEVEL)                                                                 \
			fprintf(stderr, "%s@%s:%d " format "\n", __func__, __FILE__, __LINE__,               \
				##__VA_ARGS__);                                                              \
		if ((level) == ZF_LOG_FATAL)                                                                 \
			skerry_exit(1);                                                                      \
	} while (0)
#define ZF_LOGV(...) SKERRY_LOG(ZF_LOG_VERBOSE, __VA_ARGS__)
#define ZF_LOGD(...) SKERRY_LOG(ZF_LOG_DEBUG, __VA_ARGS__)
#define ZF_LOGI(...) SKERRY_LOG(ZF_LOG_INFO, __VA_ARGS__)
#define ZF_LOGW(...) SKERRY_LOG(ZF_LOG_WARN, __VA_ARGS__)
#define ZF_LOGE(...) SKERRY_LOG(ZF_LOG_ERROR, __VA_ARGS__)
#define ZF_LOGF(...) SKERRY_LOG(ZF_LOG_FATAL, __VA_ARGS__)

#define SKERRY_LOG_IF(log, condition, format, ...)                                                           \
	do {                                                                                                 \
		if (condition)                                                                               \
			log("[Cond failed: %s]\n\t" format, #condition, ##__VA_ARGS__);                      \
	} while (0)
#define ZF_LOGV_IF(condition, ...) SKERRY_LOG_IF(ZF_LOGV, condition, __VA_ARGS__)
#define ZF_LOGD_IF(condition, ...) SKERRY_LOG_IF(ZF_LOGD, condition, __VA_ARGS__)
#define ZF_LOGI_IF(condition, ...) SKERRY_LOG_IF(ZF_LOGI, condition, __VA_ARGS__)
#define ZF_LOGW_IF(condition, ...) SKERRY_LOG_IF(ZF_LOGW, condition, __VA_ARGS__)
#define ZF_LOGE_IF(condition, ...) SKERRY_LOG_IF(ZF_LOGE, condition, __VA_ARGS__)
#define ZF_LOGF_IF(condition, ...) SKERRY_LOG_IF(ZF_LOGF, condition, __VA_ARGS__)

#endif
