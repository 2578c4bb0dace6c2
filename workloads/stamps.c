/* workloads/stamps.c - groups that share pages and stamp them.
 *
 * One client opens the shared file and sends it to all others (the capability is delegated). Each then reads and
 * writes whole pages of it. A page holds the number of writes that it has seen and, for each writer, the sequence
 * number of that writer's last write to it; a writer's k-th write goes to page k mod P. So a reader can tell, from
 * the pages alone:
 *
 *   - coherence of a page: neither its number of writes nor a writer's stamp ever goes back, and at the end the
 *     page has seen every write (none was lost);
 *   - program order: who has seen a writer's stamp s on any page must find, on page p, at least the last stamp
 *     below s that this writer put there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "sim/check.h"
#include "workloads/run_internal.h"

#define PAGE        FLAT_PAGE_BYTES
#define WRITERS_MAX ((PAGE - 8) / 4) /* further clients only read */

struct page {
	uint64_t writes;
	uint32_t stamp[WRITERS_MAX];
};
_Static_assert(sizeof(struct page) == PAGE, "a page of stamps is a page");

struct stamps {
	struct run_group *owner;
	uint32_t members, writers; /* of the entry */
	struct flat_handle handle;
	bool has_file, opened, writing, sending;
	_Atomic bool closed;     /* the owner may say so, if it cannot share the file any more */
	uint32_t sent;           /* owner: members that have the file, itself included */
	uint32_t done;           /* operations */
	uint32_t sequence, page; /* its own writes; the page of the running operation */
	uint64_t *seen_writes;   /* [pages]: the most */
	uint32_t *seen;          /* [writers]: the latest stamp on any page */
	uint32_t *on_page;       /* [pages][writers]: the latest stamp on that page */
};

static const uint32_t file_name[1] = {0};
static const char *const file_text[1] = {"stamps"};
static const struct flat_path file_path = {.name = file_name, .count = 1, .id = 0};

int stamps_tree(struct run *run, const struct scenario_clients *entry, uint32_t *tree)
{
	const struct flat_names names = {.count = 1, .text = file_text};
	*tree = flat_tree_new(run->machine, &names);
	if (*tree == UINT32_MAX)
		return ENOMEM;
	return flat_tree_add_file(run->machine, *tree, &file_path, (uint64_t)entry->pages * PAGE, 0);
}

int stamps_init(struct run *run, struct run_group *g, struct run_group *owner, uint32_t members)
{
	struct stamps *s = calloc(1, sizeof *s);
	const uint32_t pages = g->entry->pages;
	if (!s)
		return ENOMEM;
	g->stamps = s;
	s->owner = owner;
	s->members = members;
	s->writers = members < WRITERS_MAX ? members : WRITERS_MAX;
	s->seen_writes = calloc(pages, sizeof *s->seen_writes);
	s->seen = calloc(s->writers, sizeof *s->seen);
	s->on_page = calloc((size_t)pages * s->writers, sizeof *s->on_page);
	run->operations += g->entry->operations;
	return s->seen_writes && s->seen && s->on_page ? 0 : ENOMEM;
}

void stamps_fini(struct run_group *g)
{
	if (!g->stamps)
		return;
	free(g->stamps->seen_writes);
	free(g->stamps->seen);
	free(g->stamps->on_page);
	free(g->stamps);
}

/* ---- what comes next ---- */

static void choose(struct run_group *g, struct flat_call *call)
{
	struct stamps *s = g->stamps;
	s->writing = g->number < s->writers && run_random(&g->random) % 100 < g->entry->write_percent;
	if (s->writing)
		s->sequence++;
	s->page = s->writing ? s->sequence % g->entry->pages
			     : (uint32_t)(run_random(&g->random) % g->entry->pages);
	call->op = s->writing ? FLAT_WRITE : FLAT_READ;
	call->offset = (uint64_t)s->page * PAGE;
	call->length = PAGE;
}

static bool share(struct run *run, struct run_group *g, struct flat_call *call)
{
	struct stamps *s = g->stamps;
	if (!s->opened) {
		call->op = FLAT_OPEN;
		call->writes = true;
		call->path = file_path;
		return true;
	}
	while (s->sent < s->members) {
		const struct run_group *to = g + s->sent;
		if (to != g && !to->killed) {
			s->sending = true;
			call->op = FLAT_SEND;
			call->cluster = to->cluster;
			call->client = to->first_client;
			return true;
		}
		s->sent++;
	}
	(void)run;
	return false;
}

bool stamps_next(struct run *run, struct run_group *g, struct flat_call *call)
{
	struct stamps *s = g->stamps;
	if (g->killed || s->closed)
		return false;
	*call = (struct flat_call){.tree = g->tree, .handle = &s->handle};
	if (s->owner == g && share(run, g, call))
		return true;
	if (!s->has_file)
		return false; /* until it is sent */
	if (s->done < g->entry->operations)
		choose(g, call);
	else
		call->op = FLAT_CLOSE;
	return true;
}

/* ---- what is on a page ---- */

static void look(struct run_group *g, const struct page *page)
{
	struct stamps *s = g->stamps;
	const uint32_t pages = g->entry->pages;
	uint32_t *on_page = &s->on_page[(size_t)s->page * s->writers];
	run_check_add(g, CHECK_STAMPS, 1);
	if (page->writes < s->seen_writes[s->page])
		run_check_fail(g, CHECK_STAMPS, "cluster %u: page %u went back from %llu writes to %llu",
			       g->cluster, s->page, (unsigned long long)s->seen_writes[s->page],
			       (unsigned long long)page->writes);
	s->seen_writes[s->page] = page->writes;
	for (uint32_t w = 0; w < s->writers; w++) {
		const uint32_t stamp = page->stamp[w];
		if (stamp < on_page[w] || (stamp && stamp % pages != s->page))
			run_check_fail(g, CHECK_STAMPS,
				       "cluster %u: page %u: the stamp of writer %u went from %u to %u",
				       g->cluster, s->page, w, on_page[w], stamp);
		/* the last write of w to this page that is not later than what was seen of w */
		const uint32_t back = (s->seen[w] % pages + pages - s->page) % pages;
		if (s->seen[w] > back && stamp < s->seen[w] - back)
			run_check_fail(
				g, CHECK_ORDER,
				"cluster %u: saw write %u of writer %u, then page %u without its write %u",
				g->cluster, s->seen[w], w, s->page, s->seen[w] - back);
		on_page[w] = stamp;
		s->seen[w] = s->seen[w] > stamp ? s->seen[w] : stamp;
	}
	run_check_add(g, CHECK_ORDER, s->writers);
}

void stamps_bytes(struct run_group *g, const struct flat_call *call, uint64_t at, unsigned char *bytes,
		  uint32_t length)
{
	struct stamps *s = g->stamps;
	struct page *page = (struct page *)(void *)bytes;
	SIM_CHECK(at == (uint64_t)s->page * PAGE && length == PAGE);
	g->tally.content_bytes += length;
	look(g, page);
	if (call->op != FLAT_WRITE)
		return;
	page->writes++;
	page->stamp[g->number] = s->sequence;
	look(g, page); /* a writer sees its own write */
}

/* ---- a call is over ---- */

void stamps_received(struct run *run, struct run_group *g, const struct flat_handle *handle)
{
	struct stamps *s = g->stamps;
	s->handle = *handle;
	s->has_file = true;
	flat_client_wake(run->machine, g->cluster, g->first_client);
}

/* The owner cannot share the file any more: those who do not have it have nothing to do. Only the count of groups that
 * run is touched on their clusters; they wait, and go on waiting. */
static void give_up_sharing(struct run_group *owner)
{
	struct stamps *s = owner->stamps;
	for (; s->sent < s->members; s->sent++) {
		struct run_group *g = owner + s->sent;
		if (g == owner || g->killed || g->stamps->closed)
			continue;
		g->stamps->closed = true;
		run_group_ended(g);
	}
}

void stamps_done(struct run *run, struct run_group *g, const struct flat_call *call,
		 const struct flat_result *result)
{
	struct stamps *s = g->stamps;
	const bool refused = g->disturbed && (result->error == EBADF || result->error == ESTALE);
	if (refused)
		run_check_add(g, CHECK_REVOKED, 1);
	else if (result->error)
		run_check_fail(g, CHECK_STAMPS, "cluster %u: %s fails: %s", g->cluster,
			       flat_op_name[call->op], strerror(result->error));
	switch (call->op) {
	case FLAT_OPEN:
		s->opened = s->has_file = true;
		break;
	case FLAT_SEND:
		s->sending = false;
		s->sent += !result->error;
		if (result->error || g->killed)
			give_up_sharing(g);
		break;
	case FLAT_CLOSE:
		s->closed = true;
		if (!g->killed)
			run_group_ended(g);
		break;
	default:
		s->done++;
		run_group_done(g);
		if (result->error && s->writing)
			s->sequence--; /* the write did not happen */
	}
	if (g->killed)
		flat_delete(run->machine, g->cluster, &s->handle);
}

void stamps_kill(struct run *run, struct run_group *g)
{
	if (g->killed || g->stamps->closed)
		return;
	g->killed = g->disturbed = true;
	flat_delete(run->machine, g->cluster, &g->stamps->handle);
	run_group_ended(g);
	if (g->stamps->owner == g && !g->stamps->sending)
		give_up_sharing(g);
}

/* No write was lost: each page has seen as many as its writers made, and carries the last of each. */
void stamps_final(struct run *run, struct run_group *owner, struct run_group *members, uint32_t count)
{
	const uint32_t pages = owner->entry->pages;
	for (uint32_t p = 0; p < pages; p++) {
		struct page page;
		uint64_t writes = 0;
		if (flat_peek(run->machine, owner->tree, &file_path, p, (unsigned char *)&page)) {
			run_check_fail(owner, CHECK_STAMPS, "page %u is gone", p);
			continue;
		}
		for (uint32_t i = 0; i < count && i < owner->stamps->writers; i++) {
			const uint32_t k = members[i].stamps->sequence;
			const uint32_t back = (k % pages + pages - p) % pages, last = k > back ? k - back : 0;
			writes += last ? (last - (p ? p : pages)) / pages + 1 : 0;
			if (page.stamp[i] != last)
				run_check_fail(owner, CHECK_STAMPS,
					       "page %u ends with stamp %u of writer %u, not %u", p,
					       page.stamp[i], i, last);
		}
		run_check_add(owner, CHECK_STAMPS, 1);
		if (page.writes != writes)
			run_check_fail(owner, CHECK_STAMPS, "page %u has seen %llu writes of %llu", p,
				       (unsigned long long)page.writes, (unsigned long long)writes);
	}
}
