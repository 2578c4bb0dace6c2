/* ssi/monitor_letter.c - messages that programs send through endpoints, and receive: a monitor's side of endpoint/relay.
 *
 * A program sends with seL4_Send(), seL4_NBSend() or seL4_Call() on its capability of an endpoint: its kernel brings the
 * message to its monitor, with the badge that says which representative it was. Which of the three it was its registers say
 * (the system call's number). Who calls waits for the reply that the monitor holds; who sends is suspended until the message
 * was taken, or it is known that nobody takes it. Whoever receives asks its monitor, which answers with the message.
 *
 * When a capability can no longer be used, whatever is being sent or received with it is withdrawn in the same step. */
#include <sel4/sel4.h>
#include <skerry/ssi.h>
#include <stdlib.h>
#include "ssi/full_internal.h"

enum doing { NOTHING, SENDING, CALLING, RECEIVING };
struct full_letters {
	enum doing doing;
	uint32_t with;  /* the representative that it is done with, + 1 */
	step_ref op;    /* of endpoint/relay */
	step_ref owed;  /* the call that it received last and has not replied to; machine 0: none */
	uint32_t ended; /* result + 1 of a call that is to be answered */
	bool answered;  /* its last call was one of these */
	struct flat_letter letter;
};

#define SEND_WORDS SSI_LETTER_WORDS

int monitor_letters_new(struct full_client *k)
{
	if (k->program)
		k->letters = calloc(1, sizeof *k->letters);
	return k->program && !k->letters ? -1 : 0;
}
void monitor_letters_free(struct full_client *k) { free(k->letters); }

static void must(seL4_Error error) { SIM_CHECK(error == seL4_NoError); }
static struct flat_cluster *flat_of(const struct full_client *k) { return k->cluster->flat; }

static void call(struct full_client *k, unsigned event, step_ref to, step_ref arg, uint32_t word,
		 uint32_t client)
{
	flat_relay_call(flat_of(k), event, to, arg, word, client);
}
static step_ref any_op(const struct full_client *k) { return STEP_ANY(flat_of(k)->id, ENDPOINT_OP); }

static bool carries(const struct full_client *k) { return flat_of(k)->machine->protocol[FLAT_RELAY] != NULL; }

/* An endpoint that the program may use like this, or NULL. */
static const struct flat_handle *endpoint_of(const struct full_client *k, uint64_t slot, uint32_t right)
{
	const struct flat_handle *h = slot < 1u << FULL_CLIENT_BITS ? &k->held[slot] : NULL;
	return h && h->cptr && h->kind == FLAT_ENDPOINT && h->word & right && carries(k) ? h : NULL;
}

/* ---- sending ---- */

static void read_letter(struct flat_letter *letter, seL4_MessageInfo_t info, unsigned first)
{
	letter->label = seL4_MessageInfo_get_label(info);
	letter->length = seL4_MessageInfo_get_length(info) - first;
	for (uint64_t i = 0; i < letter->length && i < FLAT_LETTER_WORDS; i++)
		letter->word[i] = seL4_GetMR((int)(i + first));
}

static seL4_Word system_call_of(const struct full_client *k)
{
	seL4_UserContext registers = {0};
	must(seL4_TCB_ReadRegisters(k->tcb, false, 0, sizeof registers / sizeof(seL4_Word), &registers));
	return registers.rdx;
}

/* Whoever calls is told; whoever sends never is. */
static void refuse(struct full_client *k, uint64_t reply, seL4_Word number, seL4_Error error)
{
	struct full_cluster *m = k->cluster;
	m->reply[m->replies++] = reply;
	if (number == (seL4_Word)seL4_SysCall)
		seL4_Send(reply, seL4_MessageInfo_new(error, 0, 0, 0));
}

void monitor_letter_send(struct full_client *k, uint32_t slot, uint64_t reply, seL4_MessageInfo_t info)
{
	struct full_letters *l = k->letters;
	struct flat_letter letter = {0};
	const struct flat_handle *h = endpoint_of(k, slot, SSI_WRITE);
	if (seL4_MessageInfo_get_length(info) <= SEND_WORDS)
		read_letter(&letter, info, 0);
	const seL4_Word number = system_call_of(k);
	if (!h || seL4_MessageInfo_get_length(info) > SEND_WORDS) {
		refuse(k, reply, number,
		       h            ? seL4_TruncatedMessage
		       : carries(k) ? seL4_InvalidCapability
				    : seL4_IllegalOperation);
		return;
	}
	letter.badge = h->word >> CAPABILITY_BADGE_SHIFT;
	l->with = (uint32_t)h->cap.index + 1;
	l->doing = number == (seL4_Word)seL4_SysCall ? CALLING : SENDING;
	if (l->doing == CALLING) {
		k->reply = reply;
	} else {
		k->cluster->reply[k->cluster->replies++] = reply;
		must(seL4_TCB_Suspend(k->tcb));
	}
	call(k,
	     l->doing == CALLING                   ? ENDPOINT_CALL
	     : number == (seL4_Word)seL4_SysNBSend ? ENDPOINT_TRY
						   : ENDPOINT_SEND,
	     any_op(k), flat_object_of(flat_of(k), h->cap), flat_relay_frame(flat_of(k), &letter), k->id);
	flat_settle(flat_of(k));
}

/* ---- receiving, and replying ---- */

static void forget(struct full_client *k)
{
	if (k->letters->owed.machine)
		call(k, ENDPOINT_FORGET, k->letters->owed, STEP_NOBODY, 0, FLAT_BACKGROUND);
	k->letters->owed = STEP_NOBODY;
}

static seL4_Error receive(struct full_client *k, uint64_t slot)
{
	struct full_letters *l = k->letters;
	const struct flat_handle *h = endpoint_of(k, slot, SSI_READ);
	if (!h)
		return carries(k) ? seL4_InvalidCapability : seL4_IllegalOperation;
	const step_ref name = flat_object_of(flat_of(k), h->cap);
	if (name.node != flat_of(k)->id)
		return seL4_InvalidArgument;
	forget(k);
	l->with = (uint32_t)h->cap.index + 1;
	l->doing = RECEIVING;
	call(k, ENDPOINT_RECEIVE, any_op(k), name, 0, k->id);
	return seL4_NoError;
}

static seL4_Error reply_to(struct full_client *k, seL4_MessageInfo_t info)
{
	struct full_letters *l = k->letters;
	struct flat_letter letter = {0};
	if (!l->owed.machine)
		return seL4_InvalidCapability;
	if (seL4_MessageInfo_get_length(info) < 1 || seL4_MessageInfo_get_length(info) > SEND_WORDS + 1)
		return seL4_TruncatedMessage;
	read_letter(&letter, info, 1);
	letter.label = seL4_GetMR(0);
	call(k, ENDPOINT_REPLY, l->owed, STEP_NOBODY, flat_relay_frame(flat_of(k), &letter), FLAT_BACKGROUND);
	l->owed = STEP_NOBODY;
	return seL4_NoError;
}

bool monitor_letter_call(struct full_client *k, uint64_t reply, seL4_MessageInfo_t info)
{
	struct full_cluster *m = k->cluster;
	const seL4_Word asked = seL4_MessageInfo_get_label(info);
	if (asked != SSI_WAIT && asked != SSI_ANSWER)
		return false;
	const seL4_Error error = asked == SSI_WAIT ? receive(k, seL4_GetMR(0)) : reply_to(k, info);
	if (asked == SSI_WAIT && error == seL4_NoError) {
		k->reply = reply;
	} else {
		m->reply[m->replies++] = reply;
		seL4_Send(reply, seL4_MessageInfo_new(error, 0, 0, 0));
	}
	flat_settle(m->flat);
	return true;
}

/* ---- from the steps of the protocol ---- */

void monitor_letter_cell(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state,
			 unsigned next)
{
	struct full_cluster *cluster = flat_cluster_of(n)->full;
	if (at.machine == ENDPOINT_OP && !state && next && m->from.machine == STEP_CLIENT &&
	    m->from.index < cluster->flat->clients && cluster->client[m->from.index].letters)
		cluster->client[m->from.index].letters->op = at;
}

void monitor_letter_done(struct flat_cluster *c, uint32_t client, uint32_t result, step_ref arg,
			 const struct flat_letter *letter)
{
	struct full_client *k = &c->full->client[client];
	struct full_letters *l = k->letters;
	if (l->doing == SENDING) {
		l->doing = NOTHING;
		if (!monitor_program_is_over(k))
			must(seL4_TCB_Resume(k->tcb));
		return;
	}
	l->ended = result + 1;
	if (letter)
		memcpy(&l->letter, letter, flat_letter_bytes(letter));
	if (result == ENDPOINT_OWES)
		l->owed = arg;
	full_done(c, &c->node[FLAT_RELAY], client);
}

static seL4_MessageInfo_t answer_call(const struct full_letters *l, uint32_t result)
{
	if (result != ENDPOINT_OK)
		return seL4_MessageInfo_new(
			result == ENDPOINT_GONE ? seL4_FailedLookup : seL4_NotEnoughMemory, 0, 0, 0);
	for (uint64_t i = 0; i < l->letter.length; i++)
		seL4_SetMR((int)i, l->letter.word[i]);
	return seL4_MessageInfo_new(l->letter.label, 0, 0, l->letter.length);
}

static seL4_MessageInfo_t answer_receive(const struct full_letters *l, uint32_t result)
{
	if (result != ENDPOINT_OK && result != ENDPOINT_OWES)
		return seL4_MessageInfo_new(
			result == ENDPOINT_GONE ? seL4_InvalidCapability : seL4_IllegalOperation, 0, 0, 0);
	seL4_SetMR(0, l->letter.label);
	seL4_SetMR(1, l->letter.badge);
	for (uint64_t i = 0; i < l->letter.length; i++)
		seL4_SetMR((int)i + 2, l->letter.word[i]);
	return seL4_MessageInfo_new(seL4_NoError, 0, 0, l->letter.length + 2);
}

bool monitor_letter_answer(struct full_client *k, seL4_MessageInfo_t *answer)
{
	struct full_letters *l = k->letters;
	if (!l || !l->ended)
		return false;
	*answer = l->doing == CALLING ? answer_call(l, l->ended - 1) : answer_receive(l, l->ended - 1);
	l->ended = 0;
	l->doing = NOTHING;
	l->answered = true;
	return true;
}

bool monitor_letter_answered(struct full_client *k)
{
	const bool was = k->letters->answered;
	k->letters->answered = false;
	return was;
}

void monitor_letter_ceases(struct full_cluster *m, uint32_t index)
{
	struct full_client *k = m->owner[index] ? &m->client[m->owner[index] - 1] : NULL;
	if (k && k->letters && k->letters->doing && !k->letters->ended && k->letters->with == index + 1)
		call(k, ENDPOINT_WITHDRAW, k->letters->op, STEP_NOBODY, 0, FLAT_BACKGROUND);
}

const char *monitor_letter_waits(const struct full_client *k)
{
	static const char *const words[] = {[SENDING] = "waits for somebody to take what it sends",
					    [CALLING] = "waits for the reply to what it has sent",
					    [RECEIVING] = "waits in ssi_wait(), and nothing comes"};
	return k->letters ? words[k->letters->doing] : NULL;
}

void monitor_letter_end(struct full_client *k)
{
	if (k->letters->doing && !k->letters->ended)
		call(k, ENDPOINT_ABANDON, k->letters->op, STEP_NOBODY, 0, FLAT_BACKGROUND);
	forget(k);
}
