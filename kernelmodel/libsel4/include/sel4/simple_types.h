/* sel4/simple_types.h - scalar types, and how printf() takes them. Layer: libsel4. Source: seL4 16.0, x86_64. */
#ifndef SKERRY_LIBSEL4_SIMPLE_TYPES_H
#define SKERRY_LIBSEL4_SIMPLE_TYPES_H
#include <sel4/config.h>
#include <sel4/macros.h>

typedef signed char seL4_Int8;
typedef unsigned char seL4_Uint8;
typedef signed short seL4_Int16;
typedef unsigned short seL4_Uint16;
typedef signed int seL4_Int32;
typedef unsigned int seL4_Uint32;
typedef signed long seL4_Int64;
typedef unsigned long seL4_Uint64;
/* Not `bool`: a register carries it, and programs pass 0 and 1. */
typedef seL4_Int8 seL4_Bool;

typedef seL4_Uint64 seL4_Word;
typedef seL4_Word seL4_Register;
typedef seL4_Word seL4_CPtr;

#define seL4_True  1
#define seL4_False 0
#ifdef __cplusplus
#define seL4_Null 0L
#else
#define seL4_Null ((void *)0)
#endif

#define SEL4_INT64_IS_LONG
#define SEL4_WORD_IS_UINT64
#define SEL4_PRId64    "ld"
#define SEL4_PRIi64    "li"
#define SEL4_PRIu64    "lu"
#define SEL4_PRIx64    "lx"
#define SEL4_PRId_word "ld"
#define SEL4_PRIi_word "li"
#define SEL4_PRIu_word "lu"
#define SEL4_PRIx_word "lx"
#define SEL4_PRI_word  SEL4_PRIu_word

SKERRY_STATIC_ASSERT(sizeof(seL4_Word) == 8 && sizeof(long) == 8, "x86_64 has words of 64 bits");
SKERRY_STATIC_ASSERT(sizeof(seL4_Int8) == 1 && sizeof(seL4_Int16) == 2 && sizeof(seL4_Int32) == 4, "scalars");

#endif
