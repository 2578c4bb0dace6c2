/* ssi/checker/export_seen.c - a bounded search shows which words actions meet; and what was learnt runs beside them. */
#include <errno.h>
#include <stdlib.h>
#include "ssi/checker/export_lab.h"

/* Of the search that runs: a tap has no context of its own. */
static struct {
	const struct export_actions *actions;
	const struct step_protocol *protocol, *wide;
	struct lab x, y;
	uint32_t mistake;
	bool no_memory;
	char differs[160];
} now;

static struct export_action *action_of(const struct step_cell *cell, unsigned machine)
{
	for (uint32_t i = 0; i < now.actions->count; i++) {
		struct export_action *a = &now.actions->action[i];
		if (a->machine == machine && a->action == cell->action && !strcmp(a->name, cell->name) &&
		    (!a->mistake || a->mistake == now.mistake))
			return a;
	}
	return NULL;
}

static void look_up(const struct step_node *n, const struct step_msg *m, step_ref at, struct lab *lab)
{
	(void)n;
	lab_clear(lab, now.wide, m->to.machine);
	lab_see(lab, n, m, at);
}

/* ---- which words ---- */

static void keep(struct export_met *met, const uint32_t tuple[EXPORT_WORDS])
{
	for (uint32_t i = 0; i < met->count; i++)
		if (!memcmp(met->tuple[i], tuple, sizeof *met->tuple))
			return;
	if (met->count == met->room) {
		const uint32_t room = met->room ? met->room * 2 : 16;
		void *more = realloc(met->tuple, room * sizeof *met->tuple);
		now.no_memory |= !more;
		if (!more)
			return;
		met->tuple = more, met->room = room;
	}
	memcpy(met->tuple[met->count++], tuple, sizeof *met->tuple);
}

static void meet(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state, unsigned next)
{
	const struct step_cell *cell = step_cell_at(now.protocol, m->to.machine, state, m->event);
	struct export_action *action = cell->action ? action_of(cell, m->to.machine) : NULL;
	uint32_t tuple[EXPORT_WORDS] = {m->word};
	(void)next;
	if (!action)
		return;
	look_up(n, m, at, &now.x);
	for (uint32_t i = 0; i < now.x.fields && i < EXPORT_FIELDS_MAX; i++)
		if (lab_is_word(&now.x, EXPORT_FIELD + i))
			tuple[1 + i] = lab_word(&now.x, now.x.self, i);
		else if (lab_field(&now.x, i)->kind == STEP_K_LIST &&
			 now.x.list_before[i].count > action->met.members)
			action->met.members = now.x.list_before[i].count;
	keep(&action->met, tuple);
}

static int search(const struct export_actions *actions, const struct step_protocol *protocol,
		  uint32_t mistake, const struct checker_options *options, step_tap *tap,
		  struct checker_result *result)
{
	struct checker_options o = *options;
	o.seen = tap;
	o.threads = 1;
	o.no_quiescence = o.make_all = true;
	now.actions = actions, now.protocol = protocol, now.mistake = mistake;
	now.wide = lab_protocol(protocol);
	now.no_memory = false;
	const int rc = checker_run(protocol, &o, result);
	return rc ? rc : now.no_memory ? -ENOMEM : 0;
}

int export_search(struct export_actions *actions, const struct step_protocol *protocol, uint32_t mistake,
		  const struct checker_options *options, struct checker_result *result)
{
	return search(actions, protocol, mistake, options, meet, result);
}

/* ---- beside ---- */

static void compare(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state, unsigned next)
{
	const struct step_cell *cell = step_cell_at(now.protocol, m->to.machine, state, m->event);
	const struct export_action *action = cell->action ? action_of(cell, m->to.machine) : NULL;
	(void)next;
	if (!action || now.differs[0])
		return;
	look_up(n, m, at, &now.x);
	lab_clear(&now.y, now.wide, m->to.machine);
	lab_copy(&now.y, &now.x);
	const struct export_program *p = lab_choose(&now.y, &action->tree);
	lab_run_action(&now.x, action->action);
	if (p)
		lab_run_program(&now.y, p);
	if (!p || !lab_same_run(&now.x, &now.y))
		snprintf(now.differs, sizeof now.differs,
			 "action %s of %s does something else in a step of the search", action->name,
			 now.protocol->machine[m->to.machine].name);
}

const char *export_beside(const struct export_actions *actions, const struct step_protocol *protocol,
			  uint32_t mistake, const struct checker_options *options)
{
	struct checker_result result;
	now.differs[0] = 0;
	const int rc = search(actions, protocol, mistake, options, compare, &result);
	if (rc)
		return "the search cannot be done again";
	checker_result_fini(&result);
	return now.differs[0] ? now.differs : NULL;
}
