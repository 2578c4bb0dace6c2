#include "ssi/protocols/protocols.h"

const struct step_protocol *const protocols[] = {&capability_tree,
						 &capability_owner,
						 &capability_central,
						 &capability_captp,
						 &capability_crypto,
						 &memory_msi,
						 &file_posix,
						 &thread_eager,
						 &endpoint_relay,
						 &capability_acks,
						 NULL};

const struct step_protocol *protocol_find(const char *name)
{
	for (uint32_t i = 0; protocols[i]; i++)
		if (!strcmp(protocols[i]->name, name))
			return protocols[i];
	return NULL;
}
