#include <ctype.h>
#include <string.h>
#include "cli/check_report.h"
#include "cli/cli.h"
#include "cli/member.h"
#include "cli/text.h"

#define COLUMNS 110

/* ---- what it means ---- */

static bool must_fail(const struct check_search *s) { return s->promise && !s->promise->kept; }

/* Whether a bound is below the model's own: then what is not promised may be out of reach. */
static bool is_small(const struct check_search *s)
{
	const struct checker_options *o = &s->options;
	const struct step_model *m = s->model;
	bool small = (o->kernels && o->kernels < m->nodes) || (o->flight && o->flight < m->flight) ||
		     (o->objects && o->objects < m->objects) ||
		     (o->capabilities && o->capabilities < m->capabilities) ||
		     (m->local_errors && o->no_local_errors);
	for (uint32_t k = 1; k < STEP_MACHINES_MAX; k++)
		small |= o->slots[k] && o->slots[k] < m->slots[k];
	return small;
}

int check_search_code(const struct check_search *s)
{
	if (s->skipped || (s->result.end == CHECKER_BOUNDED))
		return CLI_INCONCLUSIVE;
	if (s->result.end == CHECKER_VIOLATED)
		return must_fail(s) && !s->other ? CLI_GOOD : CLI_VIOLATED;
	return must_fail(s) && !is_small(s) ? CLI_VIOLATED : CLI_GOOD;
}

int check_report_code(const struct check_report *r)
{
	int code = CLI_GOOD;
	if (r->walk)
		return r->walk->why[0] ? CLI_VIOLATED : CLI_INCONCLUSIVE;
	if (r->options->crash)
		return CLI_INCONCLUSIVE; /* nothing is judged */
	for (uint32_t i = 0; i < r->searches; i++)
		code = cli_worse(code, check_search_code(&r->search[i]));
	return code;
}

const char *check_search_name(char out[64], const struct check_search *s)
{
	if (s->also)
		snprintf(out, 64, "counterexample-also-%u", (unsigned)(s->also - s->model->also) + 1);
	else if (!s->promise)
		snprintf(out, 64, "counterexample");
	else
		snprintf(out, 64, "%s-%.40s", s->promise->kept ? "counterexample" : "not-promised",
			 s->promise->name);
	return out;
}

static const char *verdict(const struct check_search *s)
{
	if (s->skipped)
		return "not looked at: no time was left";
	if (s->result.end == CHECKER_BOUNDED)
		return must_fail(s) ? "bounded: no counter-example yet" : "bounded: nothing was found";
	if (s->result.end == CHECKER_VIOLATED)
		return s->other ? "something else is wrong" : must_fail(s) ? "shown not to hold" : "violated";
	if (must_fail(s))
		return is_small(s) ? "not exhibited in so small a configuration"
				   : "holds, though declared as not kept";
	return "holds";
}

/* ---- text ---- */

static uint32_t either(uint32_t asked, uint32_t own) { return asked ? asked : own; }

static void print_configuration(const struct step_protocol *p, const struct checker_options *o)
{
	const struct step_model *m = p->model;
	const uint32_t flight = either(o->flight, m->flight), clients = either(o->clients, 1);
	const uint32_t objects = either(o->objects, m->objects),
		       caps = either(o->capabilities, m->capabilities);
	printf("configuration   %u kernels", either(o->kernels, m->nodes));
	for (uint32_t k = 1; k < p->machines; k++)
		printf(", %u %s", either(o->slots[k], m->slots[k]), p->machine[k].name);
	printf(" each; at most %u call%s under way", flight, flight == 1 ? "" : "s");
	if (clients > 1)
		printf(", %u clients a kernel", clients);
	if (objects)
		printf("; %u object%s", objects, objects == 1 ? "" : "s");
	if (caps)
		printf(", at most %u capabilities each", caps);
	printf("; local errors %s; symmetry %s", o->no_local_errors || !m->local_errors ? "no" : "yes",
	       o->no_symmetry ? "no" : "yes");
	if (o->lossy || o->reorder)
		printf("; messages may be %s", o->lossy && o->reorder ? "lost and overtake"
					       : o->lossy             ? "lost"
								      : "overtaken");
	if (o->crash)
		printf("; up to %u kernel%s may stop", o->crash, o->crash == 1 ? "" : "s");
	printf("\n");
}

static void print_cells(const char *head, uint32_t visited, uint32_t cells, const char *unvisited)
{
	int column = printf("%-16s%u of %u", head, visited, cells);
	if (unvisited)
		column += printf("; not visited:");
	while (unvisited && *unvisited) {
		const size_t length = strcspn(unvisited, ",") + (strchr(unvisited, ',') != NULL);
		if (column + 1 + (int)length > COLUMNS)
			column = printf("\n%16s", "") - 2;
		column += printf(" %.*s", (int)length, unvisited);
		unvisited += length + strspn(unvisited + length, " ");
	}
	printf("\n");
}

static void print_figures(const struct checker_result *r, bool list)
{
	char a[TEXT_BYTES], b[TEXT_BYTES], c[TEXT_BYTES], t[TEXT_BYTES];
	printf("visited         %s states (%s without symmetry), %s transitions, depth %u\n",
	       text_count(a, r->states), text_count(b, r->states_unreduced), text_count(c, r->transitions),
	       r->depth);
	printf("took            %s, %s\n", text_seconds(t, r->seconds), text_bytes(a, r->bytes));
	printf("a step          at most %u messages and %u cells\n", r->sends_max, r->cells_max);
	print_cells("cells visited", r->cells_visited, r->cells, list ? r->unvisited : NULL);
}

static bool has_others(const struct check_report *r)
{
	return r->searches && r->search[r->searches - 1].also;
}

/* The searches of other configurations, and what all of them together have not visited. */
static void print_also(const struct check_report *r)
{
	static char missed[CHECK_CELLS_BYTES];
	char a[TEXT_BYTES], t[TEXT_BYTES];
	if (!has_others(r))
		return;
	for (uint32_t i = 1; i < r->searches; i++) {
		const struct check_search *s = &r->search[i];
		if (!s->also)
			continue;
		printf("\n");
		print_configuration(r->protocol, &s->options);
		printf("visited         %s states, %u of %u cells, in %s: %s\n",
		       text_count(a, s->result.states), s->result.cells_visited, s->result.cells,
		       text_seconds(t, s->result.seconds), verdict(s));
	}
	const uint32_t count = check_cells_missed(r, missed, sizeof missed);
	printf("\n");
	print_cells("cells, in all", r->search[0].result.cells - count, r->search[0].result.cells,
		    count ? missed : NULL);
	for (const struct step_unreached *u = r->protocol->model->unreached; u && u->cell; u++)
		printf("  of these not visited, as declared: %s: %s\n", u->cell, u->why);
}

/* Which search judges promise i: its own, or the main one. */
static const struct check_search *search_of(const struct check_report *r, const struct step_promise *promise)
{
	for (uint32_t i = 1; i < r->searches; i++)
		if (r->search[i].promise == promise)
			return &r->search[i];
	return &r->search[0];
}

static void print_promises(const struct check_report *r)
{
	char a[TEXT_BYTES];
	static struct text_table table;
	if (!r->protocol->promises || !r->protocol->promises[0].name || r->options->crash)
		return;
	printf("\n");
	table = (struct text_table){.left = true};
	text_table_add(&table, "promise");
	text_table_add(&table, "kept");
	text_table_add(&table, "verdict");
	text_table_add(&table, "states");
	text_table_add(&table, "steps");
	text_table_end(&table);
	for (const struct step_promise *p = r->protocol->promises; p->name; p++) {
		const struct check_search *s = search_of(r, p);
		const bool alone = s->promise == p;
		const bool judged = alone || s->options.judged >> (p - r->protocol->promises) & 1;
		text_table_add(&table, "%s", p->name);
		text_table_add(&table, p->kept ? "yes" : "no");
		text_table_add(&table, "%s", !judged ? "not looked at" : verdict(s));
		text_table_add(&table, "%s", !judged || s->skipped ? "-" : text_count(a, s->result.states));
		if (alone && s->result.script)
			text_table_add(&table, "%u", s->result.script->steps);
		else
			text_table_add(&table, "-");
		text_table_end(&table);
	}
	text_table_write(&table, stdout, "");
}

static void print_way(const char *what, const struct script *script, const struct counterexample *found)
{
	if (!script) {
		printf("the way there could not be found again: the protocol depends on an order that is not "
		       "state\n");
		return;
	}
	printf("%s, %u steps:\n%s", what, script->steps, found->story ? found->story : "");
	if (!found->again)
		printf("     (replayed, it ends otherwise)\n");
}

static void print_kept(const struct check_report *r, const struct check_search *s)
{
	char name[64];
	if (r->folder && s->result.script)
		printf("kept as %s/%s.skr; skerry replay shows it step by step\n", r->folder,
		       check_search_name(name, s));
}

static void print_found(const struct check_report *r, const struct check_search *s)
{
	if (s->skipped || s->result.end != CHECKER_VIOLATED)
		return;
	if (must_fail(s) && !s->other)
		printf("\nnot promised: %s: %s\n", s->promise->name, s->promise->text);
	else
		printf("\nviolated: %s\n\n", s->result.why);
	print_way("The shortest way there", s->result.script, &s->found);
	print_kept(r, s);
}

static void print_main(const struct check_report *r)
{
	const struct checker_result *main = &r->search[0].result;
	if (r->options->crash)
		printf("\nnot judged: no protocol recovers from a kernel that stops; %s\n",
		       main->mets ? "this was met:" : "nothing was met");
	for (uint32_t i = 0; i < main->mets; i++)
		printf("  %12llu times  %s\n", (unsigned long long)main->met[i].count, main->met[i].text);
	if (r->options->crash)
		return;
	if (main->end == CHECKER_CLOSED)
		printf("\nclosed: every order of delivery was visited, all invariants hold\n");
	else if (main->end == CHECKER_BOUNDED)
		printf("\nbounded: %s; nothing wrong was found up to depth %u\n", main->bound, main->depth);
}

static void print_wrongly_declared(const struct check_report *r)
{
	for (uint32_t i = 0; i < r->searches; i++) {
		const struct check_search *s = &r->search[i];
		if (!must_fail(s) || s->skipped || s->result.end != CHECKER_CLOSED)
			continue;
		if (is_small(s))
			printf("\nnot exhibited: %s is declared as not kept; no way breaks it in so small a "
			       "configuration\n",
			       s->promise->name);
		else
			printf("\nwrongly declared: %s is declared as not kept, but no way breaks it; "
			       "declare it as "
			       "kept, or check a larger configuration\n",
			       s->promise->name);
	}
}

static void print_walk(const struct check_report *r)
{
	const struct walk_result *w = r->walk;
	char a[TEXT_BYTES], b[TEXT_BYTES], t[TEXT_BYTES];
	printf("walked          %s walks of at most %u steps, %s steps, seed %llu\n", text_count(a, w->walks),
	       w->longest, text_count(b, w->steps), (unsigned long long)r->walk_seed);
	printf("took            %s\n", text_seconds(t, w->seconds));
	print_cells("cells visited", w->cells_visited, w->cells, w->unvisited);
	if (!w->why[0]) {
		printf("\nnothing wrong was found; walks prove nothing\n");
		return;
	}
	printf("\nviolated: %s\n\nWalk %llu of seed %llu met it after %u steps; ", w->why,
	       (unsigned long long)w->walk, (unsigned long long)r->walk_seed, w->found_steps);
	print_way("a short way there", w->script, &r->walk_found);
	if (r->folder)
		printf("kept as %s/counterexample.skr; skerry replay shows it step by step\n", r->folder);
}

void check_report_print(const struct check_report *r)
{
	printf("%s: %s\n", r->protocol->name, r->protocol->about);
	printf("assumes         %s\n", r->protocol->assumes);
	print_configuration(r->protocol, r->options);
	if (r->walk) {
		print_walk(r);
		return;
	}
	print_figures(&r->search[0].result, !has_others(r));
	print_main(r);
	print_found(r, &r->search[0]);
	if (r->search[0].result.end != CHECKER_VIOLATED) {
		print_promises(r);
		print_also(r);
	}
	for (uint32_t i = 1; i < r->searches; i++)
		print_found(r, &r->search[i]);
	print_wrongly_declared(r);
}

/* ---- JSON ---- */

static json_t *configuration_json(const struct step_protocol *p, const struct checker_options *o)
{
	const struct step_model *m = p->model;
	json_t *out = json_object(), *slots = json_object();
	member_count(out, "kernels", either(o->kernels, m->nodes));
	for (uint32_t k = 1; k < p->machines; k++)
		member_count(slots, p->machine[k].name, either(o->slots[k], m->slots[k]));
	member_set(out, "slots", slots);
	member_count(out, "clients", either(o->clients, 1));
	member_count(out, "in_flight", either(o->flight, m->flight));
	member_count(out, "objects", either(o->objects, m->objects));
	member_count(out, "capabilities", either(o->capabilities, m->capabilities));
	member_flag(out, "symmetry", !o->no_symmetry);
	member_flag(out, "local_errors", m->local_errors && !o->no_local_errors);
	member_flag(out, "lossy", o->lossy);
	member_flag(out, "reorder", o->reorder);
	member_count(out, "crash", o->crash);
	return out;
}

static void members_of_found(json_t *out, const char *why, const struct script *script,
			     const struct counterexample *found)
{
	member_text(out, "why", why);
	member_lines(out, "counterexample", found->story);
	member_count(out, "steps", script ? script->steps : 0);
	member_flag(out, "replayed", found->again);
}

static void members_of_search(const struct check_report *report, json_t *out, const struct check_search *s)
{
	static const char *const ends[] = {[CHECKER_CLOSED] = "closed",
					   [CHECKER_VIOLATED] = "violated",
					   [CHECKER_BOUNDED] = "bounded",
					   [CHECKER_UNJUDGED] = "unjudged"};
	const struct checker_result *r = &s->result;
	char name[64], path[4200];
	member_text(out, "end", s->skipped ? "skipped" : ends[r->end]);
	member_count(out, "states", r->states);
	member_count(out, "states_unreduced", r->states_unreduced);
	member_count(out, "transitions", r->transitions);
	member_count(out, "depth", r->depth);
	member_real(out, "seconds", r->seconds);
	member_count(out, "bytes", r->bytes);
	member_count(out, "sends_max", r->sends_max);
	member_count(out, "cells_max", r->cells_max);
	member_count(out, "cells", r->cells);
	member_count(out, "cells_visited", r->cells_visited);
	member_text(out, "unvisited", r->unvisited);
	if (r->end == CHECKER_BOUNDED)
		member_text(out, "bound", r->bound);
	if (s->skipped || r->end != CHECKER_VIOLATED)
		return;
	members_of_found(out, r->why, r->script, &s->found);
	snprintf(path, sizeof path, "%s/%s.skr", report->folder ? report->folder : "",
		 check_search_name(name, s));
	member_text(out, "script", report->folder && r->script ? path : NULL);
}

static json_t *promises_json(const struct check_report *r)
{
	json_t *out = json_array();
	for (const struct step_promise *p = r->protocol->promises; p && p->name; p++) {
		const struct check_search *s = search_of(r, p);
		json_t *one = json_object();
		member_text(one, "name", p->name);
		member_text(one, "text", p->text);
		member_flag(one, "kept", p->kept);
		member_flag(one, "judged",
			    s->promise == p || s->options.judged >> (p - r->protocol->promises) & 1);
		member_text(one, "verdict", verdict(s));
		if (s->promise == p)
			members_of_search(r, one, s);
		member_append(out, one);
	}
	return out;
}

static void members_of_walk(const struct check_report *r, json_t *out)
{
	const struct walk_result *w = r->walk;
	char path[4200];
	member_text(out, "end", w->why[0] ? "violated" : "walked");
	member_count(out, "seed", r->walk_seed);
	member_count(out, "walks", w->walks);
	member_count(out, "walk_steps", w->steps);
	member_real(out, "seconds", w->seconds);
	member_count(out, "cells", w->cells);
	member_count(out, "cells_visited", w->cells_visited);
	member_text(out, "unvisited", w->unvisited);
	if (!w->why[0])
		return;
	member_count(out, "walk", w->walk);
	member_count(out, "found_steps", w->found_steps);
	members_of_found(out, w->why, w->script, &r->walk_found);
	snprintf(path, sizeof path, "%s/counterexample.skr", r->folder ? r->folder : "");
	member_text(out, "script", r->folder ? path : NULL);
}

static void members_of_also(const struct check_report *r, json_t *out)
{
	static char missed[CHECK_CELLS_BYTES];
	json_t *list = json_array();
	for (uint32_t i = 1; i < r->searches; i++) {
		if (!r->search[i].also)
			continue;
		json_t *one = json_object();
		member_set(one, "configuration", configuration_json(r->protocol, &r->search[i].options));
		members_of_search(r, one, &r->search[i]);
		member_append(list, one);
	}
	member_set(out, "also", list);
	member_count(out, "cells_missed", check_cells_missed(r, missed, sizeof missed));
	member_text(out, "missed", missed);
}

void check_report_json(const struct check_report *r)
{
	json_t *out = json_object();
	member_count(out, "schema", CLI_SCHEMA);
	member_text(out, "protocol", r->protocol->name);
	member_set(out, "configuration", configuration_json(r->protocol, r->options));
	if (r->walk)
		members_of_walk(r, out);
	else
		members_of_search(r, out, &r->search[0]);
	if (!r->walk && r->protocol->promises)
		member_set(out, "promises", promises_json(r));
	if (!r->walk)
		members_of_also(r, out);
	member_flag(out, "judged", !r->options->crash);
	member_count(out, "exit", (uint64_t)check_report_code(r));
	text_json(stdout, out);
	json_decref(out);
}
