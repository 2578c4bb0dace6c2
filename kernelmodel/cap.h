/* kernelmodel/cap.h - capabilities, and the slots that hold them.
 *
 * A capability is two words of plain data; it names its object by where that lies in the kernel's physical memory, not
 * by a pointer, so that a kernel may be copied, hashed and compared. A slot is a capability and its place in the
 * derivation tree: 32 bytes, as in seL4, and always inside the kernel's memory.
 *
 * Layer: kernelmodel. Plain data. Source: seL4 16.0 manual, chapters 2 and 3. */
#ifndef SKERRY_KERNELMODEL_CAP_H
#define SKERRY_KERNELMODEL_CAP_H
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t km_word;  /* seL4_Word */
typedef uint64_t km_paddr; /* an address in the physical memory of one kernel, in bytes */

/* An object inside the kernel's memory: its physical address / 16. 0: none. Memory is thus at most 64 GiB a kernel;
 * device memory, which holds no objects, may lie anywhere below 2^46. */
typedef uint32_t km_ref;
#define KM_GRANULE_BITS 4

enum km_cap_type {
	KM_CAP_NULL,
	KM_CAP_UNTYPED,
	KM_CAP_ENDPOINT,
	KM_CAP_NOTIFICATION,
	KM_CAP_REPLY,
	KM_CAP_CNODE,
	KM_CAP_THREAD,
	KM_CAP_SCHED_CONTEXT,
	KM_CAP_SCHED_CONTROL,
	KM_CAP_DOMAIN,
	KM_CAP_IRQ_CONTROL,
	KM_CAP_IRQ_HANDLER,
	KM_CAP_FRAME,
	KM_CAP_PAGE_TABLE,
	KM_CAP_PAGE_DIRECTORY,
	KM_CAP_PDPT,
	KM_CAP_PML4,
	KM_CAP_ASID_CONTROL,
	KM_CAP_ASID_POOL,
	KM_CAP_IO_PORT_CONTROL,
	KM_CAP_IO_PORT,
	KM_CAP_ZOMBIE,
	KM_CAP_TYPES
};

/* As in seL4_CapRights_t. */
enum { KM_WRITE = 1, KM_READ = 2, KM_GRANT = 4, KM_GRANT_REPLY = 8, KM_ALL_RIGHTS = 15 };

/* What the fields mean, by type (blank: 0):
 *
 *     type           object   rights  size        guard_size  flag       word
 *     UNTYPED        start            size bits               is device  free index, in granules of 16 bytes
 *     ENDPOINT       object   all 4                                      badge
 *     NOTIFICATION   object   R W                                        badge
 *     REPLY          object   grant
 *     CNODE          object           radix       guard size             guard
 *     THREAD         object
 *     SCHED_CONTEXT  object           size bits
 *     SCHED_CONTROL                                                      core
 *     IRQ_HANDLER                                                        irq
 *     FRAME          start    R W     12, 21, 30              is device  asid << 48 | virtual address
 *     PAGE_TABLE .. PML4 object                               is mapped  asid << 48 | virtual address
 *     ASID_POOL      object                                              first asid
 *     IO_PORT                                                            first | last << 16
 *     ZOMBIE         object           radix                   is a TCB   slots that are left
 *
 * A frame is mapped when its asid is not 0. A PML4's virtual address is 0; its asid 0 means none was assigned. */
struct km_cap {
	uint64_t type : 5, rights : 4, size : 6, guard_size : 6, flag : 1, object : 42;
	km_word word;
};
_Static_assert(sizeof(struct km_cap) == 16, "a capability is two words");

#define KM_NULL_CAP   ((struct km_cap){.type = KM_CAP_NULL})
#define KM_ASID_SHIFT 48
#define KM_VADDR_MASK ((UINT64_C(1) << 48) - 1)

static inline km_paddr km_cap_paddr(struct km_cap cap) { return (km_paddr)cap.object << KM_GRANULE_BITS; }
static inline unsigned km_cap_asid(struct km_cap cap) { return (unsigned)(cap.word >> KM_ASID_SHIFT); }
static inline km_word km_cap_vaddr(struct km_cap cap) { return cap.word & KM_VADDR_MASK; }

/* The derivation tree is one doubly linked list in depth-first order. `revocable` and `first_badged` are seL4's:
 * the first says that the capability is an original, the second that its badge was set when it was made. */
struct km_slot {
	struct km_cap cap;
	km_ref prev, next;
	uint32_t revocable : 1, first_badged : 1, : 30;
	uint32_t reserved;
};
_Static_assert(sizeof(struct km_slot) == 32, "a slot is seL4's 32 bytes");

static inline bool km_slot_is_empty(const struct km_slot *slot) { return slot->cap.type == KM_CAP_NULL; }

#endif
