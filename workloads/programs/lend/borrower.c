/* borrower.c - waits for what others lend, makes something of it, gives thanks, and finds it gone. */
#include <sel4/sel4.h>
#include <skerry/ssi.h>
#include <stdio.h>
#include <stdlib.h>

static void must(seL4_Error error, const char *what)
{
	if (error == seL4_NoError)
		return;
	printf("borrower: %s failed: error %d\n", what, (int)error);
	exit(1);
}

int main(void)
{
	struct ssi_received door, memory, word;
	seL4_CPtr badged, block, frame, bell;

	ssi_receive(&door);
	printf("borrower: an endpoint, rights %lu, label %lu, from client %lu of cluster %lu\n", door.rights,
	       door.label, door.client, door.cluster);
	must(ssi_mint(door.capability, SSI_WRITE, 42, &badged), "minting");
	must(ssi_use_directly(badged, SSI_WRITE), "writing");
	printf("borrower: my copy may write; to read: error %d\n", (int)ssi_use_directly(badged, SSI_READ));

	ssi_receive(&memory);
	must(ssi_obtain(memory.name, &block), "obtaining the memory");
	must(ssi_retype(block, SSI_FRAME, SSI_ALL, &frame), "making a frame of it");
	/* It is a frame to this kernel, too: device memory, for its home is elsewhere. */
	printf("borrower: a frame at %#lx\n", seL4_X86_Page_GetAddress(frame).paddr);

	must(ssi_create(SSI_NOTIFICATION, SSI_ALL, &bell), "making a notification");
	must(ssi_send(bell, door.cluster, door.client, 0), "giving thanks");
	ssi_receive(&word); /* the lender has taken all back */
	printf("borrower: now it is error %d for the endpoint, %d for my copy, %d for the frame\n",
	       (int)ssi_use_directly(door.capability, SSI_WRITE), (int)ssi_use_directly(badged, SSI_WRITE),
	       (int)seL4_X86_Page_GetAddress(frame).error);
	return 0;
}
