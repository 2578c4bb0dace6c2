/* tests/model/fuzz.c - the kernel alone under random registers, message words and addresses.
 *
 * usage: model_fuzz [--calls N] [--seed S] [--world N] [--check-every N]
 *
 * Each world opens as a random run does (gen.c), so that there is something to break; then every word is random: system
 * call, capability, label, lengths, registers, IPC buffer, and the time that passes. The kernel must answer with what the
 * manual knows as errors, keep its invariants (km_check), and never crash: run it under sanitizers. A world is replayed
 * by its seed. Exit: 0 good, 1 not, 2 usage. */
#include "tests/model/gen.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fuzz {
	struct pair *pair;
	struct gen gen;
	uint64_t seed;
	unsigned long calls, errors[16], moved, faults, timers;
};

static uint64_t any(struct fuzz *f) { return gen_random(&f->gen); }
static unsigned below(struct fuzz *f, unsigned n) { return gen_below(&f->gen, n); }

/* What may be an argument: small, near a power of two, an address, or anything. */
static km_word some_word(struct fuzz *f)
{
	switch (below(f, 8)) {
	case 0:
		return 64;
	case 1:
		return 2;
	case 2:
		return below(f, 256);
	case 3:
		return (UINT64_C(1) << below(f, 64)) + below(f, 3) - 1;
	case 4:
		return 0x400000 + (km_word)below(f, 64) * 4096;
	case 5:
		return UINT64_C(0x8000000000) * below(f, 3) + (km_word)below(f, 4) * 0x40000000 +
		       (km_word)below(f, 4) * 0x200000;
	default:
		return any(f) >> below(f, 64);
	}
}

/* A slot of the first CNode that holds a capability of the kind that `label` is for. */
static km_word address_for(struct fuzz *f, unsigned label)
{
	static const struct {
		uint8_t first, last, type, other;
	} users[] = {{1, 1, KM_CAP_UNTYPED, KM_CAP_UNTYPED},
		     {2, 17, KM_CAP_THREAD, KM_CAP_THREAD},
		     {18, 25, KM_CAP_CNODE, KM_CAP_CNODE},
		     {26, 26, KM_CAP_IRQ_CONTROL, KM_CAP_IRQ_CONTROL},
		     {27, 29, KM_CAP_IRQ_HANDLER, KM_CAP_IRQ_HANDLER},
		     {30, 32, KM_CAP_DOMAIN, KM_CAP_DOMAIN},
		     {33, 33, KM_CAP_SCHED_CONTROL, KM_CAP_SCHED_CONTROL},
		     {34, 38, KM_CAP_SCHED_CONTEXT, KM_CAP_SCHED_CONTEXT},
		     {39, 40, KM_CAP_PDPT, KM_CAP_PDPT},
		     {41, 42, KM_CAP_PAGE_DIRECTORY, KM_CAP_PAGE_DIRECTORY},
		     {43, 44, KM_CAP_PAGE_TABLE, KM_CAP_PAGE_TABLE},
		     {45, 47, KM_CAP_FRAME, KM_CAP_FRAME},
		     {48, 49, KM_CAP_ASID_CONTROL, KM_CAP_ASID_POOL},
		     {50, 56, KM_CAP_IO_PORT_CONTROL, KM_CAP_IO_PORT},
		     {57, 58, KM_CAP_IRQ_CONTROL, KM_CAP_IRQ_CONTROL}};
	const struct km_slot *cnode = KM_SLOT(f->pair->kernel, f->pair->kernel->root_cnode);
	unsigned start = below(f, 256);

	for (unsigned u = 0; u < sizeof(users) / sizeof(users[0]); u++)
		for (unsigned i = 0; label >= users[u].first && label <= users[u].last && i < 256; i++) {
			unsigned slot = (start + i) % 256, type = cnode[slot].cap.type;

			if (type == users[u].type || type == users[u].other)
				return slot;
		}
	return start;
}

static void fill(struct fuzz *f, struct km_tcb *tcb)
{
	km_word *reg = tcb->context.reg, *buffer = km_ipc_buffer(f->pair->kernel, tcb, 1);
	unsigned label = below(f, 61);
	static const uint8_t words[] = {KM_R10, KM_R8, KM_R9, KM_R15};

	for (unsigned i = 0; i < 4; i++)
		reg[words[i]] = some_word(f);
	for (unsigned i = 1; buffer && i < 16; i++)
		buffer[i] = some_word(f);
	for (unsigned i = 122; buffer && i < 128; i++)
		buffer[i] = below(f, 10) ? below(f, 256) : some_word(f);
	if (buffer)
		buffer[127] = 64;
	/* Page mappings and ASIDs want a PML4 or a pool's untyped beside them. */
	if (buffer && label >= 39 && label <= 49 && below(f, 4))
		buffer[122] = 3;
	reg[KM_REG_SYSCALL] = below(f, 20) ? (km_word) - (int64_t)(1 + below(f, 11)) : any(f);
	if (below(f, 3))
		reg[KM_REG_SYSCALL] = (km_word)-1;
	reg[KM_REG_CAP] = below(f, 8) ? address_for(f, label) : some_word(f);
	reg[KM_REG_INFO] = m_info(label, below(f, 8), below(f, 4), below(f, 12));
	if (below(f, 40) == 0)
		reg[KM_REG_INFO] = any(f);
	reg[KM_REG_REPLY] = below(f, 256);
	reg[KM_REG_DEST] = below(f, 256);
	if (below(f, 50) == 0)
		for (unsigned i = 0; i < KM_REGISTERS; i++)
			reg[i] = any(f);
}

/* Is what a thread of the kernel's names still one? */
static const char *judge(struct fuzz *f, const struct km_tcb *before)
{
	const struct km_core *core = f->pair->core;
	unsigned label;

	if (!core->current)
		return "no thread is current";
	if (core->current != core->idle && core->current->state != KM_RUNNING)
		return "the current thread does not run";
	if (core->current != before) {
		f->moved++;
		return NULL;
	}
	label = (unsigned)m_info_label(before->context.reg[KM_REG_INFO]);
	if (label < 16)
		f->errors[label]++;
	return NULL;
}

static void step(struct fuzz *f)
{
	struct km_kernel *k = f->pair->kernel;
	struct km_core *core = f->pair->core;
	struct km_tcb *tcb = core->current;

	core->now += below(f, 100) ? below(f, 2000) : below(f, 8000000);
	if (core->now >= core->timer_at) {
		f->timers++;
		km_timer(k, core);
		return;
	}
	if (tcb == core->idle || below(f, 50) == 0) {
		km_interrupt(k, core, below(f, 256));
		return;
	}
	tcb->context.reg[KM_RIP] = tcb->context.next_ip;
	if (below(f, 60) == 0) {
		f->faults++;
		if (below(f, 2))
			km_vm_fault(k, core, any(f), below(f, 32), (int)below(f, 2));
		else
			km_user_exception(k, core, below(f, 32), any(f));
		return;
	}
	tcb->context.next_ip += 2;
	f->pair->asked[0] = 0;
	f->pair->pending = below(f, 3);
	if (below(f, 10))
		fill(f, tcb);
	km_syscall(k, core);
}

/* Memory as threads see it: whatever is mapped must be memory. */
static void touch(struct fuzz *f)
{
	struct km_core *core = f->pair->core;
	size_t length;
	km_word fsr;
	km_paddr paddr;
	unsigned char *byte =
		km_translate(f->pair->kernel, core, core->current, some_word(f) & 0x7fffffffffff,
			     1 << below(f, 3), &length, &fsr, &paddr);

	if (byte && length)
		byte[length - 1] = byte[0];
}

static const char *open_world(struct fuzz *f, uint64_t seed)
{
	struct op op;
	const char *why = NULL;

	f->pair = pair_new(&pair_small);
	f->pair->full_every = f->pair->check_every = 0;
	gen_init(&f->gen, f->pair, seed);
	for (unsigned i = 0; i < 80 && !why && gen_next(&f->gen, &op); i++)
		why = pair_step(f->pair, &op);
	return why;
}

/* A CNode that holds its own last capability is lost for km_check(), which goes from what can be named. */
static const char *check(struct fuzz *f)
{
	const char *why = km_check(f->pair->kernel);

	if (why && (strstr(why, "in no CNode or TCB that a capability names") ||
		    strstr(why, "but no capability names it")))
		return NULL;
	return why;
}

static const char *world(struct fuzz *f, uint64_t seed, unsigned length, unsigned check_every)
{
	const char *why = open_world(f, seed);
	unsigned idle = 0;

	for (unsigned i = 1; i <= length && !why && idle < 50; i++) {
		struct km_tcb *before = f->pair->core->current;

		idle = before == f->pair->core->idle ? idle + 1 : 0;
		step(f);
		f->calls++;
		why = judge(f, before);
		if (!why && below(&*f, 20) == 0 && f->pair->core->current != f->pair->core->idle)
			touch(f);
		if (!why && i % check_every == 0)
			why = check(f);
	}
	if (!why)
		why = check(f);
	if (why)
		printf("fuzz: seed %" PRIu64 ": %s\nfuzz: replay: model_fuzz --seed %" PRIu64
		       " --calls 1 --world %u --check-every 1\n",
		       seed, why, seed, length);
	pair_free(f->pair);
	return why;
}

int main(int argc, char **argv)
{
	unsigned long calls = 300000, length = 2000, check_every = 50;
	uint64_t seed = 1;
	static struct fuzz f;

	for (int i = 1; i + 1 < argc; i += 2) {
		unsigned long value = strtoul(argv[i + 1], NULL, 10);

		if (!strcmp(argv[i], "--calls"))
			calls = value;
		else if (!strcmp(argv[i], "--seed"))
			seed = value;
		else if (!strcmp(argv[i], "--world"))
			length = value;
		else if (!strcmp(argv[i], "--check-every") && value)
			check_every = value;
		else
			argc = 0;
	}
	if (argc % 2 == 0) {
		fprintf(stderr, "usage: model_fuzz [--calls N] [--seed S] [--world N] [--check-every N]\n");
		return 2;
	}
	while (f.calls < calls)
		if (world(&f, seed++, (unsigned)length, (unsigned)check_every))
			return 1;
	printf("fuzz: %lu calls, %lu that another thread ran after, %lu faults, %lu times up; answers by "
	       "label:",
	       f.calls, f.moved, f.faults, f.timers);
	for (unsigned i = 0; i < 11; i++)
		printf(" %lu", f.errors[i]);
	printf("\n");
	/* A fuzzer that meets no error of some kind does not reach what it should. */
	for (unsigned i = 0; i < 11; i++)
		if (!f.errors[i] && calls >= 200000) {
			printf("fuzz: no answer had label %u\n", i);
			return 1;
		}
	return 0;
}
