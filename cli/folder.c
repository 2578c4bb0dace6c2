/* What is aside must go whatever ends the program, so its files are listed in static storage that a signal
 * handler may read: unlink() and rmdir() are safe there, a walk through the folder is not. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/folder.h"

#define FILES_MAX   128
#define ASIDE_TRIES 100

static char written[FILES_MAX]
		   [PATH_MAX]; /* in the order in which they were made: folders before their files */
static volatile sig_atomic_t written_count;

static void forget_all(void)
{
	while (written_count > 0) {
		const char *path = written[written_count - 1];
		if (unlink(path) && (errno == EISDIR || errno == EPERM))
			rmdir(path);
		written_count = written_count - 1;
	}
}

/* Any thread may be the one that is interrupted, and a second signal may reach another one: only the first clears
 * up. */
static void on_signal(int number)
{
	static atomic_flag entered = ATOMIC_FLAG_INIT;
	if (atomic_flag_test_and_set(&entered)) {
		if (number == SIGSEGV || number == SIGBUS || number == SIGFPE)
			signal(number, SIG_DFL); /* it would happen again at once */
		return;
	}
	forget_all();
	signal(number, SIG_DFL);
	raise(number);
}

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE};

static void guard(void)
{
	static bool guarded;
	if (guarded)
		return;
	guarded = true;
	atexit(forget_all);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		struct sigaction old;
		/* What a sanitizer or nohup has set up stays. */
		if (!sigaction(numbers[i], NULL, &old) && old.sa_handler == SIG_DFL &&
		    !(old.sa_flags & SA_SIGINFO))
			signal(numbers[i], on_signal);
	}
}

/* Between these a signal waits: what is made and what is listed must be the same. The program has one thread then. */
static void hold_signals(sigset_t *before)
{
	sigset_t held;
	sigemptyset(&held);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		sigaddset(&held, numbers[i]);
	sigprocmask(SIG_BLOCK, &held, before);
}

static void release_signals(const sigset_t *before) { sigprocmask(SIG_SETMASK, before, NULL); }

static bool will_write(const char *path)
{
	if (written_count == FILES_MAX)
		return false;
	snprintf(written[written_count], PATH_MAX, "%s", path);
	written_count = written_count + 1;
	return true;
}

static bool is_nothing(const char *name)
{
	/* What a run that was killed has left aside must not stand in the way of the next. */
	return !strcmp(name, ".") || !strcmp(name, "..") || !strncmp(name, ".tmp-", 5);
}

static bool is_empty_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool empty = dir != NULL;
	while (dir && (entry = readdir(dir)))
		empty = empty && is_nothing(entry->d_name);
	if (dir)
		closedir(dir);
	return empty;
}

/* `aside` and a number, because one that was killed may have left the name: process ids come again, in containers
 * soon. */
static int make_folder_aside(struct folder *folder)
{
	const size_t length = strlen(folder->aside);
	int failed = mkdir(folder->aside, 0777);
	for (int i = 2; failed && errno == EEXIST && i < ASIDE_TRIES; i++) {
		snprintf(folder->aside + length, sizeof folder->aside - length, "-%d", i);
		failed = mkdir(folder->aside, 0777);
	}
	return failed;
}

static int make_aside(struct folder *folder)
{
	sigset_t before;
	guard();
	hold_signals(&before);
	folder->open = !make_folder_aside(folder) && will_write(folder->aside);
	const int error = errno;
	release_signals(&before);
	if (folder->open)
		return 0;
	return cli_fail(CLI_USAGE,
			"%s cannot be written (%s); choose another folder with --out DIR, or keep no record "
			"with --no-record",
			folder->wanted, strerror(error));
}

static int fail_too_long(void)
{
	return cli_fail(CLI_USAGE, "the path of the folder is too long; choose a shorter one with --out DIR");
}

static int begin_named(struct folder *folder, const char *out)
{
	struct stat status;
	size_t length = strlen(out);
	while (length > 1 && out[length - 1] == '/')
		length--;
	if (!length)
		return cli_fail(CLI_USAGE, "--out: the name of the folder is empty; write --out DIR");
	if (length > PATH_MAX - 64)
		return fail_too_long();
	snprintf(folder->wanted, sizeof folder->wanted, "%.*s", (int)length, out);
	folder->named = true;
	folder->existed = !stat(out, &status);
	if (folder->existed && (!S_ISDIR(status.st_mode) || !is_empty_folder(out)))
		return cli_fail(
			CLI_USAGE,
			"--out %s: it exists and is not an empty folder; remove it or choose another name",
			out);
	/* The user's own folder is kept, with its rights: it may be a link, a mount point or where a shell stands. */
	if (folder->existed)
		snprintf(folder->aside, sizeof folder->aside, "%.*s/.tmp-%d", (int)length, out,
			 (int)getpid());
	else
		snprintf(folder->aside, sizeof folder->aside, "%.*s.tmp-%d", (int)length, out, (int)getpid());
	return make_aside(folder);
}

static int begin_in_runs(struct folder *folder, const char *name)
{
	char when[32];
	time_t now = time(NULL);
	struct tm utc;
	gmtime_r(&now, &utc);
	strftime(when, sizeof when, "%Y-%m-%dT%H-%M-%SZ", &utc);
	snprintf(folder->wanted, sizeof folder->wanted, "runs/%s-%.100s", when, name);
	for (char *c = folder->wanted + strlen("runs/"); *c; c++)
		*c = *c == '/' || *c == ' ' ? '-' : *c;
	snprintf(folder->aside, sizeof folder->aside, "runs/.tmp-%d", (int)getpid());
	if (mkdir("runs", 0777) && errno != EEXIST)
		return cli_fail(
			CLI_USAGE,
			"the folder runs cannot be made here (%s); choose another with --out DIR, or keep no "
			"record with --no-record",
			strerror(errno));
	return make_aside(folder);
}

int folder_begin(struct folder *folder, const char *out, const char *name)
{
	memset(folder, 0, sizeof *folder);
	return out ? begin_named(folder, out) : begin_in_runs(folder, name);
}

static bool path_in(char path[PATH_MAX], const char *folder, const char *file)
{
	int length = snprintf(path, PATH_MAX, "%s/%s", folder, file);
	return length > 0 && length < PATH_MAX;
}

static bool make_folder_of(struct folder *folder, const char *file)
{
	char path[PATH_MAX], name[64];
	const char *slash = strchr(file, '/');
	sigset_t before;
	if (!slash)
		return true;
	snprintf(name, sizeof name, "%.*s", (int)(slash - file), file);
	if (!path_in(path, folder->aside, name))
		return false;
	hold_signals(&before);
	const bool there = mkdir(path, 0777) ? errno == EEXIST : will_write(path);
	release_signals(&before);
	return there;
}

FILE *folder_open(struct folder *folder, const char *file)
{
	char path[PATH_MAX];
	FILE *out = NULL;
	errno = ENAMETOOLONG;
	if (make_folder_of(folder, file) && path_in(path, folder->aside, file) && will_write(path))
		out = fopen(path, "wx");
	if (!out)
		cli_fail(CLI_INTERNAL, "%s/%s cannot be written: %s", folder->wanted, file, strerror(errno));
	return out;
}

int folder_close(struct folder *folder, const char *file, FILE *out)
{
	bool bad = ferror(out);
	if (fclose(out) || bad) {
		cli_fail(CLI_INTERNAL,
			 "%s/%s cannot be written: %s; free some space, or keep no record with --no-record",
			 folder->wanted, file, strerror(errno));
		return -1;
	}
	return 0;
}

/* Moves what is at the top of the folder aside into the one that the user had made. Where result.json is, all is. */
static int move_into(const struct folder *folder)
{
	static const char last[] = "result.json";
	char path[PATH_MAX];
	size_t prefix = strlen(folder->aside) + 1;
	for (int pass = 0; pass < 2; pass++)
		for (int i = 1; i < written_count; i++) {
			const char *name = written[i] + prefix;
			if (!strchr(name, '/') && (strcmp(name, last) == 0) == (pass == 1) &&
			    (!path_in(path, folder->wanted, name) || rename(written[i], path)))
				return -1;
		}
	return rmdir(folder->aside);
}

/* Two runs may end in the same second. */
static int move_to_runs(struct folder *folder)
{
	char first[160]; /* as begin_in_runs() made it */
	int failed = 0;
	snprintf(first, sizeof first, "%.150s", folder->wanted);
	for (int i = 1; i < 100; i++) {
		if (i > 1)
			snprintf(folder->wanted, sizeof folder->wanted, "%s-%d", first, i);
		failed = rename(folder->aside, folder->wanted);
		if (!failed || (errno != EEXIST && errno != ENOTEMPTY))
			return failed;
	}
	return failed;
}

static int link_latest(const struct folder *folder)
{
	char aside[64];
	snprintf(aside, sizeof aside, "runs/.latest-%d", (int)getpid());
	unlink(aside); /* left by one that was killed */
	if (symlink(folder->wanted + strlen("runs/"), aside))
		return -1;
	if (!rename(aside, "runs/latest"))
		return 0;
	unlink(aside);
	return -1;
}

static int put_in_place(struct folder *folder)
{
	int failed = folder->existed ? move_into(folder)
		     : folder->named ? rename(folder->aside, folder->wanted)
				     : move_to_runs(folder);
	if (failed)
		return cli_fail(CLI_INTERNAL, "%s cannot be put in its place: %s", folder->wanted,
				strerror(errno));
	written_count = 0;
	folder->open = false;
	if (!folder->named && link_latest(folder))
		return cli_fail(
			CLI_INTERNAL,
			"the link runs/latest cannot be set: %s; if something else has that name, remove it",
			strerror(errno));
	return 0;
}

/* A signal comes before or after. */
int folder_commit(struct folder *folder)
{
	sigset_t before;
	hold_signals(&before);
	const int code = put_in_place(folder);
	release_signals(&before);
	return code;
}

void folder_abandon(struct folder *folder)
{
	if (folder->open)
		forget_all();
	folder->open = false;
}
