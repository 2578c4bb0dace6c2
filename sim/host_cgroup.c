/* The CPU quota of control groups, v1 (cpu.cfs_quota_us) and v2 (cpu.max).
 *
 * /proc/self/cgroup names this process's group in each hierarchy, /proc/self/mountinfo where hierarchies are mounted and
 * which group stands at the mount point (a container often sees only its own). A limit of any group above counts, so
 * the walk goes from the own group up to the mount point; what lies above that is not visible, and then `doctor` can
 * only measure. Both versions may be mounted at once; the cpu controller is in one of them, and the other's files are
 * not there. Source: Linux, admin-guide/cgroup-v2, scheduler/sched-bwc, proc(5). */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/host_internal.h"

#define GROUP_BYTES 4096

struct hierarchy {
	bool v2;
	bool found;
	char group[GROUP_BYTES]; /* of this process, "/a/b" */
};

struct mount {
	char *group; /* at the mount point */
	char *point;
	bool v2;
};

struct search {
	const char *root;
	struct sim_host *out;
	struct hierarchy v1, v2;
};

static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);
	for (; *list; list += strcspn(list, ","), list += *list == ',')
		if (strcspn(list, ",") == length && !strncmp(list, word, length))
			return true;
	return false;
}

static FILE *open_below(const char *root, const char *path)
{
	char full[PATH_MAX];
	int length = snprintf(full, sizeof full, "%s%s", root, path);
	return length < (int)sizeof full ? fopen(full, "re") : NULL;
}

/* ---- groups of this process ---- */

static void take_group(struct search *s, char *line)
{
	char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!group)
		return;
	*controllers++ = 0;
	*group++ = 0;
	group[strcspn(group, "\n")] = 0;
	bool v2 = !strcmp(line, "0") && !*controllers;
	struct hierarchy *h = v2 ? &s->v2 : &s->v1;
	if (*group == '/' && (v2 || has_word(controllers, "cpu")) && strlen(group) < sizeof h->group) {
		strcpy(h->group, group);
		h->found = true;
	}
}

static void read_groups(struct search *s)
{
	char *line = NULL;
	size_t size = 0;
	FILE *in = open_below(s->root, "/proc/self/cgroup");
	while (in && getline(&line, &size, in) > 0)
		take_group(s, line);
	free(line);
	if (in)
		fclose(in);
}

/* ---- limits ---- */

static void consider(struct search *s, const char *directory, const char *file, long long quota,
		     long long period)
{
	struct sim_host *out = s->out;
	if (quota <= 0 || period <= 0)
		return;
	unsigned __int128 exact = (unsigned __int128)quota * 1000 / (unsigned __int128)period;
	uint64_t millicpus = exact ? (uint64_t)exact : 1;
	if (exact > INT64_MAX || (out->quota_millicpus && out->quota_millicpus <= millicpus))
		return;
	out->quota_millicpus = millicpus;
	int length = snprintf(out->quota_source, sizeof out->quota_source, "%s/%s", directory, file);
	if (length >= (int)sizeof out->quota_source) /* the end of a path tells more than its beginning */
		snprintf(out->quota_source, sizeof out->quota_source, "...%s/%s",
			 directory + (length - (int)sizeof out->quota_source + 4), file);
}

/* The numbers of a file's first line; "max" and what is not there give none. */
static int read_numbers(const struct search *s, const char *directory, const char *file, long long number[2])
{
	char path[GROUP_BYTES + 64];
	int count = 0;
	snprintf(path, sizeof path, "%s/%s", directory, file);
	FILE *in = open_below(s->root, path);
	if (in) {
		count = fscanf(in, "%lld %lld", &number[0], &number[1]);
		fclose(in);
	}
	return count;
}

static void look_at_directory(struct search *s, const char *directory, bool v2)
{
	long long number[2], period[2];
	if (v2) {
		if (read_numbers(s, directory, "cpu.max", number) == 2)
			consider(s, directory, "cpu.max", number[0], number[1]);
	} else if (read_numbers(s, directory, "cpu.cfs_quota_us", number) >= 1 &&
		   read_numbers(s, directory, "cpu.cfs_period_us", period) >= 1) {
		consider(s, directory, "cpu.cfs_quota_us", number[0], period[0]);
	}
}

/* ---- the way from the own group to the mount point ---- */

/* What of this process's group lies below the mount point; NULL: the mount shows another part of the hierarchy. */
static const char *below_mount(const struct mount *m, const char *group)
{
	size_t length = strlen(m->group);
	if (strstr(group, "/..")) /* outside of the namespace's root */
		return NULL;
	if (!strcmp(m->group, "/"))
		return group;
	return !strncmp(group, m->group, length) && (!group[length] || group[length] == '/') ? group + length
											     : NULL;
}

static void walk_up(struct search *s, const struct mount *m, const char *below)
{
	char directory[GROUP_BYTES];
	size_t top = strcmp(m->point, "/") ? strlen(m->point) : 0;
	int length = snprintf(directory, sizeof directory, "%.*s%s", (int)top, m->point, below);
	if (length >= (int)sizeof directory)
		return;
	while (length > (int)top && directory[length - 1] == '/')
		directory[--length] = 0;
	look_at_directory(s, directory, m->v2);
	while (strlen(directory) > top) {
		*strrchr(directory, '/') = 0;
		look_at_directory(s, directory, m->v2);
	}
}

/* mountinfo writes space, tab, newline and backslash as \040 and so on. */
static void unescape(char *text)
{
	char *to = text;
	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' && text[2] <= '7' &&
		    text[3] >= '0' && text[3] <= '7') {
			*to++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = 0;
}

/* "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup rw": true if it is a hierarchy that may limit CPUs; the caller
 * frees what it holds, in any case. */
static bool parse_mount(const char *line, struct mount *m)
{
	char type[16] = "";
	char *options = NULL;
	const char *rest = strstr(line, " - ");
	bool wanted = false;
	*m = (struct mount){.group = NULL};
	if (rest && sscanf(line, "%*s %*s %*s %ms %ms", &m->group, &m->point) == 2 &&
	    sscanf(rest + 3, "%15s %*s %ms", type, &options) == 2) {
		unescape(m->group);
		unescape(m->point);
		m->v2 = !strcmp(type, "cgroup2");
		wanted = m->v2 || (!strcmp(type, "cgroup") && has_word(options, "cpu"));
	}
	free(options);
	return wanted;
}

static bool look_at_mount(struct search *s, const struct mount *m, bool exact)
{
	const struct hierarchy *h = m->v2 ? &s->v2 : &s->v1;
	const char *below = h->found ? below_mount(m, h->group) : NULL;
	if (exact != (below != NULL))
		return false;
	walk_up(s, m, below ? below : "");
	return true;
}

/* Mounts that hold this process's group, or else (`exact` false) mount points as they are: that of a container whose
 * group has another name outside. Returns how many. */
static int look_at_mounts(struct search *s, bool v2, bool exact)
{
	char *line = NULL;
	size_t size = 0;
	int count = 0;
	FILE *in = open_below(s->root, "/proc/self/mountinfo");
	while (in && getline(&line, &size, in) > 0) {
		struct mount m;
		if (parse_mount(line, &m) && m.v2 == v2)
			count += look_at_mount(s, &m, exact);
		free(m.group);
		free(m.point);
	}
	free(line);
	if (in)
		fclose(in);
	return count;
}

void host_quota_read(struct sim_host *out, const char *root)
{
	struct search *s = calloc(1, sizeof *s);
	out->quota_millicpus = 0;
	out->quota_source[0] = 0;
	if (!s)
		return;
	s->root = root;
	s->out = out;
	read_groups(s);
	for (int v2 = 0; v2 < 2; v2++)
		if (!look_at_mounts(s, v2, true))
			look_at_mounts(s, v2, false);
	free(s);
}
