/* kernelmodel/transfer.c - messages: registers, buffers, the capabilities that travel with them.
 *
 * Message registers 0 to 3 are registers of the thread; those beyond lie in the IPC buffers and travel only if both
 * threads have one. */
#include "kernelmodel/kernel_internal.h"
#include "kernelmodel/message.h"

/* ---- the registers of one thread ---- */

static void set_mr(struct km_tcb *tcb, km_word *buffer, unsigned i, km_word value)
{
	if (i < KM_MESSAGE_FAST)
		tcb->context.reg[km_mr_register(i)] = value;
	else if (buffer)
		buffer[KM_BUFFER_MR + i] = value;
}

void km_set_mr(struct km_kernel *k, struct km_tcb *tcb, unsigned i, km_word value)
{
	set_mr(tcb, i < KM_MESSAGE_FAST ? NULL : km_ipc_buffer(k, tcb, 1), i, value);
}

void km_reply_words(struct km_kernel *k, const struct km_request *r, unsigned count, const km_word *mr)
{
	struct km_tcb *tcb = r->caller;

	if (r->is_call) {
		km_word *buffer = count > KM_MESSAGE_FAST ? km_ipc_buffer(k, tcb, 1) : NULL;

		for (unsigned i = 0; i < count; i++)
			set_mr(tcb, buffer, i, mr[i]);
		if (count > KM_MESSAGE_FAST && !buffer)
			count = KM_MESSAGE_FAST;
		tcb->context.reg[KM_REG_CAP] = 0;
		tcb->context.reg[KM_REG_INFO] = km_info_make(0, 0, 0, count);
	}
	/* Says that the answer is there. A thread that this invocation has stopped stays so. */
	if (tcb->state == KM_RESTART)
		km_set_state(k, tcb, KM_RUNNING);
}

/* ---- from one thread to another ---- */

/* Returns how many arrived. */
static unsigned copy_words(struct km_kernel *k, const struct km_tcb *from, const km_word *out,
			   struct km_tcb *to, km_word *in, unsigned length)
{
	unsigned i;

	for (i = 0; i < length && i < KM_MESSAGE_FAST; i++)
		to->context.reg[km_mr_register(i)] = from->context.reg[km_mr_register(i)];
	if (length <= KM_MESSAGE_FAST || !in || !out)
		return i;
	/* Both threads may use one frame. */
	memmove(in + KM_BUFFER_MR + i, out + KM_BUFFER_MR + i, (length - i) * sizeof(*in));
	km_work_n(k, KM_WORK_MESSAGE_WORD, length - i);
	return length;
}

/* A copy of the capability in `slot` goes to `into`; false if it may not be copied. */
static int deliver_copy(struct km_kernel *k, struct km_slot *slot, struct km_slot *into)
{
	struct km_cap copy;

	if (km_cap_derive(k, slot, slot->cap, &copy) != KM_OK || copy.type == KM_CAP_NULL)
		return 0;
	km_tree_insert(k, copy, slot, into);
	return 1;
}

/* The capabilities of kernel->extra, received by way of `ep` (NULL: an answer). Those to `ep` itself arrive as badges: a
 * server that gives them out knows its own; of all others at most one arrives, for there is one slot. Stops at the first
 * that cannot be delivered. Returns the message info's part that tells of them. */
static km_word deliver_caps(struct km_kernel *k, const struct km_endpoint *ep, struct km_tcb *to, km_word *in)
{
	struct km_slot *into = km_receive_slot(k, to, in);
	unsigned unwrapped = 0, i;

	for (i = 0; i < KM_EXTRA_CAPS_MAX && k->extra[i]; i++) {
		struct km_slot *slot = k->extra[i];

		if (slot->cap.type == KM_CAP_ENDPOINT && km_cap_object(k, slot->cap) == (const void *)ep) {
			in[KM_BUFFER_BADGE + i] = slot->cap.word;
			unwrapped |= 1U << i;
		} else {
			if (!into || !deliver_copy(k, slot, into))
				break;
			into = NULL;
		}
		km_work(k, KM_WORK_CAP_TRANSFER);
	}
	return km_info_make(0, unwrapped, i, 0);
}

static void transfer_message(struct km_kernel *k, struct km_tcb *from, const struct km_endpoint *ep,
			     km_word badge, int can_grant, struct km_tcb *to)
{
	km_word info = from->context.reg[KM_REG_INFO], caps = 0;
	unsigned length = km_info_length(info), extra = can_grant ? km_info_extra(info) : 0;
	km_word *in = NULL, *out = NULL;

	if (length > KM_MESSAGE_FAST || extra) {
		in = km_ipc_buffer(k, to, 1);
		out = km_ipc_buffer(k, from, 0);
	}
	k->extra[0] = NULL;
	/* What is not found now, though it was when the sender came, is not sent. */
	if (extra && out && km_lookup_extra(k, from, out, extra) != KM_OK)
		k->extra[0] = NULL;
	length = copy_words(k, from, out, to, in, length);
	if (k->extra[0] && in)
		caps = deliver_caps(k, ep, to, in);
	to->context.reg[KM_REG_INFO] = km_info_make(km_info_label(info), 0, 0, length) | caps;
	to->context.reg[KM_REG_CAP] = badge;
}

void km_transfer(struct km_kernel *k, struct km_tcb *from, const struct km_endpoint *ep, km_word badge,
		 int can_grant, struct km_tcb *to)
{
	if (!from->fault.type) {
		transfer_message(k, from, ep, badge, can_grant, to);
		return;
	}
	to->context.reg[KM_REG_INFO] = km_info_make(from->fault.type, 0, 0, km_fault_message(k, from, to));
	to->context.reg[KM_REG_CAP] = badge;
}
