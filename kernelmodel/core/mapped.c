/* kernelmodel/core/mapped.c - plain pointers of programs reach the memory that they mapped.
 *
 * The memory of a machine lies in a file of the host's memory. A user's access to an address where the host has nothing is
 * a signal; if the page tables of the running thread translate the address with that right, the page of the file is mapped
 * there, and the access is done again: no entry into the kernel, only the walk is paid. So the host's mappings are one more
 * TLB, filled by misses, and they obey what TLBs obey:
 *
 *   What the kernel invalidates goes. Each change of an entry that was present is counted as KM_WORK_TLB; when that count
 *   has moved during an entry, all pages are unmapped before user code goes on. They come back one by one.
 *
 *   The host has one address space. In virtual time one thread of one space runs at a time: the pages go when another
 *   space runs (the owner changes). Natively a page is mapped only if it means the same in the spaces of all cores that
 *   run; they go when a core begins to run another space than the owner's; and if a thread touches a page that means
 *   something else to another core, neither could be right: the run is refused.
 *
 * Natively the walk takes no big lock, as a processor's takes none: it is done under the lock of this file, and so is the
 * removal at the end of an entry that changed something. A walk that still saw the old entry has mapped its page before
 * the removal, and one after it sees the new entry. Tables that were unlinked become other objects in later entries only.
 *
 * Thread rule: virtual machines with plain pointers are driven by one host thread; native ones by theirs. The lock is taken
 * inside of the big lock, and by signal handlers of user code, which hold none. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "kernelmodel/core/core_internal.h"
#include "kernelmodel/vspace.h"

#define PAGE_BYTES  UINT64_C(4096)
#define PAGES_FIRST 1024
#define POLLS       100
#define NOWHERE     UINT64_C(1) /* the space of a thread that has none; 0: no thread runs */

/* Memory of the host that is a file, too; -1: that is none. */
struct region {
	struct region *next;
	unsigned char *from;
	size_t bytes;
	int file;
};

struct page {
	uint64_t vaddr;
	int prot;
};

/* What is mapped, in this process. */
static struct {
	atomic_uint lock;
	atomic_uint pages; /* changed with the lock held */
	struct page *page;
	size_t room;
	/* the owner: all pages are what this space says */
	const struct core_machine *machine;
	km_paddr space;
	uint64_t changes; /* virtually: of the owner, up to here */
	struct region *regions;
	struct core_machine *machines;
} mapped;

static void lock(void)
{
	/* (M1) pairs with (M2): pages and tables are as the last holder left them. */
	for (unsigned polls = 0; atomic_exchange_explicit(&mapped.lock, 1, memory_order_acquire); polls++)
		if (polls >= POLLS)
			sched_yield();
}

/* (M2) pairs with (M1). */
static void unlock(void) { atomic_store_explicit(&mapped.lock, 0, memory_order_release); }

static unsigned pages(void) { return atomic_load_explicit(&mapped.pages, memory_order_relaxed); }
static void pages_are(unsigned count) { atomic_store_explicit(&mapped.pages, count, memory_order_relaxed); }

/* ---- memory that is a file ---- */

/* Or -1, for a limit on files holds for these as well; to exceed it would be a signal. */
static int file_new(size_t bytes)
{
	struct rlimit limit;
	const bool fits = !getrlimit(RLIMIT_FSIZE, &limit) && bytes <= limit.rlim_cur;
	const int file = fits ? memfd_create("skerry-memory", MFD_CLOEXEC) : -1;
	if (file >= 0 && !ftruncate(file, (off_t)bytes))
		return file;
	if (file >= 0)
		close(file);
	fprintf(stderr,
		"skerry: the host has no file of memory of %zu bytes%s: plain pointers to mapped memory "
		"fault; use "
		"skerry_load() and skerry_store(), or less --memory\n",
		bytes, fits ? "" : " (ulimit -f)");
	return -1;
}

unsigned char *core_shared_new(size_t bytes)
{
	struct region *region = calloc(1, sizeof *region);
	if (!region)
		return NULL;
	region->bytes = bytes;
	region->file = file_new(bytes);
	region->from = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    region->file >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			    region->file, 0);
	if (region->from == MAP_FAILED) {
		if (region->file >= 0)
			close(region->file);
		free(region);
		return NULL;
	}
	lock();
	region->next = mapped.regions;
	mapped.regions = region;
	unlock();
	return region->from;
}

void core_shared_free(unsigned char *memory)
{
	struct region **at = &mapped.regions, *region;
	if (!memory)
		return;
	lock();
	while ((region = *at) && region->from != memory)
		at = &region->next;
	if (region)
		*at = region->next;
	unlock();
	if (!region)
		return;
	munmap(region->from, region->bytes);
	if (region->file >= 0)
		close(region->file);
	free(region);
}

static const struct region *region_of(const unsigned char *byte)
{
	const struct region *region = mapped.regions;
	while (region && (size_t)(byte - region->from) >= region->bytes)
		region = region->next;
	return region;
}

/* ---- dropping ---- */

/* Sanitizers have an opinion on the addresses that mmap() is given; whether they are free only the host knows. */
static void *host_map(uint64_t vaddr, int prot, int flags, const struct region *region, off_t offset)
{
	return (void *)syscall(SYS_mmap, vaddr, PAGE_BYTES, prot, MAP_SHARED | flags, region->file, offset);
}
static void host_unmap(uint64_t vaddr, uint64_t bytes) { syscall(SYS_munmap, vaddr, bytes); }

/* Pages that were touched in the order of their addresses go together. */
static void drop_all(void)
{
	const unsigned count = pages();
	for (unsigned i = 0, n; i < count; i += n) {
		n = 1;
		while (i + n < count && mapped.page[i + n].vaddr == mapped.page[i].vaddr + n * PAGE_BYTES)
			n++;
		host_unmap(mapped.page[i].vaddr, n * PAGE_BYTES);
	}
	pages_are(0);
}

/* ---- what an address means ---- */

struct meaning {
	bool is_present, is_users, may_write;
	unsigned char *byte; /* where the page begins; NULL: nowhere on the host */
};

static unsigned char *byte_of(const struct core_machine *machine, km_paddr at)
{
	const struct km_kernel *kernel = machine->kernel;
	return at - kernel->base < kernel->size ? kernel->arena + (at - kernel->base)
						: core_device_byte(machine, at);
}

/* Natively other cores may change the tables meanwhile: entries are read whole, and only tables in this kernel's memory. */
static struct meaning meaning_of(const struct core_machine *machine, km_paddr space, uint64_t page)
{
	const struct km_kernel *kernel = machine->kernel;
	struct meaning out = {.is_users = true, .may_write = true};
	km_paddr at = space;
	if (space == NOWHERE || page >> KM_LEVEL_SHIFT(KM_PML4) >= KM_PML4_USER_ENTRIES)
		return (struct meaning){.is_present = false};
	for (unsigned level = 0; level < KM_LEVELS && at - kernel->base < kernel->size; level++) {
		const uint64_t *table = km_table_at(kernel, at);
		const uint64_t entry = __atomic_load_n(&table[km_table_index(page, level)], __ATOMIC_RELAXED);
		if (!(entry & KM_ENTRY_PRESENT))
			break;
		out.is_users &= (entry & KM_ENTRY_USER) != 0;
		out.may_write &= (entry & KM_ENTRY_WRITE) != 0;
		at = entry & KM_ENTRY_ADDRESS;
		if (km_entry_is_page(entry, level)) {
			const uint64_t inside = page & ((UINT64_C(1) << KM_LEVEL_SHIFT(level)) - 1);
			out.is_present = true;
			out.byte = byte_of(machine, km_entry_page(entry, level) + inside);
			break;
		}
	}
	return out;
}

static km_paddr space_of(const struct core *core)
{
	unsigned asid;
	const km_paddr space = km_vspace_of(core->kernel, core->km->current, &asid);
	return space ? space : NOWHERE;
}

/* Natively: is it that in the spaces of all other cores that run? */
static bool is_same_to_all(const struct core *core, uint64_t page, const struct meaning *meaning)
{
	for (const struct core_machine *machine = mapped.machines; machine; machine = machine->mapped_next)
		for (uint32_t c = 0; machine->native && c < machine->cores; c++) {
			const km_paddr space = machine->core[c].space;
			if (!space || (machine == core->machine && space == core->space))
				continue;
			const struct meaning other = meaning_of(machine, space, page);
			if (!other.is_present || !other.is_users || other.byte != meaning->byte ||
			    other.may_write != meaning->may_write)
				return false;
		}
	return true;
}

/* ---- mapping ---- */

static bool has_room(void)
{
	const size_t room = mapped.room ? 2 * mapped.room : PAGES_FIRST;
	if (pages() < mapped.room)
		return true;
	void *memory = mapped.room ? mremap(mapped.page, mapped.room * sizeof *mapped.page,
					    room * sizeof *mapped.page, MREMAP_MAYMOVE)
				   : mmap(NULL, room * sizeof *mapped.page, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return false;
	mapped.page = memory;
	mapped.room = room;
	return true;
}

/* Who does not know MAP_FIXED_NOREPLACE takes the address as a hint. */
static int map_new(const struct region *region, uint64_t vaddr, int prot, off_t offset)
{
	void *const got = host_map(vaddr, prot, MAP_FIXED_NOREPLACE, region, offset);
	if (got == MAP_FAILED)
		return errno;
	if ((uintptr_t)got != vaddr) {
		host_unmap((uintptr_t)got, PAGE_BYTES);
		return EEXIST;
	}
	mapped.page[pages()] = (struct page){.vaddr = vaddr, .prot = prot};
	pages_are(pages() + 1);
	return 0;
}

/* It is there already: another core was faster, or code is to be run that was only read or written. */
static enum core_reached map_again(const struct region *region, uint64_t vaddr, int prot, off_t offset,
				   bool is_native)
{
	for (unsigned i = pages(); i-- > 0;) {
		struct page *page = &mapped.page[i];
		if (page->vaddr != vaddr)
			continue;
		if ((page->prot | prot) == page->prot)
			return is_native ? CORE_REACHED : CORE_TAKEN;
		page->prot |= prot;
		return host_map(vaddr, page->prot, MAP_FIXED, region, offset) == MAP_FAILED ? CORE_TAKEN
											    : CORE_REACHED;
	}
	return CORE_TAKEN;
}

static enum core_reached map(const struct region *region, uint64_t vaddr, int prot, off_t offset,
			     bool is_native)
{
	int code;
	if (!has_room())
		drop_all();
	code = map_new(region, vaddr, prot, offset);
	if (code == ENOMEM && pages()) { /* the host has a limit on mappings */
		drop_all();
		code = map_new(region, vaddr, prot, offset);
	}
	return code == EEXIST ? map_again(region, vaddr, prot, offset, is_native)
	       : code         ? CORE_TAKEN
			      : CORE_REACHED;
}

/* ---- from the signal handler ---- */

/* In virtual time the access costs what it costs when it is modelled: a walk, unless the TLB remembers. */
static void pay_walk(struct core *core, uint64_t address, int access)
{
	size_t length;
	km_word fsr;
	core->kernel->self = core->km;
	core->km->charged = 0;
	km_translate(core->kernel, core->km, core->km->current, address, access, &length, &fsr, NULL);
	core->km->now += core->km->charged;
	core->kernel_cycles += core->km->charged;
	core->km->charged = 0;
}

#define ERROR_PRESENT 1
#define ERROR_WRITE   2
#define ERROR_USER    4
#define ERROR_FETCH   16

static enum core_reached reach(struct core *core, uint64_t page, uint64_t *error)
{
	const bool is_native = core->special & SPECIAL_NATIVE;
	const km_paddr space = is_native ? core->space : space_of(core);
	const struct meaning meaning = meaning_of(core->machine, space, page);
	if (!meaning.is_present)
		return CORE_NOT_MAPPED;
	if (!meaning.is_users || (*error & ERROR_WRITE && !meaning.may_write)) {
		*error |= ERROR_PRESENT | ERROR_USER;
		return CORE_NOT_MAPPED;
	}
	if (is_native && !is_same_to_all(core, page, &meaning))
		return CORE_TWO_SPACES;
	const struct region *region = meaning.byte ? region_of(meaning.byte) : NULL;
	if (!region || region->file < 0)
		return CORE_NOT_MAPPED;
	if (!is_native && !pages())
		mapped.changes = core->kernel->work[KM_WORK_TLB];
	mapped.machine = core->machine;
	mapped.space = space;
	return map(region, page,
		   PROT_READ | (meaning.may_write ? PROT_WRITE : 0) | (*error & ERROR_FETCH ? PROT_EXEC : 0),
		   meaning.byte - region->from, is_native);
}

enum core_reached core_mapped_reach(struct core *core, uint64_t address, uint64_t *error)
{
	const int before = errno;
	lock();
	if (!(core->special & SPECIAL_NATIVE))
		pay_walk(core, address,
			 *error & ERROR_WRITE   ? KM_ACCESS_WRITE
			 : *error & ERROR_FETCH ? KM_ACCESS_EXECUTE
						: KM_ACCESS_READ);
	const enum core_reached reached = reach(core, address & ~(PAGE_BYTES - 1), error);
	unlock();
	errno = before;
	return reached;
}

/* ---- before user code goes on ---- */

void core_mapped_look(struct core *core)
{
	if (!pages())
		return;
	const bool idles = core->km->current == core->km->idle;
	if (mapped.machine->kernel->work[KM_WORK_TLB] == mapped.changes &&
	    (idles || (mapped.machine == core->machine && mapped.space == space_of(core))))
		return;
	lock();
	drop_all();
	unlock();
}

void core_mapped_settle(struct core *core, bool goes_on)
{
	struct core_machine *machine = core->machine;
	if (!(core->special & SPECIAL_MAPPED))
		return;
	const uint64_t changes = core->kernel->work[KM_WORK_TLB];
	const km_paddr space = goes_on ? space_of(core) : 0;
	if (changes == machine->mapped_changes && space == core->space)
		return;
	lock();
	if (changes != machine->mapped_changes ||
	    (space && (mapped.machine != machine || mapped.space != space)))
		drop_all();
	machine->mapped_changes = changes;
	core->space = space;
	unlock();
}

/* ---- machines ---- */

void core_mapped_open(struct core_machine *machine)
{
	lock();
	machine->mapped_next = mapped.machines;
	mapped.machines = machine;
	unlock();
}

void core_mapped_close(struct core_machine *machine)
{
	struct core_machine **at = &mapped.machines;
	lock();
	while (*at && *at != machine)
		at = &(*at)->mapped_next;
	if (*at) {
		*at = machine->mapped_next;
		drop_all();
	}
	unlock();
}
