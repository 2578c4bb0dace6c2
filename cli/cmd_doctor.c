/* skerry doctor: what this host means for results. Only what is essential and broken fails. */
#include <errno.h>
#include <hwloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <yaml.h>
#include "cli/cli.h"
#include "cli/doctor.h"
#include "cli/member.h"
#include "cli/options.h"
#include "cli/text.h"
#include "sim/check.h"
#include "workloads/scenario.h"

static const char *const state_names[] = {
	[DOCTOR_FINE] = "fine", [DOCTOR_NOTE] = "note", [DOCTOR_BROKEN] = "broken"};

void doctor_fact(struct doctor *d, enum doctor_state state, const char *name, const char *meaning,
		 const char *format, ...)
{
	char value[320];
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
	d->notes += state == DOCTOR_NOTE;
	d->broken += state == DOCTOR_BROKEN;
}

bool doctor_first_line(const char *path, char *out, size_t size)
{
	FILE *in = fopen(path, "r");
	bool there = in && fgets(out, (int)size, in);
	if (in)
		fclose(in);
	if (there)
		out[strcspn(out, "\n")] = 0;
	return there;
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
	doctor_fact(d, kib < 512 * 1024 ? DOCTOR_NOTE : DOCTOR_FINE, "memory",
		    kib < 512 * 1024
			    ? "little: the demonstration needs some 100 MiB, thousands of clusters more"
			    : "enough for the demonstration; skerry check takes up to three quarters of it",
		    "%s free", text_bytes(text, kib * 1024));
	if (!doctor_first_line("/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof line))
		doctor_fact(d, DOCTOR_NOTE, "huge pages",
			    "unknown here; large machines take longer to set up", "unknown");
	else if (strstr(line, "[never]"))
		doctor_fact(d, DOCTOR_NOTE, "huge pages",
			    "off: machines of 100,000 clusters and more run up to two times slower", "%s",
			    line);
	else
		doctor_fact(d, DOCTOR_FINE, "huge pages", "arenas ask for them", "%s", line);
}

static void look_at_preset(struct doctor *d)
{
	struct sim_topology *host = calloc(1, sizeof *host);
	const char *why = "";
	SIM_CHECK(host != NULL);
	if (sim_topology_preset(host, "host", 0, &why))
		doctor_fact(d, DOCTOR_NOTE, "preset host", why, "cannot be used");
	else
		doctor_fact(d, DOCTOR_FINE, "preset host", host->source, "%u clusters", host->clusters);
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
		doctor_fact(d, DOCTOR_FINE, "this folder", "skerry run keeps its record in runs/",
			    "writable");
	} else {
		doctor_fact(d, DOCTOR_NOTE, "this folder", "use --out DIR or --no-record", "not writable: %s",
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
		doctor_fact(d, DOCTOR_FINE, "strace", "scripts/record-trace can record", "found");
	else
		doctor_fact(d, DOCTOR_NOTE, "strace", "scripts/record-trace needs it: apt-get install strace",
			    "not found");
	if (!uname(&system))
		doctor_fact(d, DOCTOR_FINE, "system", "results do not depend on it", "%s %s %s",
			    system.sysname, system.release, system.machine);
	unsigned hwloc = hwloc_get_api_version();
	doctor_fact(d, hwloc >> 16 == HWLOC_API_VERSION >> 16 ? DOCTOR_FINE : DOCTOR_BROKEN, "hwloc",
		    hwloc >> 16 == HWLOC_API_VERSION >> 16
			    ? "as built"
			    : "another version than at build time: build again",
		    "API %x, built with %x", hwloc, (unsigned)HWLOC_API_VERSION);
	doctor_fact(d, DOCTOR_FINE, "libyaml", "reads scenarios", "%s", yaml_get_version_string());
	doctor_fact(d, DOCTOR_FINE, "jansson", "reads and writes results", "%s", jansson_version_str());
}

/* Can it run at all? */
static void look_at_demonstration(struct doctor *d)
{
	struct scenario_error error = {""};
	struct scenario *scenario;
	if (scenario_read(&scenario, NULL, NULL, 0, &error)) {
		doctor_fact(d, DOCTOR_BROKEN, "demonstration",
			    "what is built into this program cannot be read; build it again", "%.200s",
			    error.text);
		return;
	}
	doctor_fact(d, DOCTOR_FINE, "demonstration", "skerry run", "%u clusters",
		    scenario->topology.clusters);
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
	member_set(out, "host", d->host ? json_incref(d->host) : json_null());
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
	doctor_look_at_native(&d);
	look_at_memory(&d);
	look_at_preset(&d);
	look_at_folder(&d);
	look_at_programs(&d);
	look_at_demonstration(&d);
	if (json)
		print_json(&d);
	else
		print_text(&d);
	json_decref(d.facts);
	json_decref(d.host);
	return d.broken ? CLI_INTERNAL : CLI_GOOD;
}
