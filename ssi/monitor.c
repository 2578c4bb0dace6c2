/* ssi/monitor.c - the monitor of a cluster, and its clients, as user programs over <sel4/sel4.h>.
 *
 * Reading order: monitor_main() makes the clients and serves; serve() is the loop; drain() is what other clusters sent;
 * client_main() is a client. What steps ask of the kernel for capabilities is in ssi/monitor_caps.c.
 *
 * The monitor is the only thread at its priority. Its notification is bound, so that one Recv waits for the doorbell and
 * for calls alike. Reply objects are its pool of operations: when none is free it waits for the doorbell alone, and
 * callers queue at the endpoint. */
#include <errno.h>
#include <sel4/sel4.h>
#include <skerry/ssi.h>
#include "ssi/full_internal.h"

/* Badges: what the monitor is told with a message. Representatives: index + 1. */
#define BADGE_DOORBELL (UINT64_C(1) << 63)
#define BADGE_CLIENT   (UINT64_C(1) << 62)
#define BADGE_FAULT    (UINT64_C(1) << 61)

/* A client's CSpace. */
enum { CLIENT_MONITOR = SSI_MONITOR, CLIENT_NOTIFICATION = SSI_NOTIFICATION_SLOT, CLIENT_FIRST = SSI_FIRST };

#define CLIENT_PRIORITY 100
/* Who is answered goes on at once, before others of its priority that are ready (a direct switch), until its slice ends: so
 * slices are short. */
#define CLIENT_BUDGET_US 100
#define CLIENT_BUFFER    UINT64_C(0x10000000)
#define PAGES_BASE       UINT64_C(0x20000000)

static void must(seL4_Error error) { SIM_CHECK(error == seL4_NoError); }

/* ---- memory and slots ---- */

uint64_t monitor_slot_new(struct full_cluster *m) { return m->next_slot++; }

bool monitor_object_at(struct full_cluster *m, seL4_Word type, seL4_Word bits, uint64_t slot)
{
	for (; m->untyped < m->untyped_end; m->untyped++) {
		const seL4_Error error =
			seL4_Untyped_Retype(m->untyped, type, bits, seL4_CapInitThreadCNode, 0, 0, slot, 1);
		if (error == seL4_NoError)
			return true;
		SIM_CHECK(error == seL4_NotEnoughMemory);
	}
	return false;
}

static uint64_t object_new(struct full_cluster *m, seL4_Word type, seL4_Word bits)
{
	const uint64_t slot = monitor_slot_new(m);
	SIM_CHECK(monitor_object_at(m, type, bits, slot));
	return slot;
}

/* The blocks of untyped memory, devices' apart, the largest first. */
static void memory_find(struct full_cluster *m, const seL4_BootInfo *info)
{
	uint64_t best = 0;
	for (seL4_Word i = 0; i < info->untyped.end - info->untyped.start; i++)
		if (!info->untypedList[i].isDevice &&
		    (!best || info->untypedList[i].sizeBits > info->untypedList[best - 1].sizeBits))
			best = i + 1;
	SIM_CHECK(best);
	m->untyped = info->untyped.start + best - 1;
	m->untyped_end = m->untyped + 1;
}

/* The largest block of device memory stands for memory of other clusters. */
static void device_find(struct full_cluster *m, const seL4_BootInfo *info)
{
	unsigned bits = 0;
	for (seL4_Word i = 0; i < info->untyped.end - info->untyped.start; i++)
		if (info->untypedList[i].isDevice && info->untypedList[i].sizeBits > bits) {
			bits = info->untypedList[i].sizeBits;
			m->device = info->untyped.start + i;
		}
}

/* ---- clocks: the step's and the core's ---- */

/* The step has charged cycles: they pass. */
static void pass(struct full_cluster *m)
{
	struct flat_cluster *c = m->flat;
	const uint64_t now = core_now(m->core);
	if (!c->origin && c->now > now)
		core_compute(c->now - now);
}
static void look_at_clock(struct full_cluster *m)
{
	struct flat_cluster *c = m->flat;
	c->now = c->origin ? flat_ticks(c) : core_now(m->core);
}

sim_cycles monitor_kernel_begin(struct step_node *n)
{
	struct full_cluster *m = flat_cluster_of(n)->full;
	flat_sync(n);
	pass(m);
	return flat_cluster_of(n)->now;
}
void monitor_kernel_end(struct step_node *n, sim_cycles begun)
{
	struct flat_cluster *c = flat_cluster_of(n);
	struct flat_chain chain = flat_chain_of(n);
	look_at_clock(c->full);
	chain.kernel = flat_saturate(chain.kernel + (c->now - begun), (1u << 20) - 1);
	flat_set_chain(n, chain);
}

/* ---- pages ---- */

/* The machine whose cell runs, among the frames that the monitor maps. */
static uint32_t page_of(const struct step_node *n)
{
	return (uint32_t)(n->me.index * 2 + (n->me.machine == MSI_DIR)) % FULL_PAGES;
}

void full_map(struct step_node *n)
{
	struct full_cluster *m = flat_cluster_of(n)->full;
	const uint32_t page = page_of(n);
	const sim_cycles begun = monitor_kernel_begin(n);
	if (!m->page[page])
		m->page[page] = object_new(m, seL4_X86_4K, seL4_PageBits);
	if (m->mapped[page])
		must(seL4_X86_Page_Unmap(m->page[page]));
	must(seL4_X86_Page_Map(m->page[page], seL4_CapInitThreadVSpace, PAGES_BASE + page * 4096ull,
			       seL4_ReadWrite, seL4_X86_Default_VMAttributes));
	m->mapped[page] = 1;
	monitor_kernel_end(n, begun);
}

void full_unmap(struct step_node *n)
{
	struct full_cluster *m = flat_cluster_of(n)->full;
	const uint32_t page = page_of(n);
	if (!m->mapped[page])
		return;
	const sim_cycles begun = monitor_kernel_begin(n);
	must(seL4_X86_Page_Unmap(m->page[page]));
	m->mapped[page] = 0;
	monitor_kernel_end(n, begun);
}

/* ---- calls ---- */

void full_done(struct flat_cluster *c, struct step_node *n, uint32_t client)
{
	struct full_cluster *m = c->full;
	if (monitor_program_goes_on(&m->client[client]))
		return;
	m->client[client].chain = flat_chain_of(n);
	m->finished[m->finisheds++] = client;
}

/* Who calls: with the capability that every client has, or with that of an open file. */
static bool caller_of(const struct full_cluster *m, seL4_Word badge, bool ssi, uint32_t *client)
{
	if (badge & BADGE_CLIENT) {
		*client = (uint32_t)badge;
		return true;
	}
	const uint32_t index = (uint32_t)badge - 1;
	if (!m->owner[index])
		return false;
	*client = m->owner[index] - 1;
	if (ssi)
		return m->slot_of[index] != 0;
	if (m->client[*client].program)
		return m->slot_of[index] != 0;
	const struct flat_handle *handle = m->flat->client[*client].call.handle;
	return handle && handle->cap.machine && handle->cap.index == index;
}

/* The capability in a slot of the client's CSpace, or one that is none. */
static struct flat_handle *held_at(struct full_client *k, seL4_Word slot)
{
	k->none = (struct flat_handle){0};
	return slot < 1u << FULL_CLIENT_BITS ? &k->held[slot] : &k->none;
}

/* What a message of skerry/ssi.h asks for. `slot`: of the capability that was called itself, or 0. */
static void decode(struct full_client *k, enum ssi_call asked, seL4_Word slot, struct flat_call *call)
{
	const seL4_Word a = seL4_GetMR(0), b = seL4_GetMR(1), c = seL4_GetMR(2), d = seL4_GetMR(3);
	/* Whom a driver's client believes at the place that it sends to is in its record; a program sends to whoever is there. */
	const step_ref thread = k->program ? STEP_NOBODY : call->thread;
	*call = (struct flat_call){
		.op = (uint8_t)(FLAT_CAP_CREATE + (asked - SSI_CREATE)), .fresh = &k->made, .thread = thread};
	call->handle = held_at(k, slot ? slot : a);
	switch (asked) {
	case SSI_CREATE:
		call->handle = &k->none;
		call->kind = (uint8_t)(a < SSI_KINDS ? a : SSI_KINDS), call->word = (uint32_t)b;
		return;
	case SSI_SEND:
	case SSI_OFFER:
	case SSI_MOVE:
		call->cluster = (uint32_t)b, call->client = (uint32_t)c, call->label = d;
		return;
	case SSI_OBTAIN:
		k->none = (struct flat_handle){.offered = true};
		if (!k->program || monitor_program_may_obtain(k, a))
			memcpy(&k->none.cap, &a, sizeof k->none.cap);
		call->handle = &k->none;
		return;
	case SSI_RETYPE:
		call->kind = (uint8_t)(b < SSI_KINDS ? b : SSI_KINDS), call->word = (uint32_t)c;
		return;
	default:
		call->word = (uint32_t)b;
	}
}

static bool is_ssi(seL4_MessageInfo_t info)
{
	const seL4_Word label = seL4_MessageInfo_get_label(info);
	return label >= SSI_CREATE && label <= SSI_USE;
}
static bool is_programs(const struct full_client *k, seL4_MessageInfo_t info)
{
	const seL4_Word label = seL4_MessageInfo_get_label(info);
	return k->program && label > SSI_USE && label < SSI_CALLS_END;
}

static void refuse_call(struct full_cluster *m, uint64_t reply, seL4_MessageInfo_t info)
{
	m->reply[m->replies++] = reply;
	seL4_SetMR(0, EBADF);
	seL4_Send(reply, seL4_MessageInfo_new(is_ssi(info) ? seL4_InvalidCapability : 0, 0, 0, 1));
}

/* A program's call that ends here. */
static void answer_program(struct full_client *k, uint64_t reply, seL4_MessageInfo_t info)
{
	struct full_cluster *m = k->cluster;
	seL4_MessageInfo_t answer;
	m->reply[m->replies++] = reply;
	if (monitor_program_call(k, info, &answer))
		seL4_Send(reply, answer);
	flat_settle(m->flat);
}

/* What a program sends through an endpoint, or to ask for a use of it. */
static bool is_letter(const struct full_client *k, seL4_Word badge, seL4_MessageInfo_t info)
{
	return k->program && !(badge & BADGE_CLIENT) &&
	       (seL4_MessageInfo_get_label(info) != SSI_USE || seL4_MessageInfo_get_length(info) != 4);
}

static void start_call(struct full_client *k, seL4_Word slot, seL4_MessageInfo_t info)
{
	struct full_cluster *m = k->cluster;
	const uint32_t client = k->id;
	m->flat->client[client].issued = k->program ? m->flat->now : m->flat->client[client].issued;
	if (is_ssi(info))
		decode(k, (enum ssi_call)seL4_MessageInfo_get_label(info), slot,
		       &m->flat->client[client].call);
	if (flat_credit_hold(m->flat, client))
		return;
	flat_files_start(m->flat, client);
	flat_settle(m->flat);
}

static void begin_call(struct full_cluster *m, seL4_Word badge, seL4_MessageInfo_t info)
{
	uint32_t client;
	const uint64_t reply = m->reply[--m->replies];
	look_at_clock(m);
	if (!caller_of(m, badge, is_ssi(info), &client)) {
		refuse_call(m, reply, info);
		return;
	}
	struct full_client *k = &m->client[client];
	if (!k->reply && is_letter(k, badge, info)) {
		monitor_letter_send(k, m->slot_of[(uint32_t)badge - 1], reply, info);
		return;
	}
	if (!k->reply && is_programs(k, info) && (badge & BADGE_CLIENT)) {
		if (!monitor_letter_call(k, reply, info))
			answer_program(k, reply, info);
		return;
	}
	if (k->program &&
	    (k->reply || !is_ssi(info))) { /* a call is under way: it did not wait for the answer */
		m->reply[m->replies++] = reply;
		seL4_Send(reply, seL4_MessageInfo_new(seL4_InvalidArgument, 0, 0, 0));
		return;
	}
	/* The slot of the capability that was called itself, or 0. */
	const seL4_Word slot = badge & BADGE_CLIENT ? 0 : m->slot_of[(uint32_t)badge - 1];
	if (monitor_thread_catches(k, reply, slot, info))
		return;
	k->reply = reply;
	start_call(k, slot, info);
}

static const struct {
	int number;
	seL4_Error error;
} errors[] = {{0, seL4_NoError},
	      {EBADF, seL4_InvalidCapability},
	      {ESTALE, seL4_FailedLookup},
	      {EINVAL, seL4_InvalidArgument},
	      {ENOSYS, seL4_IllegalOperation},
	      {ENOMEM, seL4_NotEnoughMemory}};

static seL4_Error error_of(int number)
{
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if (errors[i].number == number)
			return errors[i].error;
	return seL4_FailedLookup;
}
static int number_of(seL4_Error error)
{
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if (errors[i].error == error)
			return errors[i].number;
	return ESTALE;
}

static seL4_MessageInfo_t answer_of(const struct full_cluster *m, uint32_t client)
{
	const struct flat_result *result = &m->flat->client[client].result;
	const unsigned op = m->flat->client[client].call.op;
	seL4_MessageInfo_t letter;
	if (monitor_letter_answer(&m->client[client], &letter))
		return letter;
	if (flat_is_capability(op)) {
		seL4_SetMR(0, op == FLAT_CAP_QUERY ? result->value : m->client[client].made.cptr);
		seL4_SetMR(1, result->kind);
		return seL4_MessageInfo_new(error_of(result->error), 0, 0, 2);
	}
	seL4_SetMR(0, (seL4_Word)result->error);
	seL4_SetMR(1, result->value);
	seL4_SetMR(2, result->is_directory);
	return seL4_MessageInfo_new(0, 0, 0, 3);
}

static uint64_t reply_of(struct full_cluster *m, uint32_t client)
{
	const uint64_t reply = m->client[client].reply;
	m->client[client].reply = 0;
	m->reply[m->replies++] = reply;
	if (m->client[client].program)
		monitor_program_answered(&m->client[client]);
	return reply;
}

/* ---- what other clusters sent ---- */

static void open_letter(struct full_cluster *m, struct full_letter *letter)
{
	struct flat_cluster *c = m->flat;
	const struct flat_driver *driver = &c->machine->config.driver;
	const uint32_t client = letter->frame.msg.word & ~FLAT_CLIENT_ASKS;
	switch (letter->frame.msg.protocol) {
	case FLAT_CLIENT:
		if (c->place && flat_thread_catches(c, client, true))
			break;
		seL4_Signal(m->client[client].notification);
		return;
	case FLAT_IDLES:
		if (c->client[client].waiting)
			flat_thread_catches(c, client, true);
		break;
	case FLAT_BEGINS:
		monitor_thread_restore(&m->client[client]);
		start_call(&m->client[client], m->client[client].slot, m->client[client].info);
		break;
	case FLAT_CREDIT:
		flat_credit_back(c, letter->frame.msg.word);
		break;
	case FLAT_DROP:
		flat_drop(c, letter->frame.msg.arg, letter->frame.msg.word);
		break;
	case FLAT_DUE:
		driver->due(driver->context, letter->frame.msg.word);
		break;
	default:
		flat_message(c, &letter->frame, &letter->event);
	}
	flat_settle(c);
}

static void drain(struct full_cluster *m)
{
	struct full_inbox *inbox = &m->inbox;
	while (inbox->head != inbox->tail) {
		struct full_letter letter = inbox->letter[inbox->head++ & (inbox->room - 1)];
		look_at_clock(m);
		open_letter(m, &letter);
		pass(m);
	}
	m->rings = false;
}

/* ---- the loop ---- */

/* Answers all calls that have ended but the last, which goes with the next receive. Returns that, or -1. */
static int64_t answer_all_but_one(struct full_cluster *m)
{
	while (m->finisheds > 1) {
		const uint32_t client = m->finished[--m->finisheds];
		const seL4_MessageInfo_t info = answer_of(m, client);
		seL4_Send(reply_of(m, client), info);
	}
	return m->finisheds ? (int64_t)m->finished[--m->finisheds] : -1;
}

static seL4_Word receive(struct full_cluster *m, seL4_MessageInfo_t *info)
{
	seL4_Word badge;
	const int64_t last = answer_all_but_one(m);
	if (last >= 0) {
		const seL4_MessageInfo_t answer = answer_of(m, (uint32_t)last);
		const uint64_t reply = reply_of(m, (uint32_t)last);
		core_hold(m->core, false);
		*info = seL4_ReplyRecv(m->endpoint, answer, &badge, reply);
	} else if (m->replies) {
		core_hold(m->core, false);
		*info = seL4_Recv(m->endpoint, &badge, m->reply[m->replies - 1]);
	} else {
		core_hold(m->core, false);
		m->starved++;
		seL4_Wait(m->notification, &badge);
	}
	core_hold(m->core, true);
	return badge;
}

static _Noreturn void serve(struct full_cluster *m)
{
	for (;;) {
		seL4_MessageInfo_t info = {0};
		const seL4_Word badge = receive(m, &info);
		if (badge & BADGE_DOORBELL) {
			drain(m);
			must(seL4_IRQHandler_Ack(m->irq));
		} else if (badge & BADGE_FAULT) {
			look_at_clock(m);
			monitor_program_fault(&m->client[(uint32_t)badge], info);
			flat_settle(m->flat);
		} else {
			begin_call(m, badge, info);
			pass(m);
		}
	}
}

/* ---- a client ---- */

/* A call that ends in its own kernel. The null capability is as far as a system call can do nothing. */
static void call_locally(struct full_cluster *m, struct flat_client *k)
{
	const struct flat_machine *machine = m->flat->machine;
	seL4_NBSend(seL4_CapNull, seL4_MessageInfo_new(0, 0, 0, 0));
	core_compute(machine->cost.cycles[SIM_COST_COPY_KIB] * k->call.length / 1024);
	k->result = (struct flat_result){0};
}

static seL4_CPtr callee_of(const struct full_client *me, const struct flat_client *k)
{
	const struct flat_handle *handle = k->call.handle;
	const bool ends = k->call.op == FLAT_CLOSE || k->call.op == FLAT_SEND || k->call.op == FLAT_OPEN;
	return !ends && handle && handle->cptr && handle->holder == me->id ? handle->cptr : CLIENT_MONITOR;
}

static void call_monitor(struct full_client *me, struct flat_client *k)
{
	seL4_Word error = k->call.op, value = k->call.offset, directory = k->call.length, ignored = 0;
	const seL4_MessageInfo_t info =
		seL4_CallWithMRs(callee_of(me, k), seL4_MessageInfo_new(k->call.op, 0, 0, 3), &error, &value,
				 &directory, &ignored);
	if (seL4_MessageInfo_get_label(info) == seL4_InvalidCapability) {
		me->cluster
			->refused++; /* a revoke took it away: the kernel refuses, whatever the monitor knows */
		k->result = (struct flat_result){.error = EBADF};
		me->chain = (struct flat_chain){0};
		return;
	}
	k->result = (struct flat_result){.error = (int)error, .value = value, .is_directory = directory & 1};
}

/* A file's or an endpoint's representative can be called itself. */
static seL4_Error use(struct full_client *me, const struct flat_call *call)
{
	const struct flat_handle *h = call->handle;
	if (!h->cptr || h->kind > FLAT_ENDPOINT)
		return ssi_use(h->cptr, call->word);
	const seL4_Error error = ssi_use_directly(h->cptr, call->word);
	me->cluster->refused += error == seL4_InvalidCapability;
	return error;
}

static seL4_Error ask_monitor(struct full_client *me, const struct flat_call *call, seL4_CPtr *fresh,
			      struct flat_result *result)
{
	const struct flat_handle *h = call->handle;
	enum ssi_kind kind = SSI_FILE;
	seL4_Error error;
	switch (call->op) {
	case FLAT_CAP_CREATE:
		return ssi_create((enum ssi_kind)call->kind, call->word, fresh);
	case FLAT_CAP_SEND:
		return ssi_send(h->cptr, call->cluster, call->client, call->label);
	case FLAT_CAP_OFFER:
		return ssi_offer(h->cptr, call->cluster, call->client, call->label);
	case FLAT_CAP_OBTAIN:
		return ssi_obtain(step_ref_word(h->cap), fresh);
	case FLAT_CAP_COPY:
		return ssi_copy(h->cptr, fresh);
	case FLAT_CAP_MINT:
		return ssi_mint(h->cptr, call->word & CAPABILITY_RIGHTS, call->word >> CAPABILITY_BADGE_SHIFT,
				fresh);
	case FLAT_CAP_MOVE:
		return ssi_move(h->cptr, call->cluster, call->client, call->label);
	case FLAT_CAP_DELETE:
		return ssi_delete(h->cptr);
	case FLAT_CAP_REVOKE:
		return ssi_revoke(h->cptr);
	case FLAT_CAP_RETYPE:
		return ssi_retype(h->cptr, (enum ssi_kind)call->kind, call->word, fresh);
	case FLAT_CAP_QUERY:
		error = ssi_query(h->cptr, &result->value, &kind);
		result->kind = (uint8_t)kind;
		return error;
	default:
		return use(me, call);
	}
}

/* Who was to get it may have been gone when it came. */
static bool is_there(const struct full_client *me, const struct flat_handle *h)
{
	return h->cptr && step_same(me->held[h->cptr].cap, h->cap);
}

/* An operation on a capability: what its program would do, and then what the driver keeps of it. The message has all that
 * the monitor knows of the call; the driver's own is put back afterwards. */
static void call_ssi(struct full_client *me, struct flat_client *k)
{
	const struct flat_call mine = k->call;
	struct flat_result result = {0};
	seL4_CPtr fresh = 0;
	me->chain = (struct flat_chain){0};
	const seL4_Error error = ask_monitor(me, &mine, &fresh, &result);
	result.error = number_of(error);
	if (fresh) {
		*mine.fresh = me->held[fresh];
		mine.fresh->label = mine.handle->label;
	}
	if (mine.op == FLAT_CAP_DELETE || (mine.op == FLAT_CAP_MOVE && !is_there(me, mine.handle))) {
		mine.handle->cap = STEP_NOBODY;
		mine.handle->cptr = 0;
	}
	k->call = mine;
	k->result = result;
}

static void do_call(struct full_client *me)
{
	struct full_cluster *m = me->cluster;
	struct flat_client *k = &m->flat->client[me->id];
	if (flat_is_local(&k->call))
		call_locally(m, k);
	else if (flat_is_capability(k->call.op))
		call_ssi(me, k);
	else
		call_monitor(me, k);
}

static void end_call(struct full_client *me)
{
	struct flat_cluster *c = me->cluster->flat;
	struct flat_client *k = &c->client[me->id];
	const struct flat_driver *driver = &c->machine->config.driver;
	look_at_clock(me->cluster);
	flat_record(c, k, c->now, me->chain);
	driver->done(driver->context, c->id, me->id, &k->call, &k->result);
}

/* A thread that has come begins where it was stopped; then as all. */
static void client_main(struct full_client *me)
{
	struct full_cluster *m = me->cluster;
	struct flat_cluster *c = m->flat;
	const unsigned comes = me->comes;
	me->comes = FULL_COMES_NOT;
	if (comes == FULL_COMES_CALLING)
		do_call(me);
	if (comes == FULL_COMES_CALLING || comes == FULL_COMES_ENDED)
		end_call(me);
	for (bool waits = comes == FULL_COMES_NOT;; waits = true) {
		if (waits)
			seL4_Wait(CLIENT_NOTIFICATION, NULL);
		look_at_clock(m);
		while (flat_ask(c, me->id)) {
			core_compute(flat_think_of(c, me->id));
			look_at_clock(m);
			c->client[me->id].issued = c->now;
			do_call(me);
			end_call(me);
		}
	}
}

void monitor_client_registers(const struct full_client *k, seL4_UserContext *registers)
{
	registers->rip = (seL4_Word)(uintptr_t)client_main;
	registers->rdi = (seL4_Word)(uintptr_t)k;
	registers->rsp =
		(seL4_Word)(uintptr_t)k->cluster->stacks + (k->id + 1) * (seL4_Word)FULL_CLIENT_STACK - 8;
	registers->rflags = 0x202;
}

/* ---- making the clients ---- */

/* A pool has ASIDs for 512 address spaces; the monitor's own is one of the first. */
static void pool_new(struct full_cluster *m)
{
	const uint64_t memory = object_new(m, seL4_UntypedObject, seL4_ASIDPoolBits);
	m->pool = monitor_slot_new(m);
	must(seL4_X86_ASIDControl_MakePool(seL4_CapASIDControl, memory, seL4_CapInitThreadCNode, m->pool,
					   seL4_WordBits));
}

/* An address space of its own, with an IPC buffer in it. Returns the buffer's frame. */
static uint64_t client_space(struct full_cluster *m, uint64_t *space)
{
	const uint64_t pdpt = object_new(m, seL4_X86_PDPTObject, seL4_PDPTBits),
		       directory = object_new(m, seL4_X86_PageDirectoryObject, seL4_PageDirBits),
		       table = object_new(m, seL4_X86_PageTableObject, seL4_PageTableBits),
		       frame = object_new(m, seL4_X86_4K, seL4_PageBits);
	const seL4_X86_VMAttributes attributes = seL4_X86_Default_VMAttributes;
	*space = object_new(m, seL4_X64_PML4Object, seL4_PML4Bits);
	must(seL4_X86_ASIDPool_Assign(m->pool, *space));
	must(seL4_X86_PDPT_Map(pdpt, *space, CLIENT_BUFFER, attributes));
	must(seL4_X86_PageDirectory_Map(directory, *space, CLIENT_BUFFER, attributes));
	must(seL4_X86_PageTable_Map(table, *space, CLIENT_BUFFER, attributes));
	must(seL4_X86_Page_Map(frame, *space, CLIENT_BUFFER, seL4_ReadWrite, attributes));
	return frame;
}

static void client_caps(struct full_cluster *m, struct full_client *k)
{
	k->cnode = object_new(m, seL4_CapTableObject, FULL_CLIENT_BITS);
	k->notification = object_new(m, seL4_NotificationObject, 0);
	k->used[0] = (1u << CLIENT_FIRST) - 1;
	must(seL4_CNode_Mint(k->cnode, CLIENT_MONITOR, FULL_CLIENT_BITS, seL4_CapInitThreadCNode, m->endpoint,
			     seL4_WordBits, seL4_CapRights_new(1, 0, 0, 1), BADGE_CLIENT | k->id));
	must(seL4_CNode_Copy(k->cnode, CLIENT_NOTIFICATION, FULL_CLIENT_BITS, seL4_CapInitThreadCNode,
			     k->notification, seL4_WordBits, seL4_CanRead));
}

static uint64_t fault_handler(struct full_cluster *m, const struct full_client *k)
{
	const uint64_t slot = monitor_slot_new(m);
	must(seL4_CNode_Mint(seL4_CapInitThreadCNode, slot, seL4_WordBits, seL4_CapInitThreadCNode,
			     m->endpoint, seL4_WordBits, seL4_AllRights, BADGE_FAULT | k->id));
	return slot;
}

static void client_new(struct full_cluster *m, struct full_client *k, const seL4_BootInfo *info)
{
	uint64_t space;
	seL4_UserContext registers = {0};
	client_caps(m, k);
	const uint64_t frame = client_space(m, &space);
	const uint64_t context = object_new(m, seL4_SchedContextObject, seL4_MinSchedContextBits);
	k->tcb = object_new(m, seL4_TCBObject, 0);
	must(seL4_TCB_Configure(k->tcb, k->cnode,
				seL4_CNode_CapData_new(0, seL4_WordBits - FULL_CLIENT_BITS).words[0], space,
				0, CLIENT_BUFFER, frame));
	must(seL4_SchedControl_Configure(info->schedcontrol.start, context, CLIENT_BUDGET_US,
					 CLIENT_BUDGET_US, 0, 0));
	must(seL4_TCB_SetSchedParams(k->tcb, seL4_CapInitThreadTCB, CLIENT_PRIORITY, CLIENT_PRIORITY, context,
				     k->program ? fault_handler(m, k) : seL4_CapNull));
	k->priority = CLIENT_PRIORITY;
	monitor_client_registers(k, &registers);
	if (k->program) {
		registers.rip = (seL4_Word)(uintptr_t)monitor_program_main;
		registers.rsp = monitor_program_stack(k);
	}
	must(seL4_TCB_WriteRegisters(k->tcb, true, 0, sizeof registers / sizeof(seL4_Word), &registers));
}

static void pages_begin(struct full_cluster *m)
{
	const seL4_X86_VMAttributes attributes = seL4_X86_Default_VMAttributes;
	for (seL4_Word at = PAGES_BASE; at < PAGES_BASE + FULL_PAGES * 4096ull; at += 1ull << 21) {
		if (at == PAGES_BASE) { /* the root task's image has the upper levels */
			const uint64_t directory =
				object_new(m, seL4_X86_PageDirectoryObject, seL4_PageDirBits);
			const seL4_Error error = seL4_X86_PageDirectory_Map(
				directory, seL4_CapInitThreadVSpace, at, attributes);
			SIM_CHECK(error == seL4_NoError || error == seL4_DeleteFirst);
		}
		const uint64_t table = object_new(m, seL4_X86_PageTableObject, seL4_PageTableBits);
		must(seL4_X86_PageTable_Map(table, seL4_CapInitThreadVSpace, at, attributes));
	}
}

static void doorbell_begin(struct full_cluster *m)
{
	const uint64_t own = object_new(m, seL4_NotificationObject, 0);
	m->notification = monitor_slot_new(m);
	m->irq = monitor_slot_new(m);
	must(seL4_CNode_Mint(seL4_CapInitThreadCNode, m->notification, seL4_WordBits, seL4_CapInitThreadCNode,
			     own, seL4_WordBits, seL4_AllRights, BADGE_DOORBELL));
	must(seL4_IRQControl_GetMSI(seL4_CapIRQControl, seL4_CapInitThreadCNode, m->irq, seL4_WordBits, 0, 0,
				    0, 0, FULL_DOORBELL_VECTOR));
	must(seL4_IRQHandler_SetNotification(m->irq, m->notification));
	must(seL4_TCB_BindNotification(seL4_CapInitThreadTCB, m->notification));
}

int monitor_main(void *argument)
{
	struct full_cluster *m = argument;
	const seL4_BootInfo *info = seL4_GetBootInfo();
	core_hold(m->core, true);
	m->next_slot = info->empty.start;
	memory_find(m, info);
	device_find(m, info);
	m->scratch = monitor_slot_new(m);
	m->endpoint = object_new(m, seL4_EndpointObject, 0);
	doorbell_begin(m);
	pages_begin(m);
	while (m->replies < FULL_REPLIES && m->replies <= m->flat->clients)
		m->reply[m->replies++] = object_new(m, seL4_ReplyObject, 0);
	m->pool = seL4_CapInitThreadASIDPool;
	for (uint32_t i = 0; i < m->flat->clients; i++) {
		if (i && i % FULL_POOL_CLIENTS == 0)
			pool_new(m);
		client_new(m, &m->client[i], info);
	}
	serve(m);
}
