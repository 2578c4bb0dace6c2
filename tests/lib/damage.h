/* tests/lib/damage.h - makes pages of a flat machine wrong, to show that checks see it. Layer: tests. */
#ifndef SKERRY_TESTS_LIB_DAMAGE_H
#define SKERRY_TESTS_LIB_DAMAGE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ssi/flat_internal.h"

#define DAMAGE_NO_FILE UINT32_MAX

/* The frame of a line that a client may use, if it is content; 0: it is not. */
static inline uint32_t damage_frame_of(const struct flat_machine *m, uint32_t cluster, uint32_t slot,
				       uint32_t *file)
{
	const struct flat_cluster *c = &m->cluster[cluster];
	const char *line = step_at(&c->node[FLAT_MEMORY], MSI_LINE, slot);
	const uint64_t number = (uint64_t)c->line_name[slot].gen << 28 | c->line_name[slot].index;
	const unsigned state = *(const uint8_t *)line;
	uint32_t frame;
	memcpy(&frame, line + m->data_offset[MSI_LINE], sizeof frame);
	*file = (uint32_t)(number >> 16);
	return memory_msi.machine[MSI_LINE].usable >> state & 1 && !(frame & FRAME_SMALL) ? frame : 0;
}

/* Turns these bits of the byte at `offset` of every page of content that a cluster holds, once though several clusters
 * may hold it: pages of `file` if `only`, of all other files if not. Returns their number. */
static inline uint32_t damage_pages(struct flat_machine *m, uint32_t file, bool only, uint32_t offset,
				    unsigned char bits)
{
	uint32_t damaged = 0, of;
	bool **done = calloc(m->shards, sizeof *done); /* in each shard, by frame */
	assert_non_null(done);
	for (uint32_t i = 0; i < m->shards; i++)
		assert_non_null(done[i] = calloc(m->shard[i].frames.page.used, sizeof **done));
	for (uint32_t i = 0; i < m->clusters; i++)
		for (uint32_t k = 0; k < m->cluster[i].node[FLAT_MEMORY].pool[MSI_LINE].used; k++) {
			struct flat_shard *shard = m->cluster[i].shard;
			const uint32_t frame = damage_frame_of(m, i, k, &of);
			if (!frame || done[shard - m->shard][frame] || (of == file) != only)
				continue;
			frames_bytes(&shard->frames, frame)[offset] ^= bits;
			done[shard - m->shard][frame] = true;
			damaged++;
		}
	for (uint32_t i = 0; i < m->shards; i++)
		free(done[i]);
	free(done);
	return damaged;
}

#endif
