/* sim/arena.h - memory of one run: reserved once, handed out in order, freed at once.
 *
 * Zeroed, on huge pages where the host grants them (MADV_HUGEPAGE; first touch on 4 KiB pages is four
 * times slower). Address space is reserved, memory is taken at first touch.
 * Thread rule: one thread owns an arena. Layer: sim. */
#ifndef SKERRY_SIM_ARENA_H
#define SKERRY_SIM_ARENA_H
#include <stddef.h>

struct sim_arena {
	char *base;
	size_t used, size;
};

/* Reserves `bytes`. `huge`: ask for huge pages (dense use); without it sparse use stays sparse.
 * Returns 0 or -ENOMEM. */
int sim_arena_init(struct sim_arena *arena, size_t bytes, int huge);
void sim_arena_fini(struct sim_arena *arena);

/* Zeroed memory, aligned to `align` (a power of two), or NULL when the arena is full. */
void *sim_arena_take(struct sim_arena *arena, size_t bytes, size_t align);

#endif
