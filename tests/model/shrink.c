/* tests/model/shrink.c - see shrink.h. Delta debugging: chunks are left out, from halves down to single calls. */
#include "tests/model/shrink.h"
#include <stdlib.h>
#include <string.h>

/* The threads, as each side sees them: what one looks at first. */
static void print_threads(const struct pair *pair)
{
	static const char *const state[] = {"inactive", "running",      "restart", "receives",
					    "sends",    "awaits reply", "waits",   "idle"};

	for (unsigned i = 0; i < pair->model->objects; i++) {
		const struct m_object *o = pair->model->object[i];
		const struct km_tcb *tcb;

		if (o->kind != M_THREAD || !o->alive)
			continue;
		tcb = KM_TCB(pair->kernel, (km_ref)(o->at >> KM_GRANULE_BITS));
		printf("model: thread %u at %#lx: %s%s priority %u context %d%s; in the kernel: %s%s "
		       "priority %u context %d%s\n",
		       o->number, (unsigned long)o->at, state[o->t->state],
		       o == pair->model->current ? " (current)" : "", o->t->priority,
		       o->t->context ? (int)o->t->context->number : -1, o->t->queued ? " queued" : "",
		       state[tcb->state], tcb == pair->core->current ? " (current)" : "", tcb->priority,
		       tcb->sc != 0, tcb->queued ? " queued" : "");
	}
}

static bool shrink_verbose;

const char *shrink_replay(struct op *ops, unsigned count, unsigned *failed_at)
{
	static char why[512];
	struct pair *pair = pair_new(&pair_small);
	const char *found = NULL;
	unsigned i;

	pair->full_every = 1;
	pair->check_every = 1;
	for (i = 0; i < count && !found; i++)
		found = pair_step(pair, &ops[i]);
	*failed_at = i;
	if (found && shrink_verbose)
		print_threads(pair);
	if (found) {
		strncpy(why, found, sizeof(why) - 1);
		found = why;
	}
	pair_free(pair);
	return found;
}

static bool same_word(const char *a, const char *b)
{
	size_t n = strcspn(a, " ");

	return n == strcspn(b, " ") && !strncmp(a, b, n);
}

/* Is the difference still there without ops[from..to)? Then they are gone, and all behind the difference as well. */
static bool without(struct op *ops, unsigned *count, unsigned from, unsigned to, const char *why)
{
	struct op *rest = malloc((*count + 1) * sizeof(*rest));
	unsigned left = *count - (to - from), failed_at;
	const char *found;

	if (!rest)
		return false;
	memcpy(rest, ops, from * sizeof(*rest));
	memcpy(rest + from, ops + to, (*count - to) * sizeof(*rest));
	found = shrink_replay(rest, left, &failed_at);
	if (found && same_word(found, why)) {
		memcpy(ops, rest, failed_at * sizeof(*rest));
		*count = failed_at;
	}
	free(rest);
	return found && same_word(found, why);
}

/* Words that the difference does not need are made 0, or not set at all. */
static void simplify(struct op *ops, unsigned *count, const char *why)
{
	for (unsigned i = 0; i < *count; i++) {
		struct op was = ops[i];
		unsigned failed_at;
		const char *found;

		ops[i].pending = 0;
		ops[i].reply = ops[i].dest = 0;
		found = shrink_replay(ops, *count, &failed_at);
		if (!found || !same_word(found, why) || failed_at != *count)
			ops[i] = was;
		for (unsigned w = ops[i].words; w-- > 0;) {
			unsigned at = ops[i].word[w].at;

			if (at <= m_info_length(ops[i].info) ||
			    (at >= 122 && at < 122 + m_info_extra(ops[i].info)))
				continue;
			was = ops[i];
			ops[i].words--;
			memmove(&ops[i].word[w], &ops[i].word[w + 1],
				(ops[i].words - w) * sizeof(ops[i].word[0]));
			found = shrink_replay(ops, *count, &failed_at);
			if (!found || !same_word(found, why) || failed_at != *count)
				ops[i] = was;
		}
	}
}

unsigned shrink(struct op *ops, unsigned count, const char *why)
{
	unsigned failed_at;
	const char *found = shrink_replay(ops, count, &failed_at);
	char word[64];

	/* Looked at after each step, it shows earlier, and may show as something else. */
	if (!found)
		return count;
	count = failed_at;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(found, " "), found);
	(void)why;
	for (unsigned chunk = count / 2; chunk; chunk /= 2) {
		bool again = true;

		while (again) {
			again = false;
			for (unsigned at = 0; at + 1 < count;) {
				unsigned to = at + chunk < count ? at + chunk : count;

				if (without(ops, &count, at, to, word))
					again = chunk == 1;
				else
					at += chunk;
			}
		}
	}
	simplify(ops, &count, word);
	shrink_verbose = true;
	found = shrink_replay(ops, count, &failed_at);
	if (found)
		printf("model: shrunk: %s\n", found);
	shrink_verbose = false;
	return count;
}
