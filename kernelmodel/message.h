/* kernelmodel/message.h - the word that says what a message is (seL4_MessageInfo_t), as the kernel reads and makes it.
 *
 * Layer: kernelmodel, of its own files only. Thread rule: pure functions. Source: seL4 16.0 manual, section 4.1; the IPC
 * buffer's layout is that of seL4_IPCBuffer. */
#ifndef SKERRY_KERNELMODEL_MESSAGE_H
#define SKERRY_KERNELMODEL_MESSAGE_H
#include "kernelmodel/object.h"
#include <sel4/constants.h>

#define KM_MESSAGE_MAX    120 /* words */
#define KM_MESSAGE_FAST   4   /* message registers 0 to 3 travel in registers */
#define KM_EXTRA_CAPS_MAX 3
#define KM_BUFFER_MR      1   /* index, in words of the IPC buffer, of message register 0 */
#define KM_BUFFER_BADGE   122 /* of caps_or_badges[0] */

/* length 0-6, extraCaps 7-8, capsUnwrapped 9-11, label 12-63 */
#define KM_INFO_LENGTH_MASK  UINT64_C(0x7f)
#define KM_INFO_EXTRA_SHIFT  7
#define KM_INFO_UNWRAP_SHIFT 9
#define KM_INFO_LABEL_SHIFT  12
#define KM_INFO_EXTRA_MASK   (UINT64_C(3) << KM_INFO_EXTRA_SHIFT)
#define KM_INFO_UNWRAP_MASK  (UINT64_C(7) << KM_INFO_UNWRAP_SHIFT)

/* A length that no message may have is taken for the longest. */
static inline unsigned km_info_length(km_word info)
{
	unsigned length = (unsigned)(info & KM_INFO_LENGTH_MASK);

	return length > KM_MESSAGE_MAX ? KM_MESSAGE_MAX : length;
}
static inline unsigned km_info_extra(km_word info) { return (unsigned)(info >> KM_INFO_EXTRA_SHIFT) & 3; }
static inline km_word km_info_label(km_word info) { return info >> KM_INFO_LABEL_SHIFT; }
static inline km_word km_info_make(km_word label, unsigned unwrapped, unsigned extra, unsigned length)
{
	return label << KM_INFO_LABEL_SHIFT | (km_word)unwrapped << KM_INFO_UNWRAP_SHIFT |
	       (km_word)extra << KM_INFO_EXTRA_SHIFT | length;
}

/* The registers that hold message registers 0 to 3. */
static inline unsigned km_mr_register(unsigned i)
{
	return i == 0 ? KM_REG_MR0 : i == 1 ? KM_REG_MR1 : i == 2 ? KM_REG_MR2 : KM_REG_MR3;
}

#endif
