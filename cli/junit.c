#include <stdlib.h>
#include "cli/file.h"
#include "cli/junit.h"

/* XML 1.0 has no place for control characters, and what is not ASCII may be no UTF-8: both become '?'. */
static void write_escaped(FILE *out, const char *text)
{
	for (; text && *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '&')
			fputs("&amp;", out);
		else if (c == '<')
			fputs("&lt;", out);
		else if (c == '>')
			fputs("&gt;", out);
		else if (c == '"')
			fputs("&quot;", out);
		else if (c == '\n')
			fputs("&#10;", out);
		else
			fputc(c < 32 || c > 126 ? '?' : c, out);
	}
}

static uint32_t count_of(const struct junit_case *cases, uint32_t count, enum junit_outcome outcome)
{
	uint32_t found = 0;
	for (uint32_t i = 0; i < count; i++)
		found += cases[i].outcome == outcome;
	return found;
}

static void write_case(FILE *out, const struct junit_case *c)
{
	static const char *const elements[] = {
		[JUNIT_FAILED] = "failure", [JUNIT_ERROR] = "error", [JUNIT_SKIPPED] = "skipped"};
	fputs("    <testcase classname=\"skerry\" name=\"", out);
	write_escaped(out, c->name);
	fprintf(out, "\" time=\"%.3f\"", c->seconds);
	if (c->outcome == JUNIT_PASSED) {
		fputs("/>\n", out);
		return;
	}
	fprintf(out, ">\n      <%s message=\"", elements[c->outcome]);
	write_escaped(out, c->text);
	fputs("\"/>\n    </testcase>\n", out);
}

static void write_all(FILE *out, const struct junit_case *cases, uint32_t count)
{
	double seconds = 0;
	for (uint32_t i = 0; i < count; i++)
		seconds += cases[i].seconds;
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", out);
	fprintf(out,
		"  <testsuite name=\"skerry\" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" "
		"time=\"%.3f\">\n",
		count, count_of(cases, count, JUNIT_FAILED), count_of(cases, count, JUNIT_ERROR),
		count_of(cases, count, JUNIT_SKIPPED), seconds);
	for (uint32_t i = 0; i < count; i++)
		write_case(out, &cases[i]);
	fputs("  </testsuite>\n</testsuites>\n", out);
}

int junit_write(const char *file, const struct junit_case *cases, uint32_t count)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	if (!out)
		return -1;
	write_all(out, cases, count);
	int failed = fclose(out) ? -1 : file_replace(file, text, bytes);
	free(text);
	return failed;
}
