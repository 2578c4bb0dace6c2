/* skerry doctor: what this host means for results. Only what is essential and broken fails. */
#include <errno.h>
#include <hwloc.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <yaml.h>
#include "cli/cli.h"
#include "cli/member.h"
#include "cli/options.h"
#include "cli/text.h"
#include "sim/check.h"
#include "workloads/scenario.h"

enum state { FINE, NOTE, BROKEN };
static const char *const state_names[] = {[FINE] = "fine", [NOTE] = "note", [BROKEN] = "broken"};

struct doctor {
	json_t *facts;
	uint32_t notes, broken;
};

static void fact(struct doctor *d, enum state state, const char *name, const char *meaning,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

static void fact(struct doctor *d, enum state state, const char *name, const char *meaning,
		 const char *format, ...)
{
	char value[256];
	va_list args;
	json_t *item = json_object();
	va_start(args, format);
	vsnprintf(value, sizeof value, format, args);
	va_end(args);
	member_text(item, "name", name);
	member_text(item, "state", state_names[state]);
	member_text(item, "value", value);
	member_text(item, "meaning", meaning);
	member_append(d->facts, item);
	d->notes += state == NOTE;
	d->broken += state == BROKEN;
}

/* The first line of a small file without its newline; false: there is none. */
static bool first_line(const char *path, char *out, size_t size)
{
	FILE *in = fopen(path, "r");
	bool there = in && fgets(out, (int)size, in);
	if (in)
		fclose(in);
	if (there)
		out[strcspn(out, "\n")] = 0;
	return there;
}

/* cpu.max of this process's group, or of the root that a container sees (cgroup v2). */
static bool quota_line(char *out, size_t size)
{
	char group[256], path[320];
	if (first_line("/proc/self/cgroup", group, sizeof group) && !strncmp(group, "0::/", 4)) {
		snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group + 3);
		if (first_line(path, out, size))
			return true;
	}
	return first_line("/sys/fs/cgroup/cpu.max", out, size);
}

static int allowed_cpus(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof set, &set) ? (int)sysconf(_SC_NPROCESSORS_ONLN) : CPU_COUNT(&set);
}

static void look_at_cpus(struct doctor *d)
{
	char line[128];
	double quota, period;
	long visible = sysconf(_SC_NPROCESSORS_ONLN);
	int allowed = allowed_cpus();
	fact(d, FINE, "CPUs", "virtual time runs on one thread; results do not depend on it, wall time does",
	     "%ld visible", visible);
	if (allowed < visible)
		fact(d, NOTE, "affinity", "taskset or a cpuset: only these may be used", "%d of %ld CPUs",
		     allowed, visible);
	else
		fact(d, FINE, "affinity", "nothing narrows it", "all CPUs");
	if (!quota_line(line, sizeof line) || sscanf(line, "%lf %lf", &quota, &period) != 2 || period <= 0)
		fact(d, FINE, "CPU quota", "no limit of a container (cgroup v2)", "none");
	else if (quota / period < allowed)
		fact(d, NOTE, "CPU quota",
		     "below the CPUs that are visible: wall time stutters when it is used up", "%.2f CPUs",
		     quota / period);
	else
		fact(d, FINE, "CPU quota", "as much as there are CPUs", "%.2f CPUs", quota / period);
}

static void look_at_memory(struct doctor *d)
{
	char line[128], text[TEXT_BYTES];
	unsigned long long kib = 0;
	FILE *in = fopen("/proc/meminfo", "r");
	while (in && fgets(line, sizeof line, in) && sscanf(line, "MemAvailable: %llu", &kib) != 1)
		;
	if (in)
		fclose(in);
	fact(d, kib < 512 * 1024 ? NOTE : FINE, "memory",
	     kib < 512 * 1024 ? "little: the demonstration needs some 100 MiB, thousands of clusters more"
			      : "enough for the demonstration; skerry check takes up to three quarters of it",
	     "%s free", text_bytes(text, kib * 1024));
	if (!first_line("/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof line))
		fact(d, NOTE, "huge pages", "unknown here; large machines take longer to set up", "unknown");
	else if (strstr(line, "[never]"))
		fact(d, NOTE, "huge pages",
		     "off: machines of 100,000 clusters and more run up to two times slower", "%s", line);
	else
		fact(d, FINE, "huge pages", "arenas ask for them", "%s", line);
}

static void look_at_topology(struct doctor *d)
{
	static const char *const variables[] = {"HWLOC_SYNTHETIC", "HWLOC_XMLFILE", "HWLOC_COMPONENTS",
						"HWLOC_THISSYSTEM"};
	struct sim_topology *host = calloc(1, sizeof *host);
	const char *why = "";
	hwloc_topology_t topology;
	SIM_CHECK(host != NULL);
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
		if (getenv(variables[i]))
			fact(d, NOTE, variables[i],
			     "set: hwloc may describe another machine than this one; unset it", "%.100s",
			     getenv(variables[i]));
	if (!hwloc_topology_init(&topology)) {
		if (!hwloc_topology_load(topology))
			fact(d, FINE, "NUMA nodes", "placement matters for native runs only",
			     "%d (%d packages, %d cores)%s",
			     hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE),
			     hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PACKAGE),
			     hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE),
			     hwloc_topology_is_thissystem(topology) ? "" : ", not this system");
		hwloc_topology_destroy(topology);
	}
	if (sim_topology_preset(host, "host", 0, &why))
		fact(d, NOTE, "preset host", why, "cannot be used");
	else
		fact(d, FINE, "preset host", host->source, "%u clusters", host->clusters);
	free(host);
}

static void look_at_folder(struct doctor *d)
{
	char path[64];
	snprintf(path, sizeof path, ".skerry-doctor-%d", (int)getpid());
	FILE *out = fopen(path, "wx");
	if (out) {
		fclose(out);
		unlink(path);
		fact(d, FINE, "this folder", "skerry run keeps its record in runs/", "writable");
	} else {
		fact(d, NOTE, "this folder", "use --out DIR or --no-record", "not writable: %s",
		     strerror(errno));
	}
}

static bool is_in_path(const char *program)
{
	const char *path = getenv("PATH");
	char file[512];
	while (path && *path) {
		size_t length = strcspn(path, ":");
		if (length &&
		    snprintf(file, sizeof file, "%.*s/%s", (int)length, path, program) < (int)sizeof file &&
		    !access(file, X_OK))
			return true;
		path += length + (path[length] == ':');
	}
	return false;
}

static void look_at_programs(struct doctor *d)
{
	struct utsname system;
	if (is_in_path("strace"))
		fact(d, FINE, "strace", "scripts/record-trace can record", "found");
	else
		fact(d, NOTE, "strace", "scripts/record-trace needs it: apt-get install strace", "not found");
	if (!uname(&system))
		fact(d, FINE, "system", "results do not depend on it", "%s %s %s", system.sysname,
		     system.release, system.machine);
	unsigned hwloc = hwloc_get_api_version();
	fact(d, hwloc >> 16 == HWLOC_API_VERSION >> 16 ? FINE : BROKEN, "hwloc",
	     hwloc >> 16 == HWLOC_API_VERSION >> 16 ? "as built"
						    : "another version than at build time: build again",
	     "API %x, built with %x", hwloc, (unsigned)HWLOC_API_VERSION);
	fact(d, FINE, "libyaml", "reads scenarios", "%s", yaml_get_version_string());
	fact(d, FINE, "jansson", "reads and writes results", "%s", jansson_version_str());
}

/* Can it run at all? */
static void look_at_demonstration(struct doctor *d)
{
	struct scenario_error error = {""};
	struct scenario *scenario;
	if (scenario_read(&scenario, NULL, NULL, 0, &error)) {
		fact(d, BROKEN, "demonstration",
		     "what is built into this program cannot be read; build it again", "%.200s", error.text);
		return;
	}
	fact(d, FINE, "demonstration", "skerry run", "%u clusters", scenario->topology.clusters);
	scenario_free(scenario);
}

static void print_text(const struct doctor *d)
{
	struct text_table table = {.left = true};
	size_t i;
	const json_t *item;
	json_array_foreach(d->facts, i, item)
	{
		text_table_add(&table, "%s", json_string_value(json_object_get(item, "state")));
		text_table_add(&table, "%s", json_string_value(json_object_get(item, "name")));
		text_table_add(&table, "%s", json_string_value(json_object_get(item, "value")));
		text_table_add(&table, "%s", json_string_value(json_object_get(item, "meaning")));
		text_table_end(&table);
	}
	text_table_write(&table, stdout, "");
	if (d->broken)
		printf("\n%u broken: skerry cannot work properly here.\n", d->broken);
	else
		printf("\nNothing is broken%s.\n",
		       d->notes ? "; what is marked \"note\" is worth a look" : "");
}

static void print_json(const struct doctor *d)
{
	json_t *out = json_object();
	member_count(out, "schema", CLI_SCHEMA);
	member_flag(out, "good", !d->broken);
	member_set(out, "facts", json_incref(d->facts));
	text_json(stdout, out);
	json_decref(out);
}

int cmd_doctor(int argc, char **argv)
{
	static struct option_list arguments;
	bool json = false;
	const struct cli_option options[] = {
		{"json", OPTION_FLAG, &json, NULL, "print one JSON object", 0, NULL}};
	const struct command_line command = {.name = "doctor",
					     .arguments = "",
					     .about = "what this host means for results",
					     .option = options,
					     .options = 1};
	struct doctor d = {0};
	int code = options_read(&command, argc, argv, &arguments);
	if (code >= 0)
		return code;
	d.facts = json_array();
	SIM_CHECK(d.facts != NULL);
	look_at_cpus(&d);
	look_at_memory(&d);
	look_at_topology(&d);
	look_at_folder(&d);
	look_at_programs(&d);
	look_at_demonstration(&d);
	if (json)
		print_json(&d);
	else
		print_text(&d);
	json_decref(d.facts);
	return d.broken ? CLI_INTERNAL : CLI_GOOD;
}
