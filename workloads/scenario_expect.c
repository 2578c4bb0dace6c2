/* `expect:`: keys that are built from parts, and values with an operator. */
#include <string.h>
#include "workloads/scenario_schema.h"

/* Latencies are kept as ns in a double: up to here their picoseconds are exact. */
#define LATENCY_MAX_PS UINT64_C(1000000000000000)
#define COUNT_MAX      UINT64_C(1000000000000000)

enum value { VALUE_PASS, VALUE_DIGEST, VALUE_COUNT, VALUE_LATENCY, VALUE_RATIO, VALUE_UNKNOWN };

static const char *const whole_names[] = {"checks",     "digest", "model_version", "events", "virtual_ns",
					  "operations", NULL};
static const enum value whole_values[] = {VALUE_PASS, VALUE_DIGEST, VALUE_COUNT, VALUE_COUNT, VALUE_COUNT};

static const char *const operation_names[] = {"count", "p50", "p99", "max", "messages_per_op", NULL};
static const enum value operation_values[] = {VALUE_COUNT, VALUE_LATENCY, VALUE_LATENCY, VALUE_LATENCY,
					      VALUE_RATIO};

static int index_of(const char *const *names, const char *word)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(names[i], word))
			return i;
	return -1;
}

/* Is it "operations.NAME.FIELD" with a NAME of lower-case letters and '_'? *field is then FIELD. */
static bool split_operation(const char *what, const char **field)
{
	static const char prefix[] = "operations.";
	if (strncmp(what, prefix, sizeof prefix - 1))
		return false;
	const char *name = what + sizeof prefix - 1;
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz_");
	*field = name + length + 1;
	return length && name[length] == '.';
}

static enum value value_of(const char *what)
{
	const char *field;
	int i;
	if (split_operation(what, &field))
		return (i = index_of(operation_names, field)) >= 0 ? operation_values[i] : VALUE_UNKNOWN;
	i = index_of(whole_names, what);
	return i >= 0 && i < (int)(sizeof whole_values / sizeof *whole_values) ? whole_values[i]
									       : VALUE_UNKNOWN;
}

static int fail_unknown(struct sim_config *config, const char *path, const char *what)
{
	const char *field, *nearest;
	if (split_operation(what, &field)) {
		nearest = sim_nearest_name(field, operation_names);
		if (nearest)
			return sim_config_fail(config, path, NULL,
					       "unknown figure \"%.40s\"; did you mean \"%s\"?", field,
					       nearest);
		return sim_config_fail(config, path, NULL,
				       "unknown figure \"%.40s\"; write count, p50, p99, max or "
				       "messages_per_op",
				       field);
	}
	nearest = sim_nearest_name(what, whole_names);
	if (nearest && strcmp(nearest, "operations"))
		return sim_config_fail(config, path, NULL, "unknown figure \"%.40s\"; did you mean \"%s\"?",
				       what, nearest);
	return sim_config_fail(config, path, NULL,
			       "unknown figure \"%.60s\"; write checks, digest, model_version, "
			       "events, virtual_ns or operations.NAME.p99",
			       what);
}

static int read_digest(struct scenario_expect *out, struct sim_config *config, const char *path,
		       const char *text)
{
	if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
		return sim_config_fail(config, path, text,
				       "a digest has 16 hexadecimal digits (0-9, a-f); copy it from a "
				       "result");
	return (out->text = sim_config_keep(config, text, 16)) ? 0 : -1;
}

static int read_figure(struct scenario_expect *out, struct sim_config *config, const char *path,
		       enum value kind, const char *text)
{
	enum sim_unit unit = kind == VALUE_LATENCY ? SIM_UNIT_DURATION
			     : kind == VALUE_RATIO ? SIM_UNIT_RATIO
						   : SIM_UNIT_NONE;
	uint64_t value, most = kind == VALUE_LATENCY ? LATENCY_MAX_PS : COUNT_MAX;
	char why[192], limit[SIM_QUANTITY_TEXT];
	if (sim_quantity_parse(&value, unit, text, why, sizeof why))
		return sim_config_fail(config, path, text, "%s", why);
	if (value > most) {
		sim_quantity_print(limit, unit, most);
		return sim_config_fail(config, path, text, "out of range; write at most %s", limit);
	}
	out->value = kind == VALUE_COUNT ? (double)value : (double)value / 1000;
	return 0;
}

static const char *skip_operator(struct scenario_expect *out, const char *text)
{
	out->op = !strncmp(text, "<=", 2) ? SCENARIO_LE : !strncmp(text, ">=", 2) ? SCENARIO_GE : SCENARIO_EQ;
	text += out->op == SCENARIO_EQ ? 0 : 2;
	return text + strspn(text, " ");
}

int scenario_expect_read(struct scenario_expect *out, struct sim_config *config,
			 const struct sim_config_pair *pair)
{
	char path[SIM_CONFIG_PATH_MAX];
	enum value kind = value_of(pair->key);
	snprintf(path, sizeof path, "expect.%s", pair->key);
	*out = (struct scenario_expect){.what = pair->key, .line = sim_config_line(config, path)};
	if (kind == VALUE_UNKNOWN)
		return fail_unknown(config, path, pair->key);
	const char *text = skip_operator(out, pair->value);
	if (strchr("<>=!", *text))
		return sim_config_fail(config, path, pair->value,
				       "unknown operator; write \"<= VALUE\", \">= VALUE\" or the "
				       "value alone");
	if (kind != VALUE_PASS && kind != VALUE_DIGEST)
		return read_figure(out, config, path, kind, text);
	if (out->op != SCENARIO_EQ)
		return sim_config_fail(config, path, pair->value, "this has no order; write the value alone");
	if (kind == VALUE_DIGEST)
		return read_digest(out, config, path, text);
	if (strcmp(text, "pass"))
		return sim_config_fail(config, path, text,
				       "checks can only be expected to pass; write \"pass\"");
	out->text = pair->value;
	return 0;
}

void scenario_expect_print(char out[SIM_QUANTITY_TEXT], const struct scenario_expect *expect)
{
	enum value kind = value_of(expect->what);
	uint64_t thousandths = (uint64_t)(expect->value * 1000 + 0.5);
	if (kind == VALUE_LATENCY)
		sim_quantity_print(out, SIM_UNIT_DURATION, thousandths);
	else if (kind == VALUE_RATIO)
		sim_quantity_print(out, SIM_UNIT_RATIO, thousandths);
	else
		sim_quantity_print(out, SIM_UNIT_NONE, (uint64_t)expect->value);
}
