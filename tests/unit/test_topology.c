/* Presets, links and classes of pairs, and cost profiles. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/cost.h"
#include "sim/topology.h"

static struct sim_topology preset(const char *name, uint32_t clusters)
{
	struct sim_topology topology;
	const char *why = "";
	if (sim_topology_preset(&topology, name, clusters, &why))
		fail_msg("%s of %u: %s", name, clusters, why);
	return topology;
}

/* Cycles from end to end, on idle clusters, of a message without bulk data. */
static sim_cycles one_way(const struct sim_topology *t, uint32_t from, uint32_t to)
{
	struct sim_link link = sim_topology_link(t, from, to);
	return link.send + sim_cycles_of_ps(&t->clock, link.wire_ps) + link.receive;
}

static void test_the_seed_machine_takes_a_thousand_cycles_end_to_end(void **state)
{
	(void)state;
	struct sim_topology t = preset("seed-1000-cycles", 0);
	assert_int_equal(t.clusters, 16);
	assert_int_equal(t.clock.hz, 2000000000);
	assert_int_equal(one_way(&t, 0, 15), 1000);
	assert_int_equal(sim_topology_link(&t, 3, 4).wire_ps, 450000);
	assert_int_equal(sim_topology_link(&t, 3, 4).ps_per_kib, 64000); /* 128 cycles of 500 ps */
}

static void test_the_xeon_keeps_its_published_means(void **state)
{
	(void)state;
	struct sim_topology t = preset("xeon-e5-2670v2", 0);
	assert_int_equal(t.clusters, 20);
	struct sim_link near_link = sim_topology_link(&t, 0, 9), far_link = sim_topology_link(&t, 9, 10);
	assert_int_equal(near_link.send, 63);
	assert_int_equal(near_link.receive, 223);
	assert_int_equal(2 * one_way(&t, 0, 9), 652);
	assert_int_equal(far_link.send, 196);
	assert_int_equal(far_link.receive, 697);
	assert_in_range(2 * one_way(&t, 9, 10), 2054, 2055); /* half a cycle is lost */
	assert_int_equal(one_way(&t, 10, 19), one_way(&t, 0, 9));
}

static void test_the_opteron_has_three_published_distances(void **state)
{
	(void)state;
	struct sim_topology t = preset("opteron-8x4", 0);
	assert_int_equal(t.clusters, 32);
	assert_int_equal(one_way(&t, 0, 3), 538);
	assert_int_equal(one_way(&t, 0, 4), 613);  /* sockets 0 and 1 */
	assert_int_equal(one_way(&t, 0, 16), 613); /* sockets 0 and 4 */
	assert_int_equal(one_way(&t, 0, 12), 618); /* sockets 0 and 3 */
	assert_int_equal(one_way(&t, 31, 0), 618); /* sockets 7 and 0 */
}

static void test_the_mesh_pays_for_each_hop(void **state)
{
	(void)state;
	struct sim_topology t = preset("scc-mesh", 0);
	uint32_t class_index;
	assert_int_equal(t.clusters, 24);
	assert_int_equal(t.mesh_width, 6);
	assert_int_equal(one_way(&t, 0, 1), 5011 + 32);
	assert_int_equal(one_way(&t, 0, 6), 5011 + 32);
	assert_int_equal(one_way(&t, 0, 23), 5011 + 8 * 32);
	assert_int_equal(one_way(&t, 5, 18), 5011 + 8 * 32);
	assert_string_equal(sim_topology_class(&t, 0, 1, &class_index), "1 hop");
	assert_string_equal(sim_topology_class(&t, 0, 23, &class_index), "8 hops");
	assert_int_equal(class_index, 7);
}

static const struct {
	const char *name;
	uint32_t clusters;
} machines[] = {{"seed-1000-cycles", 1}, {"seed-1000-cycles", 7}, {"xeon-e5-2670v2", 2},
		{"xeon-e5-2670v2", 3},   {"xeon-e5-2670v2", 20},  {"opteron-8x4", 8},
		{"opteron-8x4", 9},      {"opteron-8x4", 32},     {"opteron-8x4", 61},
		{"scc-mesh", 1},         {"scc-mesh", 2},         {"scc-mesh", 24},
		{"scc-mesh", 1056}};

/* Counts what it saw: a lookahead is only tested where there are pairs. */
static void test_the_lookahead_is_the_smallest_wire_of_any_pair(void **state)
{
	(void)state;
	unsigned pairs = 0;
	for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
		struct sim_topology t = preset(machines[i].name, machines[i].clusters);
		sim_ps least = SIM_PS_NEVER;
		for (uint32_t a = 0; a < t.clusters; a++)
			for (uint32_t b = 0; b < t.clusters; b++)
				if (a != b && ++pairs && sim_topology_link(&t, a, b).wire_ps < least)
					least = sim_topology_link(&t, a, b).wire_ps;
		if (t.clusters == 1)
			least = 1000000; /* 1 us */
		assert_int_equal(sim_topology_lookahead(&t), least);
	}
	assert_true(pairs > 1000);
}

static void test_pairs_of_a_class_have_one_link_and_classes_are_dense(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
		struct sim_topology t = preset(machines[i].name, machines[i].clusters);
		const char *text[SIM_CLASSES_MAX] = {0};
		struct sim_link link[SIM_CLASSES_MAX] = {0};
		uint32_t classes = 0, index;
		for (uint32_t a = 0; a < t.clusters; a++)
			for (uint32_t b = 0; b < t.clusters; b++) {
				if (a == b)
					continue;
				const char *name = sim_topology_class(&t, a, b, &index);
				struct sim_link is = sim_topology_link(&t, a, b);
				assert_true(index < SIM_CLASSES_MAX);
				if (!text[index]) {
					text[index] = name;
					link[index] = is;
				}
				assert_string_equal(text[index], name);
				if (strcmp(name, "64 hops or more"))
					assert_memory_equal(&link[index], &is, sizeof is);
				classes = index >= classes ? index + 1 : classes;
			}
		for (uint32_t c = 0; c < classes && t.clusters > 9; c++) /* fewer have not every pair */
			assert_non_null(text[c]);
	}
}

static void test_a_million_clusters_need_no_matrix(void **state)
{
	(void)state;
	uint32_t class_index;
	struct sim_topology mesh = preset("scc-mesh", SIM_CLUSTERS_MAX);
	assert_int_equal(mesh.mesh_width, 1024);
	assert_int_equal(one_way(&mesh, 0, SIM_CLUSTERS_MAX - 1), 5011 + 2046 * 32);
	assert_string_equal(sim_topology_class(&mesh, 0, SIM_CLUSTERS_MAX - 1, &class_index),
			    "64 hops or more");
	struct sim_topology xeon = preset("xeon-e5-2670v2", SIM_CLUSTERS_MAX);
	assert_int_equal(sim_topology_link(&xeon, 0, (1 << 19) - 1).send, 63);
	assert_int_equal(sim_topology_link(&xeon, 0, 1 << 19).send, 196);
	assert_true(sizeof(struct sim_topology) < 8192);
}

static void expect_impossible(const char *name, uint32_t clusters, const char *message)
{
	struct sim_topology topology;
	const char *why = NULL;
	memset(&topology, 0x55, sizeof topology);
	assert_int_equal(sim_topology_preset(&topology, name, clusters, &why), -EINVAL);
	assert_string_equal(why, message);
	assert_int_equal(topology.clusters, 0x55555555); /* untouched */
}

static void test_impossible_numbers_of_clusters_are_refused(void **state)
{
	(void)state;
	expect_impossible("seed-1000-cycles", SIM_CLUSTERS_MAX + 1,
			  "a machine has 1 to 1048576 clusters; choose a number between");
	expect_impossible("scc-mesh", UINT32_MAX,
			  "a machine has 1 to 1048576 clusters; choose a number between");
	expect_impossible("xeon-e5-2670v2", 1,
			  "xeon-e5-2670v2 has 2 groups and so at least 2 clusters; choose more clusters");
	expect_impossible("scc-mesh", 3,
			  "3 clusters fill no mesh that is at most twice as long as wide; choose 2 or 4");
	expect_impossible("scc-mesh", 1048573,
			  "1048573 clusters fill no mesh that is at most twice as long as wide; choose "
			  "1048572 or 1048575");
}

static void test_an_unknown_preset_is_refused(void **state)
{
	(void)state;
	struct sim_topology topology;
	const char *why = NULL;
	assert_int_equal(sim_topology_preset(&topology, "xeon", 0, &why), -ENOENT);
	assert_non_null(why);
	assert_null(sim_topology_preset_about("xeon"));
}

static void test_every_preset_has_a_name_a_source_and_an_account(void **state)
{
	(void)state;
	size_t count = 0;
	for (const char *const *name = sim_topology_presets(); *name; name++, count++) {
		assert_non_null(sim_topology_preset_about(*name));
		if (!strcmp(*name, "host"))
			continue;
		struct sim_topology t = preset(*name, 0);
		const char *why;
		assert_string_equal(t.preset, *name);
		assert_non_null(strstr(t.source, "assumed"));
		assert_false(t.this_host);
		assert_int_equal(sim_topology_check(&t, &why), 0);
	}
	assert_int_equal(count, 6);
}

static void test_another_clock_keeps_the_cycles(void **state)
{
	(void)state;
	static const uint64_t clocks[] = {1000000,    533333333,  1000000000,
					  2100000000, 3333333333, 100000000000};
	for (const char *const *name = sim_topology_presets(); *name; name++) {
		if (!strcmp(*name, "host"))
			continue;
		struct sim_topology t = preset(*name, 0);
		sim_cycles near_cycles = one_way(&t, 0, 1), far_cycles = one_way(&t, 0, t.clusters - 1);
		for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
			struct sim_topology other = t;
			sim_topology_set_clock(&other, clocks[i]);
			assert_int_equal(other.clock.hz, clocks[i]);
			assert_in_range(one_way(&other, 0, 1), near_cycles - 1, near_cycles);
			assert_in_range(one_way(&other, 0, t.clusters - 1), far_cycles - 8, far_cycles);
			struct sim_topology again = other;
			sim_topology_set_clock(&again, clocks[i]);
			assert_memory_equal(&again, &other, sizeof other);
		}
	}
}

static void test_a_rate_means_the_same_after_a_round_trip(void **state)
{
	(void)state;
	static const uint64_t clocks[] = {1000000, 533333333, 2000000000, 2500000000, 100000000000};
	static const uint64_t rates[] = {1, 7, 500, 1000, 3333, 8000, 64000, 1000000000};
	for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
		for (size_t j = 0; j < sizeof rates / sizeof *rates; j++) {
			uint64_t ps = sim_link_ps_per_kib(clocks[i], rates[j]);
			assert_int_equal(sim_link_ps_per_kib(clocks[i], sim_link_rate(clocks[i], ps)), ps);
		}
	assert_int_equal(sim_link_ps_per_kib(2000000000, 0), 0);
	assert_int_equal(sim_link_rate(2000000000, 64000), 8000);
}

static void test_the_check_finds_each_planted_fault(void **state)
{
	(void)state;
	const char *why;
	struct sim_topology t = preset("opteron-8x4", 0);
	t.clusters = 0;
	assert_int_equal(sim_topology_check(&t, &why), -EINVAL);
	t = preset("opteron-8x4", 0);
	t.groups = 65;
	assert_int_equal(sim_topology_check(&t, &why), -EINVAL);
	t = preset("opteron-8x4", 0);
	t.link[2].wire_ps = 0;
	assert_int_equal(sim_topology_check(&t, &why), -EINVAL);
	assert_string_equal(why, "a wire takes time; choose at least 1 cycle");
	t = preset("opteron-8x4", 0);
	t.link_class[7][0] = 3;
	assert_int_equal(sim_topology_check(&t, &why), -EINVAL);
	assert_string_equal(why, "groups 7 and 0 have no link; give them one");
	t = preset("opteron-8x4", 0);
	t.clock.hz = 0;
	assert_int_equal(sim_topology_check(&t, &why), -EINVAL);
	t = preset("scc-mesh", 0);
	t.mesh_width = 5;
	assert_int_equal(sim_topology_check(&t, &why), -EINVAL);
	t = preset("scc-mesh", 0);
	t.links = 17;
	assert_int_equal(sim_topology_check(&t, &why), -EINVAL);
}

/* ---- the host ---- */

static const char *const hwloc_variables[] = {"HWLOC_SYNTHETIC", "HWLOC_XMLFILE", "HWLOC_THISSYSTEM"};

static int forget_hwloc(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof hwloc_variables / sizeof *hwloc_variables; i++)
		unsetenv(hwloc_variables[i]);
	return 0;
}

static void test_the_host_is_read(void **state)
{
	(void)state;
	struct sim_topology t = preset("host", 0);
	assert_true(t.clusters >= 1);
	assert_true(t.this_host);
	assert_non_null(strstr(t.source, "not measured"));
	assert_int_equal(preset("host", 12).clusters, 12);
}

static void expect_no_host(const char *message)
{
	struct sim_topology t;
	const char *why = NULL;
	assert_int_equal(sim_topology_preset(&t, "host", 0, &why), -ENODEV);
	assert_string_equal(why, message);
	assert_int_equal(sim_topology_preset(&t, "host", 4, &why), -ENODEV);
}

static void test_another_machine_is_never_taken_for_the_host(void **state)
{
	(void)state;
	setenv("HWLOC_SYNTHETIC", "socket:x", 1);
	expect_no_host("HWLOC_SYNTHETIC is set and is not a valid description; unset it");
	setenv("HWLOC_SYNTHETIC", "", 1);
	expect_no_host("HWLOC_SYNTHETIC is set and is not a valid description; unset it");
	setenv("HWLOC_SYNTHETIC", "pack:4 [numa] l3:1 core:8 pu:1", 1);
	expect_no_host("HWLOC_SYNTHETIC describes a machine that is not this one; unset it");
	setenv("HWLOC_THISSYSTEM", "1", 1);
	expect_no_host("HWLOC_SYNTHETIC describes a machine that is not this one; unset it");
	forget_hwloc(state);
	setenv("HWLOC_XMLFILE", "no-such-file.xml", 1);
	expect_no_host("HWLOC_XMLFILE is set and is not a topology that can be read; unset it");
	assert_true(preset("seed-1000-cycles", 0).clusters == 16); /* other presets do not ask hwloc */
}

/* ---- costs ---- */

static void test_every_cost_has_a_name_a_figure_and_a_source(void **state)
{
	(void)state;
	size_t profiles = 0;
	for (; sim_cost_profiles[profiles]; profiles++) {
		const struct sim_cost_profile *p = sim_cost_profiles[profiles];
		assert_ptr_equal(sim_cost_profile(p->name), p);
		assert_string_equal(sim_cost_profile_names[profiles], p->name);
		assert_non_null(p->about);
		for (uint32_t kind = 0; kind < SIM_COST_KINDS; kind++) {
			assert_non_null(sim_cost_name[kind]);
			/* Clients have cores of their own there. */
			assert_true(kind == SIM_COST_CLIENT ? !p->cycles[kind] : p->cycles[kind] > 0);
			assert_true(strlen(p->source[kind]) > 10);
		}
	}
	assert_true(profiles >= 2);
	assert_null(sim_cost_profile("sel4"));
}

static void test_the_default_profile_has_the_published_figures(void **state)
{
	(void)state;
	const struct sim_cost_profile *p = sim_cost_profiles[0];
	assert_string_equal(p->name, "sel4-skylake");
	assert_int_equal(p->cycles[SIM_COST_CALL], 747);
	assert_int_equal(p->cycles[SIM_COST_REPLY], 639);
	assert_int_equal(p->cycles[SIM_COST_NULL], 132);
	assert_int_equal(p->cycles[SIM_COST_SIGNAL], 1073);
	assert_int_equal(p->cycles[SIM_COST_MAP], 1234);
	assert_int_equal(p->cycles[SIM_COST_FAULT], 1907);
	for (uint32_t kind = 0; kind < SIM_COST_KINDS; kind++)
		if (strncmp(p->source[kind], "assumed: ", 9) &&
		    strncmp(p->source[kind], "seL4, Skylake: ", 15))
			fail_msg("%s: %s", sim_cost_name[kind], p->source[kind]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_seed_machine_takes_a_thousand_cycles_end_to_end),
		cmocka_unit_test(test_the_xeon_keeps_its_published_means),
		cmocka_unit_test(test_the_opteron_has_three_published_distances),
		cmocka_unit_test(test_the_mesh_pays_for_each_hop),
		cmocka_unit_test(test_the_lookahead_is_the_smallest_wire_of_any_pair),
		cmocka_unit_test(test_pairs_of_a_class_have_one_link_and_classes_are_dense),
		cmocka_unit_test(test_a_million_clusters_need_no_matrix),
		cmocka_unit_test(test_impossible_numbers_of_clusters_are_refused),
		cmocka_unit_test(test_an_unknown_preset_is_refused),
		cmocka_unit_test(test_every_preset_has_a_name_a_source_and_an_account),
		cmocka_unit_test(test_another_clock_keeps_the_cycles),
		cmocka_unit_test(test_a_rate_means_the_same_after_a_round_trip),
		cmocka_unit_test(test_the_check_finds_each_planted_fault),
		cmocka_unit_test_setup_teardown(test_the_host_is_read, forget_hwloc, forget_hwloc),
		cmocka_unit_test_setup_teardown(test_another_machine_is_never_taken_for_the_host,
						forget_hwloc, forget_hwloc),
		cmocka_unit_test(test_every_cost_has_a_name_a_figure_and_a_source),
		cmocka_unit_test(test_the_default_profile_has_the_published_figures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
