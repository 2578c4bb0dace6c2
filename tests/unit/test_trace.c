/* Recordings: what is refused and with which words (tests/corpus/trace), what is compiled to which
 * operations, and that the compiled operations have the recorded results on a plain file system, in any
 * order that the waits allow. Runs in the project's root folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "workloads/plainfs.h"
#include "workloads/trace.h"

#define CORPUS     "tests/corpus/trace"
#define RECORDINGS "workloads/traces"
#define SEEDS      40

static char *read_file(const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "rb");
	char *text = malloc(8 << 20);

	assert_non_null(text);
	if (!file)
		fail_msg("%s: %s (run the test in the project's root folder)", path, strerror(errno));
	*bytes = fread(text, 1, (8 << 20) - 1, file);
	text[*bytes] = 0;
	fclose(file);
	return text;
}

static struct trace *parse(const char *text)
{
	struct trace *trace = NULL;
	struct trace_error error = {""};

	if (trace_parse(&trace, "test.strace", text, strlen(text), &error))
		fail_msg("%s", error.text);
	return trace;
}

/* The message of a recording that is refused. */
static const char *refused(const char *text)
{
	static struct trace_error error;
	struct trace *trace = NULL;

	error.text[0] = 0;
	assert_int_equal(trace_parse(&trace, "test.strace", text, strlen(text), &error), -1);
	assert_null(trace);
	return error.text;
}

static const struct trace_op *op_at(const struct trace *trace, uint32_t process, uint32_t index)
{
	assert_true(process < trace->processes && index < trace->process[process].count);
	return &trace->process[process].ops[index];
}

/* The n-th operation of a kind. */
static const struct trace_op *find_op(const struct trace *trace, uint32_t process, enum trace_kind kind,
				      uint32_t n)
{
	for (uint32_t i = 0; i < trace->process[process].count; i++)
		if (trace->process[process].ops[i].kind == kind && !n--)
			return &trace->process[process].ops[i];
	fail_msg("there is no such operation: %s", trace_kind_name[kind]);
	return NULL;
}

static uint32_t count_ops(const struct trace *trace, enum trace_kind kind)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < trace->processes; i++)
		for (uint32_t j = 0; j < trace->process[i].count; j++)
			count += trace->process[i].ops[j].kind == kind;
	return count;
}

static const struct trace_initial *find_initial(const struct trace *trace, const char *path)
{
	for (uint32_t i = 0; i < trace->initials; i++)
		if (!strcmp(trace->path[trace->initial[i].path].text, path))
			return &trace->initial[i];
	return NULL;
}

/* ---- replay in other orders than the recorded one */

struct schedule {
	const struct trace *trace;
	uint32_t *next; /* a process: operations done */
	uint8_t *state; /* 0 not started, 1 runs, 2 exited */
	uint64_t random;
	unsigned style; /* 0 random, 1 the last process first, 2 the first process first */
	uint32_t switches;
};

static uint32_t draw(struct schedule *schedule, uint32_t below)
{
	schedule->random = schedule->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((schedule->random >> 33) % below);
}

static int ready(const struct schedule *schedule, uint32_t process)
{
	const struct trace_op *op;

	if (schedule->state[process] != 1)
		return 0;
	op = &schedule->trace->process[process].ops[schedule->next[process]];
	if (op->kind == TRACE_WAIT)
		return schedule->state[op->process] == 2;
	if (op->kind == TRACE_AFTER)
		return schedule->next[op->process] >= op->count;
	return 1;
}

/* A process that can go on, or UINT32_MAX. */
static uint32_t pick(struct schedule *schedule)
{
	uint32_t n = schedule->trace->processes, start = draw(schedule, n);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = schedule->style == 1 ? n - 1 - i : schedule->style == 2 ? i : (start + i) % n;

		if (ready(schedule, at))
			return at;
	}
	return UINT32_MAX;
}

/* Executes all operations in an order drawn from the seed. Returns the first difference, or NULL. */
static const char *replay(const struct trace *trace, uint64_t seed, uint32_t *line)
{
	struct plainfs *fs = plainfs_new(trace, NULL, NULL);
	struct schedule schedule = {.trace = trace, .random = seed, .style = seed < 3 ? (unsigned)seed : 0};
	const char *differs = NULL;
	uint32_t left = trace->ops;

	schedule.next = calloc(trace->processes, sizeof *schedule.next);
	schedule.state = calloc(trace->processes, 1);
	assert_true(schedule.next && schedule.state);
	schedule.state[0] = 1;
	while (left-- && !differs) {
		uint32_t at = pick(&schedule);
		const struct trace_op *op;
		struct plainfs_answer answer;

		if (at == UINT32_MAX) {
			differs = "no process can go on";
			break;
		}
		op = &trace->process[at].ops[schedule.next[at]++];
		*line = op->line;
		if (op->kind == TRACE_FORK)
			schedule.state[op->process] = 1;
		if (op->kind == TRACE_EXIT)
			schedule.state[at] = 2;
		answer = plainfs_apply(fs, op);
		differs = plainfs_differs(op, &answer);
	}
	plainfs_free(fs);
	free(schedule.next);
	free(schedule.state);
	return differs;
}

static void check_orders(const char *name, const struct trace *trace)
{
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		uint32_t line = 0;
		const char *differs = replay(trace, seed, &line);

		if (differs)
			fail_msg("%s:%u: seed %u: %s", name, line, (unsigned)seed, differs);
	}
}

static int is_recording(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".strace");
}

static void test_committed_recordings_have_their_results_in_any_allowed_order(void **state)
{
	struct dirent **entries;
	int count = scandir(RECORDINGS, &entries, is_recording, alphasort);
	uint32_t kinds[TRACE_KINDS] = {0};

	(void)state;
	assert_true(count >= 4);
	for (int i = 0; i < count; i++) {
		char path[512];
		struct trace *trace;
		struct trace_error error;

		snprintf(path, sizeof path, RECORDINGS "/%s", entries[i]->d_name);
		if (trace_read(&trace, path, &error))
			fail_msg("%s", error.text);
		check_orders(path, trace);
		for (uint32_t kind = 0; kind < TRACE_KINDS; kind++)
			kinds[kind] += count_ops(trace, kind);
		assert_int_equal(strlen(trace->name) + strlen(".strace"), strlen(entries[i]->d_name));
		trace_free(trace);
		free(entries[i]);
	}
	free(entries);
	/* The recordings together visit every kind of operation. */
	for (uint32_t kind = 0; kind < TRACE_KINDS; kind++)
		if (!kinds[kind])
			fail_msg("no recording has the operation %s", trace_kind_name[kind]);
}

static void test_the_table_of_recordings_is_up_to_date(void **state)
{
	struct dirent **entries;
	int count = scandir(RECORDINGS, &entries, is_recording, alphasort);
	size_t bytes;
	char *readme = read_file(RECORDINGS "/README.md", &bytes);

	(void)state;
	for (int i = 0; i < count; i++) {
		char path[512], row[128];
		struct trace *trace;
		struct trace_error error;

		snprintf(path, sizeof path, RECORDINGS "/%s", entries[i]->d_name);
		assert_int_equal(trace_read(&trace, path, &error), 0);
		snprintf(row, sizeof row, "| `%s` | %u | %u | %u |", trace->name, trace->processes,
			 (unsigned)trace->calls, trace->initials);
		if (!strstr(readme, row))
			fail_msg(RECORDINGS "/README.md has no row %s", row);
		trace_free(trace);
		free(entries[i]);
	}
	free(entries);
	free(readme);
}

static void test_recordings_do_not_tell_where_they_were_made(void **state)
{
	static const char *const words[] = {"/tmp/", "/root", "/home/"};
	struct dirent **entries;
	int count = scandir(RECORDINGS, &entries, is_recording, alphasort);

	(void)state;
	for (int i = 0; i < count; i++) {
		char path[512], *text;
		size_t bytes;

		snprintf(path, sizeof path, RECORDINGS "/%s", entries[i]->d_name);
		text = read_file(path, &bytes);
		assert_true(bytes < 160000);
		for (int j = 0; j < 3; j++)
			if (strstr(text, words[j]))
				fail_msg("%s holds %s", path, words[j]);
		free(text);
		free(entries[i]);
	}
	free(entries);
}

/* ---- the corpus: NAME.strace is refused with NAME.expected, or good if that says "good" */

static void run_case(const char *name)
{
	char path[512], *text, *expected;
	size_t bytes, length;
	struct trace *trace = NULL;
	struct trace_error error = {""};

	snprintf(path, sizeof path, CORPUS "/%s", name);
	text = read_file(path, &bytes);
	snprintf(path, sizeof path, CORPUS "/%.*s.expected", (int)(strlen(name) - strlen(".strace")), name);
	expected = read_file(path, &length);
	if (length && expected[length - 1] == '\n')
		expected[length - 1] = 0;
	if (!trace_parse(&trace, name, text, bytes, &error)) {
		if (strcmp(expected, "good"))
			fail_msg("%s is taken, expected: %s", name, expected);
		check_orders(name, trace);
		trace_free(trace);
	} else if (strcmp(error.text, expected)) {
		fail_msg("%s\n got:      %s\n expected: %s", name, error.text, expected);
	}
	free(text);
	free(expected);
}

static void test_odd_recordings_get_the_expected_words(void **state)
{
	struct dirent **entries;
	int count = scandir(CORPUS, &entries, is_recording, alphasort);

	(void)state;
	assert_true(count >= 30);
	for (int i = 0; i < count; i++) {
		run_case(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

/* ---- descriptors, offsets, directories */

#define START "1 execve(\"/bin/a\", [], 0x1) = 0\n"
#define HERE  "AT_FDCWD</srv>, "

static void test_offsets_are_shared_over_fork_and_dup(void **state)
{
	struct trace *trace = parse(START "1 openat(" HERE "\"f\", O_RDWR|O_CREAT|O_EXCL) = 3</srv/f>\n"
					  "1 write(3</srv/f>, \"\"..., 10) = 10\n"
					  "1 dup(3</srv/f>) = 4</srv/f>\n"
					  "1 fork() = 2\n"
					  "2 write(4</srv/f>, \"\"..., 5) = 5\n"
					  "2 exit_group(0) = ?\n"
					  "2 +++ exited with 0 +++\n"
					  "1 wait4(2, NULL, 0, NULL) = 2\n"
					  "1 write(3</srv/f>, \"\"..., 1) = 1\n"
					  "1 close(3</srv/f>) = 0\n"
					  "1 close(4</srv/f>) = 0\n"
					  "1 exit_group(0) = ?\n");

	(void)state;
	assert_int_equal(find_op(trace, 1, TRACE_WRITE, 0)->offset, 10);
	assert_int_equal(find_op(trace, 0, TRACE_WRITE, 1)->offset, 15);
	assert_int_equal(count_ops(trace, TRACE_CLOSE), 1);
	assert_int_equal(trace->handles, 1);
	assert_int_equal(trace->write_bytes, 16);
	assert_true(trace->writes);
	check_orders("offsets", trace);
	trace_free(trace);
}

static void test_appends_go_to_the_end_that_stat_proves(void **state)
{
	struct trace *trace =
		parse(START "1 openat(" HERE "\"log\", O_WRONLY|O_APPEND) = 3</srv/log>\n"
			    "1 write(3</srv/log>, \"\"..., 10) = 10\n"
			    "1 newfstatat(3</srv/log>, \"\", {st_mode=S_IFREG|0644, st_size=110, ...}, "
			    "AT_EMPTY_PATH) = 0\n"
			    "1 write(3</srv/log>, \"\"..., 7) = 7\n");

	(void)state;
	assert_int_equal(find_initial(trace, "/srv/log")->size, 100);
	assert_int_equal(find_op(trace, 0, TRACE_WRITE, 0)->offset, 100);
	assert_int_equal(find_op(trace, 0, TRACE_WRITE, 1)->offset, 110);
	assert_true(find_op(trace, 0, TRACE_FSTAT, 0)->size_known);
	trace_free(trace);
}

static void test_exec_closes_what_is_marked(void **state)
{
	struct trace *trace = parse(START "1 openat(" HERE "\"a\", O_RDONLY|O_CLOEXEC) = 3</srv/a>\n"
					  "1 openat(" HERE "\"b\", O_RDONLY) = 4</srv/b>\n"
					  "1 fcntl(4</srv/b>, F_DUPFD_CLOEXEC, 10) = 10</srv/b>\n"
					  "1 execve(\"/bin/b\", [], 0x1) = 0\n"
					  "1 read(4</srv/b>, \"\"..., 10) = 3\n"
					  "1 exit_group(0) = ?\n");

	(void)state;
	assert_int_equal(find_op(trace, 0, TRACE_CLOSE, 0)->handle, 0);
	assert_int_equal(find_op(trace, 0, TRACE_CLOSE, 1)->handle, 1);
	assert_int_equal(find_op(trace, 0, TRACE_CLOSE, 1)->line, 7);
	assert_non_null(find_initial(trace, "/bin/b"));
	assert_int_equal(find_initial(trace, "/srv/b")->size, 3);
	trace_free(trace);
}

static void test_threads_share_descriptors_and_directory(void **state)
{
	struct trace *trace = parse("# directory: /srv\n" START
				    "1 clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_THREAD}, 88) = 2\n"
				    "2 open(\"x\", O_RDONLY) = 3\n"
				    "2 chdir(\"sub\") = 0\n"
				    "2 exit(0) = ?\n"
				    "1 read(3, \"\"..., 4) = 4\n"
				    "1 open(\"y\", O_RDONLY) = 4\n");

	(void)state;
	assert_int_equal(find_op(trace, 0, TRACE_READ, 0)->handle, find_op(trace, 1, TRACE_OPEN, 0)->handle);
	assert_string_equal(trace->path[find_op(trace, 0, TRACE_OPEN, 0)->path].text, "/srv/sub/y");
	/* The thread is never waited for, so the read has to wait for the open. */
	assert_int_equal(count_ops(trace, TRACE_AFTER), 1);
	check_orders("threads", trace);
	trace_free(trace);
}

static void test_a_child_may_speak_before_its_fork_returns(void **state)
{
	struct trace *trace =
		parse(START "1 vfork( <unfinished ...>\n"
			    "2 openat(" HERE "\"x\", O_RDONLY) = 3</srv/x>\n"
			    "2 exit_group(0) = ?\n"
			    "2 +++ exited with 0 +++\n"
			    "1 <... vfork resumed>) = 2\n"
			    "1 wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 2\n");

	(void)state;
	assert_int_equal(trace->processes, 2);
	assert_int_equal(trace->process[1].parent, 0);
	assert_int_equal(op_at(trace, 0, 1)->kind, TRACE_FORK);
	assert_int_equal(op_at(trace, 0, 2)->kind, TRACE_WAIT);
	assert_int_equal(op_at(trace, 0, 3)->kind, TRACE_EXIT);
	trace_free(trace);
}

static void test_paths_become_absolute_and_canonical(void **state)
{
	struct trace *trace =
		parse(START "1 openat(" HERE "\"./a//b/../c\\303\\251\", O_RDONLY) = -1 ENOENT (x)\n"
			    "1 openat(5</srv/d\\76x>, \"../e\", O_RDONLY) = -1 ENOENT (x)\n");

	(void)state;
	assert_string_equal(trace->path[find_op(trace, 0, TRACE_OPEN, 0)->path].text, "/srv/a/c\303\251");
	assert_string_equal(trace->path[find_op(trace, 0, TRACE_OPEN, 1)->path].text, "/srv/e");
	assert_int_equal(find_op(trace, 0, TRACE_OPEN, 1)->error, ENOENT);
	assert_int_equal(trace->path[find_op(trace, 0, TRACE_OPEN, 1)->path].count, 2);
	trace_free(trace);
}

/* ---- what was there before */

static void test_links_are_learned_from_where_a_file_was_really_opened(void **state)
{
	struct trace *trace =
		parse(START "1 openat(" HERE "\"/lib/x/a.so\", O_RDONLY) = 3</usr/lib/x/a.so.1.2>\n"
			    "1 openat(" HERE "\"/lib/x/b.so\", O_RDONLY) = 4</usr/lib/x/b.so>\n"
			    "1 openat(" HERE "\"/usr/lib/x/b.so\", O_RDWR) = 5</usr/lib/x/b.so>\n"
			    "1 write(5</usr/lib/x/b.so>, \"\"..., 9) = 9\n"
			    "1 read(4</usr/lib/x/b.so>, \"\"..., 9) = 9\n");
	const struct trace_initial *lib = find_initial(trace, "/lib"),
				   *so = find_initial(trace, "/usr/lib/x/a.so");

	(void)state;
	assert_non_null(lib);
	assert_int_equal(lib->kind, TRACE_SYMLINK_NODE);
	assert_string_equal(trace->path[lib->target].text, "/usr/lib");
	assert_non_null(so);
	assert_string_equal(trace->path[so->target].text, "/usr/lib/x/a.so.1.2");
	/* Nothing but the recording's own write proves these nine bytes. */
	assert_int_equal(find_initial(trace, "/usr/lib/x/b.so")->size, 0);
	check_orders("links", trace);
	trace_free(trace);
}

static void test_sizes_are_the_largest_that_was_proved(void **state)
{
	struct trace *trace =
		parse(START "1 openat(" HERE "\"a\", O_RDONLY) = 3</srv/a>\n"
			    "1 pread64(3</srv/a>, \"\"..., 100, 5000) = 100\n"
			    "1 mmap(NULL, 9000, PROT_READ, MAP_PRIVATE, 3</srv/a>, 0x1000) = 0x7f0000000000\n"
			    "1 openat(" HERE "\"b\", O_RDONLY) = 4</srv/b>\n"
			    "1 mmap(NULL, 9000, PROT_READ, MAP_PRIVATE, 4</srv/b>, 0) = 0x7f0000000000\n"
			    "1 access(\"/srv/c\", R_OK) = 0\n");

	(void)state;
	assert_int_equal(find_initial(trace, "/srv/a")->size, 5100);
	assert_int_equal(find_op(trace, 0, TRACE_READ, 1)->offset, 4096);
	assert_int_equal(find_op(trace, 0, TRACE_READ, 1)->length, 5100 - 4096);
	assert_int_equal(find_initial(trace, "/srv/b")->size, 9000);
	assert_int_equal(find_initial(trace, "/srv/c")->size, 0);
	trace_free(trace);
}

static void test_listed_directories_get_the_entries_that_were_never_named(void **state)
{
	struct trace *trace = parse(START "1 openat(" HERE "\".\", O_RDONLY|O_DIRECTORY) = 3</srv>\n"
					  "1 mkdir(\"/srv/new\", 0777) = 0\n"
					  "1 getdents64(3</srv>, 0x1 /* 7 entries */, 32768) = 200\n"
					  "1 getdents64(3</srv>, 0x1 /* 3 entries */, 32768) = 100\n"
					  "1 getdents64(3</srv>, 0x1 /* 0 entries */, 32768) = 0\n"
					  "1 unlink(\"/srv/old\") = 0\n"
					  "1 openat(" HERE "\"known\", O_RDONLY) = 4</srv/known>\n"
					  "1 lseek(3</srv>, 0, SEEK_SET) = 0\n"
					  "1 getdents64(3</srv>, 0x1 /* 9 entries */, 32768) = 300\n"
					  "1 getdents64(3</srv>, 0x1 /* 0 entries */, 32768) = 0\n");

	(void)state;
	/* 10 listed, less two dots, less new, old and known. */
	assert_int_equal(find_initial(trace, "/srv")->entries, 5);
	assert_int_equal(find_op(trace, 0, TRACE_LIST, 1)->offset, 7);
	assert_int_equal(find_op(trace, 0, TRACE_LIST, 3)->offset, 0);
	trace_free(trace);
}

static void test_kinds_follow_from_results(void **state)
{
	struct trace *trace = parse(START "1 mkdir(\"/srv/d\", 0777) = -1 EEXIST (File exists)\n"
					  "1 readlink(\"/srv/l\", \"../x/t\", 100) = 6\n"
					  "1 openat(" HERE "\"l\", O_RDONLY) = 3</x/t>\n"
					  "1 rmdir(\"/srv/full\") = -1 ENOTEMPTY (Directory not empty)\n"
					  "1 readlink(\"/srv/f\", 0x1, 100) = -1 EINVAL (Invalid argument)\n"
					  "1 access(\"/srv/f/x\", F_OK) = -1 ENOTDIR (Not a directory)\n"
					  "1 access(\"/srv/secret\", F_OK) = -1 EACCES (Permission denied)\n"
					  "1 access(\"/srv/d/e\", F_OK) = 0\n");

	(void)state;
	assert_int_equal(find_initial(trace, "/srv/d")->kind, TRACE_DIR);
	assert_int_equal(find_initial(trace, "/srv/l")->kind, TRACE_SYMLINK_NODE);
	assert_string_equal(trace->path[find_initial(trace, "/srv/l")->target].text, "../x/t");
	assert_int_equal(find_initial(trace, "/x/t")->kind, TRACE_FILE);
	assert_int_equal(find_initial(trace, "/srv/full")->entries, 1);
	assert_int_equal(find_initial(trace, "/srv/f")->kind, TRACE_FILE);
	assert_null(find_initial(trace, "/srv/secret"));
	for (uint32_t i = 1; i < trace->initials; i++)
		assert_true(trace->path[trace->initial[i].path].count >=
			    trace->path[trace->initial[i - 1].path].count);
	trace_free(trace);
}

/* ---- order */

/* Two children: one makes what the other looks for, with nothing but a pipe between them. */
static const char race[] = START "1 pipe2([3<pipe:[7]>, 4<pipe:[7]>], 0) = 0\n"
				 "1 fork() = 2\n"
				 "1 fork() = 3\n"
				 "2 openat(" HERE "\"out\", O_WRONLY|O_CREAT|O_EXCL) = 5</srv/out>\n"
				 "2 write(5</srv/out>, \"\"..., 6) = 6\n"
				 "2 write(4<pipe:[7]>, \"\"..., 1) = 1\n"
				 "3 read(3<pipe:[7]>, \"\"..., 1) = 1\n"
				 "3 openat(" HERE "\"out\", O_RDONLY) = 5</srv/out>\n"
				 "3 read(5</srv/out>, \"\"..., 100) = 6\n"
				 "2 exit_group(0) = ?\n"
				 "3 exit_group(0) = ?\n"
				 "1 wait4(-1, NULL, 0, NULL) = 2\n"
				 "1 wait4(-1, NULL, 0, NULL) = 3\n";

static void test_processes_wait_for_what_they_share(void **state)
{
	struct trace *trace = parse(race);

	(void)state;
	/* The pipe orders everything that follows it: one wait is enough. */
	assert_int_equal(count_ops(trace, TRACE_AFTER), 1);
	assert_int_equal(op_at(trace, 2, 0)->kind, TRACE_AFTER);
	assert_int_equal(op_at(trace, 2, 0)->process, 1);
	assert_int_equal(op_at(trace, 2, 0)->count, 3);
	check_orders("race", trace);
	trace_free(trace);
}

static void test_without_the_waits_some_order_has_another_result(void **state)
{
	struct trace *trace = parse(race);
	int differ = 0;

	(void)state;
	for (uint32_t i = 0; i < trace->processes; i++)
		for (uint32_t j = 0; j < trace->process[i].count; j++)
			if (trace->process[i].ops[j].kind == TRACE_AFTER)
				trace->process[i].ops[j].kind = TRACE_LOCAL;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		uint32_t line;

		differ += replay(trace, seed, &line) != NULL;
	}
	assert_true(differ > 0);
	trace_free(trace);
}

static void test_a_list_waits_for_the_entries_it_shows_but_not_they_for_each_other(void **state)
{
	struct trace *trace = parse(START "1 mkdir(\"/srv/d\", 0777) = 0\n"
					  "1 fork() = 2\n"
					  "1 fork() = 3\n"
					  "1 fork() = 4\n"
					  "2 mkdir(\"/srv/d/x\", 0777) = 0\n"
					  "3 mkdir(\"/srv/d/y\", 0777) = 0\n"
					  "4 openat(" HERE "\"d\", O_RDONLY) = 3</srv/d>\n"
					  "4 getdents64(3</srv/d>, 0x1 /* 4 entries */, 32768) = 96\n"
					  "4 getdents64(3</srv/d>, 0x1 /* 0 entries */, 32768) = 0\n");

	(void)state;
	assert_int_equal(op_at(trace, 1, 0)->kind, TRACE_MKDIR);
	assert_int_equal(op_at(trace, 2, 0)->kind, TRACE_MKDIR);
	assert_int_equal(count_ops(trace, TRACE_AFTER), 2);
	check_orders("list", trace);
	trace_free(trace);
}

/* ---- refusals by name */

static void test_what_cannot_be_replayed_is_refused_by_name(void **state)
{
	const char *text;

	(void)state;
	text = refused(START "1 openat(" HERE "\"a\", O_RDWR) = 3</srv/a>\n"
			     "1 mmap(NULL, 8192, PROT_READ, MAP_SHARED, 3</srv/a>, 0) = 0x7f0000000000\n"
			     "1 mprotect(0x7f0000001000, 4096, PROT_READ|PROT_WRITE) = 0\n");
	assert_string_equal(
		text, "test.strace:4: mprotect: a shared mapping that can be written: its stores are no "
		      "system calls; record without it, e.g. sqlite with PRAGMA mmap_size=0 and no WAL "
		      "journal");
	text = refused(START "1 frobnicate(3) = 0\n");
	assert_non_null(strstr(text, "test.strace:2: frobnicate: this system call is not known here"));
}

static void test_a_mapping_that_is_gone_may_be_followed_by_memory(void **state)
{
	struct trace *trace =
		parse(START "1 openat(" HERE "\"a\", O_RDWR) = 3</srv/a>\n"
			    "1 mmap(NULL, 8192, PROT_READ, MAP_SHARED, 3</srv/a>, 0) = 0x7f0000000000\n"
			    "1 munmap(0x7f0000000000, 8192) = 0\n"
			    "1 mprotect(0x7f0000001000, 4096, PROT_READ|PROT_WRITE) = 0\n");

	(void)state;
	trace_free(trace);
}

static void test_a_name_that_is_no_recording_is_told(void **state)
{
	struct trace *trace = NULL;
	struct trace_error error;

	(void)state;
	assert_int_equal(trace_read(&trace, "no-such-recording", &error), -1);
	assert_non_null(strstr(error.text, "no-such-recording: it cannot be read: No such file"));
	assert_null(trace);
}

/* ---- the plain file system itself */

static const uint8_t *letters(void *context, uint32_t index, uint64_t page)
{
	static uint8_t pages[2][PLAINFS_PAGE_BYTES];

	(void)context;
	(void)index;
	/* The file of this test has 5,000 bytes. */
	memset(pages[0], 'a', PLAINFS_PAGE_BYTES);
	memset(pages[1], 'b', 5000 - PLAINFS_PAGE_BYTES);
	return pages[page];
}

static void test_pages_keep_initial_bytes_writes_and_zeros(void **state)
{
	struct trace *trace = parse(START "1 openat(" HERE "\"a\", O_RDWR) = 3</srv/a>\n"
					  "1 pread64(3</srv/a>, \"\"..., 5000, 0) = 5000\n"
					  "1 ftruncate(3</srv/a>, 4100) = 0\n"
					  "1 close(3</srv/a>) = 0\n");
	struct plainfs *fs = plainfs_new(trace, letters, NULL);
	const uint8_t *page;

	(void)state;
	plainfs_apply(fs, find_op(trace, 0, TRACE_OPEN, 0));
	assert_int_equal(plainfs_size(fs, 0), 5000);
	page = plainfs_page(fs, 0, 1);
	assert_int_equal(page[903], 'b');
	assert_int_equal(page[904], 0);
	plainfs_write(fs, 0, 4095, (const uint8_t *)"xyz", 3);
	assert_int_equal(plainfs_page(fs, 0, 0)[4095], 'x');
	assert_int_equal(plainfs_page(fs, 0, 0)[4094], 'a');
	plainfs_apply(fs, find_op(trace, 0, TRACE_TRUNCATE, 0));
	plainfs_write(fs, 0, 9000, (const uint8_t *)"!", 1);
	page = plainfs_page(fs, 0, 1);
	assert_int_equal(page[1], 'z');
	assert_int_equal(page[3], 'b');
	assert_int_equal(page[4], 0);
	assert_int_equal(plainfs_size(fs, 0), 9001);
	assert_int_equal(plainfs_page(fs, 0, 2)[9000 - 8192], '!');
	assert_int_equal(plainfs_page(fs, 0, 2)[0], 0);
	plainfs_free(fs);
	trace_free(trace);
}

static void test_an_unlinked_file_lives_until_its_last_close(void **state)
{
	struct trace *trace =
		parse(START "1 openat(" HERE "\"a\", O_RDWR|O_CREAT|O_EXCL) = 3</srv/a>\n"
			    "1 write(3</srv/a>, \"\"..., 10) = 10\n"
			    "1 link(\"/srv/a\", \"/srv/b\") = 0\n"
			    "1 unlink(\"/srv/a\") = 0\n"
			    "1 unlink(\"/srv/b\") = 0\n"
			    "1 newfstatat(3</srv/a>(deleted), \"\", {st_mode=S_IFREG|0644, st_size=10, ...}, "
			    "AT_EMPTY_PATH) = 0\n"
			    "1 stat(\"/srv/a\", 0x1) = -1 ENOENT (x)\n"
			    "1 close(3</srv/a>(deleted)) = 0\n");

	(void)state;
	check_orders("unlinked", trace);
	assert_true(find_op(trace, 0, TRACE_FSTAT, 0)->size_known);
	assert_null(find_initial(trace, "/srv/a"));
	trace_free(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_committed_recordings_have_their_results_in_any_allowed_order),
		cmocka_unit_test(test_the_table_of_recordings_is_up_to_date),
		cmocka_unit_test(test_recordings_do_not_tell_where_they_were_made),
		cmocka_unit_test(test_odd_recordings_get_the_expected_words),
		cmocka_unit_test(test_offsets_are_shared_over_fork_and_dup),
		cmocka_unit_test(test_appends_go_to_the_end_that_stat_proves),
		cmocka_unit_test(test_exec_closes_what_is_marked),
		cmocka_unit_test(test_threads_share_descriptors_and_directory),
		cmocka_unit_test(test_a_child_may_speak_before_its_fork_returns),
		cmocka_unit_test(test_paths_become_absolute_and_canonical),
		cmocka_unit_test(test_links_are_learned_from_where_a_file_was_really_opened),
		cmocka_unit_test(test_sizes_are_the_largest_that_was_proved),
		cmocka_unit_test(test_listed_directories_get_the_entries_that_were_never_named),
		cmocka_unit_test(test_kinds_follow_from_results),
		cmocka_unit_test(test_processes_wait_for_what_they_share),
		cmocka_unit_test(test_without_the_waits_some_order_has_another_result),
		cmocka_unit_test(test_a_list_waits_for_the_entries_it_shows_but_not_they_for_each_other),
		cmocka_unit_test(test_what_cannot_be_replayed_is_refused_by_name),
		cmocka_unit_test(test_a_mapping_that_is_gone_may_be_followed_by_memory),
		cmocka_unit_test(test_a_name_that_is_no_recording_is_told),
		cmocka_unit_test(test_pages_keep_initial_bytes_writes_and_zeros),
		cmocka_unit_test(test_an_unlinked_file_lives_until_its_last_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
