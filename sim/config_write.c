/* What a table of fields says, as text: the reference page, and values that the reader reads back. */
#include "sim/config.h"

void sim_config_write_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void write_kind(FILE *out, const struct sim_config_field *field)
{
	switch (field->kind) {
	case SIM_CONFIG_QUANTITY:
		fprintf(out, "%s", sim_unit_about(field->unit));
		break;
	case SIM_CONFIG_BOOL:
		fprintf(out, "`true` or `false`");
		break;
	case SIM_CONFIG_NAME:
		fprintf(out, "a name");
		break;
	case SIM_CONFIG_CHOICE:
		for (size_t i = 0; field->choices[i]; i++)
			fprintf(out, "%s`%s`", i ? ", " : "", field->choices[i]);
		break;
	case SIM_CONFIG_RANGE:
		fprintf(out, "clusters: `all`, `others`, `3-7`, `5`");
		break;
	case SIM_CONFIG_PAIRS:
	case SIM_CONFIG_LIST:
		fprintf(out, "a %s, at most %llu entries",
			field->kind == SIM_CONFIG_LIST ? "list" : "mapping", (unsigned long long)field->max);
		break;
	case SIM_CONFIG_TABLE:
		fprintf(out, "a mapping");
		break;
	default:
		fprintf(out, "text");
	}
}

static void write_bounds(FILE *out, const struct sim_config_field *field)
{
	char least[SIM_QUANTITY_TEXT], most[SIM_QUANTITY_TEXT];
	if (field->kind != SIM_CONFIG_QUANTITY || !field->max)
		return;
	sim_quantity_print(least, field->unit, field->min);
	sim_quantity_print(most, field->unit, field->max);
	fprintf(out, "; %s to %s", least, most);
}

static void write_rows(FILE *out, const struct sim_config_table *table, const char *prefix)
{
	char path[SIM_CONFIG_PATH_MAX];
	for (uint32_t i = 0; i < table->fields_count; i++) {
		const struct sim_config_field *field = &table->fields[i];
		fprintf(out, "| `%s%s` | ", prefix, field->key);
		write_kind(out, field);
		write_bounds(out, field);
		if (field->fallback && *field->fallback)
			fprintf(out, " | `%s`", field->fallback);
		else
			fprintf(out, " | %s", field->otherwise ? field->otherwise : "none");
		fprintf(out, " | %s |\n", field->help ? field->help : "");
		if (field->kind == SIM_CONFIG_TABLE || field->kind == SIM_CONFIG_LIST) {
			snprintf(path, sizeof path, "%s%s%s", prefix, field->key,
				 field->kind == SIM_CONFIG_LIST ? "[]." : ".");
			write_rows(out, field->table, path);
		}
	}
}

void sim_config_write_reference(FILE *out, const struct sim_config_table *root)
{
	fprintf(out, "| key | type and unit | default | meaning |\n| --- | --- | --- | --- |\n");
	write_rows(out, root, "");
}
