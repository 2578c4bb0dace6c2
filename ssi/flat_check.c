/* ssi/flat_check.c - what must hold over the whole machine, once nothing is under way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ssi/flat_internal.h"
#include "ssi/full.h"

static void fail(struct flat_check *check, const char *why)
{
	if (!check->failures++)
		snprintf(check->first, sizeof check->first, "%s", why);
}

/* ---- confinement: nothing is used after the revoke of what it was derived from has returned ---- */

static int by_root(const void *a, const void *b)
{
	const struct flat_revocation *x = a, *y = b;
	uint64_t i = step_ref_word(x->root), j = step_ref_word(y->root);
	return i != j ? (i < j ? -1 : 1) : x->returned < y->returned ? -1 : x->returned > y->returned;
}

static void check_grant(const struct flat_shard *s, const struct flat_grant *g, struct flat_check *check)
{
	const uint64_t root = step_ref_word(g->root);
	uint32_t low = 0, high = s->revocations;
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (step_ref_word(s->revocation[middle].root) < root)
			low = middle + 1;
		else
			high = middle;
	}
	check->count++;
	for (; low < s->revocations && step_ref_word(s->revocation[low].root) == root; low++) {
		const sim_ps returned = s->revocation[low].returned;
		if (returned == SIM_PS_NEVER)
			fail(check, "a revoke never returned");
		else if (g->granted <= returned && g->last_use > returned)
			fail(check, "a capability was used after the revoke of what it was derived from had "
				    "returned");
	}
}

static void check_confinement(struct flat_machine *m, struct flat_check *check)
{
	const struct flat_shard *service = m->cluster[m->config.service].shard;
	if (service->revocations)
		qsort(service->revocation, service->revocations, sizeof *service->revocation, by_root);
	for (uint32_t i = 0; i < m->shards; i++)
		for (uint32_t g = 0; g < m->shard[i].grants; g++)
			check_grant(service, &m->shard[i].grant[g], check);
}

/* ---- the models' own invariants ---- */

static void check_model(struct flat_machine *m, unsigned number, struct flat_check *check)
{
	const struct step_protocol *p = m->cluster[0].node[number].protocol;
	struct step_node *nodes = malloc(m->clusters * sizeof *nodes);
	uint8_t ghost[STEP_GHOST_BYTES] = {0};
	SIM_CHECK(nodes != NULL);
	for (uint32_t i = 0; i < m->clusters; i++) {
		nodes[i] = m->cluster[i].node[number];
		for (unsigned k = 1; k < p->machines; k++)
			check->count += nodes[i].pool[k].used;
	}
	const struct step_world world = {.nodes = m->clusters, .node = nodes, .ghost = ghost};
	const char *why =
		p->model && p->model->always && number == FLAT_CAPABILITY ? p->model->always(&world) : NULL;
	if (why)
		fail(check, why);
	why = p->model && p->model->at_rest ? p->model->at_rest(&world) : NULL;
	if (why)
		fail(check, why);
	free(nodes);
}

/* ---- nothing is left behind ---- */

static void check_node(const struct step_node *n, struct flat_check *check)
{
	const struct step_protocol *p = n->protocol;
	if (n->parked)
		fail(check, "a message is parked for ever");
	for (unsigned k = 1; k < p->machines; k++)
		for (uint32_t i = 0; i < n->pool[k].used; i++) {
			const struct step_head *head = step_at(n, k, i);
			check->count++;
			if (head->state && !(p->machine[k].rest >> head->state & 1)) {
				char text[160];
				snprintf(text, sizeof text, "cluster %u: %s %s %u never leaves %s", n->id,
					 p->name, p->machine[k].name, i, p->machine[k].state[head->state]);
				fail(check, text);
			}
		}
}

static void check_protocols(struct flat_machine *m, struct flat_check *check)
{
	for (uint32_t i = 0; i < m->shards; i++) {
		check->count += m->shard[i].messages;
		for (uint64_t f = 0; f < m->shard[i].refused && !m->config.hostile; f++)
			fail(check, m->shard[i].refused_text);
		for (uint64_t f = 0; f < m->shard[i].faults; f++)
			fail(check, m->shard[i].fault_text);
	}
	for (uint32_t i = 0; i < m->clusters; i++)
		for (unsigned p = 0; p < m->protocols; p++)
			if (m->protocol[p])
				check_node(&m->cluster[i].node[p], check);
}

static bool is_stopped(const struct flat_machine *m)
{
	uint64_t faults = 0;
	for (uint32_t i = 0; i < m->shards; i++)
		faults += m->shard[i].faults;
	return faults != 0;
}

void flat_check(struct flat_machine *m, struct flat_check out[FLAT_CHECKS])
{
	memset(out, 0, sizeof *out * FLAT_CHECKS);
	out[0].name = "confinement";
	check_confinement(m, &out[0]);
	snprintf(m->check_name, sizeof m->check_name, "%s at rest", m->protocol[FLAT_CAPABILITY]->name);
	out[1].name = m->check_name;
	out[2].name = "memory/msi at rest";
	out[3].name = "protocol steps";
	check_protocols(m, &out[3]);
	if (m->config.full)
		full_check(m, &out[4]);
	if (m->protocol[FLAT_THREAD]) {
		snprintf(m->thread_check_name, sizeof m->thread_check_name, "%s at rest",
			 m->protocol[FLAT_THREAD]->name);
		out[5].name = m->thread_check_name;
	}
	if (is_stopped(m))
		return; /* the machine stopped in the middle: there is no rest to check */
	check_model(m, FLAT_CAPABILITY, &out[1]);
	check_model(m, FLAT_MEMORY, &out[2]);
	if (!m->protocol[FLAT_THREAD])
		return;
	check_model(m, FLAT_THREAD, &out[5]);
	flat_thread_check(m, &out[5]);
}
