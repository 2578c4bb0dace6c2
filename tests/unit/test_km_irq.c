/* tests/unit/test_km_irq.c - interrupts reach the notification of their handler; I/O ports are issued once. */
#include "tests/unit/km_root.h"
#include "kernelmodel/irq.h"

#define CNODE (seL4_CapInitThreadCNode)

static struct root r;

/* ---- a host that notes what it is told ---- */

static struct {
	unsigned masks, unmasks, irq, width;
	uint16_t port;
	uint32_t value;
} told;
static void note_mask(void *context, struct km_kernel *k, unsigned irq, int enabled)
{
	(void)context, (void)k;
	told.irq = irq;
	*(enabled ? &told.unmasks : &told.masks) += 1;
}
static void note_out(void *context, uint16_t port, unsigned width, uint32_t value)
{
	(void)context;
	told.port = port;
	told.width = width;
	told.value = value;
}
static uint32_t give_in(void *context, uint16_t port, unsigned width)
{
	(void)context;
	told.port = port;
	told.width = width;
	return 0x89abcdef;
}

static void boot_with(uint32_t irqs, const uint32_t *irq)
{
	const struct km_boot boot = {.cores = 1,
				     .memory = {0, 4 << 20},
				     .ticks_per_us = 1000,
				     .root_cnode_bits = 10,
				     .irqs = irqs,
				     .irq = irq};
	root_boot(&r, &boot);
	memset(&told, 0, sizeof told);
	r.k->host = (struct km_host){.unmask = note_mask, .port_out = note_out, .port_in = give_in};
}
static int setup(void **state) { return (void)state, boot_with(0, NULL), 0; }
static int teardown(void **state) { return (void)state, root_end(&r), 0; }

static km_word line(km_word into, km_word ioapic, km_word pin, km_word level, km_word polarity,
		    km_word vector)
{
	return CALL(&r, seL4_CapIRQControl, X86IRQIssueIRQHandlerIOAPIC, CNODE, into, DEPTH, ioapic, pin,
		    level, polarity, vector);
}
static km_word message(km_word into, km_word bus, km_word device, km_word function, km_word vector)
{
	return CALL(&r, seL4_CapIRQControl, X86IRQIssueIRQHandlerMSI, CNODE, into, DEPTH, bus, device,
		    function, 0, vector);
}
static km_word invoke(km_word slot, unsigned label) { return root_call(&r, slot, label, 0, NULL, 0, NULL); }
static km_word listen(km_word handler, km_word notification)
{
	return root_call(&r, handler, IRQSetIRQHandler, 1, &notification, 0, NULL);
}
static km_word new_notification(km_word badge)
{
	km_word plain = root_new(&r, seL4_NotificationObject, 0), into = r.slot++;
	assert_int_equal(CALL(&r, seL4_CapInitThreadCNode, CNodeMint, CNODE, into, DEPTH, plain, DEPTH,
			      KM_ALL_RIGHTS, badge),
			 seL4_NoError);
	return into;
}
static struct km_notification *object_of(km_word slot)
{
	return km_cap_object(r.k, root_slot(&r, slot)->cap);
}
static km_word take(km_word slot)
{
	struct km_notification *ntfn = object_of(slot);
	km_word badge = ntfn->badge;
	*ntfn = (struct km_notification){0};
	return badge;
}
static void interrupt(unsigned irq) { km_interrupt(r.k, &r.k->core[0], irq); }

/* ---- lines ---- */

static void test_a_line_signals_its_notification_and_is_masked_until_acknowledged(void **state)
{
	(void)state;
	km_word handler = r.slot++, ntfn = new_notification(5);
	assert_int_equal(line(handler, 0, 7, 1, 1, 9), seL4_NoError);
	assert_int_equal(told.unmasks, 1);
	assert_int_equal(told.irq, 9 + 16);
	assert_int_equal(listen(handler, ntfn), seL4_NoError);
	assert_good(&r);
	interrupt(9 + 16);
	assert_int_equal(take(ntfn), 5);
	assert_int_equal(told.masks, 1);
	/* Asserted again: it waits for the acknowledgement, and is not lost. */
	interrupt(9 + 16);
	assert_int_equal(object_of(ntfn)->state, KM_NTFN_IDLE);
	assert_int_equal(invoke(handler, IRQAckIRQ), seL4_NoError);
	assert_int_equal(take(ntfn), 5);
	assert_int_equal(invoke(handler, IRQAckIRQ), seL4_NoError);
	assert_int_equal(object_of(ntfn)->state, KM_NTFN_IDLE);
	assert_int_equal(told.unmasks, 3);
	interrupt(9 + 16);
	assert_int_equal(take(ntfn), 5);
}

static void test_an_interrupt_that_nobody_listens_to_is_masked(void **state)
{
	(void)state;
	km_word handler = r.slot++, ntfn = new_notification(1);
	assert_int_equal(line(handler, 0, 0, 0, 0, 0), seL4_NoError);
	interrupt(16);
	assert_int_equal(told.masks, 1);
	assert_int_equal(listen(handler, ntfn), seL4_NoError);
	assert_int_equal(invoke(handler, IRQClearIRQHandler), seL4_NoError);
	assert_int_equal(invoke(handler, IRQAckIRQ), seL4_NoError);
	interrupt(16);
	assert_int_equal(object_of(ntfn)->state, KM_NTFN_IDLE);
	interrupt(40); /* has no handler at all */
	interrupt(100000);
	assert_int_equal(invoke(handler, IRQIssueIRQHandler), seL4_IllegalOperation);
}

static void test_messages_are_not_masked(void **state)
{
	(void)state;
	km_word handler = r.slot++, ntfn = new_notification(1);
	assert_int_equal(message(handler, 255, 31, 7, 107), seL4_NoError);
	assert_int_equal(listen(handler, ntfn), seL4_NoError);
	interrupt(107 + 16);
	assert_int_equal(take(ntfn), 1);
	interrupt(107 + 16);
	assert_int_equal(take(ntfn), 1);
	assert_int_equal(told.masks, 0);
}

/* ---- issuing ---- */

static void test_issuing_a_handler_checks_in_seL4s_order(void **state)
{
	(void)state;
	km_word into = r.slot++;
	assert_int_equal(CALL(&r, seL4_CapIRQControl, IRQIssueIRQHandler, CNODE, 1, into, DEPTH),
			 seL4_IllegalOperation);
	assert_int_equal(invoke(seL4_CapIRQControl, IRQIssueIRQHandler), seL4_TruncatedMessage);
	assert_int_equal(invoke(seL4_CapIRQControl, IRQAckIRQ), seL4_IllegalOperation);
	assert_int_equal(
		CALL(&r, seL4_CapIRQControl, X86IRQIssueIRQHandlerMSI, CNODE, into, DEPTH, 0, 0, 0, 0),
		seL4_TruncatedMessage);
	assert_int_equal(line(seL4_CapInitThreadTCB, 1, 99, 9, 9, 108), seL4_RangeError);
	assert_int_equal(r.mr[0], 0);
	assert_int_equal(r.mr[1], 107);
	assert_int_equal(line(seL4_CapInitThreadTCB, 1, 99, 9, 9, 0), seL4_DeleteFirst);
	assert_int_equal(line(into, 1, 99, 9, 9, 0), seL4_RangeError);
	assert_int_equal(r.mr[1], 0);
	assert_int_equal(line(into, 0, 24, 9, 9, 0), seL4_RangeError);
	assert_int_equal(r.mr[1], 23);
	assert_int_equal(line(into, 0, 23, 2, 9, 0), seL4_RangeError);
	assert_int_equal(r.mr[1], 1);
	assert_int_equal(line(into, 0, 23, 1, 2, 0), seL4_RangeError);
	assert_int_equal(message(into, 256, 0, 0, 0), seL4_RangeError);
	assert_int_equal(r.mr[1], 255);
	assert_int_equal(message(into, 0, 32, 0, 0), seL4_RangeError);
	assert_int_equal(r.mr[1], 31);
	assert_int_equal(message(into, 0, 0, 8, 0), seL4_RangeError);
	assert_int_equal(r.mr[1], 7);
	assert_int_equal(message(into, 0, 0, 0, 0), seL4_NoError);
	assert_int_equal(line(r.slot, 0, 0, 0, 0, 0), seL4_RevokeFirst); /* the vector has a handler */
	assert_int_equal(root_delete(&r, into), seL4_NoError);
	assert_int_equal(line(into, 0, 0, 0, 0, 0), seL4_NoError);
}

static void test_only_a_notification_that_may_be_sent_to_can_listen(void **state)
{
	(void)state;
	km_word handler = r.slot++, ntfn = new_notification(1), reader = root_copy(&r, ntfn, KM_READ);
	assert_int_equal(message(handler, 0, 0, 0, 3), seL4_NoError);
	assert_int_equal(invoke(handler, IRQSetIRQHandler), seL4_TruncatedMessage);
	assert_int_equal(listen(handler, seL4_CapInitThreadTCB), seL4_InvalidCapability);
	assert_int_equal(r.mr[0], 0);
	assert_int_equal(listen(handler, reader), seL4_InvalidCapability);
	assert_int_equal(listen(handler, ntfn), seL4_NoError);
	assert_int_equal(listen(handler, ntfn), seL4_NoError); /* replaces the first */
	assert_good(&r);
	/* The node holds a capability of its own: the object stays. */
	assert_int_equal(root_delete(&r, ntfn), seL4_NoError);
	interrupt(3 + 16);
	assert_int_equal(take(reader), 1);
}

static void test_deleting_the_last_handler_silences_the_interrupt(void **state)
{
	(void)state;
	km_word handler = r.slot++, ntfn = new_notification(1);
	assert_int_equal(message(handler, 0, 0, 0, 3), seL4_NoError);
	assert_int_equal(listen(handler, ntfn), seL4_NoError);
	km_word copy = root_copy(&r, handler, KM_ALL_RIGHTS);
	assert_int_equal(root_delete(&r, handler), seL4_NoError);
	interrupt(3 + 16);
	assert_int_equal(take(ntfn), 1);
	assert_int_equal(root_delete(&r, copy), seL4_NoError);
	interrupt(3 + 16);
	assert_int_equal(object_of(ntfn)->state, KM_NTFN_IDLE);
	assert_int_equal(r.k->irq_state[3 + 16], KM_IRQ_INACTIVE);
	assert_int_equal(message(handler, 0, 0, 0, 3), seL4_NoError);
}

static void test_interrupts_of_other_kernels_cannot_be_had(void **state)
{
	(void)state;
	static const uint32_t mine[] = {16, 40};
	boot_with(2, mine);
	assert_int_equal(message(r.slot++, 0, 0, 0, 0), seL4_NoError);
	assert_int_equal(message(r.slot++, 0, 0, 0, 24), seL4_NoError);
	assert_int_equal(message(r.slot++, 0, 0, 0, 1), seL4_RevokeFirst);
	root_end(&r);
}

/* ---- I/O ports ---- */

static km_word issue(km_word first, km_word last, km_word into)
{
	return CALL(&r, seL4_CapIOPortControl, X86IOPortControlIssue, CNODE, first, last, into, DEPTH);
}
static km_word in(km_word slot, unsigned label, km_word port)
{
	return root_call(&r, slot, label, 0, NULL, 1, &port);
}
static km_word out(km_word slot, unsigned label, km_word port, km_word value)
{
	return root_call(&r, slot, label, 0, NULL, 2, (const km_word[]){port, value});
}

static void test_ports_are_issued_once(void **state)
{
	(void)state;
	km_word a = r.slot++, b = r.slot++;
	assert_int_equal(invoke(seL4_CapIOPortControl, X86IOPortIn8), seL4_IllegalOperation);
	assert_int_equal(CALL(&r, seL4_CapIOPortControl, X86IOPortControlIssue, CNODE, 1, 2, a),
			 seL4_TruncatedMessage);
	assert_int_equal(issue(9, 8, a), seL4_InvalidArgument);
	assert_int_equal(r.mr[0], 1);
	assert_int_equal(issue(0x3f8, 0x3ff, a), seL4_NoError);
	assert_good(&r);
	assert_int_equal(issue(0x3ff, 0x400, b), seL4_RevokeFirst);
	assert_int_equal(issue(0, 0x3f8, b), seL4_RevokeFirst);
	assert_int_equal(issue(0x400, 0xffff, a), seL4_DeleteFirst);
	assert_int_equal(issue(0x400, 0xffff, b), seL4_NoError);
	km_word copy = root_copy(&r, a, KM_ALL_RIGHTS);
	assert_int_equal(root_delete(&r, a), seL4_NoError);
	assert_int_equal(issue(0x3f8, 0x3f8, a), seL4_RevokeFirst);
	assert_int_equal(root_delete(&r, copy), seL4_NoError);
	assert_int_equal(issue(0x3f8, 0x3f8, a), seL4_NoError);
}

static void test_ports_are_used_within_their_range(void **state)
{
	(void)state;
	km_word ports = r.slot++;
	assert_int_equal(issue(0x10, 0x13, ports), seL4_NoError);
	assert_int_equal(in(ports, X86IOPortIn8, 0x13), seL4_NoError);
	assert_int_equal(r.mr[0], 0xef);
	assert_int_equal(in(ports, X86IOPortIn16, 0x12), seL4_NoError);
	assert_int_equal(r.mr[0], 0xcdef);
	assert_int_equal(in(ports, X86IOPortIn32, 0x10), seL4_NoError);
	assert_int_equal(r.mr[0], 0x89abcdef);
	assert_int_equal(in(ports, X86IOPortIn16, 0x13), seL4_IllegalOperation);
	assert_int_equal(in(ports, X86IOPortIn32, 0x11), seL4_IllegalOperation);
	assert_int_equal(in(ports, X86IOPortIn8, 0xf), seL4_IllegalOperation);
	assert_int_equal(invoke(ports, X86IOPortIn8), seL4_TruncatedMessage);
	assert_int_equal(out(ports, X86IOPortOut16, 0x10, 0x12345678), seL4_NoError);
	assert_int_equal(told.port, 0x10);
	assert_int_equal(told.width, 2);
	assert_int_equal(told.value, 0x5678);
	assert_int_equal(in(ports, X86IOPortOut8, 0x10), seL4_TruncatedMessage);
	assert_int_equal(out(ports, X86IOPortOut32, 0x11, 0), seL4_IllegalOperation);
	assert_int_equal(invoke(ports, X86PageMap), seL4_IllegalOperation);
	r.k->host.port_in = NULL;
	assert_int_equal(in(ports, X86IOPortIn8, 0x13), seL4_NoError);
	assert_int_equal(r.mr[0], 0xff);
	r.k->host.port_out = NULL;
	assert_int_equal(out(ports, X86IOPortOut8, 0x13, 1), seL4_NoError);
}

int main(void)
{
#define WITH_ROOT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_ROOT(test_a_line_signals_its_notification_and_is_masked_until_acknowledged),
		WITH_ROOT(test_an_interrupt_that_nobody_listens_to_is_masked),
		WITH_ROOT(test_messages_are_not_masked),
		WITH_ROOT(test_issuing_a_handler_checks_in_seL4s_order),
		WITH_ROOT(test_only_a_notification_that_may_be_sent_to_can_listen),
		WITH_ROOT(test_deleting_the_last_handler_silences_the_interrupt),
		cmocka_unit_test(test_interrupts_of_other_kernels_cannot_be_had),
		WITH_ROOT(test_ports_are_issued_once),
		WITH_ROOT(test_ports_are_used_within_their_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
