#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "cli/progress.h"
#include "ssi/checker/checker.h"
#include "cli/text.h"

#define HEARTBEAT_S  5.0
#define FIRST_LINE_S 0.3 /* a short run shows nothing */
#define TERMINAL_S   0.1

void progress_init(struct progress *progress, const char *what, bool quiet)
{
	const char *kind = getenv("TERM");
	*progress = (struct progress){.what = what, .quiet = quiet};
	progress->terminal = isatty(STDERR_FILENO) && kind && strcmp(kind, "dumb");
	progress->next = progress->terminal ? FIRST_LINE_S : HEARTBEAT_S;
}

static bool is_due(struct progress *progress, double seconds)
{
	if (progress->quiet || seconds < progress->next)
		return false;
	progress->next = seconds + (progress->terminal ? TERMINAL_S : HEARTBEAT_S);
	return true;
}

static void show(struct progress *progress, const char *line)
{
	if (progress->terminal)
		fprintf(stderr, "\r%s\033[K", line);
	else
		fprintf(stderr, "skerry: %s\n", line);
	fflush(stderr);
	progress->shown = true;
}

void progress_run(void *context, double done, uint64_t events, sim_ps now, double seconds)
{
	struct progress *progress = context;
	char line[256], rest[TEXT_BYTES + 16] = "", e[TEXT_BYTES], t[TEXT_BYTES], left[TEXT_BYTES];
	if (!is_due(progress, seconds))
		return;
	if (done > 0.01 && done < 1)
		snprintf(rest, sizeof rest, ", about %s left",
			 text_seconds(left, seconds / done * (1 - done)));
	snprintf(line, sizeof line, "%.60s: %.0f %%%s; %s events, %s of %s time", progress->what, done * 100,
		 rest, text_large(e, (double)events), text_time(t, now), progress->real ? "real" : "virtual");
	show(progress, line);
}

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void progress_check(void *context, const struct checker_progress *p)
{
	struct progress *progress = context;
	char line[256], s[TEXT_BYTES], q[TEXT_BYTES], r[TEXT_BYTES];
	if (!is_due(progress, p->seconds))
		return;
	/* How many states there are is not known beforehand; what waits says whether the end is in sight. */
	snprintf(line, sizeof line, "%.60s: %s states, depth %u, %s in the queue, %s states/s",
		 progress->what, text_large(s, (double)p->states), p->depth, text_large(q, (double)p->queue),
		 text_large(r, p->states_a_second));
	show(progress, line);
}

void progress_walk(void *context, uint64_t walks, uint64_t steps, uint32_t cells)
{
	struct progress *progress = context;
	char line[256], w[TEXT_BYTES], s[TEXT_BYTES];
	if (progress->begun == 0)
		progress->begun = seconds_now();
	if (!is_due(progress, seconds_now() - progress->begun))
		return;
	snprintf(line, sizeof line, "%.60s: %s walks, %s steps, %u cells visited", progress->what,
		 text_large(w, (double)walks), text_large(s, (double)steps), cells);
	show(progress, line);
}

void progress_trials(struct progress *progress, uint64_t trials, uint64_t shrinks)
{
	char line[256], rest[64] = "";
	if (progress->begun == 0)
		progress->begun = seconds_now();
	if (!is_due(progress, seconds_now() - progress->begun))
		return;
	if (shrinks)
		snprintf(rest, sizeof rest, "; one failed, %llu smaller ones", (unsigned long long)shrinks);
	snprintf(line, sizeof line, "%.60s: %llu runs%s", progress->what, (unsigned long long)trials, rest);
	show(progress, line);
}

void progress_end(struct progress *progress)
{
	if (progress->shown && progress->terminal)
		fputs("\r\033[K", stderr);
	fflush(stderr);
	progress->shown = false;
}
