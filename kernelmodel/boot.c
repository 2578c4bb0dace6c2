/* kernelmodel/boot.c - a kernel from nothing to the root task being current.
 *
 * The order is upstream's, so that the slots of the root CNode come out the same: fixed slots, a scheduling control
 * capability a core, paging structures, extra boot info, image frames, untyped memory (devices first, then RAM).
 * Source: seL4 16.0 manual, section 9.1. */
#include <errno.h>
#include <stdlib.h>
#include "kernelmodel/boot.h"
#include "kernelmodel/irq.h"
#include "kernelmodel/tlb.h"
#include "kernelmodel/vspace.h"
#include <sel4/bootinfo_types.h>

struct booting {
	struct km_kernel *k;
	const struct km_boot *boot;
	struct km_boot_layout at;
	seL4_BootInfo *info;
	uint64_t next_slot;
};

static km_ref ref_at(km_paddr paddr) { return (km_ref)(paddr >> KM_GRANULE_BITS); }

/* ---- capabilities ---- */

static struct km_slot *root_slot(const struct booting *b, uint64_t index)
{
	return (struct km_slot *)km_at(b->k, ref_at(b->at.cnode)) + index;
}

/* Capabilities of the boot are originals without a parent. */
static void set_slot(struct booting *b, uint64_t index, struct km_cap cap)
{
	*root_slot(b, index) = (struct km_slot){.cap = cap, .revocable = 1, .first_badged = 1};
}

/* The next free slot; false: the CNode is full. */
static bool provide(struct booting *b, struct km_cap cap)
{
	if (b->next_slot >= UINT64_C(1) << b->at.cnode_bits)
		return false;
	set_slot(b, b->next_slot++, cap);
	return true;
}

static struct km_cap object_cap(unsigned type, km_paddr at)
{
	return (struct km_cap){.type = type, .object = at >> KM_GRANULE_BITS};
}

static struct km_cap mapped_cap(unsigned type, km_paddr at, km_word vaddr)
{
	struct km_cap cap = object_cap(type, at);
	cap.word = (km_word)KM_ASID_ROOT << KM_ASID_SHIFT | vaddr;
	if (type == KM_CAP_FRAME) {
		cap.rights = KM_READ | KM_WRITE;
		cap.size = seL4_PageBits;
	} else {
		cap.flag = 1;
	}
	return cap;
}

/* ---- the root task's address space ---- */

/* The entry of `level` for `vaddr`, whose tables above are there. */
static uint64_t *entry_of(const struct booting *b, km_word vaddr, unsigned level)
{
	uint64_t *table = km_table_at(b->k, b->at.pml4);
	for (unsigned l = 0; l < level; l++)
		table = km_table_at(b->k, table[km_table_index(vaddr, l)] & KM_ENTRY_ADDRESS);
	return &table[km_table_index(vaddr, level)];
}

static void map_tables(struct booting *b)
{
	static const unsigned type[] = {KM_CAP_PDPT, KM_CAP_PAGE_DIRECTORY, KM_CAP_PAGE_TABLE};
	km_paddr table = b->at.table;
	b->info->userImagePaging.start = b->next_slot;
	for (unsigned level = 0; level < 3; level++) {
		km_word vaddr = b->at.image >> KM_LEVEL_SHIFT(level) << KM_LEVEL_SHIFT(level);
		for (uint32_t i = 0; i < b->at.tables[level]; i++) {
			*entry_of(b, vaddr, level) = table | KM_ENTRY_TABLE;
			provide(b, mapped_cap(type[level], table, vaddr));
			table += KM_PAGE_SIZE;
			vaddr += UINT64_C(1) << KM_LEVEL_SHIFT(level);
		}
	}
	b->info->userImagePaging.end = b->next_slot;
}

static struct km_cap map_frame(struct booting *b, km_paddr frame, km_word vaddr)
{
	*entry_of(b, vaddr, KM_TABLE) = frame | KM_ENTRY_TABLE;
	return mapped_cap(KM_CAP_FRAME, frame, vaddr);
}

static void make_address_space(struct booting *b)
{
	struct km_kernel *k = b->k;
	set_slot(b, seL4_CapInitThreadVSpace, mapped_cap(KM_CAP_PML4, b->at.pml4, 0));
	map_tables(b);
	set_slot(b, seL4_CapBootInfoFrame, map_frame(b, b->at.boot_info_frame, b->at.boot_info));
	b->info->extraBIPages.start = b->next_slot;
	provide(b, map_frame(b, b->at.extra_frame, b->at.extra));
	b->info->extraBIPages.end = b->next_slot;
	set_slot(b, seL4_CapInitThreadIPCBuffer, map_frame(b, b->at.buffer_frame, b->at.buffer));
	b->info->userImageFrames.start = b->next_slot;
	for (uint32_t i = 0; i < b->at.image_frames; i++)
		provide(b,
			map_frame(b, b->at.image_frame + i * KM_PAGE_SIZE, b->at.image + i * KM_PAGE_SIZE));
	b->info->userImageFrames.end = b->next_slot;

	set_slot(b, seL4_CapInitThreadASIDPool, object_cap(KM_CAP_ASID_POOL, b->at.asid_pool));
	set_slot(b, seL4_CapASIDControl, object_cap(KM_CAP_ASID_CONTROL, 0));
	km_table_at(k, b->at.asid_pool)[KM_ASID_ROOT] = b->at.pml4;
	k->asid_pool[0] = ref_at(b->at.asid_pool);
}

/* ---- boot info ---- */

/* The chunks behind the boot info: the clock's frequency, as sel4platsupport looks for it, and padding. */
static void fill_extra(struct booting *b)
{
	unsigned char *page = km_at(b->k, ref_at(b->at.extra_frame));
	seL4_BootInfoHeader header = {.id = SEL4_BOOTINFO_HEADER_X86_TSC_FREQ, .len = sizeof header + 4};
	uint32_t mhz = b->boot->ticks_per_us > UINT32_MAX ? UINT32_MAX : (uint32_t)b->boot->ticks_per_us;
	memcpy(page, &header, sizeof header);
	memcpy(page + sizeof header, &mhz, sizeof mhz);
	size_t used = header.len;
	header = (seL4_BootInfoHeader){.id = SEL4_BOOTINFO_HEADER_PADDING, .len = KM_PAGE_SIZE - used};
	memcpy(page + used, &header, sizeof header);
	b->info->extraLen = used + sizeof header;
}

/* `nodes` is upstream's number of cores for a kernel that is alone, and the number of kernels of a multikernel boot. */
static void fill_boot_info(struct booting *b)
{
	seL4_BootInfo *info = b->info;
	info->nodeID = b->boot->node;
	info->numNodes = b->boot->nodes > 1 ? b->boot->nodes : b->boot->cores;
	info->numIOPTLevels = (seL4_Word)-1;
	info->ipcBuffer = (seL4_IPCBuffer *)(uintptr_t)b->at.buffer;
	info->initThreadCNodeSizeBits = b->at.cnode_bits;
	info->initThreadDomain = b->k->schedule[0].domain;
	fill_extra(b);
}

/* ---- untyped memory ---- */

static void give_untyped(struct booting *b, km_paddr start, unsigned bits, int is_device)
{
	uint64_t i = b->next_slot - b->info->untyped.start;
	struct km_cap cap = object_cap(KM_CAP_UNTYPED, start);
	cap.size = bits;
	cap.flag = is_device != 0;
	/* What is not in the list would be memory that nobody can find: upstream drops it as well. */
	if (i >= CONFIG_MAX_NUM_BOOTINFO_UNTYPED_CAPS || !provide(b, cap))
		return;
	b->info->untypedList[i] =
		(seL4_UntypedDesc){.paddr = start, .sizeBits = (seL4_Uint8)bits, .isDevice = is_device != 0};
}

/* Splits a region into the largest blocks that are aligned to their size. */
static void give_region(struct booting *b, km_paddr start, km_paddr end, int is_device)
{
	while (start < end) {
		unsigned bits = 63 - (unsigned)__builtin_clzl(end - start);
		if (bits > seL4_MaxUntypedBits)
			bits = seL4_MaxUntypedBits;
		if (start != 0 && bits > (unsigned)__builtin_ctzl(start))
			bits = (unsigned)__builtin_ctzl(start);
		give_untyped(b, start, bits, is_device);
		start += UINT64_C(1) << bits;
	}
}

/* Regions may be given in any order; the list is in order of address. Each is handed out once. */
static void give_devices(struct booting *b)
{
	km_paddr above = 0;
	for (uint32_t n = 0; n < b->boot->devices; n++) {
		const struct km_region *next = NULL;
		for (uint32_t d = 0; d < b->boot->devices; d++) {
			const struct km_region *r = &b->boot->device[d];
			if (r->start >= above && (next == NULL || r->start < next->start))
				next = r;
		}
		give_region(b, next->start, next->end, 1);
		above = next->end;
	}
}

static void give_memory(struct booting *b)
{
	b->info->untyped.start = b->next_slot;
	give_devices(b);
	give_region(b, b->at.small_end, b->at.cnode, 0);
	give_region(b, b->at.cnode_end, b->boot->memory.end, 0);
	b->info->untyped.end = b->next_slot;
	b->info->empty.start = b->next_slot;
	b->info->empty.end = UINT64_C(1) << b->at.cnode_bits;
}

/* ---- threads ---- */

static void make_context(struct booting *b, struct km_tcb *tcb, km_paddr at, uint32_t core)
{
	struct km_sched_context *sc = KM_SC(b->k, ref_at(at));
	sc->core = core;
	km_refill_new(b->k, sc, KM_MIN_REFILLS, KM_BOOT_SLICE_US * b->boot->ticks_per_us, 0);
	sc->tcb = km_ref_of(b->k, tcb);
	tcb->sc = ref_at(at);
	tcb->core = core;
}

/* It needs no scheduling context: nobody charges it. */
static void make_idle(struct booting *b, struct km_core *core)
{
	core->idle = KM_TCB(b->k, ref_at(b->at.idle_tcb + (km_paddr)core->id * KM_BOOT_TCB_SIZE));
	memcpy(core->idle->name, "idle_thread", sizeof "idle_thread");
	km_boot_idle(b->k, core);
}

/* Its slots hold copies of the capabilities in the root CNode, derived as TCB_Configure would. */
static void fill_tcb_slots(struct booting *b, struct km_tcb *tcb)
{
	static const struct {
		unsigned from, into;
	} copy[] = {{seL4_CapInitThreadCNode, KM_TCB_CSPACE},
		    {seL4_CapInitThreadVSpace, KM_TCB_VSPACE},
		    {seL4_CapInitThreadIPCBuffer, KM_TCB_BUFFER}};
	for (unsigned i = 0; i < sizeof copy / sizeof copy[0]; i++) {
		struct km_slot *source = root_slot(b, copy[i].from);
		struct km_cap cap = source->cap;
		if (cap.type == KM_CAP_FRAME)
			km_frame_derive(b->k, cap, &cap);
		km_tree_insert(b->k, cap, source, &tcb->slot[copy[i].into]);
	}
}

static struct km_tcb *make_root_thread(struct booting *b)
{
	struct km_kernel *k = b->k;
	struct km_tcb *tcb = KM_TCB(k, ref_at(b->at.tcb));
	km_tcb_init(k, tcb);
	fill_tcb_slots(b, tcb);
	tcb->buffer_address = b->at.buffer;
	tcb->context.reg[KM_RDI] = b->at.boot_info;
	tcb->context.reg[KM_RFLAGS] = 0x202; /* interrupts are on; the other bit is always set */
	tcb->context.whole = 1;
	make_context(b, tcb, b->at.sc, 0);
	tcb->priority = b->boot->root_priority != 0 ? b->boot->root_priority : seL4_MaxPrio;
	tcb->mcp = seL4_MaxPrio;
	tcb->domain = (uint8_t)k->schedule[0].domain;
	tcb->state = KM_RUNNING;
	memcpy(tcb->name, "rootserver", sizeof "rootserver");

	struct km_cap sc = object_cap(KM_CAP_SCHED_CONTEXT, b->at.sc);
	sc.size = seL4_MinSchedContextBits;
	set_slot(b, seL4_CapInitThreadTCB, object_cap(KM_CAP_THREAD, b->at.tcb));
	set_slot(b, seL4_CapInitThreadSC, sc);
	return tcb;
}

/* Each core leaves its boot through the scheduler, as it leaves every entry. What the boot did is charged to nobody. */
static void start_cores(struct booting *b, struct km_tcb *root)
{
	struct km_kernel *k = b->k;
	for (uint32_t i = k->cores; i-- > 0;) {
		k->self = &k->core[i];
		k->self->action = i == 0 ? KM_SWITCH_TO : KM_CHOOSE;
		k->self->candidate = i == 0 ? km_ref_of(k, root) : 0;
		km_schedule(k);
		k->self->charged = 0;
	}
	memset(k->work, 0, sizeof k->work);
	k->preempt_work = 0;
	k->ipi = 0;
}

/* ---- the kernel's own ---- */

static void copy_schedule(struct km_kernel *k, const struct km_boot *boot)
{
	for (uint32_t i = 0; i < boot->schedule_length; i++)
		k->schedule[i] = (struct km_schedule_entry){.domain = boot->schedule[i].domain,
							    .duration = boot->schedule[i].duration};
}

static void make_fixed_capabilities(struct booting *b)
{
	struct km_cap cnode = object_cap(KM_CAP_CNODE, b->at.cnode);
	cnode.size = b->at.cnode_bits;
	cnode.guard_size = 64 - b->at.cnode_bits;
	set_slot(b, seL4_CapInitThreadCNode, cnode);
	set_slot(b, seL4_CapIOPortControl, object_cap(KM_CAP_IO_PORT_CONTROL, 0));
	set_slot(b, seL4_CapDomain, object_cap(KM_CAP_DOMAIN, 0));
	set_slot(b, seL4_CapIRQControl, object_cap(KM_CAP_IRQ_CONTROL, 0));
	b->next_slot = seL4_NumInitialCaps;
	b->info->schedcontrol.start = b->next_slot;
	for (uint32_t i = 0; i < b->k->cores; i++) {
		struct km_cap control = object_cap(KM_CAP_SCHED_CONTROL, 0);
		control.word = i;
		provide(b, control);
	}
	b->info->schedcontrol.end = b->next_slot;
}

static void boot_objects(struct booting *b)
{
	struct km_kernel *k = b->k;
	k->irq_node = ref_at(b->at.irq_node);
	k->io_ports = ref_at(b->at.io_ports);
	k->root_tcb = ref_at(b->at.tcb);
	k->boot_info = ref_at(b->at.boot_info_frame);
	k->root_cnode = ref_at(b->at.cnode);
	b->info = km_at(k, k->boot_info);
	copy_schedule(k, b->boot);
	km_irq_boot(k, b->boot);
	make_fixed_capabilities(b);
	fill_boot_info(b);
	make_address_space(b);
	for (uint32_t i = 0; i < k->cores; i++)
		make_idle(b, &k->core[i]);
	k->self = &k->core[0];
	struct km_tcb *root = make_root_thread(b);
	give_memory(b);
	start_cores(b, root);
}

/* ---- memory of the host ---- */

/* Zeroed and aligned to a page; the block's own address stands in the word before. Untouched pages stay the host's. */
static unsigned char *arena_new(uint64_t size)
{
	unsigned char *block = calloc(1, size + KM_PAGE_SIZE + sizeof block);
	if (block == NULL)
		return NULL;
	unsigned char *arena = block + sizeof block;
	arena += -(uintptr_t)arena & (KM_PAGE_SIZE - 1);
	memcpy(arena - sizeof block, &block, sizeof block);
	return arena;
}

static void arena_free(unsigned char *arena)
{
	unsigned char *block;
	memcpy(&block, arena - sizeof block, sizeof block);
	free(block);
}

static int make_cores(struct km_kernel *k)
{
	k->core = calloc(k->cores, sizeof *k->core);
	if (k->core == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < k->cores; i++) {
		k->core[i].id = i;
		for (unsigned s = 0; s < KM_SPACES_KNOWN; s++)
			k->core[i].space[s].word = KM_NO_SPACE;
		k->core[i].tlb = km_tlb_new();
		if (k->core[i].tlb == NULL)
			return -ENOMEM;
	}
	k->self = &k->core[0];
	return 0;
}

static int make_memory(struct km_kernel *k, const struct km_boot *boot)
{
	k->base = boot->memory.start;
	k->size = boot->memory.end - boot->memory.start;
	k->arena = boot->arena;
	k->arena_is_own = boot->arena == NULL;
	if (k->arena_is_own)
		k->arena = arena_new(k->size);
	return k->arena == NULL ? -ENOMEM : make_cores(k);
}

void km_kernel_free(struct km_kernel *kernel)
{
	if (kernel == NULL)
		return;
	for (uint32_t i = 0; kernel->core != NULL && i < kernel->cores; i++)
		km_tlb_free(kernel->core[i].tlb);
	free(kernel->core);
	if (kernel->arena_is_own && kernel->arena != NULL)
		arena_free(kernel->arena);
	free(kernel);
}

int km_kernel_new(struct km_kernel **out, const struct km_boot *boot, char *why, size_t why_size)
{
	static const uint32_t free_of_charge[KM_WORK_KINDS];
	int bad = km_boot_check(boot, 1, why, why_size);
	if (bad)
		return bad;
	struct km_kernel *k = calloc(1, sizeof *k);
	if (k == NULL)
		return -ENOMEM;
	k->cores = boot->cores;
	k->node = boot->node;
	k->nodes = boot->nodes == 0 ? 1 : boot->nodes;
	k->ticks_per_us = boot->ticks_per_us;
	k->cost = free_of_charge;
	k->boot = *boot;
	bad = make_memory(k, boot);
	if (bad) {
		km_kernel_free(k);
		return bad;
	}
	struct booting b = {.k = k, .boot = boot};
	km_boot_layout(&b.at, boot);
	boot_objects(&b);
	*out = k;
	return 0;
}
