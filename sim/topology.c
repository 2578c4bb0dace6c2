/* Presets are tables in cycles of the preset's clock, as published; what the sources do not say is marked
 * "assumed" here and in the text that sim_topology_preset_about() gives. Three things are assumed throughout:
 *
 * - bulk data takes 1 cycle for 8 bytes: no source gives it for these machines;
 * - where a source gives only the one-way sum, the split into send, wire and receive. The sum alone decides
 *   the latency of a message on idle clusters; the split decides the lookahead and how far a busy
 *   receiver falls behind;
 * - the gap is 0 where no rate of messages is published. */
#include "sim/topology.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "sim/check.h"
#include "sim/topology_host.h"

#define RATE_ASSUMED 8000 /* thousandths of a byte per cycle */
#define CLOCK_GHZ    UINT64_C(1000000000)

struct preset_link {
	const char *name;
	uint64_t send, wire, receive, gap; /* cycles */
};

struct preset {
	const char *name, *about, *source;
	enum sim_topology_kind kind;
	uint64_t hz;
	uint32_t clusters, groups, links;
	struct preset_link link[4];
	uint8_t (*link_of)(uint32_t from, uint32_t to); /* GROUPS: the link between two groups */
	uint64_t hop_millicycles;                       /* MESH */
};

static uint8_t link_of_sockets(uint32_t from, uint32_t to) { return from != to; }

/* The source names one and two hops but not the pairs. Assumed: sockets whose numbers differ in one bit
 * are neighbours (a cube), and all others two hops apart; the cube's opposite corners have no class of
 * their own in the source. */
static uint8_t link_of_cube(uint32_t from, uint32_t to)
{
	uint32_t bits = from ^ to;
	return !bits ? 0 : (bits & (bits - 1)) == 0 ? 1 : 2;
}

static const struct preset presets[] = {
	{
		.name = "seed-1000-cycles",
		.about = "uniform, 16 clusters at 2 GHz: 1,000 cycles from end to end (50 + 900 + 50)",
		.source = "rule of thumb: 1,000 cycles one way; clock, split and bandwidth are assumed",
		.kind = SIM_TOPOLOGY_UNIFORM,
		.hz = 2 * CLOCK_GHZ,
		.clusters = 16,
		.links = 1,
		.link = {{"any pair", 50, 900, 50, 0}},
	},
	{
		/* Mean cycles of 380 pairs: send 63 and 196, receive 223 and 697, round trip 652 and 2055.
		 * Fitted: wire = round trip / 2 - send - receive = 40 and 134 (134.5). */
		.name = "xeon-e5-2670v2",
		.about = "2 sockets of 10 cores at 2.5 GHz: round trip 652 cycles in a socket, 2,055 across",
		.source =
			"published means of 380 pairs: send and receive; wire fitted to the published round "
			"trip; bandwidth assumed",
		.kind = SIM_TOPOLOGY_GROUPS,
		.hz = 2500000000,
		.clusters = 20,
		.groups = 2,
		.links = 2,
		.link = {{"same socket", 63, 40, 223, 0}, {"other socket", 196, 134, 697, 0}},
		.link_of = link_of_sockets,
	},
	{
		/* One way 538, 613 and 618 cycles; 2.77, 2.79 and 2.75 messages per 1,000 cycles give the
		 * gaps. The split is assumed: 200 to send and to receive on any pair, what differs is the
		 * wire. */
		.name = "opteron-8x4",
		.about = "8 sockets of 4 cores at 2 GHz: one way 538 cycles in a socket, 613 and 618 over 1 "
			 "and 2 hops",
		.source = "SOSP 2009, URPC on 8x4 AMD: one-way latency and rate; split, pairs of a hop and "
			  "bandwidth assumed",
		.kind = SIM_TOPOLOGY_GROUPS,
		.hz = 2 * CLOCK_GHZ,
		.clusters = 32,
		.groups = 8,
		.links = 3,
		.link = {{"same socket", 200, 138, 200, 361},
			 {"1 hop", 200, 213, 200, 358},
			 {"2 hops", 200, 218, 200, 364}},
		.link_of = link_of_cube,
	},
	{
		/* One way at the level of an operating system: 5011 + 32 * hops cycles, which is what a
		 * message costs here. The hardware's own 5.6 cycles a hop is the wire without that
		 * software and is not used. The split is assumed: 84 cycles of wire (a published remote
		 * write of the message buffer), the rest in halves. No clock is published with these
		 * numbers; 1 GHz is assumed, so cycles are good and times are not. */
		.name = "scc-mesh",
		.about = "mesh of 6 x 4 tiles, a tile a cluster: one way 5,011 + 32 cycles a hop; clock "
			 "assumed, 1 GHz",
		.source = "Intel SCC: published one-way latency between operating systems; split, clock and "
			  "bandwidth assumed",
		.kind = SIM_TOPOLOGY_MESH,
		.hz = CLOCK_GHZ,
		.clusters = 24,
		.links = 1,
		.link = {{"mesh", 2464, 84, 2463, 0}},
		.hop_millicycles = 32000,
	},
	{
		/* A message of 64 bytes and a header of 25 over a crossbar at 1 GHz, 12 bytes a cycle, 1 + 1 cycles into and out of
		 * it: 10 cycles of the crossbar, 20 of a core. The sender's unit takes 1 + 1 + 2 + 3 cycles, the receiver's 3; then
		 * the receiving kernel dispatches it as it does a system call, which is assumed to take 300. */
		.name = "semperos",
		.about = "16 kernels at 2 GHz over one crossbar, as SemperOS was simulated",
		.source = "SemperOS's platform: clock, crossbar, units; the dispatch of a message is assumed",
		.kind = SIM_TOPOLOGY_UNIFORM,
		.hz = 2 * CLOCK_GHZ,
		.clusters = 16,
		.links = 1,
		.link = {{"any pair", 7, 20, 303, 0}},
	},
	{
		.name = "host",
		.about = "this machine's clusters as hwloc finds them; links as seed-1000-cycles until "
			 "calibrated",
		.source = "", /* said by topology_host_read() */
		.kind = SIM_TOPOLOGY_UNIFORM,
		.hz = 2 * CLOCK_GHZ,
		.links = 1,
		.link = {{"any pair", 50, 900, 50, 0}},
	},
};
#define PRESETS (sizeof presets / sizeof *presets)

const char *const sim_topology_preset_names[] = {
	"seed-1000-cycles", "xeon-e5-2670v2", "opteron-8x4", "scc-mesh", "semperos", "host", NULL};
_Static_assert(sizeof sim_topology_preset_names / sizeof(char *) == PRESETS + 1, "one name a preset");

const char *const *sim_topology_presets(void) { return sim_topology_preset_names; }

static const struct preset *find_preset(const char *name)
{
	for (size_t i = 0; i < PRESETS; i++)
		if (!strcmp(presets[i].name, name))
			return &presets[i];
	return NULL;
}

const char *sim_topology_preset_about(const char *name)
{
	const struct preset *preset = find_preset(name);
	return preset ? preset->about : NULL;
}

/* ---- messages with numbers: one buffer a thread, good until the next call ---- */

static _Thread_local char why_text[192];

static int impossible(const char **why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int impossible(const char **why, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(why_text, sizeof why_text, format, arguments);
	va_end(arguments);
	*why = why_text;
	return -EINVAL;
}

/* ---- meshes ---- */

/* Width of the mesh that is nearest to a square, or 0 if it were longer than twice its height. */
static uint32_t mesh_width(uint32_t clusters)
{
	uint32_t height = 1;
	for (uint32_t h = 1; (uint64_t)h * h <= clusters; h++)
		if (clusters % h == 0)
			height = h;
	uint32_t width = clusters / height;
	return width <= 2 * height ? width : 0;
}

/* There always is one near: n * n and n * (n + 1) are at most n + 1 apart. */
static uint32_t mesh_clusters_above(uint32_t clusters)
{
	while (!mesh_width(clusters))
		clusters++;
	return clusters;
}

static uint32_t mesh_clusters_below(uint32_t clusters)
{
	while (!mesh_width(clusters))
		clusters--;
	return clusters;
}

static uint32_t distance(uint32_t a, uint32_t b) { return a < b ? b - a : a - b; }

static uint32_t mesh_hops(const struct sim_topology *t, uint32_t from, uint32_t to)
{
	return distance(from % t->mesh_width, to % t->mesh_width) +
	       distance(from / t->mesh_width, to / t->mesh_width);
}

/* ---- look-up ---- */

static uint32_t group_of(const struct sim_topology *t, uint32_t cluster)
{
	return (uint32_t)((uint64_t)cluster * t->groups / t->clusters);
}

static uint32_t link_index(const struct sim_topology *t, uint32_t from, uint32_t to)
{
	return t->kind == SIM_TOPOLOGY_GROUPS ? t->link_class[group_of(t, from)][group_of(t, to)] : 0;
}

/* What an ordered pair's wire takes longer than its link: splitmix64 of the seed and the pair. */
static sim_ps extra_wire(const struct sim_topology *t, uint32_t from, uint32_t to)
{
	const sim_ps slow = from == t->slow_cluster || to == t->slow_cluster ? t->slow_ps : 0;
	if (!t->jitter_ps)
		return slow;
	uint64_t z = (t->jitter_seed + 1) * 0x9e3779b97f4a7c15u + ((uint64_t)from << 32 | to);
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return slow + (z ^ z >> 31) % (t->jitter_ps + 1);
}

struct sim_link sim_topology_link(const struct sim_topology *topology, uint32_t from, uint32_t to)
{
	SIM_CHECK(from < topology->clusters && to < topology->clusters && from != to);
	struct sim_link link = topology->link[link_index(topology, from, to)];
	if (topology->kind == SIM_TOPOLOGY_MESH)
		link.wire_ps += mesh_hops(topology, from, to) * topology->hop_ps;
	if (topology->jitter_ps || topology->slow_ps)
		link.wire_ps += extra_wire(topology, from, to);
	return link;
}

/* First cluster of a group; group `groups` begins where the machine ends. */
static uint32_t group_begin(const struct sim_topology *t, uint32_t group)
{
	return (uint32_t)(((uint64_t)group * t->clusters + t->groups - 1) / t->groups);
}

static sim_ps lookahead_of_groups(const struct sim_topology *t)
{
	sim_ps least = SIM_PS_NEVER;
	for (uint32_t a = 0; a < t->groups; a++)
		for (uint32_t b = 0; b < t->groups; b++) {
			sim_ps wire = t->link[t->link_class[a][b]].wire_ps;
			bool pairs = a != b || group_begin(t, a + 1) - group_begin(t, a) > 1;
			if (pairs && wire < least)
				least = wire;
		}
	return least;
}

sim_ps sim_topology_lookahead(const struct sim_topology *topology)
{
	if (topology->clusters == 1)
		return SIM_PS_PER_S / 1000000;
	if (topology->kind == SIM_TOPOLOGY_GROUPS)
		return lookahead_of_groups(topology);
	return topology->link[0].wire_ps + (topology->kind == SIM_TOPOLOGY_MESH ? topology->hop_ps : 0);
}

/* Texts must outlive the call and any thread may ask, so they are constants. */
/* clang-format off */
#define TEN_HOPS(n) \
	n "0 hops", n "1 hops", n "2 hops", n "3 hops", n "4 hops", \
	n "5 hops", n "6 hops", n "7 hops", n "8 hops", n "9 hops"
static const char *const hops_text[SIM_CLASSES_MAX] = {
	"1 hop",  "2 hops", "3 hops", "4 hops", "5 hops", "6 hops", "7 hops", "8 hops", "9 hops",
	TEN_HOPS("1"), TEN_HOPS("2"), TEN_HOPS("3"), TEN_HOPS("4"), TEN_HOPS("5"), "60 hops", "61 hops",
		"62 hops", "63 hops",
	"64 hops or more",
};
/* clang-format on */

const char *sim_topology_class(const struct sim_topology *topology, uint32_t from, uint32_t to,
			       uint32_t *class_index)
{
	SIM_CHECK(from < topology->clusters && to < topology->clusters && from != to);
	if (topology->kind == SIM_TOPOLOGY_MESH) {
		uint32_t hops = mesh_hops(topology, from, to);
		*class_index = (hops < SIM_CLASSES_MAX ? hops : SIM_CLASSES_MAX) - 1;
		return hops_text[*class_index];
	}
	*class_index = link_index(topology, from, to);
	const char *name = topology->link_name[*class_index];
	return name ? name : "any pair";
}

/* ---- clock and bandwidth ---- */

/* Rates are rounded down, as cycles are in sim/time.h; 1,024,000 thousandths of a byte are 1 KiB. */
static uint64_t ps_of_kib_at_one(uint64_t hz)
{
	return (uint64_t)((unsigned __int128)1024000 * SIM_PS_PER_S / hz);
}

uint64_t sim_link_ps_per_kib(uint64_t hz, uint64_t millibytes_per_cycle)
{
	return millibytes_per_cycle ? ps_of_kib_at_one(hz) / millibytes_per_cycle : 0;
}

/* K / (K / m) is the largest rate whose quotient is K / m. */
uint64_t sim_link_rate(uint64_t hz, uint64_t ps_per_kib)
{
	return ps_per_kib ? ps_of_kib_at_one(hz) / ps_per_kib : 0;
}

void sim_topology_set_clock(struct sim_topology *topology, uint64_t hz)
{
	struct sim_clock before = topology->clock, after = sim_clock_of(hz);
	SIM_CHECK(hz > 0);
	for (uint32_t i = 0; i < topology->links; i++) {
		struct sim_link *link = &topology->link[i];
		link->wire_ps = sim_ps_of_cycles(&after, sim_cycles_of_ps(&before, link->wire_ps));
		link->ps_per_kib = sim_link_ps_per_kib(hz, sim_link_rate(before.hz, link->ps_per_kib));
	}
	topology->hop_ps = (sim_ps)((unsigned __int128)topology->hop_ps * before.hz / hz);
	topology->clock = after;
}

/* ---- checks ---- */

static int check_shape(const struct sim_topology *t, const char **why)
{
	if (t->clusters == 0 || t->clusters > SIM_CLUSTERS_MAX)
		return impossible(why, "a machine has 1 to %u clusters; choose a number between",
				  SIM_CLUSTERS_MAX);
	if (t->kind == SIM_TOPOLOGY_GROUPS && (t->groups == 0 || t->groups > SIM_GROUPS_MAX))
		return impossible(why, "a machine has 1 to %u groups; choose a number between",
				  SIM_GROUPS_MAX);
	if (t->kind == SIM_TOPOLOGY_GROUPS && t->groups > t->clusters)
		return impossible(why, "%s has %u groups and so at least %u clusters; choose more clusters",
				  t->preset, t->groups, t->groups);
	if (t->kind == SIM_TOPOLOGY_MESH && (t->mesh_width == 0 || t->clusters % t->mesh_width))
		return impossible(why, "%u clusters fill no mesh whose rows have %u; choose a multiple",
				  t->clusters, t->mesh_width);
	return 0;
}

static int check_links(const struct sim_topology *t, const char **why)
{
	if (t->links == 0 || t->links > SIM_LINKS_MAX)
		return impossible(why, "a machine has 1 to %u kinds of link; choose a number between",
				  SIM_LINKS_MAX);
	for (uint32_t i = 0; i < t->links; i++)
		if (t->link[i].wire_ps == 0)
			return impossible(why, "a wire takes time; choose at least 1 cycle");
	for (uint32_t a = 0; t->kind == SIM_TOPOLOGY_GROUPS && a < t->groups; a++)
		for (uint32_t b = 0; b < t->groups; b++)
			if (t->link_class[a][b] >= t->links)
				return impossible(why, "groups %u and %u have no link; give them one", a, b);
	return 0;
}

int sim_topology_check(const struct sim_topology *topology, const char **why)
{
	if (topology->clock.hz == 0)
		return impossible(why, "a core needs a clock; choose at least 1 Hz");
	int result = check_shape(topology, why);
	return result ? result : check_links(topology, why);
}

/* ---- presets ---- */

static void fill_links(struct sim_topology *t, const struct preset *preset)
{
	for (uint32_t i = 0; i < preset->links; i++) {
		const struct preset_link *from = &preset->link[i];
		t->link[i] = (struct sim_link){
			.send = from->send,
			.receive = from->receive,
			.gap = from->gap,
			.wire_ps = sim_ps_of_cycles(&t->clock, from->wire),
			.ps_per_kib = sim_link_ps_per_kib(preset->hz, RATE_ASSUMED),
		};
		t->link_name[i] = from->name;
	}
	for (uint32_t a = 0; a < preset->groups; a++)
		for (uint32_t b = 0; b < preset->groups; b++)
			t->link_class[a][b] = preset->link_of(a, b);
	t->hop_ps = (sim_ps)((unsigned __int128)preset->hop_millicycles * (SIM_PS_PER_S / 1000) / preset->hz);
}

static int fill_host(struct sim_topology *t, const char **why)
{
	uint32_t found;
	int result = topology_host_read(&found, &t->source, why);
	if (result)
		return result;
	t->this_host = true;
	if (!t->clusters)
		t->clusters = found;
	return 0;
}

static int fill_mesh(struct sim_topology *t, const char **why)
{
	if (!t->clusters || t->clusters > SIM_CLUSTERS_MAX)
		return 0; /* refused by the check */
	t->mesh_width = mesh_width(t->clusters);
	if (t->mesh_width)
		return 0;
	return impossible(why,
			  "%u clusters fill no mesh that is at most twice as long as wide; choose %u or %u",
			  t->clusters, mesh_clusters_below(t->clusters), mesh_clusters_above(t->clusters));
}

int sim_topology_preset(struct sim_topology *out, const char *name, uint32_t clusters, const char **why)
{
	const struct preset *preset = find_preset(name);
	struct sim_topology t;
	if (!preset) {
		*why = "there is no such preset; skerry list shows them";
		return -ENOENT;
	}
	memset(&t, 0, sizeof t);
	t.kind = preset->kind;
	t.clusters = clusters ? clusters : preset->clusters;
	t.clock = sim_clock_of(preset->hz);
	t.groups = preset->groups;
	t.links = preset->links;
	t.preset = preset->name;
	t.source = preset->source;
	fill_links(&t, preset);
	int result = !*preset->source ? fill_host(&t, why) : 0;
	if (!result && t.kind == SIM_TOPOLOGY_MESH)
		result = fill_mesh(&t, why);
	if (!result)
		result = sim_topology_check(&t, why);
	if (!result)
		*out = t;
	return result;
}
