/* kernelmodel/irq.h - states of interrupts. Internal to irq.c, boot.c and the checks. Layer: kernelmodel. */
#ifndef SKERRY_KERNELMODEL_IRQ_H
#define SKERRY_KERNELMODEL_IRQ_H
#include "kernelmodel/kernel.h"

/* km_kernel.irq_state */
enum km_irq_state {
	KM_IRQ_RESERVED, /* of the kernel, of the timer, or of another kernel: no handler can be had */
	KM_IRQ_INACTIVE, /* nobody has a handler */
	KM_IRQ_LINE,     /* a line of an IOAPIC: masked from its delivery until it is acknowledged */
	KM_IRQ_MESSAGE,  /* a message (MSI, doorbell): upstream cannot mask those, so each one is delivered */
};
/* km_kernel.irq_masked: a line that is asserted while it is masked is taken when it is unmasked. */
enum km_irq_mask { KM_IRQ_OPEN, KM_IRQ_MASKED, KM_IRQ_MASKED_AND_PENDING };

/* States and owners at boot. A kernel that is alone and lists no interrupt owns all that users may have. */
void km_irq_boot(struct km_kernel *k, const struct km_boot *boot);

#endif
