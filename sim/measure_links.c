/* From samples to figures, from pairs of CPUs to classes of links: pure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/check.h"
#include "sim/measure.h"

#define MEDIANS_MAX 3 /* a batch this many times the median was disturbed */
#define PS_PER_NS   1000

const char *const sim_distance_name[SIM_DISTANCES] = {
	[SIM_SAME_CORE] = "same core",
	[SIM_SAME_NODE] = "same node",
	[SIM_SAME_PACKAGE] = "same package, other node",
	[SIM_OTHER_PACKAGE] = "other package",
};

/* ---- samples ---- */

static int by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

struct sim_figure sim_measure_figure(uint64_t *sample, const bool *disturbed, uint32_t count,
				     uint64_t operations)
{
	uint32_t kept = 0;
	SIM_CHECK(count && operations);
	for (uint32_t i = 0; i < count; i++)
		if (!disturbed[i])
			sample[kept++] = sample[i];
	if (!kept)
		kept = count;
	qsort(sample, kept, sizeof *sample, by_size);
	const uint64_t limit = MEDIANS_MAX * sample[kept / 2];
	while (sample[kept - 1] > limit)
		kept--;
	const uint64_t median = sample[kept / 2], ps = median / operations;
	const uint64_t width = sample[(uint64_t)kept * 9 / 10] - sample[kept / 10];
	return (struct sim_figure){.ps = ps ? ps : 1,
				   .spread = median ? (uint32_t)(width * 100 / median) : 0,
				   .batches = kept,
				   .dropped = count - kept};
}

/* ---- which pairs ---- */

enum sim_distance sim_measure_distance(const struct sim_host *host, uint32_t a, uint32_t b)
{
	const struct sim_host_cpu *x = &host->cpu[a], *y = &host->cpu[b];
	if (x->package != y->package)
		return SIM_OTHER_PACKAGE;
	if (x->node != y->node)
		return SIM_SAME_PACKAGE;
	return x->core == y->core ? SIM_SAME_CORE : SIM_SAME_NODE;
}

static uint32_t pairs_at(const struct sim_host *host, enum sim_distance distance)
{
	uint32_t pairs = 0;
	for (uint32_t a = 0; a < host->cpus; a++)
		for (uint32_t b = a + 1; b < host->cpus; b++)
			pairs += sim_measure_distance(host, a, b) == distance;
	return pairs;
}

/* Every n-th pair of this distance, so that the sample is spread over the machine. */
static uint32_t sample_pairs(const struct sim_host *host, enum sim_distance distance,
			     struct sim_measure_pair *out)
{
	const uint32_t all = pairs_at(host, distance);
	uint32_t seen = 0, taken = 0;
	for (uint32_t a = 0; a < host->cpus; a++)
		for (uint32_t b = a + 1; b < host->cpus; b++) {
			if (sim_measure_distance(host, a, b) != distance)
				continue;
			if (all <= SIM_MEASURE_SAMPLE || seen == (uint64_t)taken * all / SIM_MEASURE_SAMPLE)
				out[taken++] = (struct sim_measure_pair){.a = a, .b = b};
			seen++;
		}
	return taken;
}

uint32_t sim_measure_plan(const struct sim_host *host, struct sim_measure_pair out[SIM_MEASURE_PAIRS_MAX])
{
	uint32_t pairs = 0;
	if (host->cpus > SIM_MEASURE_ALL_MAX) {
		for (unsigned distance = 0; distance < SIM_DISTANCES; distance++)
			pairs += sample_pairs(host, (enum sim_distance)distance, out + pairs);
		return pairs;
	}
	for (uint32_t a = 0; a < host->cpus; a++)
		for (uint32_t b = a + 1; b < host->cpus; b++)
			out[pairs++] = (struct sim_measure_pair){.a = a, .b = b};
	return pairs;
}

/* ---- a link ---- */

static uint64_t above_zero(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

/* Half a round trip of the mix. */
static uint64_t one_way_ps(const struct sim_measured *m, const struct sim_measure_traffic *traffic)
{
	return (m->line.ps * traffic->line_permille + m->ring.ps * (1000 - traffic->line_permille)) / 2000;
}

struct sim_link sim_measure_link(const struct sim_measured *m, const struct sim_measure_traffic *traffic,
				 const struct sim_clock *clock)
{
	const uint64_t wire =
		above_zero(one_way_ps(m, traffic), m->send.ps + m->receive.ps) + traffic->flight_ps;
	const uint64_t cycles = sim_cycles_of_ps(clock, wire > PS_PER_NS ? wire : PS_PER_NS);
	const uint64_t send = m->send.ps + traffic->send_ps, receive = m->receive.ps + traffic->receive_ps;
	return (struct sim_link){.send = sim_cycles_of_ps(clock, send),
				 .receive = sim_cycles_of_ps(clock, receive),
				 .gap = sim_cycles_of_ps(clock, m->gap.ps),
				 .wire_ps = sim_ps_of_cycles(clock, cycles),
				 .ps_per_kib = m->kib.ps};
}

/* ---- classes ---- */

/* What two pairs are compared by: a ring's round trip is what every way of a message grows with, and it is the figure
 * that repeats best. */
static uint64_t figure_of(const struct sim_measure_pair *pair) { return pair->measured.ring.ps; }

static int by_figure(const void *a, const void *b)
{
	const uint64_t x = figure_of(*(const struct sim_measure_pair *const *)a);
	const uint64_t y = figure_of(*(const struct sim_measure_pair *const *)b);
	return (x > y) - (x < y);
}

/* Cuts the sorted pairs into classes; class_of[i] of the i-th. Returns their number. */
static uint32_t cut(const struct sim_measure_pair *const *sorted, uint32_t pairs, uint32_t alike,
		    uint32_t *class_of)
{
	uint64_t first = 0;
	uint32_t classes = 0;
	for (uint32_t i = 0; i < pairs; i++) {
		if (!i || figure_of(sorted[i]) * 100 > first * (100 + alike)) {
			first = figure_of(sorted[i]);
			classes++;
		}
		class_of[i] = classes - 1;
	}
	return classes;
}

static uint64_t median_of(const struct sim_measure_pair *const *pair, uint32_t count, size_t offset)
{
	uint64_t value[SIM_MEASURE_PAIRS_MAX];
	for (uint32_t i = 0; i < count; i++)
		memcpy(&value[i], (const char *)&pair[i]->measured + offset + offsetof(struct sim_figure, ps),
		       sizeof *value);
	qsort(value, count, sizeof *value, by_size);
	return value[count / 2];
}

/* Each figure of a class is the median of its pairs'; its spread the widest of theirs. */
static struct sim_measured merge(const struct sim_measure_pair *const *pair, uint32_t count)
{
	struct sim_measured out;
	struct sim_figure *figure = (struct sim_figure *)&out;
	_Static_assert(sizeof out == 6 * sizeof *figure, "nothing but figures");
	for (size_t f = 0; f < sizeof out / sizeof *figure; f++) {
		figure[f] = (struct sim_figure){.ps = median_of(pair, count, f * sizeof *figure)};
		for (uint32_t i = 0; i < count; i++) {
			const struct sim_figure *one = (const struct sim_figure *)&pair[i]->measured + f;
			figure[f].batches += one->batches;
			figure[f].dropped += one->dropped;
			figure[f].spread = one->spread > figure[f].spread ? one->spread : figure[f].spread;
		}
	}
	return out;
}

static void name_link(const struct sim_host *host, const struct sim_measure_pair *const *pair, uint32_t count,
		      uint32_t number, struct sim_measure_machine *out)
{
	const enum sim_distance distance = sim_measure_distance(host, pair[0]->a, pair[0]->b);
	bool one = true;
	for (uint32_t i = 1; i < count; i++)
		one &= sim_measure_distance(host, pair[i]->a, pair[i]->b) == distance;
	if (one && count == 1 && host->cpus <= SIM_MEASURE_ALL_MAX)
		snprintf(out->name[number], sizeof *out->name, "%s, CPUs %u and %u",
			 sim_distance_name[distance], host->cpu[pair[0]->a].number,
			 host->cpu[pair[0]->b].number);
	else
		snprintf(out->name[number], sizeof *out->name, "%s %c",
			 one ? sim_distance_name[distance] : "class", (char)('a' + number));
}

/* ---- the machine ---- */

/* Native runs take cores before siblings: a CPU's place in that order is how many threads make it needed. */
static void order_groups(const struct sim_host *host, struct sim_measure_machine *out)
{
	struct sim_placement placement;
	bool known[SIM_HOST_CPUS_MAX] = {false};
	uint32_t groups = 0;
	for (uint32_t threads = 1; threads <= host->cpus && groups < SIM_GROUPS_MAX; threads++) {
		if (sim_host_place(host, threads, &placement))
			return;
		for (uint32_t i = 0; i < threads; i++) {
			if (known[placement.cpu[i]])
				continue;
			known[placement.cpu[i]] = true;
			out->group_first[groups++] = placement.cpu[i];
		}
	}
	out->topology.groups = groups;
}

/* A host with more CPUs than there may be groups: a group a NUMA node. */
static void order_nodes(const struct sim_host *host, struct sim_measure_machine *out)
{
	uint32_t groups = 0;
	for (uint32_t i = 0; i < host->cpus && groups < SIM_GROUPS_MAX; i++) {
		bool known = false;
		for (uint32_t g = 0; g < groups; g++)
			known |= sim_measure_distance(host, out->group_first[g], i) <= SIM_SAME_NODE;
		if (!known)
			out->group_first[groups++] = i;
	}
	out->topology.groups = groups;
}

struct classes {
	const struct sim_measure_pair *sorted[SIM_MEASURE_PAIRS_MAX];
	uint32_t class_of[SIM_MEASURE_PAIRS_MAX];
	uint32_t pairs;
};

/* The class of two CPUs: of the pair itself, or that in which most of the pairs of their distance are, or the nearest. */
static uint32_t class_between(const struct sim_host *host, const struct classes *c, uint32_t links,
			      uint32_t a, uint32_t b)
{
	uint32_t votes[SIM_LINKS_MAX] = {0}, best = 0;
	const enum sim_distance distance = sim_measure_distance(host, a, b);
	for (uint32_t i = 0; i < c->pairs; i++) {
		const struct sim_measure_pair *pair = c->sorted[i];
		if ((pair->a == a && pair->b == b) || (pair->a == b && pair->b == a))
			return c->class_of[i];
		votes[c->class_of[i]] += sim_measure_distance(host, pair->a, pair->b) == distance;
	}
	for (uint32_t i = 1; i < links; i++)
		if (votes[i] > votes[best])
			best = i;
	return best;
}

/* Two clusters of one group: two CPUs of a node; of a group of one CPU, what leads to its nearest neighbour. */
static uint32_t class_inside(const struct sim_host *host, const struct classes *c, uint32_t links,
			     uint32_t group, const struct sim_measure_machine *m)
{
	const uint32_t first = m->group_first[group];
	uint32_t nearest = SIM_LINKS_MAX;
	if (m->topology.groups < host->cpus)
		for (uint32_t i = 0; i < host->cpus; i++)
			if (i != first && sim_measure_distance(host, first, i) == SIM_SAME_NODE)
				return class_between(host, c, links, first, i);
	for (uint32_t g = 0; g < m->topology.groups; g++)
		if (g != group && m->topology.link_class[group][g] < nearest)
			nearest = m->topology.link_class[group][g];
	return nearest < SIM_LINKS_MAX ? nearest : 0;
}

static void fill_matrix(const struct sim_host *host, const struct classes *c, struct sim_measure_machine *out)
{
	struct sim_topology *t = &out->topology;
	for (uint32_t a = 0; a < t->groups; a++)
		for (uint32_t b = 0; b < t->groups; b++)
			if (a != b)
				t->link_class[a][b] = (uint8_t)class_between(
					host, c, t->links, out->group_first[a], out->group_first[b]);
	for (uint32_t a = 0; a < t->groups; a++)
		t->link_class[a][a] = (uint8_t)class_inside(host, c, t->links, a, out);
}

static void classify(const struct sim_measure_pair *pair, uint32_t pairs, struct classes *c,
		     struct sim_measure_machine *out)
{
	for (uint32_t i = 0; i < pairs; i++)
		c->sorted[i] = &pair[i];
	c->pairs = pairs;
	qsort(c->sorted, pairs, sizeof *c->sorted, by_figure);
	for (out->alike = SIM_MEASURE_ALIKE;; out->alike += SIM_MEASURE_ALIKE) {
		out->topology.links = cut(c->sorted, pairs, out->alike, c->class_of);
		if (out->topology.links <= SIM_LINKS_MAX)
			return;
	}
}

void sim_measure_machine(const struct sim_host *host, const struct sim_measure_pair *pair, uint32_t pairs,
			 const struct sim_measure_traffic *traffic, uint64_t hz,
			 struct sim_measure_machine *out)
{
	struct classes c;
	struct sim_topology *t = &out->topology;
	SIM_CHECK(pairs && pairs <= SIM_MEASURE_PAIRS_MAX);
	memset(out, 0, sizeof *out);
	t->kind = SIM_TOPOLOGY_GROUPS;
	t->clusters = host->cpus;
	t->clock = sim_clock_of(hz);
	classify(pair, pairs, &c, out);
	for (uint32_t i = 0, run; i < pairs; i += run) {
		const uint32_t link = c.class_of[i];
		for (run = 1; i + run < pairs && c.class_of[i + run] == link;)
			run++;
		out->pairs[link] = run;
		out->measured[link] = merge(&c.sorted[i], run);
		t->link[link] = sim_measure_link(&out->measured[link], traffic, &t->clock);
		name_link(host, &c.sorted[i], run, link, out);
		t->link_name[link] = out->name[link];
	}
	if (host->cpus > SIM_GROUPS_MAX)
		order_nodes(host, out);
	else
		order_groups(host, out);
	fill_matrix(host, &c, out);
}
