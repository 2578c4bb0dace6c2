/* sim/host.h: what a machine gives, and who goes where. Machines are synthetic, control groups a tree of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "sim/host_internal.h"

static struct sim_host host;
static struct sim_placement placement;

static const char *const hwloc_variables[] = {"HWLOC_SYNTHETIC", "HWLOC_XMLFILE", "HWLOC_THISSYSTEM",
					      "HWLOC_COMPONENTS"};

static int forget_hwloc(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof hwloc_variables / sizeof *hwloc_variables; i++)
		unsetenv(hwloc_variables[i]);
	return 0;
}

/* ---- machines ---- */

static hwloc_topology_t load_synthetic(const char *description)
{
	hwloc_topology_t topology;
	assert_int_equal(hwloc_topology_init(&topology), 0);
	assert_int_equal(hwloc_topology_set_synthetic(topology, description), 0);
	assert_int_equal(hwloc_topology_load(topology), 0);
	return topology;
}

/* A synthetic machine of which only the CPUs of `list` may be used ("0-3,8"; NULL: all). */
static void read_masked(const char *description, const char *list)
{
	hwloc_topology_t topology = load_synthetic(description);
	hwloc_bitmap_t usable = NULL;
	if (list) {
		usable = hwloc_bitmap_alloc();
		assert_int_equal(hwloc_bitmap_list_sscanf(usable, list), 0);
	}
	memset(&host, 0, sizeof host);
	host_from_topology(&host, topology, usable);
	hwloc_bitmap_free(usable);
	hwloc_topology_destroy(topology);
}

static void register_kind(hwloc_topology_t topology, const char *list, int efficiency)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	assert_int_equal(hwloc_bitmap_list_sscanf(set, list), 0);
	assert_int_equal(hwloc_cpukinds_register(topology, set, efficiency, 0, NULL, 0), 0);
	hwloc_bitmap_free(set);
}

/* Four small cores first, then two large ones with two threads each. */
static hwloc_topology_t load_hybrid(void)
{
	hwloc_topology_t topology = load_synthetic("core:4 pu:2");
	hwloc_bitmap_t keep = hwloc_bitmap_alloc();
	assert_int_equal(hwloc_bitmap_list_sscanf(keep, "0,2,4-7"), 0);
	assert_int_equal(hwloc_topology_restrict(topology, keep, 0), 0);
	hwloc_bitmap_free(keep);
	register_kind(topology, "0,2", 1);
	register_kind(topology, "4-7", 9);
	return topology;
}

static void expect_threads(uint32_t threads, const uint32_t *numbers)
{
	assert_int_equal(sim_host_place(&host, threads, &placement), 0);
	assert_int_equal(placement.threads, threads);
	for (uint32_t i = 0; i < threads; i++)
		if (host.cpu[placement.cpu[i]].number != numbers[i])
			fail_msg("thread %u of %u is on CPU %u, not %u", i, threads,
				 host.cpu[placement.cpu[i]].number, numbers[i]);
}

static uint32_t cores_used(void)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < placement.threads; i++) {
		bool is_new = true;
		for (uint32_t j = 0; j < i; j++)
			is_new &= host.cpu[placement.cpu[i]].core != host.cpu[placement.cpu[j]].core;
		count += is_new;
	}
	return count;
}

static void test_a_synthetic_machine_has_its_cores_and_siblings(void **state)
{
	const char *why = NULL;
	(void)state;
	assert_int_equal(sim_host_read_synthetic(&host, "pack:2 core:4 pu:2", &why), 0);
	assert_int_equal(host.visible, 16);
	assert_int_equal(host.cpus, 16);
	assert_int_equal(host.cores, 8);
	assert_int_equal(host.packages, 2);
	assert_int_equal(host.nodes, 1);
	assert_int_equal(host.kinds, 1);
	assert_null(host.misled);
	for (uint32_t i = 0; i < 16; i++) {
		assert_int_equal(host.cpu[i].number, i);
		assert_int_equal(host.cpu[i].core, i / 2);
		assert_int_equal(host.cpu[i].thread, i % 2);
		assert_int_equal(host.cpu[i].package, i / 8);
		assert_int_equal(host.cpu[i].node, 0);
		assert_int_equal(host.cpu[i].kind, 0);
	}
}

static void test_a_machine_without_cores_has_one_for_each_cpu(void **state)
{
	const char *why = NULL;
	(void)state;
	assert_int_equal(sim_host_read_synthetic(&host, "numa:2 pu:3", &why), 0);
	assert_int_equal(host.cpus, 6);
	assert_int_equal(host.cores, 6);
	assert_int_equal(host.nodes, 2);
	assert_int_equal(host.packages, 1);
	assert_int_equal(host.cpu[5].node, 1);
}

static void test_only_the_cpus_of_the_mask_count(void **state)
{
	(void)state;
	read_masked("pack:2 [numa] core:4 pu:2", "3,8-10");
	assert_int_equal(host.cpus, 4);
	assert_int_equal(host.cores, 3);
	assert_int_equal(host.packages, 2);
	assert_int_equal(host.nodes, 2);
	assert_int_equal(host.cpu[0].number, 3);
	assert_int_equal(host.cpu[0].thread, 0); /* its sibling may not be used */
	assert_int_equal(host.cpu[2].thread, 1);
	assert_int_equal(host.cpu[2].core, host.cpu[1].core);
	read_masked("pack:2 [numa] core:4 pu:2", "8-10");
	assert_int_equal(host.packages, 1);
	assert_int_equal(host.nodes, 1);
}

static void test_a_mask_alone_gives_cores_of_their_own(void **state)
{
	(void)state;
	hwloc_bitmap_t usable = hwloc_bitmap_alloc();
	hwloc_bitmap_set(usable, 3);
	hwloc_bitmap_set(usable, 70000);
	memset(&host, 0, sizeof host);
	host_from_mask(&host, usable, NULL);
	hwloc_bitmap_free(usable);
	assert_int_equal(host.cpus, 2);
	assert_int_equal(host.cores, 2);
	assert_int_equal(host.nodes, 1);
	assert_int_equal(host.kinds, 1);
	assert_int_equal(host.cpu[0].node, -1);
	assert_int_equal(host.cpu[1].number, 70000);
	assert_int_equal(sim_host_pin(&host.cpu[1]), -EINVAL);
	host.misled = "planted";
	expect_threads(2, (const uint32_t[]){3, 70000});
	assert_string_equal(placement.text,
			    "2 threads on CPUs 3, 70000: which of them share a core is not known");
}

static int node_by_parity(int cpu) { return cpu % 2; }

static void test_nodes_that_interleave_are_put_in_order(void **state)
{
	(void)state;
	hwloc_bitmap_t usable = hwloc_bitmap_alloc();
	hwloc_bitmap_set_range(usable, 0, 3);
	memset(&host, 0, sizeof host);
	host_from_mask(&host, usable, node_by_parity);
	hwloc_bitmap_free(usable);
	assert_int_equal(host.nodes, 2);
	expect_threads(4, (const uint32_t[]){0, 2, 1, 3});
}

static void test_more_cpus_than_a_host_holds_are_left_out(void **state)
{
	(void)state;
	read_masked("pack:4 core:256 pu:2", NULL);
	assert_int_equal(host.cpus, SIM_HOST_CPUS_MAX);
	assert_int_equal(sim_host_place(&host, SIM_HOST_CPUS_MAX, &placement), 0);
	assert_true(placement.shares_cores);
}

static void test_what_is_no_machine_is_refused(void **state)
{
	const char *why = NULL;
	(void)state;
	assert_int_equal(sim_host_read_synthetic(&host, "socket:x", &why), -EINVAL);
	assert_non_null(why);
	why = NULL;
	assert_int_equal(sim_host_read_xml(&host, "no-such-file.xml", &why), -EINVAL);
	assert_non_null(why);
}

static void test_a_machine_comes_back_from_its_xml(void **state)
{
	char path[] = P_tmpdir "/skerry-host-XXXXXX";
	const char *why = NULL;
	int file = mkstemp(path);
	(void)state;
	assert_true(file >= 0);
	close(file);
	hwloc_topology_t topology = load_hybrid();
	assert_int_equal(hwloc_topology_export_xml(topology, path, 0), 0);
	hwloc_topology_destroy(topology);
	assert_int_equal(sim_host_read_xml(&host, path, &why), 0);
	unlink(path);
	assert_int_equal(host.cpus, 6);
	assert_int_equal(host.cores, 4);
	assert_int_equal(host.kinds, 2);
	assert_int_equal(host.cpu[0].kind, 0);
	assert_int_equal(host.cpu[5].kind, 1);
}

/* ---- placement ---- */

static void test_a_core_for_each_thread_first_and_siblings_after(void **state)
{
	(void)state;
	read_masked("pack:2 core:4 pu:2", NULL);
	for (uint32_t threads = 1; threads <= 16; threads++) {
		assert_int_equal(sim_host_place(&host, threads, &placement), 0);
		assert_int_equal(cores_used(), threads < 8 ? threads : 8);
		assert_int_equal(placement.shares_cores, threads > 8);
		assert_false(placement.shared);
		assert_false(placement.mixes_kinds);
		for (uint32_t i = 0; i < threads; i++)
			for (uint32_t j = 0; j < i; j++)
				assert_int_not_equal(placement.cpu[i], placement.cpu[j]);
	}
	expect_threads(8, (const uint32_t[]){0, 2, 4, 6, 8, 10, 12, 14});
	expect_threads(10, (const uint32_t[]){0, 1, 2, 3, 4, 6, 8, 10, 12, 14});
	assert_string_equal(placement.text,
			    "10 threads on CPUs 0-4, 6, 8, 10, 12, 14: 2 of 8 cores run siblings");
}

static void test_a_mask_leaves_the_cores_that_it_has(void **state)
{
	(void)state;
	read_masked("pack:2 core:4 pu:2", "1,4-5,9");
	expect_threads(3, (const uint32_t[]){1, 4, 9});
	assert_false(placement.shares_cores);
	expect_threads(4, (const uint32_t[]){1, 4, 5, 9});
	assert_true(placement.shares_cores);
	assert_int_equal(sim_host_place(&host, 5, &placement), -ENOSPC);
}

static void test_nodes_come_one_after_the_other(void **state)
{
	(void)state;
	/* CPUs are numbered across the nodes, as many machines do. */
	read_masked("numa:2 core:4 pu:2(indexes=2*8:1*2)", NULL);
	assert_int_equal(host.nodes, 2);
	for (uint32_t threads = 1; threads <= 16; threads++) {
		uint32_t changes = 0;
		assert_int_equal(sim_host_place(&host, threads, &placement), 0);
		for (uint32_t i = 1; i < threads; i++)
			changes += host.cpu[placement.cpu[i]].node != host.cpu[placement.cpu[i - 1]].node;
		assert_int_equal(changes, threads > 4);
	}
	assert_non_null(strstr(placement.text, "8 of 8 cores run siblings, on 2 NUMA nodes"));
}

static void test_the_most_capable_cores_come_first(void **state)
{
	(void)state;
	hwloc_topology_t topology = load_hybrid();
	memset(&host, 0, sizeof host);
	host_from_topology(&host, topology, NULL);
	hwloc_topology_destroy(topology);
	assert_int_equal(host.kinds, 2);
	expect_threads(2, (const uint32_t[]){4, 6});
	assert_false(placement.mixes_kinds);
	assert_string_equal(placement.text, "2 threads on CPUs 4, 6: a core each");
	expect_threads(3, (const uint32_t[]){4, 6, 0});
	assert_true(placement.mixes_kinds);
	assert_false(placement.shares_cores);
	assert_string_equal(placement.text,
			    "3 threads on CPUs 4, 6, 0: a core each, cores of different capability");
	expect_threads(6, (const uint32_t[]){4, 5, 6, 7, 0, 2});
	assert_true(placement.shares_cores);
}

static void test_more_threads_than_cpus_are_refused(void **state)
{
	(void)state;
	read_masked("core:2 pu:1", NULL);
	memset(&placement, 0x5a, sizeof placement);
	struct sim_placement before = placement;
	assert_int_equal(sim_host_place(&host, 3, &placement), -ENOSPC);
	assert_memory_equal(&placement, &before, sizeof before);
	assert_int_equal(sim_host_place(&host, 2, &placement), 0);
	assert_string_equal(placement.text, "2 threads on CPUs 0, 1: a core each");
	assert_int_equal(sim_host_place(&host, 1, &placement), 0);
	assert_string_equal(placement.text, "1 thread on CPU 0: a core of its own");
}

static void test_a_quota_counts_in_whole_cpus(void **state)
{
	static const struct {
		uint64_t millicpus;
		uint32_t capacity;
	} cases[] = {{0, 4},    {1, 1},    {500, 1},  {1000, 1}, {1500, 1},
		     {1999, 1}, {2000, 2}, {3999, 3}, {4000, 4}, {9000, 4}};
	(void)state;
	read_masked("core:4 pu:1", NULL);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		host.quota_millicpus = cases[i].millicpus;
		assert_int_equal(sim_host_capacity(&host), cases[i].capacity);
		for (uint32_t threads = 1; threads <= 4; threads++) {
			assert_int_equal(sim_host_place(&host, threads, &placement), 0);
			assert_int_equal(placement.shared, threads > cases[i].capacity);
		}
	}
	host.quota_millicpus = 1500;
	assert_int_equal(sim_host_place(&host, 2, &placement), 0);
	assert_string_equal(placement.text,
			    "2 threads on CPUs 0, 1: a core each; the CPU quota of 1.50 lets 1 run at once");
}

static void test_a_long_list_of_cpus_is_cut(void **state)
{
	(void)state;
	read_masked("core:500 pu:2", NULL);
	assert_int_equal(sim_host_place(&host, 500, &placement), 0);
	assert_non_null(strstr(placement.text, ", ...: a core each"));
	assert_true(strlen(placement.text) < sizeof placement.text - 1);
	read_masked("core:500 pu:1", NULL);
	assert_int_equal(sim_host_place(&host, 500, &placement), 0);
	assert_string_equal(placement.text, "500 threads on CPUs 0-499: a core each");
}

/* ---- control groups ---- */

static char tree[] = P_tmpdir "/skerry-cgroup-XXXXXX";

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *where)
{
	(void)about, (void)type, (void)where;
	return remove(path);
}

static int grow_tree(void **state)
{
	(void)state;
	strcpy(tree + strlen(tree) - 6, "XXXXXX");
	return mkdtemp(tree) ? 0 : -1;
}

static int fell_tree(void **state)
{
	(void)state;
	return nftw(tree, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *path, const char *text)
{
	char full[512];
	snprintf(full, sizeof full, "%s%s", tree, path);
	for (char *slash = strchr(full + strlen(tree) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		assert_true(!mkdir(full, 0700) || errno == EEXIST);
		*slash = '/';
	}
	FILE *out = fopen(full, "w");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static void expect_quota(uint64_t millicpus, const char *source)
{
	memset(&host, 0x5a, sizeof host);
	host_quota_read(&host, tree);
	assert_int_equal(host.quota_millicpus, millicpus);
	assert_string_equal(host.quota_source, source);
}

#define V2_MOUNT "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1_MOUNT "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
#define NOISE                                                                                                \
	"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"                                                    \
	"34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"

static void test_nothing_mounted_limits_nothing(void **state)
{
	(void)state;
	expect_quota(0, "");
	put("/proc/self/mountinfo", NOISE);
	put("/proc/self/cgroup", "nonsense\n0:\n::\n");
	expect_quota(0, "");
}

static void test_the_tightest_group_above_counts(void **state)
{
	(void)state;
	put("/proc/self/mountinfo", NOISE V2_MOUNT);
	put("/proc/self/cgroup", "0::/a/b/c\n");
	put("/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
	expect_quota(0, "");
	put("/sys/fs/cgroup/a/b/cpu.max", "300000 100000\n");
	expect_quota(3000, "/sys/fs/cgroup/a/b/cpu.max");
	put("/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
	expect_quota(1500, "/sys/fs/cgroup/a/cpu.max");
	put("/sys/fs/cgroup/a/b/c/cpu.max", "10000 20000\n");
	expect_quota(500, "/sys/fs/cgroup/a/b/c/cpu.max");
	put("/sys/fs/cgroup/a/other/cpu.max", "1000 100000\n"); /* not above this process */
	put("/sys/fs/cpu.max", "1000 100000\n");                /* above the mount point */
	expect_quota(500, "/sys/fs/cgroup/a/b/c/cpu.max");
}

static void test_a_quota_of_version_one_is_read(void **state)
{
	(void)state;
	put("/proc/self/mountinfo", NOISE V1_MOUNT);
	put("/proc/self/cgroup",
	    "9:name=systemd:/x\n3:cpuset:/docker/abc\n2:cpu,cpuacct:/docker/abc\n1:memory:/z\n");
	put("/sys/fs/cgroup/cpuset/cpu.cfs_quota_us", "1\n"); /* not of the cpu controller */
	put("/sys/fs/cgroup/cpuset/cpu.cfs_period_us", "100000\n");
	put("/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "-1\n");
	put("/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us", "100000\n");
	expect_quota(0, "");
	put("/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "250000\n");
	expect_quota(2500, "/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us");
	put("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "50\n");
	put("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "100000\n");
	expect_quota(
		1,
		"/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us"); /* less than a thousandth is not none */
}

static void test_both_versions_at_once_are_read(void **state)
{
	(void)state;
	put("/proc/self/mountinfo",
	    V1_MOUNT "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n");
	put("/proc/self/cgroup", "4:cpuset:/no\n1:cpu,cpuacct:/one\n0::/two\n");
	put("/sys/fs/cgroup/cpu,cpuacct/one/cpu.cfs_quota_us", "200000");
	put("/sys/fs/cgroup/cpu,cpuacct/one/cpu.cfs_period_us", "100000");
	expect_quota(2000, "/sys/fs/cgroup/cpu,cpuacct/one/cpu.cfs_quota_us");
	put("/sys/fs/cgroup/unified/two/cpu.max", "100000 100000");
	expect_quota(1000, "/sys/fs/cgroup/unified/two/cpu.max");
}

static void test_a_container_finds_its_group_at_the_mount_point(void **state)
{
	(void)state;
	/* The mount shows a part of the hierarchy only; the group is told from the root. */
	put("/proc/self/mountinfo", "31 23 0:28 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n");
	put("/proc/self/cgroup", "1:cpu:/docker/abc/in\n");
	put("/sys/fs/cgroup/cpu/in/cpu.cfs_period_us", "100000");
	put("/sys/fs/cgroup/cpu/in/cpu.cfs_quota_us", "400000");
	expect_quota(4000, "/sys/fs/cgroup/cpu/in/cpu.cfs_quota_us");
	put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
	put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "120000");
	expect_quota(1200, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
	/* The group has another name here; all that is visible is the mount point. */
	put("/proc/self/cgroup", "1:cpu:/docker/abcdef\n");
	expect_quota(1200, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
	put("/proc/self/cgroup", "1:cpu:/../../elsewhere\n");
	expect_quota(1200, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
}

static void test_a_mount_of_another_group_does_not_count(void **state)
{
	(void)state;
	put("/proc/self/mountinfo", "50 23 0:28 /other /mnt/other rw - cgroup2 cgroup2 rw\n" V2_MOUNT);
	put("/proc/self/cgroup", "0::/mine\n");
	put("/mnt/other/cpu.max", "1000 100000\n");
	put("/sys/fs/cgroup/mine/cpu.max", "200000 100000\n");
	expect_quota(2000, "/sys/fs/cgroup/mine/cpu.max");
}

static void test_a_group_outside_of_the_namespace_is_not_guessed(void **state)
{
	(void)state;
	put("/proc/self/mountinfo", V2_MOUNT);
	put("/proc/self/cgroup", "0::/../sibling\n");
	put("/sys/fs/sibling/cpu.max", "1000 100000\n");
	put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
	expect_quota(2000, "/sys/fs/cgroup/cpu.max");
}

static void test_a_mount_point_with_a_space_is_found(void **state)
{
	(void)state;
	put("/proc/self/mountinfo", "31 23 0:28 / /my\\040groups rw - cgroup2 cgroup2 rw\n");
	put("/proc/self/cgroup", "0::/\n");
	put("/my groups/cpu.max", "700000 100000\n");
	expect_quota(7000, "/my groups/cpu.max");
}

static void test_files_that_say_nonsense_limit_nothing(void **state)
{
	static const char *const texts[] = {"",         "\n",       "max",       "100000",
					    "100000 0", "0 100000", "-5 100000", "many 100000"};
	(void)state;
	put("/proc/self/mountinfo", V2_MOUNT "1 2 3\n - \n");
	put("/proc/self/cgroup", "0::/\n");
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		put("/sys/fs/cgroup/cpu.max", texts[i]);
		expect_quota(0, "");
	}
	put("/sys/fs/cgroup/cpu.max", "18446744073709552 1"); /* in thousandths: 384 more than 64 bits hold */
	expect_quota(0, "");
}

static void test_a_long_path_keeps_its_end(void **state)
{
	char group[400], line[420], file[480];
	(void)state;
	memset(group, 'a', sizeof group);
	group[0] = '/';
	group[200] = '/';
	group[390] = 0;
	snprintf(line, sizeof line, "0::%s\n", group);
	snprintf(file, sizeof file, "/sys/fs/cgroup%s/cpu.max", group);
	put("/proc/self/mountinfo", V2_MOUNT);
	put("/proc/self/cgroup", line);
	put(file, "100000 100000\n");
	host_quota_read(&host, tree);
	assert_int_equal(host.quota_millicpus, 1000);
	assert_int_equal(strlen(host.quota_source), sizeof host.quota_source - 1);
	assert_memory_equal(host.quota_source, "...a", 4);
	assert_string_equal(host.quota_source + strlen(host.quota_source) - 10, "aa/cpu.max");
}

/* ---- this machine ---- */

static uint32_t allowed(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof set, &set) ? 0 : (uint32_t)CPU_COUNT(&set);
}

static void test_this_machine_has_the_cpus_of_the_mask(void **state)
{
	const char *why = NULL;
	uint32_t before = allowed();
	(void)state;
	assert_int_equal(sim_host_read(&host, &why), 0);
	assert_null(host.misled);
	assert_true(host.cpus >= 1 && host.cpus <= host.visible);
	if (before)
		assert_int_equal(host.cpus, before);
	assert_true(host.cores >= 1 && host.cores <= host.cpus);
	assert_true(host.packages >= 1 && host.nodes >= 1 && host.kinds >= 1);
	assert_int_equal(allowed(), before); /* the probe of pinning undid what it did */
	assert_int_equal(sim_host_place(&host, host.cpus, &placement), 0);
}

static void test_a_pinned_thread_stays_where_it_was_put(void **state)
{
	const char *why = NULL;
	cpu_set_t before;
	(void)state;
	assert_int_equal(sim_host_read(&host, &why), 0);
	if (host.pin_refused || sched_getaffinity(0, sizeof before, &before))
		skip();
	for (uint32_t i = 0; i < host.cpus; i++) {
		assert_int_equal(sim_host_pin(&host.cpu[i]), 0);
		assert_int_equal(sched_getcpu(), host.cpu[i].number);
	}
	struct sim_host alone;
	assert_int_equal(sim_host_read(&alone, &why), 0); /* as under taskset -c N */
	assert_int_equal(alone.cpus, 1);
	assert_int_equal(alone.cores, 1);
	assert_int_equal(alone.cpu[0].number, host.cpu[host.cpus - 1].number);
	assert_int_equal(sim_host_place(&alone, 2, &placement), -ENOSPC);
	assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

static void test_memory_stays_usable_whether_it_can_be_bound_or_not(void **state)
{
	const char *why = NULL;
	size_t bytes = 4 * (size_t)sysconf(_SC_PAGESIZE);
	(void)state;
	assert_int_equal(sim_host_read(&host, &why), 0);
	unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	int result = sim_host_bind_memory(memory, bytes, host.cpu[0].node < 0 ? 0 : host.cpu[0].node);
	assert_int_equal(result != 0, host.mbind_refused);
	assert_int_equal(sim_host_bind_memory(memory, bytes, -1), -EINVAL);
	assert_int_equal(sim_host_bind_memory(memory, bytes, 1024), -EINVAL);
	memset(memory, 7, bytes);
	assert_int_equal(memory[bytes - 1], 7);
	munmap(memory, bytes);
}

static void expect_misled(const char *message)
{
	const char *why = NULL;
	assert_int_equal(sim_host_read(&host, &why), 0);
	assert_non_null(host.misled);
	assert_string_equal(host.misled, message);
	assert_int_equal(host.cores, host.cpus);
	if (allowed())
		assert_int_equal(host.cpus, allowed());
}

static void test_another_machine_is_never_taken_for_this_one(void **state)
{
	const char *why = NULL;
	(void)state;
	setenv("HWLOC_SYNTHETIC", "pack:2 core:4 pu:2", 1);
	expect_misled("HWLOC_SYNTHETIC describes a machine that is not this one; unset it");
	assert_int_equal(sim_host_read_synthetic(&host, "core:3 pu:1", &why),
			 0); /* what was asked for, and no other */
	assert_int_equal(host.cpus, 3);
	setenv("HWLOC_SYNTHETIC", "nonsense", 1);
	expect_misled("HWLOC_SYNTHETIC is set and is not a valid description; unset it");
	forget_hwloc(state);
	setenv("HWLOC_XMLFILE", "no-such-file.xml", 1);
	expect_misled("HWLOC_XMLFILE is set and is not a topology that can be read; unset it");
	forget_hwloc(state);
	setenv("HWLOC_COMPONENTS", "no_os,stop", 1);
	expect_misled("HWLOC_COMPONENTS is set and keeps the cores from hwloc; unset it");
	forget_hwloc(state);
	if (access("/sys/devices/system/cpu/cpu0/topology", F_OK)) {
		print_message(
			"a harmless HWLOC_COMPONENTS: skipped, because without /sys cores may be unknown\n");
		return;
	}
	setenv("HWLOC_COMPONENTS", "-opencl", 1); /* harmless */
	assert_int_equal(sim_host_read(&host, &why), 0);
	assert_null(host.misled);
}

static void test_an_xml_file_that_claims_to_be_this_machine_is_counted(void **state)
{
	char path[] = P_tmpdir "/skerry-host-XXXXXX";
	int file = mkstemp(path);
	(void)state;
	assert_true(file >= 0);
	close(file);
	hwloc_topology_t topology = load_synthetic("pack:16 core:32 pu:2");
	assert_int_equal(hwloc_topology_export_xml(topology, path, 0), 0);
	hwloc_topology_destroy(topology);
	setenv("HWLOC_XMLFILE", path, 1);
	expect_misled(
		"HWLOC_XMLFILE or another HWLOC variable names a machine that is not this one; unset it");
	setenv("HWLOC_THISSYSTEM", "1", 1);
	if (sysconf(_SC_NPROCESSORS_CONF) < 1024)
		expect_misled(
			"HWLOC_XMLFILE describes another number of CPUs than this machine has; unset it");
	unlink(path);
}

#define ON_TREE(test) cmocka_unit_test_setup_teardown(test, grow_tree, fell_tree)
#define ON_HOST(test) cmocka_unit_test_setup_teardown(test, forget_hwloc, forget_hwloc)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_synthetic_machine_has_its_cores_and_siblings),
		cmocka_unit_test(test_a_machine_without_cores_has_one_for_each_cpu),
		cmocka_unit_test(test_only_the_cpus_of_the_mask_count),
		cmocka_unit_test(test_a_mask_alone_gives_cores_of_their_own),
		cmocka_unit_test(test_nodes_that_interleave_are_put_in_order),
		cmocka_unit_test(test_more_cpus_than_a_host_holds_are_left_out),
		cmocka_unit_test(test_what_is_no_machine_is_refused),
		cmocka_unit_test(test_a_machine_comes_back_from_its_xml),
		cmocka_unit_test(test_a_core_for_each_thread_first_and_siblings_after),
		cmocka_unit_test(test_a_mask_leaves_the_cores_that_it_has),
		cmocka_unit_test(test_nodes_come_one_after_the_other),
		cmocka_unit_test(test_the_most_capable_cores_come_first),
		cmocka_unit_test(test_more_threads_than_cpus_are_refused),
		cmocka_unit_test(test_a_quota_counts_in_whole_cpus),
		cmocka_unit_test(test_a_long_list_of_cpus_is_cut),
		ON_TREE(test_nothing_mounted_limits_nothing),
		ON_TREE(test_the_tightest_group_above_counts),
		ON_TREE(test_a_quota_of_version_one_is_read),
		ON_TREE(test_both_versions_at_once_are_read),
		ON_TREE(test_a_container_finds_its_group_at_the_mount_point),
		ON_TREE(test_a_mount_of_another_group_does_not_count),
		ON_TREE(test_a_group_outside_of_the_namespace_is_not_guessed),
		ON_TREE(test_a_mount_point_with_a_space_is_found),
		ON_TREE(test_files_that_say_nonsense_limit_nothing),
		ON_TREE(test_a_long_path_keeps_its_end),
		ON_HOST(test_this_machine_has_the_cpus_of_the_mask),
		ON_HOST(test_a_pinned_thread_stays_where_it_was_put),
		ON_HOST(test_memory_stays_usable_whether_it_can_be_bound_or_not),
		ON_HOST(test_another_machine_is_never_taken_for_this_one),
		ON_HOST(test_an_xml_file_that_claims_to_be_this_machine_is_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
