/* sel4/shared_types_gen.h - words with fields that the kernel and its users share. Layer: libsel4.
 *
 * Values that are too wide for their field lose their upper bits. A length of 121..127 fits its field and reaches the
 * kernel, which takes it for 120.
 *
 *     seL4_MessageInfo_t     length 0-6, extraCaps 7-8, capsUnwrapped 9-11, label 12-63
 *     seL4_CapRights_t       write 0, read 1, grant 2, grantReply 3
 *     seL4_CNode_CapData_t   guardSize 0-5, guard 6-63
 *
 * Source: seL4 16.0, x86_64. */
#ifndef SKERRY_LIBSEL4_SHARED_TYPES_GEN_H
#define SKERRY_LIBSEL4_SHARED_TYPES_GEN_H
#include <sel4/simple_types.h>

#define SKERRY_FIELD_MASK(bits) (((bits) < 64) ? (1ul << ((bits)&63)) - 1 : ~0ul)

/* A type of `size` words. */
#define SKERRY_BLOCK(type, size)                                                                             \
	struct type {                                                                                        \
		seL4_Uint64 words[size];                                                                     \
	};                                                                                                   \
	typedef struct type type##_t;

/* The four accessors of a field: `prefix` names it, `type` holds it, in `bits` bits from bit `shift` of words[word]. */
#define SKERRY_FIELD(prefix, type, field, word, shift, bits)                                                 \
	LIBSEL4_INLINE_FUNC CONST seL4_Uint64 prefix##_get_##field(type##_t block)                           \
	{                                                                                                    \
		return (block.words[word] >> (shift)) & SKERRY_FIELD_MASK(bits);                             \
	}                                                                                                    \
	LIBSEL4_INLINE_FUNC PURE seL4_Uint64 prefix##_ptr_get_##field(type##_t *block)                       \
	{                                                                                                    \
		return (block->words[word] >> (shift)) & SKERRY_FIELD_MASK(bits);                            \
	}                                                                                                    \
	LIBSEL4_INLINE_FUNC void prefix##_ptr_set_##field(type##_t *block, seL4_Uint64 value)                \
	{                                                                                                    \
		block->words[word] &= ~(SKERRY_FIELD_MASK(bits) << (shift));                                 \
		block->words[word] |= (value & SKERRY_FIELD_MASK(bits)) << (shift);                          \
	}                                                                                                    \
	LIBSEL4_INLINE_FUNC CONST type##_t prefix##_set_##field(type##_t block, seL4_Uint64 value)           \
	{                                                                                                    \
		prefix##_ptr_set_##field(&block, value);                                                     \
		return block;                                                                                \
	}

SKERRY_BLOCK(seL4_MessageInfo, 1)
SKERRY_FIELD(seL4_MessageInfo, seL4_MessageInfo, label, 0, 12, 52)
SKERRY_FIELD(seL4_MessageInfo, seL4_MessageInfo, capsUnwrapped, 0, 9, 3)
SKERRY_FIELD(seL4_MessageInfo, seL4_MessageInfo, extraCaps, 0, 7, 2)
SKERRY_FIELD(seL4_MessageInfo, seL4_MessageInfo, length, 0, 0, 7)

LIBSEL4_INLINE_FUNC CONST seL4_MessageInfo_t seL4_MessageInfo_new(seL4_Uint64 label,
								  seL4_Uint64 capsUnwrapped,
								  seL4_Uint64 extraCaps, seL4_Uint64 length)
{
	seL4_MessageInfo_t info;
	info.words[0] = label << 12 | (capsUnwrapped & 7) << 9 | (extraCaps & 3) << 7 | (length & 127);
	return info;
}
LIBSEL4_INLINE_FUNC void seL4_MessageInfo_ptr_new(seL4_MessageInfo_t *info, seL4_Uint64 label,
						  seL4_Uint64 capsUnwrapped, seL4_Uint64 extraCaps,
						  seL4_Uint64 length)
{
	*info = seL4_MessageInfo_new(label, capsUnwrapped, extraCaps, length);
}

SKERRY_BLOCK(seL4_CapRights, 1)
SKERRY_FIELD(seL4_CapRights, seL4_CapRights, capAllowGrantReply, 0, 3, 1)
SKERRY_FIELD(seL4_CapRights, seL4_CapRights, capAllowGrant, 0, 2, 1)
SKERRY_FIELD(seL4_CapRights, seL4_CapRights, capAllowRead, 0, 1, 1)
SKERRY_FIELD(seL4_CapRights, seL4_CapRights, capAllowWrite, 0, 0, 1)

LIBSEL4_INLINE_FUNC CONST seL4_CapRights_t seL4_CapRights_new(seL4_Uint64 capAllowGrantReply,
							      seL4_Uint64 capAllowGrant,
							      seL4_Uint64 capAllowRead,
							      seL4_Uint64 capAllowWrite)
{
	seL4_CapRights_t rights;
	rights.words[0] = (capAllowGrantReply & 1) << 3 | (capAllowGrant & 1) << 2 | (capAllowRead & 1) << 1 |
			  (capAllowWrite & 1);
	return rights;
}
LIBSEL4_INLINE_FUNC void seL4_CapRights_ptr_new(seL4_CapRights_t *rights, seL4_Uint64 capAllowGrantReply,
						seL4_Uint64 capAllowGrant, seL4_Uint64 capAllowRead,
						seL4_Uint64 capAllowWrite)
{
	*rights = seL4_CapRights_new(capAllowGrantReply, capAllowGrant, capAllowRead, capAllowWrite);
}

SKERRY_BLOCK(seL4_CNode_CapData, 1)
SKERRY_FIELD(seL4_CNode_CapData, seL4_CNode_CapData, guard, 0, 6, 58)
SKERRY_FIELD(seL4_CNode_CapData, seL4_CNode_CapData, guardSize, 0, 0, 6)

LIBSEL4_INLINE_FUNC CONST seL4_CNode_CapData_t seL4_CNode_CapData_new(seL4_Uint64 guard,
								      seL4_Uint64 guardSize)
{
	seL4_CNode_CapData_t data;
	data.words[0] = guard << 6 | (guardSize & 63);
	return data;
}
LIBSEL4_INLINE_FUNC void seL4_CNode_CapData_ptr_new(seL4_CNode_CapData_t *data, seL4_Uint64 guard,
						    seL4_Uint64 guardSize)
{
	*data = seL4_CNode_CapData_new(guard, guardSize);
}

#endif
