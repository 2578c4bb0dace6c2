/* kernelmodel/irq.c - interrupts: handlers, delivery to notifications, masking.
 *
 * An interrupt is numbered as upstream numbers it: a user's vector v (0..107) is interrupt v + 16, below lie those of the
 * legacy controller, above the kernel's own. Doorbells of other kernels are messages, as MSIs are.
 * Source: seL4 16.0 manual, section 8.1. */
#include "kernelmodel/boot.h"
#include "kernelmodel/irq.h"
#include "kernelmodel/kernel_internal.h"

#define IOAPICS          1
#define PCI_BUS_MAX      255
#define PCI_DEVICE_MAX   31
#define PCI_FUNCTION_MAX 7
#define VECTORS          (KM_IRQ_USER_MAX - KM_IRQ_USER_MIN) /* the highest one */

static int is_active(const struct km_kernel *k, unsigned irq)
{
	return k->irq_state[irq] == KM_IRQ_LINE || k->irq_state[irq] == KM_IRQ_MESSAGE;
}

static struct km_slot *node_slot(struct km_kernel *k, unsigned irq) { return KM_SLOT(k, k->irq_node) + irq; }

void km_irq_boot(struct km_kernel *k, const struct km_boot *boot)
{
	int owns_all = boot->nodes <= 1 && boot->irqs == 0;
	for (unsigned irq = KM_IRQ_USER_MIN; owns_all && irq <= KM_IRQ_USER_MAX; irq++)
		k->irq_owned[irq] = 1;
	for (uint32_t i = 0; i < boot->irqs; i++)
		k->irq_owned[boot->irq[i]] = 1;
	for (unsigned irq = 0; irq < KM_IRQS; irq++) {
		k->irq_state[irq] = k->irq_owned[irq] ? KM_IRQ_INACTIVE : KM_IRQ_RESERVED;
		k->irq_masked[irq] = KM_IRQ_MASKED;
	}
}

/* ---- masking and delivery ---- */

static void set_mask(struct km_kernel *k, unsigned irq, int masked)
{
	int was_open = k->irq_masked[irq] == KM_IRQ_OPEN;
	if (masked == !was_open)
		return;
	k->irq_masked[irq] = masked ? KM_IRQ_MASKED : KM_IRQ_OPEN;
	if (k->host.unmask != NULL)
		k->host.unmask(k->host.context, k, irq, !masked);
}

/* A line that was asserted meanwhile interrupts as soon as it may. */
static void unmask(struct km_kernel *k, unsigned irq)
{
	int is_pending = k->irq_masked[irq] == KM_IRQ_MASKED_AND_PENDING;
	set_mask(k, irq, 0);
	if (is_pending)
		km_irq_deliver(k, irq);
}

void km_irq_deliver(struct km_kernel *k, unsigned irq)
{
	km_work(k, KM_WORK_IRQ);
	if (irq >= KM_IRQS || !is_active(k, irq))
		return; /* it stays masked, as it was */
	if (k->irq_masked[irq] != KM_IRQ_OPEN) {
		k->irq_masked[irq] = KM_IRQ_MASKED_AND_PENDING;
		return;
	}
	struct km_cap cap = node_slot(k, irq)->cap;
	if (cap.type == KM_CAP_NOTIFICATION && (cap.rights & KM_WRITE))
		km_signal(k, km_cap_object(k, cap), cap.word);
	if (k->irq_state[irq] == KM_IRQ_LINE)
		set_mask(k, irq, 1);
}

void km_irq_handler_deleted(struct km_kernel *k, unsigned irq, int final)
{
	if (!final)
		return;
	km_delete_one(k, node_slot(k, irq));
	set_mask(k, irq, 1);
	k->irq_masked[irq] = KM_IRQ_MASKED;
	k->irq_state[irq] = KM_IRQ_INACTIVE;
}

/* ---- IRQControl ---- */

struct issue {
	struct km_slot *into;
	unsigned irq;
	enum km_irq_state state;
};

static enum km_status check_at_most(struct km_kernel *k, km_word value, km_word max)
{
	return value <= max ? KM_OK : km_fail_range(k, 0, max);
}

/* Each argument from `first` on against its limit, in this order. */
static enum km_status check_arguments(struct km_kernel *k, const struct km_request *r, const km_word *max,
				      unsigned count)
{
	enum km_status status = KM_OK;
	for (unsigned i = 0; i < count && status == KM_OK; i++)
		status = check_at_most(k, km_argument(r, 2 + i), max[i]);
	return status;
}

static enum km_status decode_issue(struct km_kernel *k, const struct km_request *r, struct issue *out)
{
	static const km_word ioapic[] = {IOAPICS - 1, KM_IOAPIC_PINS - 1, 1 /* level */, 1 /* polarity */};
	static const km_word pci[] = {PCI_BUS_MAX, PCI_DEVICE_MAX, PCI_FUNCTION_MAX};
	if (r->label != X86IRQIssueIRQHandlerIOAPIC && r->label != X86IRQIssueIRQHandlerMSI)
		return km_fail(k, seL4_IllegalOperation);
	if (r->length < 7 || k->extra[0] == NULL)
		return km_fail(k, seL4_TruncatedMessage);
	enum km_status status = check_at_most(k, km_argument(r, 6), VECTORS);
	if (status != KM_OK)
		return status;
	out->irq = (unsigned)km_argument(r, 6) + KM_IRQ_USER_MIN;
	if (k->irq_state[out->irq] != KM_IRQ_INACTIVE)
		return km_fail(k, seL4_RevokeFirst); /* somebody has it, maybe another kernel */
	km_word depth = km_argument(r, 1);
	status = km_lookup_target(k, 0, k->extra[0]->cap, km_argument(r, 0),
				  depth > 64 ? 65 : (unsigned)depth, &out->into);
	if (status == KM_OK)
		status = km_ensure_empty(k, out->into);
	if (status != KM_OK)
		return status;
	out->state = r->label == X86IRQIssueIRQHandlerMSI ? KM_IRQ_MESSAGE : KM_IRQ_LINE;
	return out->state == KM_IRQ_MESSAGE ? check_arguments(k, r, pci, 3)
					    : check_arguments(k, r, ioapic, 4);
}

/* IRQControl_Get is for machines without IOAPIC. */
static enum km_status decode_get(struct km_kernel *k, const struct km_request *r)
{
	int is_short = r->label == IRQIssueIRQHandler && (r->length < 3 || k->extra[0] == NULL);
	return km_fail(k, is_short ? seL4_TruncatedMessage : seL4_IllegalOperation);
}

enum km_status km_irq_control_invoke(struct km_kernel *k, const struct km_request *r)
{
	if (r->label == IRQIssueIRQHandler)
		return decode_get(k, r);
	struct issue issue;
	enum km_status status = decode_issue(k, r, &issue);
	if (status != KM_OK)
		return status;
	struct km_cap handler = {.type = KM_CAP_IRQ_HANDLER, .word = issue.irq};
	k->irq_state[issue.irq] = (uint8_t)issue.state;
	if (issue.state == KM_IRQ_LINE)
		k->irq_of_pin[km_argument(r, 3)] = (uint8_t)issue.irq;
	set_mask(k, issue.irq, 0);
	km_work(k, KM_WORK_IRQ);
	km_tree_insert(k, handler, r->slot, issue.into);
	return KM_OK;
}

/* ---- IRQHandler ---- */

static enum km_status set_notification(struct km_kernel *k, unsigned irq)
{
	struct km_slot *source = k->extra[0];
	if (source == NULL)
		return km_fail(k, seL4_TruncatedMessage);
	if (source->cap.type != KM_CAP_NOTIFICATION || !(source->cap.rights & KM_WRITE))
		return km_fail_cap(k, 0);
	struct km_cap cap = source->cap;
	km_delete_one(k, node_slot(k, irq));
	km_tree_insert(k, cap, source, node_slot(k, irq));
	return KM_OK;
}

enum km_status km_irq_handler_invoke(struct km_kernel *k, const struct km_request *r)
{
	unsigned irq = (unsigned)r->cap.word;
	switch (r->label) {
	case IRQAckIRQ:
		km_work(k, KM_WORK_IRQ);
		unmask(k, irq);
		return KM_OK;
	case IRQSetIRQHandler:
		return set_notification(k, irq);
	case IRQClearIRQHandler:
		km_delete_one(k, node_slot(k, irq));
		return KM_OK;
	default:
		return km_fail(k, seL4_IllegalOperation);
	}
}
