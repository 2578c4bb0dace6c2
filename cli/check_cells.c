/* Which cells of a protocol no search of a check has visited. */
#include <stdio.h>
#include <string.h>
#include "cli/check_report.h"

/* The lists read "cap LIVE+QUIT, op IDLE+OK". */
static bool lists(const char *list, const char *cell, size_t length)
{
	for (const char *at = list; at; at = strchr(at, ',')) {
		at += strspn(at, ", ");
		if (!strncmp(at, cell, length) && (!at[length] || at[length] == ','))
			return true;
	}
	return false;
}

static bool is_visited(const struct check_report *r, const char *cell, size_t length)
{
	for (uint32_t i = 0; i < r->searches; i++)
		if (!r->search[i].skipped && !lists(r->search[i].result.unvisited, cell, length))
			return true;
	return false;
}

static bool is_declared(const struct step_unreached *u, const char *cell, size_t length)
{
	for (; u && u->cell; u++) {
		const size_t row = strcspn(u->cell, "*");
		if (u->cell[row] ? row <= length && !strncmp(u->cell, cell, row)
				 : row == length && !strncmp(u->cell, cell, length))
			return true;
	}
	return false;
}

uint32_t check_cells_missed(const struct check_report *r, char *out, size_t size)
{
	uint32_t count = 0;
	size_t used = 0;
	*out = '\0';
	for (const char *at = r->search[0].result.unvisited; at && *at;) {
		const size_t length = strcspn(at, ",");
		if (!is_visited(r, at, length) && !is_declared(r->protocol->model->unreached, at, length)) {
			used += used < size ? (size_t)snprintf(out + used, size - used, "%s%.*s",
							       count ? ", " : "", (int)length, at)
					    : 0;
			count++;
		}
		at += length + strspn(at + length, ", ");
	}
	return count;
}
