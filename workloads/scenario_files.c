/* Files that a scenario is read from or names. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ssi/plugin.h"
#include "workloads/embedded.h"
#include "workloads/scenario_schema.h"

#define BUILT_IN_MAX 64

void scenario_name_of_path(char *out, size_t size, const char *path, const char *suffix)
{
	const char *slash = strrchr(path, '/');
	size_t used = 0;
	for (const char *p = slash ? slash + 1 : path; *p && strcmp(p, suffix) && used + 1 < size; p++) {
		bool letter =
			(*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
		out[used] = letter || (used && strchr("._-", *p)) ? *p : '-';
		used++;
	}
	if (used && out[0] == '-')
		out[0] = '0'; /* a name begins with a letter or a digit */
	out[used] = 0;
}

/* The names of built-in files "FOLDER/NAME.SUFFIX", sorted as they are embedded; ends with NULL. */
static void list_built_in(const char *names[BUILT_IN_MAX + 1], char text[BUILT_IN_MAX][65],
			  const char *folder, const char *suffix)
{
	size_t count = 0, length = strlen(folder);
	for (const struct embedded_file *file = embedded_files; file->name && count < BUILT_IN_MAX; file++) {
		if (strncmp(file->name, folder, length) || file->name[length] != '/')
			continue;
		scenario_name_of_path(text[count], sizeof text[count], file->name, suffix);
		names[count] = text[count];
		count++;
	}
	names[count] = NULL;
}

/* "did you mean" or the whole list. */
static void suggest(char *out, size_t size, const char *word, const char *folder, const char *suffix,
		    const char *what)
{
	const char *names[BUILT_IN_MAX + 1];
	char text[BUILT_IN_MAX][65];
	list_built_in(names, text, folder, suffix);
	const char *nearest = sim_nearest_name(word, names);
	if (nearest) {
		snprintf(out, size, "did you mean \"%s\"?", nearest);
		return;
	}
	size_t used = (size_t)snprintf(out, size, "built-in %s:", what);
	for (size_t i = 0; names[i] && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s %s", i ? "," : "", names[i]);
}

/* ---- the scenario itself ---- */

static int refuse(struct scenario_error *error, const char *file, const char *why)
{
	size_t length = strlen(file);
	snprintf(error->text, sizeof error->text, "%s%s: %s", length > 200 ? "..." : "",
		 length > 200 ? file + length - 200 : file, why);
	return -1;
}

/* Short reads happen; more than the limit is refused, whatever size fstat() gave. */
static int read_all(int descriptor, struct scenario_text *out)
{
	size_t limit = SIM_CONFIG_BYTES_MAX + 1;
	out->bytes = 0;
	out->text = malloc(limit);
	if (!out->text)
		return -ENOMEM;
	while (out->bytes < limit) {
		ssize_t got = read(descriptor, out->text + out->bytes, limit - out->bytes);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return 0;
		out->bytes += (size_t)got;
	}
	return -EFBIG;
}

/* O_NONBLOCK: a FIFO without a writer must not hold the program. */
static int load_file(struct scenario_text *out, const char *file, const char *what,
		     struct scenario_error *error)
{
	char why[160];
	struct stat status;
	out->text = NULL;
	int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int result = descriptor < 0 ? -errno : fstat(descriptor, &status) ? -errno : 0;
	if (!result && S_ISDIR(status.st_mode))
		result = -EISDIR;
	else if (!result && !S_ISREG(status.st_mode))
		result = -ENXIO;
	if (!result)
		result = read_all(descriptor, out);
	if (descriptor >= 0)
		close(descriptor);
	if (!result)
		return 0;
	free(out->text);
	out->text = NULL;
	if (result == -EISDIR)
		snprintf(why, sizeof why, "a folder, not a file; name a %s in it", what);
	else if (result == -ENXIO)
		snprintf(why, sizeof why, "not a regular file; copy it to one");
	else if (result == -EFBIG)
		snprintf(why, sizeof why, "larger than 1 MiB; this is hardly a %s", what);
	else
		snprintf(why, sizeof why, "cannot be read: %s; give a readable %s", strerror(-result), what);
	return refuse(error, file, why);
}

static int load_built_in(struct scenario_text *out, const char *name, struct scenario_error *error)
{
	char path[128], why[400], hint[300];
	snprintf(path, sizeof path, "scenarios/%.80s.yaml", name);
	const struct embedded_file *file = strlen(name) <= 64 ? embedded_find(path) : NULL;
	if (!file) {
		suggest(hint, sizeof hint, name, "scenarios", ".yaml", "scenarios");
		snprintf(why, sizeof why, "there is no such file; %s", hint);
		return refuse(error, name, why);
	}
	out->text = malloc(file->bytes + 1);
	if (!out->text)
		return refuse(error, name, "memory is exhausted; end other programs");
	memcpy(out->text, file->text, file->bytes);
	out->bytes = file->bytes;
	snprintf(out->shown, sizeof out->shown, "(built in) %s", name);
	snprintf(out->base, sizeof out->base, "%s", name);
	return 0;
}

int scenario_text_load(struct scenario_text *out, const char *file, struct scenario_error *error)
{
	if (!file)
		return load_built_in(out, "demo", error);
	if (access(file, F_OK) && errno == ENOENT)
		return load_built_in(out, file, error);
	snprintf(out->shown, sizeof out->shown, "%s", file);
	scenario_name_of_path(out->base, sizeof out->base, file, ".yaml");
	return load_file(out, file, "scenario", error);
}

/* ---- traces ---- */

static bool is_built_in_trace(const char *word)
{
	char path[128];
	snprintf(path, sizeof path, "traces/%.80s.strace", word);
	return strlen(word) <= 64 && !strchr(word, '/') && embedded_find(path);
}

static bool is_readable_file(const char *path)
{
	struct stat status;
	return !stat(path, &status) && S_ISREG(status.st_mode) && !access(path, R_OK);
}

/* From the current folder first, then from the folder of the scenario. */
static bool find_file(char found[PATH_MAX], const char *word, const char *scenario_file)
{
	char beside[PATH_MAX];
	const char *slash = strrchr(scenario_file, '/');
	if (is_readable_file(word))
		return realpath(word, found);
	if (!slash || *word == '/')
		return false;
	int length =
		snprintf(beside, sizeof beside, "%.*s/%s", (int)(slash - scenario_file), scenario_file, word);
	return length > 0 && (size_t)length < sizeof beside && is_readable_file(beside) &&
	       realpath(beside, found);
}

/* What was found, kept as long as the scenario. */
static char *keep_found(struct sim_config *config, const char *path, const char *word, const char *found)
{
	if (!sim_config_text_is_plain(found, strlen(found))) {
		sim_config_fail(config, path, word,
				"its full path has characters that a scenario cannot hold; "
				"rename the folder");
		return NULL;
	}
	char *kept = sim_config_keep(config, found, strlen(found));
	if (!kept)
		sim_config_fail(config, path, NULL, "memory is exhausted; end other programs");
	return kept;
}

char *scenario_trace_find(struct sim_config *config, const char *path, const char *word,
			  const char *scenario_file)
{
	char found[PATH_MAX], hint[300];
	if (is_built_in_trace(word)) {
		snprintf(found, sizeof found, "%.64s", word);
	} else if (!find_file(found, word, scenario_file)) {
		suggest(hint, sizeof hint, word, "traces", ".strace", "traces");
		sim_config_fail(config, path, word,
				"neither a built-in trace nor a file that can be read; %s", hint);
		return NULL;
	}
	return keep_found(config, path, word, found);
}

char *scenario_program_find(struct sim_config *config, const char *path, const char *word,
			    const char *scenario_file)
{
	char found[PATH_MAX];
	if (find_file(found, word, scenario_file))
		return keep_found(config, path, word, found);
	sim_config_fail(config, path, word, "no file that can be read; make it: skerry-cc FILE.c -o PROGRAM");
	return NULL;
}

/* What is not there is for protocol_open() to complain about: it says what a shared object must be. */
char *scenario_protocol_find(struct sim_config *config, const char *path, char *word,
			     const char *scenario_file)
{
	char found[PATH_MAX];
	return protocol_is_path(word) && find_file(found, word, scenario_file)
		       ? keep_found(config, path, word, found)
		       : word;
}

/* ---- calibrated machines ---- */

static void suggest_preset(char *out, size_t size, const char *word)
{
	const char *nearest = sim_nearest_name(word, sim_topology_presets());
	size_t used = 0;
	if (nearest) {
		snprintf(out, size, "did you mean \"%s\"?", nearest);
		return;
	}
	for (const char *const *name = sim_topology_presets(); *name && used < size; name++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "presets: ", *name);
}

int scenario_calibration_find(struct sim_calibration **out, struct sim_config *config, const char *word,
			      const char *scenario_file, struct scenario_error *error)
{
	char found[PATH_MAX], hint[300];
	struct scenario_text file;
	if (!find_file(found, word, scenario_file)) {
		suggest_preset(hint, sizeof hint, word);
		return sim_config_fail(config, "machine.preset", word,
				       "neither a preset nor a file that can be read; %s", hint);
	}
	if (!sim_config_text_is_plain(found, strlen(found)))
		return sim_config_fail(
			config, "machine.preset", word,
			"its full path has characters that a scenario cannot hold; rename the folder");
	if (load_file(&file, found, "file of skerry calibrate", error))
		return -1;
	const int result =
		sim_calibration_read(out, found, file.text, file.bytes, error->text, sizeof error->text);
	free(file.text);
	return result;
}
