/* The reader is a table for sim/config.h; what a table cannot say is checked afterwards: that nothing is missing, that
 * the matrix is square, that each of its letters is a link. */
#include "sim/calibration.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "sim/config.h"

#define CYCLES_MAX   UINT64_C(1000000000000)
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TABLE(rows, type)                                                                                    \
	{                                                                                                    \
		.fields = rows, .fields_count = COUNT(rows), .bytes = sizeof(type)                           \
	}
#define AGAIN "run skerry calibrate again"

struct raw_host {
	char *cpu, *kernel, *date, *clock_source;
	uint64_t cpus;
};
struct raw_group {
	char *cpus, *links;
};
struct raw_link {
	char *letter, *name, *source;
	uint64_t send, wire, receive, gap, bandwidth;
};
struct raw_cost {
	uint64_t cycles;
	char *source;
};
struct raw_file {
	uint64_t schema, clock;
	struct raw_host host;
	uint32_t groups_count, links_count;
	struct raw_group groups[SIM_GROUPS_MAX];
	struct raw_link links[SIM_LINKS_MAX];
	struct raw_cost cost[SIM_COST_KINDS];
};

/* clang-format off */
#define TEXT(word, type, member, least, most) \
	{.key = word, .kind = SIM_CONFIG_TEXT, .offset = offsetof(struct type, member), .min = least, .max = most}
#define QUANTITY(word, type, member, class, least, most) \
	{.key = word, .kind = SIM_CONFIG_QUANTITY, .unit = SIM_UNIT_##class, \
	 .offset = offsetof(struct type, member), .min = least, .max = most}
#define INNER(word, position, inner) \
	{.key = word, .kind = SIM_CONFIG_TABLE, .offset = position, .table = &inner}
#define ENTRIES(word, member, most, inner) \
	{.key = word, .kind = SIM_CONFIG_LIST, .offset = offsetof(struct raw_file, member), \
	 .count_offset = offsetof(struct raw_file, member##_count), .max = most, .table = &inner}

static const struct sim_config_field host_fields[] = {
	TEXT("cpu", raw_host, cpu, 0, 200), TEXT("kernel", raw_host, kernel, 0, 200),
	TEXT("date", raw_host, date, 0, 40), TEXT("clock_source", raw_host, clock_source, 0, 40),
	QUANTITY("cpus", raw_host, cpus, NONE, 1, SIM_CLUSTERS_MAX),
};
static const struct sim_config_table host_table = TABLE(host_fields, struct raw_host);

static const struct sim_config_field group_fields[] = {
	TEXT("cpus", raw_group, cpus, 1, 200), TEXT("links", raw_group, links, 1, SIM_GROUPS_MAX),
};
static const struct sim_config_table group_table = TABLE(group_fields, struct raw_group);

static const struct sim_config_field link_fields[] = {
	TEXT("letter", raw_link, letter, 1, 1), TEXT("name", raw_link, name, 1, 64),
	QUANTITY("send", raw_link, send, CYCLES, 0, CYCLES_MAX),
	QUANTITY("wire", raw_link, wire, CYCLES, 1, CYCLES_MAX),
	QUANTITY("receive", raw_link, receive, CYCLES, 0, CYCLES_MAX),
	QUANTITY("gap", raw_link, gap, CYCLES, 0, CYCLES_MAX),
	QUANTITY("bandwidth", raw_link, bandwidth, RATE, 1, 1000000000),
	TEXT("source", raw_link, source, 0, 400),
};
static const struct sim_config_table link_table = TABLE(link_fields, struct raw_link);

static const struct sim_config_field figure_fields[] = {
	QUANTITY("cycles", raw_cost, cycles, CYCLES, 0, CYCLES_MAX), TEXT("source", raw_cost, source, 0, 400),
};
static const struct sim_config_table figure_table = TABLE(figure_fields, struct raw_cost);

#define COST(word, kind) INNER(word, kind * sizeof(struct raw_cost), figure_table)
static const struct sim_config_field cost_fields[] = {
	COST("call", SIM_COST_CALL), COST("reply", SIM_COST_REPLY), COST("null", SIM_COST_NULL),
	COST("signal", SIM_COST_SIGNAL), COST("cap_create", SIM_COST_CAP_CREATE),
	COST("cap_delete", SIM_COST_CAP_DELETE), COST("map", SIM_COST_MAP), COST("unmap", SIM_COST_UNMAP),
	COST("fault", SIM_COST_FAULT), COST("step", SIM_COST_STEP), COST("translate", SIM_COST_TRANSLATE),
	COST("name", SIM_COST_NAME), COST("copy_kib", SIM_COST_COPY_KIB), COST("client", SIM_COST_CLIENT),
};
_Static_assert(COUNT(cost_fields) == SIM_COST_KINDS, "one key a cost");
static const struct sim_config_table cost_table = TABLE(cost_fields, struct raw_cost[SIM_COST_KINDS]);

static const struct sim_config_field file_fields[] = {
	QUANTITY("schema", raw_file, schema, NONE, 0, 0),
	INNER("host", offsetof(struct raw_file, host), host_table),
	QUANTITY("clock", raw_file, clock, FREQUENCY, 1000000, 100000000000),
	ENTRIES("groups", groups, SIM_GROUPS_MAX, group_table),
	ENTRIES("links", links, SIM_LINKS_MAX, link_table),
	INNER("costs", offsetof(struct raw_file, cost), cost_table),
};
/* clang-format on */
static const struct sim_config_table file_table = TABLE(file_fields, struct raw_file);

/* ---- what a table cannot say ---- */

/* The place of a key that is missing is that of what should hold it. */
static int check_given(struct sim_config *config, const char *prefix, const struct sim_config_table *table)
{
	char path[SIM_CONFIG_PATH_MAX];
	for (uint32_t i = 0; i < table->fields_count; i++) {
		const struct sim_config_field *field = &table->fields[i];
		snprintf(path, sizeof path, "%s%s", prefix, field->key);
		if (!sim_config_given(config, path))
			return sim_config_fail(config, path, NULL, "the key is missing; " AGAIN);
		snprintf(path, sizeof path, "%s%s.", prefix, field->key);
		if (field->kind == SIM_CONFIG_TABLE && check_given(config, path, field->table))
			return -1;
	}
	return 0;
}

static int check_entries(struct sim_config *config, const char *list, uint32_t count,
			 const struct sim_config_table *table)
{
	char prefix[32];
	if (!count)
		return sim_config_fail(config, list, NULL, "the list is empty; " AGAIN);
	for (uint32_t i = 0; i < count; i++) {
		snprintf(prefix, sizeof prefix, "%s.%u.", list, i);
		if (check_given(config, prefix, table))
			return -1;
	}
	return 0;
}

/* Another schema is said before anything else, because all else may look wrong by it. */
static int check_schema(struct sim_config *config, const struct raw_file *raw)
{
	char word[SIM_QUANTITY_TEXT];
	if (!sim_config_given(config, "schema"))
		return sim_config_fail(
			config, "schema", NULL,
			"the key is missing: this is no file of skerry calibrate; give one that is");
	if (raw->schema == SIM_CALIBRATION_SCHEMA)
		return 0;
	sim_quantity_print(word, SIM_UNIT_NONE, raw->schema);
	return sim_config_fail(config, "schema", word, "this skerry reads schema %d; " AGAIN " with it",
			       SIM_CALIBRATION_SCHEMA);
}

static int link_of_letter(const struct raw_file *raw, char letter)
{
	for (uint32_t i = 0; i < raw->links_count; i++)
		if (raw->links[i].letter[0] == letter)
			return (int)i;
	return -1;
}

static int check_letters(struct sim_config *config, const struct raw_file *raw)
{
	char path[32];
	for (uint32_t i = 0; i < raw->links_count; i++) {
		const int first = link_of_letter(raw, raw->links[i].letter[0]);
		if (first == (int)i)
			continue;
		snprintf(path, sizeof path, "links.%u.letter", i);
		return sim_config_fail(config, path, raw->links[i].letter,
				       "links.%d has this letter; choose another", first);
	}
	return 0;
}

static int take_row(struct sim_config *config, const struct raw_file *raw, uint32_t row,
		    struct sim_topology *t)
{
	char path[32], letter[2] = "";
	const char *links = raw->groups[row].links;
	snprintf(path, sizeof path, "groups.%u.links", row);
	if (strlen(links) != raw->groups_count)
		return sim_config_fail(config, path, links,
				       "%zu letters for %u groups; write one for each group", strlen(links),
				       raw->groups_count);
	for (uint32_t i = 0; i < raw->groups_count; i++) {
		const int link = link_of_letter(raw, links[i]);
		letter[0] = links[i];
		if (link < 0)
			return sim_config_fail(config, path, links,
					       "no link has the letter \"%s\"; add it to \"links\"", letter);
		t->link_class[row][i] = (uint8_t)link;
	}
	return 0;
}

static int check(struct sim_config *config, const struct raw_file *raw)
{
	if (check_given(config, "", &file_table))
		return -1;
	if (check_entries(config, "groups", raw->groups_count, &group_table) ||
	    check_entries(config, "links", raw->links_count, &link_table))
		return -1;
	if (raw->host.cpus >= raw->groups_count)
		return check_letters(config, raw);
	return sim_config_fail(config, "host.cpus", NULL, "%llu CPUs in %u groups; a group has at least one",
			       (unsigned long long)raw->host.cpus, raw->groups_count);
}

/* ---- reading ---- */

static void take_links(const struct raw_file *raw, struct sim_calibration *c)
{
	struct sim_topology *t = &c->topology;
	t->links = raw->links_count;
	for (uint32_t i = 0; i < raw->links_count; i++) {
		const struct raw_link *link = &raw->links[i];
		t->link[i] =
			(struct sim_link){.send = link->send,
					  .receive = link->receive,
					  .gap = link->gap,
					  .wire_ps = sim_ps_of_cycles(&t->clock, link->wire),
					  .ps_per_kib = sim_link_ps_per_kib(raw->clock, link->bandwidth)};
		t->link_name[i] = link->name;
		c->link_source[i] = link->source;
	}
}

static void take_host(const struct raw_file *raw, struct sim_calibration *c)
{
	c->cpu = raw->host.cpu;
	c->kernel = raw->host.kernel;
	c->date = raw->host.date;
	c->clock_source = raw->host.clock_source;
	c->cpus = raw->host.cpus;
	for (uint32_t i = 0; i < raw->groups_count; i++)
		c->group_cpus[i] = raw->groups[i].cpus;
	for (unsigned kind = 0; kind < SIM_COST_KINDS; kind++) {
		c->cost.cycles[kind] = raw->cost[kind].cycles;
		c->cost.source[kind] = raw->cost[kind].source;
	}
}

static int take(const struct raw_file *raw, const char *name, struct sim_calibration *c)
{
	struct sim_topology *t = &c->topology;
	char source[320];
	t->kind = SIM_TOPOLOGY_GROUPS;
	t->clusters = (uint32_t)raw->host.cpus;
	t->clock = sim_clock_of(raw->clock);
	t->groups = raw->groups_count;
	take_host(raw, c);
	take_links(raw, c);
	for (uint32_t row = 0; row < raw->groups_count; row++)
		if (take_row(c->texts, raw, row, t))
			return -1;
	snprintf(source, sizeof source, "measured on %.200s, %.40s", c->cpu, c->date);
	t->preset = sim_config_keep(c->texts, name, strlen(name));
	t->source = sim_config_keep(c->texts, source, strlen(source));
	c->cost.name = t->preset;
	c->cost.about = t->source;
	if (t->preset && t->source)
		return 0;
	return sim_config_fail(c->texts, "", NULL, "memory is exhausted; end other programs");
}

int sim_calibration_read(struct sim_calibration **out, const char *name, const char *text, size_t bytes,
			 char *error, size_t size)
{
	struct raw_file *raw = calloc(1, sizeof *raw);
	struct sim_calibration *c = calloc(1, sizeof *c);
	int result = -1;
	if (!raw || !c || sim_config_new(&c->texts, &file_table, raw, name)) {
		snprintf(error, size, "%.300s: memory is exhausted; end other programs", name);
	} else {
		if (!sim_config_read(c->texts, text, bytes) && !check_schema(c->texts, raw) &&
		    !check(c->texts, raw))
			result = take(raw, name, c);
		if (result)
			snprintf(error, size, "%s", sim_config_error(c->texts));
	}
	free(raw);
	if (result) {
		sim_calibration_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

void sim_calibration_free(struct sim_calibration *c)
{
	if (!c)
		return;
	sim_config_free(c->texts);
	free(c);
}

int sim_calibration_topology(const struct sim_calibration *c, uint32_t clusters, struct sim_topology *out,
			     const char **why)
{
	struct sim_topology t = c->topology;
	if (clusters)
		t.clusters = clusters;
	if (t.groups > t.clusters)
		t.groups = t.clusters;
	const int result = sim_topology_check(&t, why);
	if (!result)
		*out = t;
	return result;
}

/* ---- writing ---- */

static void write_text(FILE *out, const char *before, const char *key, const char *text)
{
	fprintf(out, "%s%s: ", before, key);
	sim_config_write_text(out, text);
	fputc('\n', out);
}

static void write_quantity(FILE *out, const char *before, const char *key, enum sim_unit unit, uint64_t value)
{
	char text[SIM_QUANTITY_TEXT];
	sim_quantity_print(text, unit, value);
	fprintf(out, "%s%s: %s\n", before, key, text);
}

static char letter_of(uint32_t link) { return (char)('a' + link); }
_Static_assert(SIM_LINKS_MAX <= 26, "a letter a link");

static void write_host(const struct sim_calibration *c, FILE *out)
{
	fprintf(out, "schema: %d\nhost:\n", SIM_CALIBRATION_SCHEMA);
	write_text(out, "  ", "cpu", c->cpu);
	write_quantity(out, "  ", "cpus", SIM_UNIT_NONE, c->cpus);
	write_text(out, "  ", "kernel", c->kernel);
	write_text(out, "  ", "date", c->date);
	write_text(out, "  ", "clock_source", c->clock_source);
	write_quantity(out, "", "clock", SIM_UNIT_FREQUENCY, c->topology.clock.hz);
}

static void write_groups(const struct sim_calibration *c, FILE *out)
{
	const struct sim_topology *t = &c->topology;
	fputs("# Cluster by cluster: which link leads to the first, the second, ... group, by its letter.\n"
	      "# A group's own letter is for two clusters of that group.\ngroups:\n",
	      out);
	for (uint32_t row = 0; row < t->groups; row++) {
		fputs("  - {cpus: ", out);
		sim_config_write_text(out, c->group_cpus[row]);
		fputs(", links: \"", out);
		for (uint32_t i = 0; i < t->groups; i++)
			fputc(letter_of(t->link_class[row][i]), out);
		fputs("\"}\n", out);
	}
}

static void write_links(const struct sim_calibration *c, FILE *out)
{
	const struct sim_topology *t = &c->topology;
	fprintf(out, "links:\n");
	for (uint32_t i = 0; i < t->links; i++) {
		const struct sim_link *link = &t->link[i];
		fprintf(out, "  - letter: %c\n", letter_of(i));
		write_text(out, "    ", "name", t->link_name[i]);
		write_quantity(out, "    ", "send", SIM_UNIT_CYCLES, link->send);
		write_quantity(out, "    ", "wire", SIM_UNIT_CYCLES,
			       sim_cycles_of_ps(&t->clock, link->wire_ps));
		write_quantity(out, "    ", "receive", SIM_UNIT_CYCLES, link->receive);
		write_quantity(out, "    ", "gap", SIM_UNIT_CYCLES, link->gap);
		write_quantity(out, "    ", "bandwidth", SIM_UNIT_RATE,
			       sim_link_rate(t->clock.hz, link->ps_per_kib));
		write_text(out, "    ", "source", c->link_source[i]);
	}
}

static void write_costs(const struct sim_calibration *c, FILE *out)
{
	char text[SIM_QUANTITY_TEXT];
	fprintf(out, "costs:\n");
	for (unsigned kind = 0; kind < SIM_COST_KINDS; kind++) {
		sim_quantity_print(text, SIM_UNIT_CYCLES, c->cost.cycles[kind]);
		fprintf(out, "  %s: {cycles: %s, source: ", sim_cost_name[kind], text);
		sim_config_write_text(out, c->cost.source[kind]);
		fputs("}\n", out);
	}
}

int sim_calibration_write(const struct sim_calibration *c, FILE *out)
{
	fputs("# What skerry calibrate measured. machine.preset of a scenario may name this file.\n", out);
	write_host(c, out);
	write_groups(c, out);
	write_links(c, out);
	write_costs(c, out);
	return ferror(out) ? -EIO : 0;
}
