#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cli/trial.h"

const char *const trial_end_name[TRIAL_ENDS] = {
	[TRIAL_GOOD] = "good",       [TRIAL_CHECK] = "check", [TRIAL_FAULT] = "fault",
	[TRIAL_STUCK] = "stuck",     [TRIAL_CRASH] = "crash", [TRIAL_TIMEOUT] = "timeout",
	[TRIAL_REFUSED] = "refused",
};

/* ---- texts ---- */

char *trial_text(const struct scenario *scenario)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	const int failed = scenario_write(scenario, out);
	if (!fclose(out) && !failed)
		return text;
	free(text);
	return NULL;
}

struct scenario *trial_scenario(const char *text)
{
	struct scenario *scenario = NULL;
	struct scenario_error error;
	return scenario_parse(&scenario, "the trial", text, strlen(text), NULL, 0, &error) ? NULL : scenario;
}

/* ---- in the child ---- */

/* The first check that failed: of this name, or any. */
static const struct run_check *first_failed(const struct run_result *run, const char *name)
{
	for (uint32_t i = 0; i < run->checks; i++)
		if (run->check[i].failures && (!name || !strcmp(name, run->check[i].name)))
			return &run->check[i];
	return NULL;
}

/* Where a protocol step was wrong, that is why, whatever else failed. */
void trial_judge(const struct run_result *run, struct trial_result *r)
{
	static const enum trial_end ends[] = {[RUN_ENDED] = TRIAL_GOOD,
					      [RUN_TIMEOUT] = TRIAL_TIMEOUT,
					      [RUN_STUCK] = TRIAL_STUCK,
					      [RUN_FAULT] = TRIAL_FAULT};
	r->end = ends[run->end];
	r->events = run->events;
	r->virtual_ps = run->virtual_ps;
	snprintf(r->text, sizeof r->text, "%s", run->end_text);
	if (run->end == RUN_TIMEOUT)
		return;
	const struct run_check *failed = first_failed(run, "protocol steps");
	failed = failed ? failed : first_failed(run, NULL);
	if (!failed)
		return;
	if (r->end == TRIAL_GOOD)
		r->end = TRIAL_CHECK;
	snprintf(r->name, sizeof r->name, "%s", failed->name);
	snprintf(r->text, sizeof r->text, "%s", failed->first);
}

static void run_here(const char *text, double seconds_max, struct trial_result *r)
{
	const struct run_options options = {.inclusion = true, .seconds_max = seconds_max};
	struct scenario *scenario = NULL;
	struct scenario_error error;
	struct run *run;
	struct run_result result;
	r->end = TRIAL_REFUSED;
	if (scenario_parse(&scenario, "the trial", text, strlen(text), NULL, 0, &error) ||
	    run_new(&run, scenario, &options, &error)) {
		snprintf(r->text, sizeof r->text, "%s", error.text);
		return;
	}
	run_go(run, &result);
	trial_judge(&result, r);
}

/* No destructors and no handlers at exit: they are the parent's. */
static _Noreturn void be_child(const char *text, double seconds_max, int result, int messages)
{
	struct trial_result r = {.end = TRIAL_GOOD};
	signal(SIGABRT, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	dup2(messages, STDERR_FILENO);
	dup2(messages, STDOUT_FILENO);
	run_here(text, seconds_max, &r);
	_exit(write(result, &r, sizeof r) == (ssize_t)sizeof r ? 0 : 1);
}

/* ---- in the parent ---- */

/* The last line that the child wrote. */
static void last_words(FILE *messages, char *out, size_t size)
{
	char line[512];
	rewind(messages);
	while (fgets(line, sizeof line, messages))
		if (line[0] != '\n')
			snprintf(out, size, "%.*s", (int)strcspn(line, "\n"), line);
}

static void wait_for(pid_t child, int from, double seconds_max, FILE *messages, struct trial_result *r)
{
	struct pollfd p = {.fd = from, .events = POLLIN};
	int status = 0;
	/* A run looks at the clock between windows: twice its time means that it hangs inside of one. */
	const int ready = poll(&p, 1, (int)(seconds_max * 2000) + 2000);
	if (!ready)
		kill(child, SIGKILL);
	const bool whole = ready > 0 && read(from, r, sizeof *r) == (ssize_t)sizeof *r;
	waitpid(child, &status, 0);
	if (whole)
		return;
	*r = (struct trial_result){.end = ready ? TRIAL_CRASH : TRIAL_TIMEOUT};
	snprintf(r->name, sizeof r->name, "%s", WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "error");
	last_words(messages, r->text, sizeof r->text);
}

int trial_run(const char *text, double seconds_max, struct trial_result *result)
{
	int way[2];
	FILE *messages = tmpfile();
	if (!messages)
		return -1;
	if (pipe(way)) {
		fclose(messages);
		return -1;
	}
	fflush(stdout);
	fflush(stderr);
	const pid_t child = fork();
	if (!child)
		be_child(text, seconds_max, way[1], fileno(messages));
	close(way[1]);
	if (child > 0)
		wait_for(child, way[0], seconds_max, messages, result);
	close(way[0]);
	fclose(messages);
	return child < 0 ? -1 : 0;
}

bool trial_failed(const struct trial_result *r)
{
	return r->end == TRIAL_CHECK || r->end == TRIAL_FAULT || r->end == TRIAL_STUCK ||
	       r->end == TRIAL_CRASH;
}

/* But for the numbers in them. */
static bool same_words(const char *a, const char *b)
{
	while (*a && *b) {
		a += strspn(a, "0123456789");
		b += strspn(b, "0123456789");
		if (*a != *b)
			return false;
		a += *a != 0, b += *b != 0;
	}
	return *a == *b;
}

/* A check may fail in many places for one reason; of two faults of a protocol each says what it is. */
bool trial_same(const struct trial_result *a, const struct trial_result *b)
{
	return a->end == b->end && !strcmp(a->name, b->name) &&
	       (a->end != TRIAL_FAULT || same_words(a->text, b->text));
}
