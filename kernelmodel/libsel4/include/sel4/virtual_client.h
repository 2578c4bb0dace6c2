/* sel4/virtual_client.h - invocations that are others with something left out. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_VIRTUAL_CLIENT_H
#define SKERRY_LIBSEL4_VIRTUAL_CLIENT_H
#include <interfaces/sel4_client.h>

LIBSEL4_INLINE seL4_Error seL4_SchedControl_Configure(seL4_SchedControl _service,
						      seL4_SchedContext schedcontext, seL4_Time budget,
						      seL4_Time period, seL4_Word extra_refills,
						      seL4_Word badge)
{
	return seL4_SchedControl_ConfigureFlags(_service, schedcontext, budget, period, extra_refills, badge,
						seL4_SchedContext_NoFlag);
}

#endif
