#include "bench/phold.h"
#include <errno.h>
#include <stdlib.h>

#define MEAN_PS (9 * PHOLD_LOOKAHEAD_PS) /* of the exponential part */

/* log2 of value / 2^31, which is in [1, 2), times 2^32: one bit a squaring. */
static uint64_t log2_fraction(uint64_t value)
{
	uint64_t fraction = 0;

	for (int bit = 31; bit >= 0; bit--) {
		value = value * value >> 31;
		if (value >> 32) {
			fraction |= UINT64_C(1) << bit;
			value >>= 1;
		}
	}
	return fraction;
}

/* -ln(numerator / 2^bits) * mean, by integers alone: libm is not the same everywhere. */
static uint32_t quantile(uint32_t numerator, unsigned bits)
{
	unsigned top = 31 - (unsigned)__builtin_clz(numerator);
	uint64_t log2 = ((uint64_t)top << 32) + log2_fraction((uint64_t)numerator << (31 - top));
	uint64_t below = ((uint64_t)bits << 32) - log2;
	uint64_t ln = (uint64_t)((unsigned __int128)below * UINT64_C(2977044472) >> 32); /* ln 2 * 2^32 */

	return (uint32_t)((unsigned __int128)ln * MEAN_PS >> 32);
}

int phold_init(struct phold_model *model, uint32_t processes)
{
	const uint32_t last = UINT32_C(1) << PHOLD_TABLE_BITS;

	model->processes = processes;
	model->process = calloc(processes, sizeof(*model->process));
	if (!model->process)
		return -ENOMEM;
	for (uint32_t i = 0; i < processes; i++)
		model->process[i].random = i * UINT64_C(0xd1342543de82ef95);
	for (uint32_t i = 0; i < last; i++)
		model->delay_ps[i] = quantile(last - i, PHOLD_TABLE_BITS);
	model->delay_ps[last] = quantile(1, PHOLD_TABLE_BITS + 2); /* the tail ends here */
	return 0;
}

void phold_fini(struct phold_model *model) { free(model->process); }

uint64_t phold_checksum(const struct phold_model *model)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < model->processes; i++)
		sum += (model->process[i].order ^ i) * UINT64_C(0x9e3779b97f4a7c15) ^
		       model->process[i].random;
	return sum;
}

uint64_t phold_batch_windows(const struct phold_model *model, uint64_t events)
{
	uint64_t windows = events * 10 / model->processes;

	return windows ? windows : 1;
}
