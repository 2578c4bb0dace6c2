/* A thread here is its registers: nobody runs. Whoever is current does its system call by km_syscall(), and what the kernel
 * charged is what the path costs. */
#include "kernelmodel/paths.h"
#include <errno.h>
#include "kernelmodel/kernel_internal.h"
#include "kernelmodel/message.h"
#include <sel4/syscall.h>

enum {
	PATH_NULL,
	PATH_CALL,
	PATH_REPLY_RECV,
	PATH_SIGNAL_HIGH,
	PATH_CALL_SAME,
	PATH_REPLY_SAME,
	PATH_SEND,
	PATH_CALL_10,
	PATH_REPLY_10,
	PATH_SIGNAL_LOW,
	PATH_YIELD,
	PATH_FAULT,
	PATH_MAP,
};

/* clang-format off */
const struct km_path km_paths[KM_PATHS] = {
	[PATH_NULL]        = {"null", "a system call that does nothing", 132, 1},
	[PATH_CALL]        = {"call", "a call of a server in another address space", 747, 1},
	[PATH_REPLY_RECV]  = {"reply_recv", "its answer and next receive", 639, 1},
	[PATH_SIGNAL_HIGH] = {"signal_high", "a signal that wakes a process of higher priority", 1073, 1},
	[PATH_CALL_SAME]   = {"call_same_space", "a call of a server in the same address space", 533, 0},
	[PATH_REPLY_SAME]  = {"reply_recv_same_space", "its answer and next receive", 416, 0},
	[PATH_SEND]        = {"send", "a send to another process, off the fast path", 1600, 0},
	[PATH_CALL_10]     = {"call_10", "a call of 10 words", 1797, 0},
	[PATH_REPLY_10]    = {"reply_recv_10", "an answer of 10 words and the next receive", 1843, 0},
	[PATH_SIGNAL_LOW]  = {"signal_low", "a signal to a process of lower priority", 258, 0},
	[PATH_YIELD]       = {"yield", "to another process", 1032, 0},
	[PATH_FAULT]       = {"fault", "a fault, its message and its answer: the round trip", 1907, 0},
	[PATH_MAP]         = {"map", "mapping one page", 1234, 0},
};
/* clang-format on */

#define MEMORY_START (UINT64_C(1) << 24)
#define MEMORY_BYTES (UINT64_C(1) << 23)
#define MAP_AT       UINT64_C(0x10000000)
#define LOW          100
#define HIGH         200

struct bench {
	struct km_kernel *k;
	struct km_core *core;
	struct km_path_result *out;
	km_word untyped, slot, control;
	struct km_tcb *root;
	int failed;
};

/* ---- system calls ---- */

static void enter(struct bench *b, int64_t number, km_word cap, km_word info, km_word reply)
{
	km_word *reg = b->core->current->context.reg;

	reg[KM_REG_SYSCALL] = (km_word)number;
	reg[KM_REG_CAP] = cap;
	reg[KM_REG_INFO] = info;
	reg[KM_REG_REPLY] = reply;
	b->core->now += b->core->charged + 1000;
	km_syscall(b->k, b->core);
}

struct arguments {
	unsigned words, caps;
	km_word word[8], cap[3];
};

/* An invocation by the root task; its error. */
static void invoke(struct bench *b, km_word cap, unsigned label, struct arguments a)
{
	struct km_tcb *tcb = b->core->current;
	km_word *buffer = km_ipc_buffer(b->k, tcb, 1);

	for (unsigned i = 0; i < a.words; i++)
		if (i < KM_MESSAGE_FAST)
			tcb->context.reg[km_mr_register(i)] = a.word[i];
		else
			buffer[KM_BUFFER_MR + i] = a.word[i];
	for (unsigned i = 0; i < a.caps; i++)
		buffer[KM_BUFFER_BADGE + i] = a.cap[i];
	enter(b, seL4_SysCall, cap, km_info_make(label, 0, a.caps, a.words), 0);
	b->failed |= km_info_label(tcb->context.reg[KM_REG_INFO]) != seL4_NoError;
}
#define INVOKE(b, cap_, label_, ...) invoke(b, cap_, label_, (struct arguments){__VA_ARGS__})

static km_word object(struct bench *b, unsigned type, unsigned bits)
{
	INVOKE(b, b->untyped, UntypedRetype, .words = 6, .word = {type, bits, 0, 0, b->slot, 1}, .caps = 1,
	       .cap = {seL4_CapInitThreadCNode});
	return b->slot++;
}

static void *at_slot(struct bench *b, km_word slot)
{
	struct km_slot *found;

	if (km_lookup_slot(b->k, b->root, slot, &found) != KM_OK)
		return NULL;
	return km_cap_object(b->k, found->cap);
}

/* ---- threads ---- */

static void set_priority(struct bench *b, km_word tcb, unsigned priority)
{
	INVOKE(b, tcb, TCBSetPriority, .words = 1, .word = {priority}, .caps = 1,
	       .cap = {seL4_CapInitThreadTCB});
}

static km_word context_new(struct bench *b)
{
	const km_word sc = object(b, seL4_SchedContextObject, seL4_MinSchedContextBits);

	INVOKE(b, b->control, SchedControlConfigureFlags, .words = 5, .word = {10000, 10000, 0, 0, 0},
	       .caps = 1, .cap = {sc});
	return sc;
}

static km_word space_new(struct bench *b)
{
	const km_word space = object(b, seL4_X64_PML4Object, 0);

	INVOKE(b, seL4_CapInitThreadASIDPool, X86ASIDPoolAssign, .caps = 1, .cap = {space});
	return space;
}

/* At HIGH, made current by its resumption; it has an IPC buffer, the root task's own. */
static struct km_tcb *thread_new(struct bench *b, km_word space, km_word *tcb, km_word *sc)
{
	*tcb = object(b, seL4_TCBObject, 0);
	*sc = context_new(b);
	INVOKE(b, *tcb, TCBSetSpace, .words = 3, .caps = 3,
	       .cap = {seL4_CapNull, seL4_CapInitThreadCNode, space});
	INVOKE(b, *tcb, TCBSetIPCBuffer, .words = 1, .word = {b->root->buffer_address}, .caps = 1,
	       .cap = {seL4_CapInitThreadIPCBuffer});
	INVOKE(b, *tcb, TCBSetSchedParams, .words = 2, .word = {HIGH, HIGH}, .caps = 3,
	       .cap = {seL4_CapInitThreadTCB, *sc, seL4_CapNull});
	return at_slot(b, *tcb);
}

/* ---- measuring ---- */

static void begin(struct bench *b, unsigned path)
{
	for (unsigned i = 0; i < KM_WORK_KINDS; i++)
		b->out[path].work[i] = b->k->work[i];
	b->out[path].cycles = 0;
}
/* The last entry was (a part of) the path. */
static void add(struct bench *b, unsigned path) { b->out[path].cycles += b->core->charged; }
static void end(struct bench *b, unsigned path, const struct km_tcb *runs)
{
	for (unsigned i = 0; i < KM_WORK_KINDS; i++)
		b->out[path].work[i] = b->k->work[i] - b->out[path].work[i];
	b->failed |= runs && b->core->current != runs;
}
static void one(struct bench *b, unsigned path, int64_t number, km_word cap, km_word info, km_word reply,
		const struct km_tcb *runs)
{
	begin(b, path);
	enter(b, number, cap, info, reply);
	add(b, path);
	end(b, path, runs);
}

static void server(struct bench *b, km_word space, unsigned call, unsigned answer)
{
	const km_word ep = object(b, seL4_EndpointObject, 0), reply = object(b, seL4_ReplyObject, 0);
	km_word tcb, sc;
	struct km_tcb *to = thread_new(b, space, &tcb, &sc);

	INVOKE(b, tcb, TCBResume, 0);
	enter(b, seL4_SysRecv, ep, 0, reply); /* the server: it waits */
	INVOKE(b, sc, SchedContextUnbind, 0);
	one(b, call, seL4_SysCall, ep, km_info_make(0, 0, 0, 0), 0, to);
	one(b, answer, seL4_SysReplyRecv, ep, km_info_make(0, 0, 0, 0), reply, b->root);
	if (call != PATH_CALL)
		return;
	one(b, PATH_CALL_10, seL4_SysCall, ep, km_info_make(0, 0, 0, 10), 0, to);
	one(b, PATH_REPLY_10, seL4_SysReplyRecv, ep, km_info_make(0, 0, 0, 10), reply, b->root);
}

static void sender(struct bench *b)
{
	const km_word ep = object(b, seL4_EndpointObject, 0), reply = object(b, seL4_ReplyObject, 0);
	km_word tcb, sc;
	struct km_tcb *to = thread_new(b, space_new(b), &tcb, &sc);

	INVOKE(b, tcb, TCBResume, 0);
	enter(b, seL4_SysRecv, ep, 0, reply);
	one(b, PATH_SEND, seL4_SysSend, ep, km_info_make(0, 0, 0, 0), 0, to);
	enter(b, seL4_SysRecv, ep, 0, reply);
}

static void signals(struct bench *b)
{
	const km_word ntfn = object(b, seL4_NotificationObject, 0);
	km_word tcb, sc;
	struct km_tcb *to = thread_new(b, space_new(b), &tcb, &sc);

	INVOKE(b, tcb, TCBResume, 0);
	enter(b, seL4_SysWait, ntfn, 0, 0);
	one(b, PATH_SIGNAL_HIGH, seL4_SysSend, ntfn, 0, 0, to);
	enter(b, seL4_SysWait, ntfn, 0, 0);
	set_priority(b, tcb, LOW - 1);
	one(b, PATH_SIGNAL_LOW, seL4_SysSend, ntfn, 0, 0, b->root);
	INVOKE(b, tcb, TCBSuspend, 0);
}

static void yields(struct bench *b)
{
	km_word tcb, sc;
	struct km_tcb *to = thread_new(b, space_new(b), &tcb, &sc);

	set_priority(b, tcb, LOW);
	INVOKE(b, tcb, TCBResume, 0);
	one(b, PATH_YIELD, seL4_SysYield, 0, 0, 0, to);
	enter(b, seL4_SysYield, 0, 0, 0);
	INVOKE(b, tcb, TCBSuspend, 0);
}

/* A thread without a capability to send to, whose handler answers at once. */
static void faults(struct bench *b)
{
	const km_word ep = object(b, seL4_EndpointObject, 0), reply = object(b, seL4_ReplyObject, 0);
	km_word tcb, sc, handler, handler_sc;
	struct km_tcb *to = thread_new(b, space_new(b), &handler, &handler_sc);
	struct km_tcb *faulter;

	INVOKE(b, handler, TCBResume, 0);
	enter(b, seL4_SysRecv, ep, 0, reply);
	INVOKE(b, handler_sc, SchedContextUnbind, 0);
	faulter = thread_new(b, space_new(b), &tcb, &sc);
	INVOKE(b, tcb, TCBSetSpace, .words = 3, .caps = 3,
	       .cap = {ep, seL4_CapInitThreadCNode, seL4_CapInitThreadVSpace});
	INVOKE(b, tcb, TCBResume, 0);
	begin(b, PATH_FAULT);
	b->core->now += b->core->charged + 1000;
	km_vm_fault(b->k, b->core, 0, 4, 0);
	add(b, PATH_FAULT);
	b->failed |= b->core->current != to;
	enter(b, seL4_SysReplyRecv, ep, km_info_make(0, 0, 0, 0), reply);
	add(b, PATH_FAULT);
	end(b, PATH_FAULT, faulter);
}

static void maps(struct bench *b)
{
	const km_word vspace = seL4_CapInitThreadVSpace, frame = object(b, seL4_X86_4K, 0);
	const km_word directory = object(b, seL4_X86_PageDirectoryObject, 0),
		      table = object(b, seL4_X86_PageTableObject, 0);
	const km_word far = MAP_AT + (UINT64_C(1) << 30); /* beyond the page directory of the image */

	INVOKE(b, directory, X86PageDirectoryMap, .words = 2, .word = {far, 0}, .caps = 1, .cap = {vspace});
	INVOKE(b, table, X86PageTableMap, .words = 2, .word = {far, 0}, .caps = 1, .cap = {vspace});
	begin(b, PATH_MAP);
	INVOKE(b, frame, X86PageMap, .words = 3, .word = {far, KM_READ | KM_WRITE, 0}, .caps = 1,
	       .cap = {vspace});
	add(b, PATH_MAP);
	end(b, PATH_MAP, b->root);
}

static void find_memory(struct bench *b)
{
	struct km_slot *slot;
	unsigned most = 0;

	for (km_word i = seL4_NumInitialCaps; km_lookup_slot(b->k, b->root, i, &slot) == KM_OK; i++) {
		if (slot->cap.type == KM_CAP_NULL) {
			b->slot = i;
			return;
		}
		if (slot->cap.type == KM_CAP_SCHED_CONTROL)
			b->control = i;
		if (slot->cap.type == KM_CAP_UNTYPED && !slot->cap.flag && slot->cap.size > most) {
			most = slot->cap.size;
			b->untyped = i;
		}
	}
}

int km_paths_measure(const uint32_t *cycles, struct km_path_result out[KM_PATHS])
{
	const struct km_boot boot = {.nodes = 1,
				     .cores = 1,
				     .memory = {MEMORY_START, MEMORY_START + MEMORY_BYTES},
				     .ticks_per_us = 3000,
				     .root_cnode_bits = 10};
	struct bench b = {.out = out};
	char why[128];

	if (km_kernel_new(&b.k, &boot, why, sizeof why))
		return -ENOMEM;
	b.k->cost = cycles;
	b.core = &b.k->core[0];
	b.root = b.core->current;
	find_memory(&b);
	set_priority(&b, seL4_CapInitThreadTCB, LOW);
	one(&b, PATH_NULL, seL4_SysDebugSnapshot, 0, 0, 0, b.root);
	server(&b, space_new(&b), PATH_CALL, PATH_REPLY_RECV);
	server(&b, seL4_CapInitThreadVSpace, PATH_CALL_SAME, PATH_REPLY_SAME);
	sender(&b);
	signals(&b);
	yields(&b);
	maps(&b);
	faults(&b);
	km_kernel_free(b.k);
	return b.failed ? -EIO : 0;
}
