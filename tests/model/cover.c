/* tests/model/cover.c - see cover.h. A generator can be wrong as well: what a run must visit is written down here. */
#include "tests/model/cover.h"
#include <stdlib.h>

static const char *const label_name[COVER_LABELS] = {"Invalid",
						     "UntypedRetype",
						     "TCBReadRegisters",
						     "TCBWriteRegisters",
						     "TCBCopyRegisters",
						     "TCBConfigure",
						     "TCBSetPriority",
						     "TCBSetMCPriority",
						     "TCBSetSchedParams",
						     "TCBSetTimeoutEndpoint",
						     "TCBSetIPCBuffer",
						     "TCBSetSpace",
						     "TCBSuspend",
						     "TCBResume",
						     "TCBBindNotification",
						     "TCBUnbindNotification",
						     "TCBSetTLSBase",
						     "TCBSetFlags",
						     "CNodeRevoke",
						     "CNodeDelete",
						     "CNodeCancelBadgedSends",
						     "CNodeCopy",
						     "CNodeMint",
						     "CNodeMove",
						     "CNodeMutate",
						     "CNodeRotate",
						     "IRQIssueIRQHandler",
						     "IRQAckIRQ",
						     "IRQSetIRQHandler",
						     "IRQClearIRQHandler",
						     "DomainSetSet",
						     "DomainScheduleConfigure",
						     "DomainScheduleSetStart",
						     "SchedControlConfigureFlags",
						     "SchedContextBind",
						     "SchedContextUnbind",
						     "SchedContextUnbindObject",
						     "SchedContextConsumed",
						     "SchedContextYieldTo",
						     "X86PDPTMap",
						     "X86PDPTUnmap",
						     "X86PageDirectoryMap",
						     "X86PageDirectoryUnmap",
						     "X86PageTableMap",
						     "X86PageTableUnmap",
						     "X86PageMap",
						     "X86PageUnmap",
						     "X86PageGetAddress",
						     "X86ASIDControlMakePool",
						     "X86ASIDPoolAssign",
						     [57] = "X86IRQIssueIRQHandlerIOAPIC",
						     [58] = "X86IRQIssueIRQHandlerMSI"};
static const char *const error_name[COVER_ERRORS] = {
	"NoError",     "InvalidArgument", "InvalidCapability", "IllegalOperation",
	"RangeError",  "AlignmentError",  "FailedLookup",      "TruncatedMessage",
	"DeleteFirst", "RevokeFirst",     "NotEnoughMemory"};
static const char *const kind_name[M_KINDS] = {
	"null",      "untyped",         "endpoint",       "notification", "reply",       "cnode",
	"tcb",       "sched_context",   "sched_control",  "domain",       "irq_control", "irq_handler",
	"frame",     "page_table",      "page_directory", "pdpt",         "pml4",        "asid_control",
	"asid_pool", "io_port_control", "io_port",        "zombie"};
static const char *const act_name[ACTS] = {"revoke", "delete", "copy", "mint", "move", "mutate", "rotate"};
static const char *const state_name[M_STATES] = {"inactive",
						 "running",
						 "restart",
						 "blocked on receive",
						 "blocked on send",
						 "blocked on reply",
						 "blocked on notification",
						 "idle"};
static const char *const event_name[EVENTS] = {"a call that returned",
					       "a call that blocked",
					       "a call that another thread ran after",
					       "a capability received",
					       "a capability unwrapped",
					       "a revoke preempted",
					       "a delete preempted",
					       "a retype preempted",
					       "a zombie in its own slot",
					       "all idle",
					       "an interrupt",
					       "a context donated",
					       "a stack of three calls",
					       "a yield to somebody"};

/* ---- counting ---- */

struct cover *cover_new(void)
{
	struct cover *cover = calloc(1, sizeof(*cover));

	if (!cover)
		abort();
	return cover;
}

void cover_free(struct cover *cover) { free(cover); }

static void count_cnode(struct cover *cover, const struct m_model *m, enum m_kind on)
{
	static const signed char act[] = {ACT_REVOKE, ACT_DELETE, -1,         ACT_COPY,
					  ACT_MINT,   ACT_MOVE,   ACT_MUTATE, ACT_ROTATE};

	if (m->did_kind == M_CNODE && !m->did_error && m->did_label >= 18 && m->did_label <= 25 &&
	    act[m->did_label - 18] >= 0)
		cover->act[act[m->did_label - 18]][on]++;
}

static void count_preempted(struct cover *cover, const struct pair *pair)
{
	if (!pair->preempted)
		return;
	switch (pair->model->did_label) {
	case 18:
		cover->event[EVENT_PREEMPTED_REVOKE]++;
		break;
	case 19:
		cover->event[EVENT_PREEMPTED_DELETE]++;
		break;
	case 1:
		cover->event[EVENT_PREEMPTED_RETYPE]++;
		break;
	default:
		break; /* nothing else takes long */
	}
}

static void count_state(struct cover *cover, const struct m_model *m)
{
	for (unsigned i = 0; i < m->changed_count; i++) {
		const struct m_object *object = m->changed[i];

		if (object->kind == M_REPLY && object->alive && object->above) {
			cover->event[EVENT_DONATED]++;
			if (object->top && object->top->top)
				cover->event[EVENT_DEEP_STACK]++;
		}
	}
	for (unsigned i = 0; i < m->touched_count; i++) {
		struct m_cap cap = m_slot_cap(m->touched[i]);

		if (cap.kind == M_ZOMBIE && m->touched[i]->owner == cap.object)
			cover->event[EVENT_CYCLIC_ZOMBIE]++;
	}
}

static void count_message(struct cover *cover, const struct m_model *m)
{
	for (unsigned i = 0; i < m->changed_count; i++) {
		const struct m_object *object = m->changed[i];
		m_word info;

		if (object->kind != M_THREAD || object->t->state != M_RUNNING)
			continue;
		info = object->t->reg[M_RSI];
		if (m_info_extra(info) && (info >> 9 & 7) != (m_word)((1 << m_info_extra(info)) - 1))
			cover->event[EVENT_CAP_RECEIVED]++;
		if (info >> 9 & 7)
			cover->event[EVENT_CAP_UNWRAPPED]++;
	}
}

void cover_step(struct cover *cover, const struct pair *pair, const struct op *op, enum m_kind on)
{
	const struct m_model *m = pair->model;
	const struct m_object *thread = m->object[op->thread];

	if (m->current == m->idle)
		cover->event[EVENT_IDLE]++;
	if (op->kind == OP_INTERRUPT) {
		cover->event[EVENT_INTERRUPT]++;
		return;
	}
	if (thread->t->trouble.type < 8)
		cover->fault[thread->t->trouble.type]++;
	if (op->kind != OP_SYSCALL || op->again)
		return;
	if (op->number < 0 && op->number > -COVER_NUMBERS)
		cover->number[-op->number]++;
	cover->event[thread->t->state == M_RUNNING ? EVENT_RETURNED : EVENT_BLOCKED]++;
	if (thread->t->yields_to)
		cover->event[EVENT_YIELDED_TO]++;
	if (m->current != thread)
		cover->event[EVENT_SWITCHED]++;
	if (m->did_label < COVER_LABELS && m->did_kind != M_ENDPOINT && m->did_kind != M_NOTIFICATION &&
	    m->did_kind != M_REPLY)
		cover->invoked[m->did_label][m->did_error]++;
	count_cnode(cover, m, on);
	count_preempted(cover, pair);
	count_state(cover, m);
	count_message(cover, m);
}

/* ---- what must be visited ---- */

enum {
	OK = 1 << 0,
	ARGUMENT = 1 << 1,
	CAPABILITY = 1 << 2,
	ILLEGAL = 1 << 3,
	RANGE = 1 << 4,
	ALIGNMENT = 1 << 5,
	LOOKUP = 1 << 6,
	SHORT = 1 << 7,
	DELETE = 1 << 8,
	REVOKE = 1 << 9,
	MEMORY = 1 << 10
};
static const unsigned short must_invoke[COVER_LABELS] = {
	[1] = OK | ARGUMENT | RANGE | LOOKUP | SHORT | DELETE | MEMORY | ILLEGAL,
	[2] = OK | RANGE | ILLEGAL | SHORT,
	[3] = OK | ILLEGAL | SHORT,
	[4] = OK | CAPABILITY | SHORT,
	[5] = OK | ILLEGAL | ALIGNMENT | SHORT,
	[6] = OK | CAPABILITY | RANGE | SHORT,
	[7] = OK | CAPABILITY | RANGE | SHORT,
	[8] = OK | CAPABILITY | RANGE | ILLEGAL | SHORT,
	[9] = OK | CAPABILITY | SHORT,
	[10] = OK | ILLEGAL | ALIGNMENT | SHORT,
	[11] = OK | CAPABILITY | ILLEGAL | SHORT,
	[12] = OK,
	[13] = OK,
	[14] = OK | ILLEGAL | SHORT,
	[15] = OK | ILLEGAL,
	[16] = OK | SHORT,
	[17] = OK | SHORT,
	[18] = OK | LOOKUP | RANGE | SHORT,
	[19] = OK | LOOKUP | RANGE | SHORT,
	[20] = OK | ILLEGAL | LOOKUP | RANGE | SHORT,
	[21] = OK | ILLEGAL | LOOKUP | RANGE | SHORT | DELETE | REVOKE,
	[22] = OK | ILLEGAL | LOOKUP | RANGE | SHORT | DELETE | REVOKE,
	[23] = OK | LOOKUP | RANGE | SHORT | DELETE,
	[24] = OK | ILLEGAL | LOOKUP | RANGE | SHORT | DELETE,
	[25] = OK | ILLEGAL | LOOKUP | RANGE | SHORT | DELETE,
	[26] = ILLEGAL | SHORT,
	[27] = OK,
	[28] = OK | CAPABILITY | SHORT,
	[29] = OK,
	[30] = OK | ARGUMENT | SHORT,
	[31] = OK | ARGUMENT | RANGE | SHORT,
	[32] = OK | ARGUMENT | RANGE | SHORT,
	[33] = OK | CAPABILITY | RANGE | SHORT,
	[34] = OK | CAPABILITY | ILLEGAL | SHORT,
	[35] = OK | ILLEGAL,
	[36] = OK | CAPABILITY | ILLEGAL | SHORT,
	[37] = OK,
	[38] = OK | ILLEGAL,
	[39] = OK | ARGUMENT | CAPABILITY | SHORT | DELETE,
	[40] = OK | REVOKE,
	[41] = OK | ARGUMENT | CAPABILITY | SHORT | DELETE | LOOKUP,
	[42] = OK | REVOKE,
	[43] = OK | ARGUMENT | CAPABILITY | SHORT | DELETE | LOOKUP,
	[44] = OK | REVOKE,
	[45] = OK | ARGUMENT | CAPABILITY | SHORT | LOOKUP | ALIGNMENT,
	[46] = OK,
	[47] = OK,
	[48] = OK | CAPABILITY | SHORT | DELETE,
	[49] = OK | CAPABILITY | SHORT,
	[57] = OK | RANGE | SHORT | DELETE | REVOKE | LOOKUP,
	[58] = OK | RANGE | SHORT | DELETE | REVOKE | LOOKUP,
};

static bool is_in(enum m_kind kind, uint32_t set) { return set >> kind & 1; }
static uint32_t only(enum m_kind kind) { return UINT32_C(1) << kind; }

/* Kinds that cannot be copied, or that a world has no second one of. */
static bool must_act(enum cover_act act, enum m_kind kind)
{
	uint32_t never = only(M_NULL) | only(M_PORT) | only(M_ZOMBIE);

	if (act == ACT_COPY || act == ACT_MINT)
		never |= only(M_IRQ_CONTROL) | only(M_PORT_CONTROL);
	if (act == ACT_MUTATE || act == ACT_ROTATE)
		never |= only(M_ENDPOINT) | only(M_NOTIFICATION);
	return !is_in(kind, never);
}

/* ---- the report ---- */

static unsigned missing(FILE *out, const char *what, const char *more, unsigned long count, bool must)
{
	if (count || !must)
		return 0;
	fprintf(out, "cover: never visited: %s%s%s\n", what, *more ? ": " : "", more);
	return 1;
}

static unsigned report_invoked(const struct cover *cover, FILE *out, bool quiet)
{
	unsigned absent = 0;

	for (unsigned label = 0; label < COVER_LABELS; label++)
		for (unsigned error = 0; error < COVER_ERRORS; error++) {
			unsigned long count = cover->invoked[label][error];

			if (!quiet && count && label_name[label])
				fprintf(out, "cover: %-30s %-18s %lu\n", label_name[label], error_name[error],
					count);
			absent += missing(out, label_name[label] ? label_name[label] : "", error_name[error],
					  count, must_invoke[label] >> error & 1);
		}
	return absent;
}

static unsigned report_acts(const struct cover *cover, FILE *out)
{
	unsigned absent = 0;

	for (unsigned act = 0; act < ACTS; act++)
		for (unsigned kind = 0; kind < M_KINDS; kind++)
			absent += missing(out, act_name[act], kind_name[kind], cover->act[act][kind],
					  must_act((enum cover_act)act, (enum m_kind)kind));
	return absent;
}

int cover_report(const struct cover *cover, FILE *out, bool quiet)
{
	static const char *const number_name[COVER_NUMBERS] = {
		"",       "Call", "ReplyRecv", "NBSendRecv", "NBSendWait", "Send",
		"NBSend", "Recv", "NBRecv",    "Wait",       "NBWait",     "Yield"};
	unsigned absent = report_invoked(cover, out, quiet) + report_acts(cover, out);

	for (unsigned i = 1; i < COVER_NUMBERS; i++)
		absent += missing(out, "system call", number_name[i], cover->number[i], true);
	absent += missing(out, "fault", "cap fault", cover->fault[1], true);
	absent += missing(out, "fault", "unknown system call", cover->fault[2], true);
	absent += missing(out, "fault", "user exception", cover->fault[3], true);
	absent += missing(out, "fault", "VM fault", cover->fault[6], true);
	for (unsigned i = M_ON_RECEIVE; i <= M_ON_NOTIFICATION; i++)
		absent += missing(out, "cancelled while", state_name[i], cover->cancelled[i], true);
	for (unsigned i = 0; i < EVENTS; i++) {
		if (!quiet)
			fprintf(out, "cover: %-49s %lu\n", event_name[i], cover->event[i]);
		absent += missing(out, event_name[i], "", cover->event[i], true);
	}
	if (absent)
		fprintf(out, "cover: %u of what a run must visit were never visited\n", absent);
	return absent ? 1 : 0;
}
