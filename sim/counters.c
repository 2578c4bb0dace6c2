/* sim/counters.c - see counters.h. */
#include "sim/counters.h"
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const sim_counter_name[SIM_COUNTER_KINDS] = {
	[SIM_COUNTER_CYCLES] = "cycles",
	[SIM_COUNTER_INSTRUCTIONS] = "instructions",
	[SIM_COUNTER_CACHE_MISSES] = "cache_misses",
	[SIM_COUNTER_PAGE_FAULTS] = "page_faults",
	[SIM_COUNTER_SWITCHES] = "context_switches",
};

static const struct {
	uint32_t type;
	uint64_t config;
} event[SIM_COUNTER_KINDS] = {
	[SIM_COUNTER_CYCLES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
	[SIM_COUNTER_INSTRUCTIONS] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
	[SIM_COUNTER_CACHE_MISSES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
	[SIM_COUNTER_PAGE_FAULTS] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
	[SIM_COUNTER_SWITCHES] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES},
};

static const char *reason_of(int error)
{
	switch (error) {
	case ENOENT:
	case ENODEV:
	case EOPNOTSUPP:
		return "this machine has no such counter; a virtual machine needs a virtual PMU";
	case EACCES:
	case EPERM:
		return "not allowed here; sysctl kernel.perf_event_paranoid=2, or a container with --cap-add "
		       "PERFMON";
	case ENOSYS:
		return "this kernel was built without perf events";
	default:
		return strerror(error);
	}
}

/* One group, so that all of it counts at the same time or none. */
static int open_one(enum sim_counter which, int leader)
{
	struct perf_event_attr about = {.size = sizeof about,
					.type = event[which].type,
					.config = event[which].config,
					.read_format = PERF_FORMAT_GROUP,
					.exclude_kernel = event[which].type == PERF_TYPE_HARDWARE,
					.exclude_hv = event[which].type == PERF_TYPE_HARDWARE};
	const long file = syscall(SYS_perf_event_open, &about, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
	return file < 0 ? -errno : (int)file;
}

static void *map_page(int file)
{
	void *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, file, 0);
	return page == MAP_FAILED ? NULL : page;
}

static bool allows_rdpmc(const void *page)
{
#ifdef __x86_64__
	const struct perf_event_mmap_page *p = page;
	return p && p->cap_user_rdpmc && p->index;
#else
	(void)page;
	return false;
#endif
}

int sim_counters_open(struct sim_counters *out, const enum sim_counter *which, uint32_t count)
{
	*out = (struct sim_counters){.rdpmc = true};
	for (uint32_t i = 0; i < count && i < SIM_COUNTERS_MAX; i++) {
		const int file = open_one(which[i], i ? out->file[0] : -1);
		if (file < 0) {
			sim_counters_close(out);
			snprintf(out->why, sizeof out->why, "%s: %s", sim_counter_name[which[i]],
				 reason_of(-file));
			return file;
		}
		out->file[i] = file;
		out->page[i] = map_page(file);
		out->rdpmc &= allows_rdpmc(out->page[i]);
		out->count = i + 1;
	}
	return 0;
}

#ifdef __x86_64__
static uint64_t rdpmc(uint32_t index)
{
	uint32_t low, high;
	__asm__ volatile("rdpmc" : "=a"(low), "=d"(high) : "c"(index));
	return (uint64_t)high << 32 | low;
}

/* False: the event is not on the processor now. The kernel changes the page when it moves the event; `lock` says so. */
static bool read_page(const volatile struct perf_event_mmap_page *p, uint64_t *value)
{
	uint32_t lock, index;
	uint64_t count;
	do {
		lock = p->lock;
		__asm__ volatile("" : : : "memory");
		index = p->index;
		count = (uint64_t)p->offset;
		if (index) {
			const unsigned unused = 64u - p->pmc_width;
			count += (uint64_t)((int64_t)(rdpmc(index - 1) << unused) >> unused);
		}
		__asm__ volatile("" : : : "memory");
	} while (p->lock != lock);
	*value = count;
	return index != 0;
}
#else
static bool read_page(const void *page, uint64_t *value)
{
	(void)page, (void)value;
	return false;
}
#endif

static void read_group(const struct sim_counters *c, uint64_t value[SIM_COUNTERS_MAX])
{
	uint64_t group[1 + SIM_COUNTERS_MAX] = {0}; /* their number, then their values */
	if (read(c->file[0], group, sizeof group) > 0)
		memcpy(value, group + 1, c->count * sizeof *value);
}

void sim_counters_read(const struct sim_counters *c, uint64_t value[SIM_COUNTERS_MAX])
{
	memset(value, 0, SIM_COUNTERS_MAX * sizeof *value);
	if (!c->count)
		return;
	for (uint32_t i = 0; c->rdpmc; i++) {
		if (i == c->count)
			return;
		if (!read_page(c->page[i], &value[i]))
			break;
	}
	read_group(c, value);
}

void sim_counters_close(struct sim_counters *c)
{
	for (uint32_t i = 0; i < c->count; i++) {
		if (c->page[i])
			munmap(c->page[i], (size_t)sysconf(_SC_PAGESIZE));
		close(c->file[i]);
	}
	c->count = 0;
}
