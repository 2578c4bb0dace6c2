/* kernelmodel/boot_check.c - what a multikernel boot gives to its kernels is checked before anything starts.
 *
 * Kernels that share memory or an interrupt by accident corrupt one another silently; nothing at run time would find it.
 * So each specification is checked alone, and all of them against each other: sorted, for there may be thousands of
 * kernels, each with a region for every other. One message: place, cause, remedy. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "kernelmodel/boot.h"
#include "kernelmodel/kernel_internal.h"
#include "sim/check.h"
#include <sel4/bootinfo_types.h>

struct check {
	const struct km_boot *boot;
	uint32_t count;
	char *why;
	size_t why_size;
};

static const char *name_of(const struct km_boot *boot) { return boot->name != NULL ? boot->name : ""; }

__attribute__((format(printf, 3, 4))) static int refuse(const struct check *c, uint32_t kernel,
							const char *format, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (c->why != NULL && c->why_size > 0)
		snprintf(c->why, c->why_size, "kernel %u%s%s%s: %s", kernel,
			 *name_of(&c->boot[kernel]) ? " (" : "", name_of(&c->boot[kernel]),
			 *name_of(&c->boot[kernel]) ? ")" : "", text);
	return -EINVAL;
}

static bool overlap(struct km_region a, struct km_region b) { return a.start < b.end && b.start < a.end; }

static bool is_whole_pages(struct km_region r)
{
	return r.start % KM_PAGE_SIZE == 0 && r.end % KM_PAGE_SIZE == 0 && r.start < r.end;
}

static int check_memory(const struct check *c, uint32_t i)
{
	struct km_region m = c->boot[i].memory;
	if (!is_whole_pages(m))
		return refuse(c, i,
			      "memory 0x%lx..0x%lx is not a range of whole pages; align both ends to 0x1000, "
			      "the end "
			      "behind the start",
			      m.start, m.end);
	if (m.end > KM_MEMORY_TOP)
		return refuse(
			c, i,
			"memory ends at 0x%lx, above 64 GiB, which object references do not reach; place it "
			"below 0x%lx",
			m.end, KM_MEMORY_TOP);
	return 0;
}

/* A region and whose it is: the number of a kernel, or of a device region. */
struct span {
	struct km_region region;
	uint32_t of;
};

static int by_start(const void *a, const void *b)
{
	const struct span *s = a, *t = b;
	if (s->region.start != t->region.start)
		return s->region.start < t->region.start ? -1 : 1;
	return (s->of > t->of) - (s->of < t->of);
}

static struct span *spans_new(uint32_t count)
{
	struct span *span = calloc(count + 1, sizeof *span);
	SIM_CHECK(span != NULL);
	return span;
}

/* Sorts; the first of two neighbours that overlap, or NULL. If any two overlap, so do two neighbours. */
static const struct span *find_overlap(struct span *span, uint32_t count)
{
	qsort(span, count, sizeof *span, by_start);
	for (uint32_t i = 1; i < count; i++)
		if (overlap(span[i - 1].region, span[i].region))
			return &span[i - 1];
	return NULL;
}

static int check_devices_apart(const struct check *c, uint32_t i)
{
	const struct km_boot *b = &c->boot[i];
	struct span *span = spans_new(b->devices);
	for (uint32_t d = 0; d < b->devices; d++)
		span[d] = (struct span){b->device[d], d};
	const struct span *two = find_overlap(span, b->devices);
	int bad = 0;
	if (two != NULL)
		bad = refuse(c, i,
			     "device regions %u, 0x%lx..0x%lx, and %u, 0x%lx..0x%lx, overlap; merge them, or "
			     "one would be "
			     "handed out twice",
			     two[0].of, two[0].region.start, two[0].region.end, two[1].of,
			     two[1].region.start, two[1].region.end);
	free(span);
	return bad;
}

static int check_device(const struct check *c, uint32_t i, uint32_t d)
{
	const struct km_boot *b = &c->boot[i];
	struct km_region r = b->device[d];
	if (!is_whole_pages(r))
		return refuse(c, i,
			      "device region %u, 0x%lx..0x%lx, is not a range of whole pages; align both "
			      "ends to 0x1000, the "
			      "end behind the start",
			      d, r.start, r.end);
	if (r.end > KM_DEVICE_TOP)
		return refuse(c, i,
			      "device region %u ends at 0x%lx, which capabilities do not reach; place it "
			      "below 0x%lx",
			      d, r.end, KM_DEVICE_TOP);
	if (overlap(r, b->memory))
		return refuse(c, i,
			      "device region %u, 0x%lx..0x%lx, overlaps its own memory 0x%lx..0x%lx; take "
			      "the region out of "
			      "the memory",
			      d, r.start, r.end, b->memory.start, b->memory.end);
	return 0;
}

static int check_devices(const struct check *c, uint32_t i)
{
	const struct km_boot *b = &c->boot[i];
	if (b->devices > 0 && b->device == NULL)
		return refuse(c, i, "%u device regions are announced but none is given; set `device`",
			      b->devices);
	for (uint32_t d = 0; d < b->devices; d++) {
		int bad = check_device(c, i, d);
		if (bad)
			return bad;
	}
	return check_devices_apart(c, i);
}

static int check_interrupts(const struct check *c, uint32_t i)
{
	const struct km_boot *b = &c->boot[i];
	if (b->irqs > 0 && b->irq == NULL)
		return refuse(c, i, "%u interrupts are announced but none is given; set `irq`", b->irqs);
	for (uint32_t n = 0; n < b->irqs; n++) {
		if (b->irq[n] < KM_IRQ_USER_MIN || b->irq[n] > KM_IRQ_USER_MAX)
			return refuse(c, i, "interrupt %u cannot be a user's; give one of %d..%d", b->irq[n],
				      KM_IRQ_USER_MIN, KM_IRQ_USER_MAX);
		for (uint32_t m = 0; m < n; m++)
			if (b->irq[m] == b->irq[n])
				return refuse(c, i, "interrupt %u is listed twice; list it once", b->irq[n]);
	}
	return 0;
}

static int check_schedule(const struct check *c, uint32_t i)
{
	const struct km_boot *b = &c->boot[i];
	if (b->schedule_length > KM_SCHEDULE_MAX)
		return refuse(c, i, "the domain schedule has %u entries; at most %d are possible",
			      b->schedule_length, KM_SCHEDULE_MAX);
	for (uint32_t n = 0; n < b->schedule_length; n++) {
		if (b->schedule[n].domain >= KM_DOMAINS)
			return refuse(c, i,
				      "entry %u of the domain schedule names domain %u; there are 0..%d", n,
				      b->schedule[n].domain, KM_DOMAINS - 1);
		if (b->schedule[n].duration == 0 && n + 1 < b->schedule_length)
			return refuse(
				c, i,
				"entry %u of the domain schedule lasts for ever (duration 0), so that the "
				"next is never reached; give it a duration or make it the last",
				n);
	}
	return 0;
}

static int check_numbers(const struct check *c, uint32_t i)
{
	const struct km_boot *b = &c->boot[i];
	uint32_t nodes = b->nodes == 0 ? 1 : b->nodes;
	if (b->cores < 1 || b->cores > KM_CORES_MAX)
		return refuse(c, i, "%u cores; give 1..%d", b->cores, KM_CORES_MAX);
	if (b->ticks_per_us == 0)
		return refuse(c, i, "its clock has 0 ticks a microsecond; give ticks_per_us the clock's MHz");
	if (b->node >= nodes)
		return refuse(c, i, "node number %u of %u nodes; number them 0..%u", b->node, nodes,
			      nodes - 1);
	if (b->root_cnode_bits != 0 &&
	    (b->root_cnode_bits < KM_CNODE_BITS_MIN || b->root_cnode_bits > KM_CNODE_BITS_MAX))
		return refuse(c, i, "a root CNode of 2^%u slots; give %d..%d bits", b->root_cnode_bits,
			      KM_CNODE_BITS_MIN, KM_CNODE_BITS_MAX);
	return 0;
}

static int check_room(const struct check *c, uint32_t i)
{
	const struct km_boot *b = &c->boot[i];
	struct km_boot_layout layout;
	km_boot_layout(&layout, b);
	if (layout.slots > UINT64_C(1) << layout.cnode_bits)
		return refuse(c, i,
			      "the root task needs %lu slots, its CNode has 2^%u; raise root_cnode_bits",
			      layout.slots, layout.cnode_bits);
	if (layout.cnode_end > b->memory.end)
		return refuse(
			c, i,
			"memory 0x%lx..0x%lx is too small: the kernel and its root task need it up to 0x%lx "
			"(a CNode of 2^%u slots, %u image frames); give more, or lower root_cnode_bits",
			b->memory.start, b->memory.end, layout.cnode_end, layout.cnode_bits,
			layout.image_frames);
	return 0;
}

static int check_alone(const struct check *c, uint32_t i)
{
	int bad = check_numbers(c, i);
	bad = bad ? bad : check_memory(c, i);
	bad = bad ? bad : check_devices(c, i);
	bad = bad ? bad : check_interrupts(c, i);
	bad = bad ? bad : check_schedule(c, i);
	return bad ? bad : check_room(c, i);
}

/* ---- all of them against each other ---- */

static int check_nodes(const struct check *c)
{
	uint32_t *owner = calloc(c->count, sizeof *owner);
	SIM_CHECK(owner != NULL);
	int bad = 0;
	for (uint32_t i = 0; i < c->count && !bad; i++) {
		uint32_t node = c->boot[i].node;
		if (c->boot[i].nodes != c->count)
			bad = refuse(c, i,
				     "it says that there are %u nodes, but %u kernels are booted; give all "
				     "of them this "
				     "number",
				     c->boot[i].nodes, c->count);
		else if (owner[node] != 0)
			bad = refuse(
				c, i,
				"node number %u is kernel %u's already; number the kernels 0..%u, each once",
				node, owner[node] - 1, c->count - 1);
		else
			owner[node] = i + 1;
	}
	free(owner);
	return bad;
}

static int check_owners_of_interrupts(const struct check *c)
{
	uint32_t owner[KM_IRQS] = {0};
	for (uint32_t i = 0; i < c->count; i++)
		for (uint32_t n = 0; n < c->boot[i].irqs; n++) {
			uint32_t irq = c->boot[i].irq[n];
			if (owner[irq] != 0)
				return refuse(c, i,
					      "interrupt %u belongs to kernel %u already; an interrupt or "
					      "doorbell has one "
					      "owner, give another number",
					      irq, owner[irq] - 1);
			owner[irq] = i + 1;
		}
	return 0;
}

static int refuse_memories(const struct check *c, const struct span *two)
{
	int second = two[1].of > two[0].of; /* the later kernel is the one to be moved */
	struct span moved = two[second], kept = two[!second];
	return refuse(
		c, moved.of,
		"memory 0x%lx..0x%lx overlaps 0x%lx..0x%lx of kernel %u; give each kernel memory of its own",
		moved.region.start, moved.region.end, kept.region.start, kept.region.end, kept.of);
}

/* The memory in sorted `span`, none of which overlap, that `r` overlaps; or NULL. */
static const struct span *find_memory(const struct span *span, uint32_t count, struct km_region r)
{
	uint32_t low = 0, high = count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (span[middle].region.end > r.start)
			high = middle;
		else
			low = middle + 1;
	}
	return low < count && overlap(span[low].region, r) ? &span[low] : NULL;
}

static int check_devices_against(const struct check *c, uint32_t i, const struct span *memory)
{
	for (uint32_t d = 0; d < c->boot[i].devices; d++) {
		struct km_region r = c->boot[i].device[d];
		const struct span *m = find_memory(memory, c->count, r);
		if (m != NULL)
			return refuse(c, m->of,
				      "memory 0x%lx..0x%lx overlaps device region %u, 0x%lx..0x%lx, of "
				      "kernel %u; memory has "
				      "one owner: to share a range, make it a device region of both",
				      m->region.start, m->region.end, d, r.start, r.end, i);
	}
	return 0;
}

static int check_memories(const struct check *c)
{
	struct span *span = spans_new(c->count);
	for (uint32_t i = 0; i < c->count; i++)
		span[i] = (struct span){c->boot[i].memory, i};
	const struct span *two = find_overlap(span, c->count);
	int bad = two != NULL ? refuse_memories(c, two) : 0;
	for (uint32_t i = 0; i < c->count && !bad; i++)
		bad = check_devices_against(c, i, span);
	free(span);
	return bad;
}

int km_boot_check(const struct km_boot *boot, uint32_t count, char *why, size_t why_size)
{
	const struct check c = {.boot = boot, .count = count, .why = why, .why_size = why_size};
	int bad = 0;
	for (uint32_t i = 0; i < count && !bad; i++)
		bad = check_alone(&c, i);
	if (bad || count < 2)
		return bad;
	bad = check_nodes(&c);
	bad = bad ? bad : check_memories(&c);
	return bad ? bad : check_owners_of_interrupts(&c);
}

/* ---- layout ---- */

/* How many tables of 2^bits bytes of address space each cover [start, end). */
static uint32_t tables_for(km_word start, km_word end, unsigned bits)
{
	return (uint32_t)(((end - 1) >> bits) - (start >> bits) + 1);
}

static km_paddr take(km_paddr *at, uint64_t bytes)
{
	km_paddr taken = *at;
	*at += bytes;
	return taken;
}

static void lay_out_root_task(struct km_boot_layout *out, km_paddr *at)
{
	uint32_t tables = out->tables[0] + out->tables[1] + out->tables[2];
	*at = (*at + KM_PAGE_SIZE - 1) & ~(KM_PAGE_SIZE - 1);
	out->pml4 = take(at, KM_PAGE_SIZE);
	out->table = take(at, tables * KM_PAGE_SIZE);
	out->asid_pool = take(at, KM_PAGE_SIZE);
	out->image_frame = take(at, out->image_frames * KM_PAGE_SIZE);
	out->buffer_frame = take(at, KM_PAGE_SIZE);
	out->boot_info_frame = take(at, KM_PAGE_SIZE);
	out->extra_frame = take(at, KM_PAGE_SIZE);
	out->tcb = take(at, KM_BOOT_TCB_SIZE);
	out->sc = take(at, KM_BOOT_SC_SIZE);
	out->small_end = *at = (*at + KM_PAGE_SIZE - 1) & ~(KM_PAGE_SIZE - 1);
}

void km_boot_layout(struct km_boot_layout *out, const struct km_boot *boot)
{
	*out = (struct km_boot_layout){
		.cnode_bits = boot->root_cnode_bits != 0 ? boot->root_cnode_bits : KM_CNODE_BITS_DEFAULT,
		.image_frames = boot->image_frames != 0 ? boot->image_frames : KM_IMAGE_DEFAULT,
		.image = KM_IMAGE_BASE,
	};
	out->buffer = out->image + out->image_frames * KM_PAGE_SIZE;
	out->boot_info = out->buffer + KM_PAGE_SIZE;
	out->extra = out->boot_info + KM_PAGE_SIZE;
	out->end = out->extra + KM_PAGE_SIZE;
	for (unsigned level = 0; level < 3; level++)
		out->tables[level] = tables_for(out->image, out->end, 39 - 9 * level);
	out->slots = (uint64_t)seL4_NumInitialCaps + boot->cores + out->tables[0] + out->tables[1] +
		     out->tables[2] + 1 /* extra boot info */ + out->image_frames;

	km_paddr at = boot->memory.start +
		      KM_PAGE_SIZE; /* the first page holds nothing, so that no reference is 0 */
	out->irq_node = take(&at, KM_IRQS * sizeof(struct km_slot));
	out->io_ports = take(&at, (UINT64_C(1) << 16) / 8);
	out->idle_tcb = take(&at, (uint64_t)boot->cores * KM_BOOT_TCB_SIZE);
	lay_out_root_task(out, &at);
	/* The CNode is aligned to its size, as a CNode from Retype is; what lies before it is given out. */
	uint64_t cnode_size = sizeof(struct km_slot) << out->cnode_bits;
	out->cnode = (at + cnode_size - 1) & ~(cnode_size - 1);
	out->cnode_end = out->cnode + cnode_size;
}
