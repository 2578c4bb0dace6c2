/* ssi/checker/checker_world.c - a world's configuration and memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "ssi/checker/checker_internal.h"

static uint32_t either(uint32_t asked, uint32_t own) { return asked ? asked : own; }

static uint32_t kept_promises(const struct step_protocol *p)
{
	uint32_t mask = 0;
	for (uint32_t i = 0; p->promises && p->promises[i].name; i++)
		mask |= (uint32_t)(p->promises[i].kept && !p->promises[i].apart) << i;
	return mask;
}

static const char *check_protocol(const struct step_protocol *p)
{
	const char *why = step_protocol_check(p);
	if (why || !p->model)
		return why ? why : "the protocol has no model";
	for (uint32_t m = 1; m < p->machines; m++)
		if (p->machine[m].states > 254)
			return "a machine has more than 254 states";
	if (p->model->shadow.machine >= p->machines)
		return "the model's shadow is of a machine that does not exist";
	for (const struct step_field *f = p->model->shadow.machine ? p->model->shadow.fields() : NULL;
	     f && f->name; f++)
		if (f->kind == STEP_K_LIST)
			return "the model's shadow has a list; a record has references and words only";
	return NULL;
}

static const char *configure(struct checker *c, const struct step_protocol *p,
			     const struct checker_options *o)
{
	const char *why = check_protocol(p);
	if (why)
		return why;
	c->protocol = p;
	c->model = p->model;
	c->nodes = either(o->kernels, p->model->nodes);
	c->flight = either(o->flight, p->model->flight);
	c->world.objects = either(o->objects, p->model->objects);
	c->world.capabilities = either(o->capabilities, p->model->capabilities);
	c->world.judged = either(o->judged, kept_promises(p));
	c->clients = either(o->clients, either(c->model->clients, 1));
	c->parks = o->parks ? o->parks : c->nodes * c->clients;
	c->local_errors = p->model->local_errors && !o->no_local_errors;
	c->lossy = o->lossy;
	c->reorder = o->reorder;
	c->crash = o->crash;
	c->seen = o->seen;
	c->exchange_slots = !o->no_symmetry && !o->no_slot_symmetry;
	c->links = 2 * c->nodes;
	c->fixed = o->no_symmetry ? c->nodes : p->model->symmetric_from;
	if (c->nodes < 1 || c->nodes > NODES)
		return "the checker explores at most 8 kernels";
	if (c->clients > CLIENTS_MAX)
		return "the checker explores at most 2 clients a kernel";
	if (c->parks > 120)
		return "the checker explores at most 120 parked messages a kernel";
	if (p->model->capacity > CHANNEL_CREDIT - STEP_CREDIT)
		return "the model's capacity is more than 8 messages";
	for (uint32_t m = 1; m < p->machines; m++) {
		const uint32_t own =
			p->model->slots[m] * (m == 3 && p->model->objects ? c->world.objects : 1);
		c->slots[m] = either(o->slots[m], own);
		c->links += 2 * c->nodes * c->slots[m];
		c->atom_at[m] = c->atoms_a_node;
		c->atoms_a_node += c->slots[m];
		if (!c->slots[m] || c->slots[m] > SLOTS_MAX)
			return "a machine has no slot, or more than 48 slots";
	}
	return NULL;
}

/* ---- memory ---- */

static size_t aligned(size_t size) { return (size + 15) & ~(size_t)15; }

/* Where each kernel's slots, names, links, parked messages and records lie in the image; its size. */
static size_t lay_out(struct checker *c)
{
	size_t size = aligned(sizeof *c->shared);
	const struct step_shadow *shadow = &c->model->shadow;
	c->shadow_size = shadow->machine ? (size_t)c->slots[shadow->machine] * shadow->size : 0;
	for (uint32_t a = 0; a < c->nodes; a++) {
		struct step_node *n = &c->node[a];
		c->block[a] = c->image + size;
		for (uint32_t m = 1; m < c->protocol->machines; m++) {
			n->pool[m].base = c->image + size;
			size += aligned((size_t)c->slots[m] * c->protocol->machine[m].size);
			c->name[a][m] = (step_ref *)(void *)(c->image + size);
			size += aligned(c->protocol->machine[m].named ? c->slots[m] * sizeof(step_ref) : 0);
		}
		c->slots_size = (size_t)(c->image + size - c->block[a]);
		n->link = (struct step_link *)(void *)(c->image + size);
		size += aligned(c->links * sizeof *n->link);
		n->park = (struct step_parked *)(void *)(c->image + size);
		size += aligned(c->parks * sizeof *n->park);
		c->block_size = (size_t)(c->image + size - c->block[a]);
		c->shadow[a] = c->image + size;
		size += aligned(c->shadow_size);
	}
	return size;
}

static void make_nodes(struct checker *c)
{
	for (uint32_t a = 0; a < c->nodes; a++) {
		struct step_node *n = &c->node[a];
		n->id = a, n->nodes = c->nodes;
		n->protocol = c->protocol;
		n->host = &checker_host;
		n->tap = checker_tap;
		n->raised = c->raised[a];
		n->owner = c;
		n->links = c->links;
		n->parks = c->parks;
		for (uint32_t m = 1; m < c->protocol->machines; m++)
			n->pool[m].slots = c->slots[m];
	}
}

static int take_memory(struct checker *c)
{
	for (uint32_t m = 1; m < c->protocol->machines; m++) {
		c->visited[m] = calloc(c->protocol->machine[m].states + 1u, c->protocol->events);
		if (!c->visited[m])
			return -ENOMEM;
	}
	/* Laid out twice: first to learn the size. */
	static char nowhere[1];
	c->image = nowhere;
	c->image_size = lay_out(c);
	c->image = calloc(1, c->image_size);
	c->saved = calloc(1, c->image_size + c->nodes * sizeof *c->node);
	c->saved_channel = calloc(c->nodes, sizeof *c->saved_channel);
	if (!c->image || !c->saved || !c->saved_channel)
		return -ENOMEM;
	lay_out(c);
	c->shared = (struct checker_shared *)(void *)c->image;
	c->world.nodes = c->nodes;
	c->world.node = c->node;
	c->world.call = c->shared->call;
	c->world.flight = c->shared->flight[0];
	c->world.clients = CLIENTS_MAX;
	c->world.ghost = c->shared->ghost;
	c->world.shadow = c->shadow;
	c->world.shadow_size = c->model->shadow.size;
	return 0;
}

int checker_open(struct checker **out, const struct step_protocol *protocol,
		 const struct checker_options *options, char *why, size_t size)
{
	struct checker *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->names = &c->own_names;
	pthread_mutex_init(&c->own_names.lock, NULL);
	const char *wrong = configure(c, protocol, options);
	int rc = wrong ? -EINVAL : 0;
	if (wrong)
		snprintf(why, size, "%s", wrong);
	if (!rc) {
		make_nodes(c);
		rc = take_memory(c);
	}
	if (!rc && (rc = checker_pack_init(c)))
		snprintf(why, size, "%s", c->misfit);
	if (rc)
		checker_close(c);
	else
		*out = c;
	return rc;
}

void checker_close(struct checker *c)
{
	if (!c)
		return;
	for (uint32_t m = 0; m < STEP_MACHINES_MAX; m++)
		free(c->visited[m]);
	pthread_mutex_destroy(&c->own_names.lock);
	free(c->image);
	free(c->saved);
	free(c->saved_channel);
	free(c);
}
