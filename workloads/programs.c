/* workloads/programs.c - clients that are programs of skerry-cc: loaded before the machine is made, an instance a client, and
 * judged by how they end. */
#include <stdlib.h>
#include <string.h>
#include "kernelmodel/core/image.h"
#include "sim/check.h"
#include "workloads/run_internal.h"

struct program {
	struct core_image *image;
	char **argv, *words; /* argv points into words */
};

/* The program's name, and its arguments: words between blanks. Returns their number, or -1. */
static int arguments_split(struct program *p, const struct scenario_clients *entry)
{
	const size_t name = strlen(entry->program) + 1, words = strlen(entry->arguments) + 1;
	int argc = 1;
	p->words = malloc(name + words);
	p->argv = calloc(words / 2 + 3, sizeof *p->argv);
	if (!p->words || !p->argv)
		return -1;
	memcpy(p->words, entry->program, name);
	memcpy(p->words + name, entry->arguments, words);
	p->argv[0] = p->words;
	for (char *at = p->words + name; *(at += strspn(at, " "));) {
		p->argv[argc++] = at;
		at += strcspn(at, " ");
		if (*at)
			*at++ = 0;
	}
	return argc;
}

static int complain(const struct run *run, const struct scenario_clients *entry, struct scenario_error *error,
		    const char *why)
{
	char key[48];
	snprintf(key, sizeof key, "clients.%u.program", (unsigned)(entry - run->scenario->clients));
	return scenario_complain(run->scenario, error, key, NULL, "%s", why);
}

static int load(const struct run *run, struct run_group *g, struct scenario_error *error)
{
	char why[400] = "no memory is left";
	struct program *p = g->program = calloc(1, sizeof *p);
	const int argc = p ? arguments_split(p, g->entry) : -1;
	if (argc < 0 || core_image_open(&p->image, g->entry->program, argc, p->argv, why, sizeof why))
		return complain(run, g->entry, error, why);
	return 0;
}

int programs_load(struct run *run, struct scenario_error *error)
{
	bool any = false;
	for (uint32_t i = 0; i < run->groups; i++) {
		const struct scenario_clients *entry = run->group[i].entry;
		if (entry->workload != SCENARIO_PROGRAM)
			continue;
		if (!run->scenario->full)
			return complain(run, entry, error,
					"a program runs on a kernel, and a flat cluster has none: write "
					"\"fidelity: full\"");
		if (run->scenario->order == SCENARIO_SERIAL)
			return complain(run, entry, error,
					"a program takes no turns; remove \"order: serial\"");
		if (load(run, &run->group[i], error))
			return -1;
		any = true;
	}
	if (any) /* what a program has printed is seen in its place, whatever comes later */
		setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	run->programs = any;
	return 0;
}

void programs_fini(struct run_group *g)
{
	if (!g->program)
		return;
	core_image_close(g->program->image);
	free(g->program->argv);
	free(g->program->words);
	free(g->program);
}

bool programs_main(const struct run_group *g, struct flat_program *out)
{
	if (!g->program)
		return false;
	*out = (struct flat_program){core_image_main, g->program->image};
	return true;
}

/* ---- how they end ---- */

static void say_fault(struct run_group *g, uint32_t client, const struct flat_exit *exit)
{
	static const char *const names[] = {
		"fault",   "fault of a capability", "unknown system call", "exception", "fault",
		"timeout", "bad pointer to"};
	char about[64] = "", at[200];
	const unsigned kind = exit->fault < sizeof names / sizeof *names ? exit->fault : 0;
	const uint64_t offset = core_image_offset(g->program->image, exit->ip);
	if (exit->address || kind == 6)
		snprintf(about, sizeof about, " %#llx", (unsigned long long)exit->address);
	if (offset)
		snprintf(at, sizeof at, "at %#llx of the program: addr2line -fe %s %#llx",
			 (unsigned long long)offset, g->entry->program, (unsigned long long)offset);
	else
		snprintf(at, sizeof at, "at %#llx, which is not in the program",
			 (unsigned long long)exit->ip);
	run_check_fail(g, CHECK_PROGRAMS, "%s, client %u of cluster %u, was stopped: %s%s, %s",
		       g->entry->name, client, g->cluster, names[kind], about, at);
}

void programs_exited(struct run_group *g, uint32_t client, const struct flat_exit *exit)
{
	run_check_add(g, CHECK_PROGRAMS, 1);
	if (exit->fault)
		say_fault(g, client, exit);
	else if (exit->code)
		run_check_fail(g, CHECK_PROGRAMS, "%s, client %u of cluster %u, ended with %d",
			       g->entry->name, client, g->cluster, exit->code);
	run_group_done(g);
	run_group_ended(g);
}

/* Of those that never ended, what the first three wait for. */
void programs_explain(const struct run *run, char *out, size_t size)
{
	size_t used = strlen(out);
	unsigned said = 0;
	for (uint32_t i = 0; i < run->groups && said < 3; i++) {
		const struct run_group *g = &run->group[i];
		char waits[100];
		if (!g->program || g->ended || used >= size)
			continue;
		flat_program_waits(run->machine, g->cluster, g->first_client, waits, sizeof waits);
		used += (size_t)snprintf(out + used, size - used, "%s %s, client %u of cluster %u, %s",
					 said++ ? ";" : ":", g->entry->name, g->first_client, g->cluster,
					 waits);
	}
}
