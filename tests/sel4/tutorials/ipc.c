/* Tutorial: IPC.
 *
 * Threads talk by endpoints. A call sends a message and waits for the answer to it; whoever receives it gets, with the
 * message, the badge of the capability that was used, which it can trust, and in a reply object the one-time right to
 * answer. Messages are words, up to 120 of them, and up to 3 capabilities. */
#include <sel4tutorials/tutorial.h>

enum { ECHO, SUM, SIGNAL_IT, COMPARE, KEEP, RELEASE };

static struct {
	seL4_CPtr endpoint, reply, kept_reply, receive_slot;
	seL4_Word messages;
} server;

static seL4_Word sum_of_message(seL4_Word length)
{
	seL4_Word sum = 0;
	for (seL4_Word i = 0; i < length; i++)
		sum += seL4_GetMR((int)i);
	return sum;
}

/* A capability came with the message, into the slot that was prepared for it: signal it, and throw it away. */
static seL4_Word use_capability(seL4_MessageInfo_t info)
{
	if (seL4_MessageInfo_get_extraCaps(info) != 1)
		return 0;
	seL4_Signal(server.receive_slot);
	return slot_delete(server.receive_slot) == seL4_NoError;
}

/* Answers with the length of the message that is to be sent. */
static seL4_Word serve(seL4_MessageInfo_t info, seL4_Word badge)
{
	const seL4_Word length = seL4_MessageInfo_get_length(info);
	server.messages++;
	switch (seL4_MessageInfo_get_label(info)) {
	case ECHO:
		return length;
	case SUM:
		seL4_SetMR(0, sum_of_message(length));
		seL4_SetMR(1, badge);
		return 2;
	case SIGNAL_IT:
		seL4_SetMR(0, use_capability(info));
		return 1;
	case COMPARE: /* a capability of this server's own: it comes as its badge */
		seL4_SetMR(0, seL4_MessageInfo_get_capsUnwrapped(info));
		seL4_SetMR(1, seL4_GetBadge(0));
		return 2;
	default:
		return 0;
	}
}

static void server_main(void)
{
	seL4_CPtr now = server.reply,
		  kept = server.kept_reply; /* whom to answer next, and who is kept waiting */
	seL4_Word badge;
	seL4_SetCapReceivePath(ROOT, server.receive_slot, seL4_WordBits);
	seL4_MessageInfo_t info = seL4_Recv(server.endpoint, &badge, now);
	for (;;) {
		const seL4_Word label = seL4_MessageInfo_get_label(info);
		seL4_Word length = 1;
		if (label == KEEP) {
			/* Not answered now: the caller waits at its reply object, and the next one uses the other. */
			const seL4_CPtr caller = now;
			now = kept;
			kept = caller;
			info = seL4_Recv(server.endpoint, &badge, now);
			continue;
		}
		if (label == RELEASE) {
			seL4_SetMR(0, 1000 + badge);
			seL4_Send(kept, seL4_MessageInfo_new(0, 0, 0, 1));
			seL4_SetMR(0, 2000 + badge);
		} else {
			length = serve(info, badge);
		}
		info = seL4_ReplyRecv(server.endpoint, seL4_MessageInfo_new(label, 0, 0, length), &badge,
				      now);
	}
}

static void words(seL4_CPtr client)
{
	seL4_MessageInfo_t answer;
	/* The first four words travel in registers, the others through the IPC buffers. */
	for (int i = 0; i < 10; i++)
		seL4_SetMR(i, (seL4_Word)(i * i));
	answer = seL4_Call(client, seL4_MessageInfo_new(ECHO, 0, 0, 10));
	CHECK(seL4_MessageInfo_get_label(answer) == ECHO && seL4_MessageInfo_get_length(answer) == 10);
	CHECK(seL4_GetMR(3) == 9 && seL4_GetMR(9) == 81);

	answer = seL4_Call(client, seL4_MessageInfo_new(SUM, 0, 0, 10));
	CHECK(seL4_MessageInfo_get_length(answer) == 2);
	CHECK(seL4_GetMR(0) == 285);
	CHECK(seL4_GetMR(1) == 7); /* who we are, as the server sees it */

	/* Short messages need no buffer at all. */
	seL4_Word a = 20, b = 22;
	seL4_CallWithMRs(client, seL4_MessageInfo_new(SUM, 0, 0, 2), &a, &b, NULL, NULL);
	CHECK(a == 42 && b == 7);

	/* 120 words are the most; a longer message is cut off. */
	for (int i = 0; i < seL4_MsgMaxLength; i++)
		seL4_SetMR(i, 1);
	answer = seL4_Call(client, seL4_MessageInfo_new(SUM, 0, 0, 127));
	CHECK(seL4_GetMR(0) == 120);
}

static void capabilities_travel(seL4_BootInfo *info, seL4_CPtr client)
{
	const seL4_CPtr notification = alloc_object(info, seL4_NotificationObject, 0);
	const seL4_CPtr badged = cap_mint(info, notification, seL4_AllRights, 5);
	seL4_Word badge;
	/* The server gets a copy; what we hold stays. */
	seL4_SetCap(0, badged);
	seL4_Call(client, seL4_MessageInfo_new(SIGNAL_IT, 0, 1, 0));
	CHECK(seL4_GetMR(0) == 1);
	seL4_Poll(notification, &badge);
	CHECK(badge == 5);

	/* Without the right to grant, a message takes no capability along. */
	const seL4_CPtr no_grant = cap_mint(info, server.endpoint, seL4_CapRights_new(1, 0, 0, 1), 8);
	seL4_SetCap(0, badged);
	seL4_Call(no_grant, seL4_MessageInfo_new(SIGNAL_IT, 0, 1, 0));
	CHECK(seL4_GetMR(0) == 0);

	/* A capability to the very endpoint that the message goes through is unwrapped: its badge arrives. A server uses
	 * that to know its own objects again. */
	seL4_SetCap(0, cap_mint(info, server.endpoint, seL4_AllRights, 99));
	seL4_Call(client, seL4_MessageInfo_new(COMPARE, 0, 1, 0));
	CHECK(seL4_GetMR(0) == 1 && seL4_GetMR(1) == 99);
}

/* Nobody listens at a new endpoint: a non-blocking send is lost, a blocking one would wait. */
static void nobody_listens(seL4_BootInfo *info)
{
	const seL4_CPtr endpoint = alloc_object(info, seL4_EndpointObject, 0);
	const seL4_CPtr reply = alloc_object(info, seL4_ReplyObject, 0);
	seL4_Word badge = 1;
	seL4_NBSend(endpoint, seL4_MessageInfo_new(0, 0, 0, 0));
	seL4_NBRecv(endpoint, &badge, reply);
	CHECK(badge == 0);
	CHECK_ERROR(seL4_MessageInfo_get_label(seL4_Call(seL4_CapNull, seL4_MessageInfo_new(0, 0, 0, 0))),
		    seL4_InvalidCapability);
}

static struct {
	seL4_CPtr client, done, park;
	seL4_Word answer;
} patient;
static void patient_main(void)
{
	seL4_Call(patient.client, seL4_MessageInfo_new(KEEP, 0, 0, 0));
	patient.answer = seL4_GetMR(0);
	seL4_Signal(patient.done);
	seL4_Wait(patient.park, NULL);
}

/* A server need not answer in the order of the questions: with a reply object for each, any caller can be kept waiting. */
static void answers_in_another_order(seL4_BootInfo *info, seL4_CPtr client)
{
	patient.client = cap_mint(info, server.endpoint, seL4_AllRights, 3);
	patient.done = alloc_object(info, seL4_NotificationObject, 0);
	patient.park = alloc_object(info, seL4_NotificationObject, 0);
	thread_start(info, (void *)patient_main, 0, 0, seL4_MaxPrio);
	seL4_Yield(); /* it calls, and is kept */
	CHECK(patient.answer == 0);
	seL4_Call(client, seL4_MessageInfo_new(RELEASE, 0, 0, 0));
	CHECK(seL4_GetMR(0) == 2007);
	seL4_Wait(patient.done, NULL);
	CHECK(patient.answer == 1007);
}

int main(void)
{
	seL4_BootInfo *info = platsupport_get_bootinfo();
	server.endpoint = alloc_object(info, seL4_EndpointObject, 0);
	server.reply = alloc_object(info, seL4_ReplyObject, 0);
	server.kept_reply = alloc_object(info, seL4_ReplyObject, 0);
	server.receive_slot = alloc_slot(info);
	thread_start(info, (void *)server_main, 0, 0, 200);

	const seL4_CPtr client = cap_mint(info, server.endpoint, seL4_AllRights, 7);
	words(client);
	capabilities_travel(info, client);
	nobody_listens(info);
	answers_in_another_order(info, client);
	printf("The server has answered %lu messages.\n", server.messages);
	CHECK(server.messages == 7);
	return tutorial_end("Every question has its answer.");
}
