/* lender.c - makes an endpoint and a block of memory, lends them to a program on another kernel, and takes them back.
 *
 *     lender CLUSTER CLIENT     to whom */
#include <sel4/sel4.h>
#include <skerry/ssi.h>
#include <stdio.h>
#include <stdlib.h>

static void must(seL4_Error error, const char *what)
{
	if (error == seL4_NoError)
		return;
	printf("lender: %s failed: error %d\n", what, (int)error);
	exit(1);
}

int main(int argc, char **argv)
{
	seL4_CPtr door, memory;
	struct ssi_place me;
	struct ssi_received thanks;
	if (argc != 3)
		return printf("lender CLUSTER CLIENT\n"), 2;
	const seL4_Word cluster = strtoul(argv[1], NULL, 10), client = strtoul(argv[2], NULL, 10);

	ssi_where(&me);
	printf("lender: I am client %lu of cluster %lu\n", me.client, me.cluster);
	must(ssi_create(SSI_ENDPOINT, SSI_ALL, &door), "making an endpoint");
	must(ssi_create(SSI_UNTYPED, SSI_ALL, &memory), "making memory");

	/* The endpoint is sent: a capability that is derived from mine is made there. Of the memory only the name is told. */
	must(ssi_send(door, cluster, client, 1), "sending the endpoint");
	must(ssi_offer(memory, cluster, client, 2), "offering the memory");

	ssi_receive(&thanks); /* the borrower has done what it wanted */
	printf("lender: thanks from client %lu of cluster %lu\n", thanks.client, thanks.cluster);

	/* When this returns, nothing that came of them can be used, wherever it is. */
	must(ssi_revoke(door), "revoking the endpoint");
	must(ssi_revoke(memory), "revoking the memory");
	must(ssi_use(door, SSI_WRITE), "using my own endpoint");
	printf("lender: all is mine again\n");
	must(ssi_send(thanks.capability, cluster, client, 3), "telling the borrower");
	return 0;
}
