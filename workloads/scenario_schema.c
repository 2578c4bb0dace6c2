#include "workloads/scenario_schema.h"
#include "kernelmodel/cost.h"
#include "sim/host.h"

#define CYCLES_MAX   UINT64_C(1000000000000)
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TABLE(rows, type)                                                                                    \
	{                                                                                                    \
		.fields = rows, .fields_count = COUNT(rows), .bytes = sizeof(type)                           \
	}

const char *const scenario_engine_names[] = {"window", "heap", "native", NULL};
const char *const scenario_fidelity_names[] = {"flat", "full", NULL};
const char *const scenario_order_names[] = {"concurrent", "serial", NULL};
const char *const scenario_tree_names[] = {"private", "shared", NULL};
const char *const scenario_workload_names[] = {"trace", "stamps",  "operations", "chains",
					       "trees", "program", "journeys",   NULL};
const char *const scenario_operation_names[] = {"send", "offer",       "obtain",      "copy",        "mint",
						"move", "delete",      "revoke",      "retype",      "query",
						"use",  "thread_move", "thread_call", "thread_kill", NULL};
const char *const scenario_by_names[] = {"send", "obtain", NULL};
const char *const scenario_mover_names[] = {"itself", "another", NULL};
_Static_assert(COUNT(scenario_workload_names) == SCENARIO_WORKLOADS + 1, "a name each");
_Static_assert(COUNT(scenario_operation_names) == SCENARIO_OPERATION_KINDS + 1, "a name each");
_Static_assert(SIM_ENGINE_WINDOW == 0 && SIM_ENGINE_HEAP == 1 && SIM_ENGINE_NATIVE == 2,
	       "the order of the names");
_Static_assert(SCENARIO_SERIAL == 1, "the order of the names");
_Static_assert(SCENARIO_PRIVATE == 0 && SCENARIO_SHARED == 1, "the order of the names");

/* clang-format off */
#define QUANTITY(word, type, member, class, least, most) \
	.key = word, .kind = SIM_CONFIG_QUANTITY, .unit = SIM_UNIT_##class, \
	.offset = offsetof(struct type, member), .min = least, .max = most
#define TEXT(word, type, member, class, least, most) \
	.key = word, .kind = SIM_CONFIG_##class, .offset = offsetof(struct type, member), \
	.min = least, .max = most
#define CHOICE(word, type, member, names) \
	.key = word, .kind = SIM_CONFIG_CHOICE, .offset = offsetof(struct type, member), .choices = names
#define INNER(word, type, member, inner) \
	.key = word, .kind = SIM_CONFIG_TABLE, .offset = offsetof(struct type, member), .table = &inner
#define ENTRIES(word, what, type, member, most) \
	.key = word, .kind = SIM_CONFIG_##what, .offset = offsetof(struct type, member), \
	.count_offset = offsetof(struct type, member##_count), .max = most

static const struct sim_config_field link_fields[] = {
	{QUANTITY("send", raw_link, send, CYCLES, 0, CYCLES_MAX), .otherwise = "the preset's",
	 .help = "The sender's core is busy for this long with each message."},
	{QUANTITY("wire", raw_link, wire, CYCLES, 1, CYCLES_MAX), .otherwise = "the preset's",
	 .help = "A message travels for this long while both cores are free. On a mesh hops come on top."},
	{QUANTITY("receive", raw_link, receive, CYCLES, 0, CYCLES_MAX), .otherwise = "the preset's",
	 .help = "The receiver's core is busy for this long with each message."},
	{QUANTITY("gap", raw_link, gap, CYCLES, 0, CYCLES_MAX), .otherwise = "the preset's",
	 .help = "The least distance between two sends of one port."},
	{QUANTITY("bandwidth", raw_link, bandwidth, RATE, 1, 1000000000), .otherwise = "the preset's",
	 .help = "Bulk data takes bytes / bandwidth more on the wire; `unlimited` for no time at all."},
	{QUANTITY("credit", raw_link, credit, NONE, 1, 65536), .otherwise = "whatever is sent",
	 .help = "Messages that a link holds each way until its receiver has taken them; what is sent beyond that waits, and "
		 "calls of clients with it. Natively `native.slots` says it."},
	{QUANTITY("jitter", raw_link, jitter, CYCLES, 0, CYCLES_MAX), .fallback = "0 cycles",
	 .help = "The wire from a cluster to another takes up to so much longer, always the same, drawn from `seed`: another "
		 "order of messages. In virtual time."},
};
static const struct sim_config_table link_table = TABLE(link_fields, struct raw_link);

static const struct sim_config_field slow_fields[] = {
	{QUANTITY("cluster", raw_slow, cluster, NONE, 0, SIM_CLUSTERS_MAX - 1), .fallback = "0", .help = "Which."},
	{QUANTITY("wire", raw_slow, wire, CYCLES, 0, CYCLES_MAX), .fallback = "0 cycles",
	 .help = "All its wires, both ways, take so much longer. In virtual time."},
};
static const struct sim_config_table slow_table = TABLE(slow_fields, struct raw_slow);

static const struct sim_config_field machine_fields[] = {
	{TEXT("preset", raw_machine, preset, TEXT, 1, 4096), .fallback = "seed-1000-cycles",
	 .help = "A machine with a source for its numbers; the other keys change it: `seed-1000-cycles`, "
		 "`xeon-e5-2670v2`, `opteron-8x4`, `scc-mesh`, `host`, or a file of `skerry calibrate` beside the "
		 "scenario or in the current folder, whose costs then hold as well unless `cost.profile` is given."},
	{QUANTITY("clusters", raw_machine, clusters, NONE, 1, SIM_CLUSTERS_MAX), .otherwise = "the preset's",
	 .help = "Kernels, each with its own core."},
	{QUANTITY("clock", raw_machine, clock, FREQUENCY, 1000000, 100000000000), .otherwise = "the preset's",
	 .help = "Of every core. Costs and links keep their cycles."},
	{INNER("link", raw_machine, link, link_table), .otherwise = "the preset's",
	 .help = "Each key changes every link of the machine."},
	{INNER("slow", raw_machine, slow, slow_table), .otherwise = "as below", .help = "A cluster that is far away."},
};
static const struct sim_config_table machine_table = TABLE(machine_fields, struct raw_machine);

#define COST(word, kind, text) \
	{QUANTITY(word, raw_cost, cycles[kind], CYCLES, 0, CYCLES_MAX), .otherwise = "the profile's", \
	 .help = text}
static const struct sim_config_field cost_fields[] = {
	{CHOICE("profile", raw_cost, profile, sim_cost_profile_names), .fallback = "sel4-skylake",
	 .otherwise = "`sel4-skylake`, or the calibrated preset's",
	 .help = "A kernel with a source for its figures; the other keys change it."},
	{CHOICE("kernel", raw_cost, kernel, km_cost_profile_names), .fallback = "sel4-skylake-mcs",
	 .help = "With `fidelity: full`: what each unit of a kernel's work costs; the keys `call` to `unmap` then mean "
		 "nothing."},
	COST("call", SIM_COST_CALL, "A client's IPC call into its monitor."),
	COST("reply", SIM_COST_REPLY, "The monitor's reply and next receive."),
	COST("null", SIM_COST_NULL, "A system call that never leaves the client's own kernel."),
	COST("signal", SIM_COST_SIGNAL, "A notification: the doorbell."),
	COST("cap_create", SIM_COST_CAP_CREATE, "Making a capability in a client's CSpace."),
	COST("cap_delete", SIM_COST_CAP_DELETE, "Deleting it."),
	COST("map", SIM_COST_MAP, "Mapping one page into a client."),
	COST("unmap", SIM_COST_UNMAP, "Unmapping one page and invalidating its TLB entry."),
	COST("fault", SIM_COST_FAULT, "A fault's round trip."),
	COST("step", SIM_COST_STEP, "One cell of a protocol's table."),
	COST("translate", SIM_COST_TRANSLATE, "From a global id to a local slot."),
	COST("name", SIM_COST_NAME, "One component of a path, looked up by the file service."),
	COST("copy_kib", SIM_COST_COPY_KIB, "Copying 1 KiB between a client and the page cache."),
	COST("client", SIM_COST_CLIENT,
	     "A client's own code between two calls, on the monitor's core; 0: clients have cores of their own."),
};
_Static_assert(COUNT(cost_fields) == SIM_COST_KINDS + 2, "one key a cost, and the two profiles");
static const struct sim_config_table cost_table = TABLE(cost_fields, struct raw_cost);

static const struct sim_config_field protocols_fields[] = {
	{TEXT("capability", raw_scenario, capability, TEXT, 1, 4096), .fallback = "tree",
	 .help = "How capabilities cross clusters; `skerry list` shows the protocols. Or the path of a shared object, "
		 "e.g. `./lease.so`, beside the scenario or in the current folder."},
	{TEXT("memory", raw_scenario, memory, NAME, 1, 64), .fallback = "msi",
	 .help = "How pages are kept coherent."},
	{TEXT("thread", raw_scenario, thread, TEXT, 1, 4096), .fallback = "none",
	 .help = "How clients move to other clusters, as threads: `eager`, or `none`: they stay where they are."},
	{QUANTITY("thread_room", raw_scenario, thread_room, NONE, 0, 4096), .fallback = "4",
	 .help = "With `thread`: places that each cluster has for threads of others; a move to one that has none left is "
		 "refused."},
	{QUANTITY("timer", raw_scenario, timer, DURATION, 1, 10000 * SIM_PS_PER_S),
	 .otherwise = "as long as a fault takes, natively 2us",
	 .help = "What a protocol's timer waits: before a refused request is sent again, say, or until a lease ends."},
};
static const struct sim_config_table protocols_table = TABLE(protocols_fields, struct raw_scenario);

static const struct sim_config_field service_fields[] = {
	{QUANTITY("cluster", raw_scenario, service_cluster, NONE, 0, SIM_CLUSTERS_MAX - 1), .fallback = "0",
	 .help = "Where the file service runs."},
	{QUANTITY("cache_pages", raw_scenario, cache_pages, NONE, 1, 1 << 24), .fallback = "16384",
	 .help = "Pages that a cluster caches."},
};
static const struct sim_config_table service_table = TABLE(service_fields, struct raw_scenario);

static const struct sim_config_field native_fields[] = {
	{QUANTITY("latency", raw_native, latency, DURATION, 0, SIM_PS_PER_S), .fallback = "0ns",
	 .help = "Added to every message: it stays invisible to its receiver for so long."},
	{QUANTITY("threads", raw_native, threads, NONE, 1, SIM_HOST_CPUS_MAX),
	 .otherwise = "one a cluster, at most one a CPU", .help = "Threads that share the clusters."},
	{QUANTITY("slots", raw_native, slots, NONE, 8, 65536),
	 .otherwise = "1024, with more than 8 clusters 256", .help = "Frames that a ring holds; a power of two."},
	{.key = "oversubscribe", .kind = SIM_CONFIG_BOOL, .offset = offsetof(struct raw_native, oversubscribe),
	 .fallback = "false",
	 .help = "Allow more clusters than there are CPUs; latencies are then not those of hardware."},
	{.key = "lines", .kind = SIM_CONFIG_BOOL, .offset = offsetof(struct raw_native, lines), .fallback = "true",
	 .help = "Requests and their replies share a cache line; without it all goes by rings."},
};
static const struct sim_config_table native_table = TABLE(native_fields, struct raw_native);

static const struct sim_config_field stamps_fields[] = {
	{QUANTITY("pages", raw_stamps, pages, NONE, 1, 1 << 20), .fallback = "4",
	 .help = "Pages that all clients share."},
	{QUANTITY("operations", raw_stamps, operations, NONE, 1, 1000000000), .fallback = "200",
	 .help = "Reads and writes of each client."},
	{QUANTITY("writes", raw_stamps, writes, PERCENT, 0, 100), .fallback = "20%",
	 .help = "The share of writes."},
};
static const struct sim_config_table stamps_table = TABLE(stamps_fields, struct raw_stamps);

#define WEIGHT(word, kind, share, text) \
	{QUANTITY(word, raw_operations, weight[kind], NONE, 0, 1000000), .fallback = share, .help = text}
static const struct sim_config_field operations_fields[] = {
	{QUANTITY("count", raw_operations, count, NONE, 0, 1000000), .fallback = "200",
	 .help = "Operations of each client, besides making its objects and giving all back at the end."},
	{QUANTITY("objects", raw_operations, objects, NONE, 1, 1024), .fallback = "2",
	 .help = "Objects that each client makes first, of all kinds in turn."},
	{QUANTITY("holds", raw_operations, holds, NONE, 1, 1024), .fallback = "16",
	 .help = "Capabilities that a client keeps; what it gets beyond that it deletes."},
	WEIGHT("send", SCENARIO_SEND, "20", "How often, relative to the others: give another client one derived from mine."),
	WEIGHT("offer", SCENARIO_OFFER, "10", "Tell another client the name of mine, for it to obtain."),
	WEIGHT("obtain", SCENARIO_OBTAIN, "10", "Obtain what was offered."),
	WEIGHT("copy", SCENARIO_COPY, "5", "Copy one of mine."),
	WEIGHT("mint", SCENARIO_MINT, "5", "Copy one of mine with fewer rights and a badge."),
	WEIGHT("move", SCENARIO_MOVE, "5", "Give another client mine."),
	WEIGHT("delete", SCENARIO_DELETE, "10", "Delete one of mine."),
	WEIGHT("revoke", SCENARIO_REVOKE, "5", "Revoke all that was derived from one of mine."),
	WEIGHT("retype", SCENARIO_RETYPE, "5", "Make an object from memory of mine."),
	WEIGHT("query", SCENARIO_QUERY, "5", "Ask what one of mine is."),
	WEIGHT("use", SCENARIO_USE, "20", "Use one of mine."),
	WEIGHT("thread_move", SCENARIO_THREAD_MOVE, "0",
	       "Move a client of the run, which may be me, to another cluster. With `protocols.thread`."),
	WEIGHT("thread_call", SCENARIO_THREAD_CALL, "0", "Call a client by its name, and wait for its reply."),
	WEIGHT("thread_kill", SCENARIO_THREAD_KILL, "0", "Kill a client."),
};
static const struct sim_config_table operations_table = TABLE(operations_fields, struct raw_operations);

static const struct sim_config_field chains_fields[] = {
	{QUANTITY("length", raw_shape, size, NONE, 1, 4096), .fallback = "16",
	 .help = "Capabilities in the chain, each derived from the one before."},
	{QUANTITY("rounds", raw_shape, rounds, NONE, 1, 1000000), .fallback = "10",
	 .help = "How often it is made and revoked."},
};
static const struct sim_config_table chains_table = TABLE(chains_fields, struct raw_shape);

static const struct sim_config_field trees_fields[] = {
	{QUANTITY("children", raw_shape, size, NONE, 1, 65536), .fallback = "16",
	 .help = "Capabilities that are derived from the first."},
	{QUANTITY("rounds", raw_shape, rounds, NONE, 1, 1000000), .fallback = "10",
	 .help = "How often they are made and revoked."},
	{CHOICE("by", raw_shape, by, scenario_by_names), .fallback = "send",
	 .help = "Who derives: the first client sends, or it offers and the others obtain."},
};
static const struct sim_config_table trees_table = TABLE(trees_fields, struct raw_shape);

static const struct sim_config_field journeys_fields[] = {
	{QUANTITY("capabilities", raw_journey, capabilities, NONE, 0, 900), .fallback = "4",
	 .help = "Capabilities that the thread holds: endpoints that it has made."},
	{QUANTITY("moves", raw_journey, moves, NONE, 1, 1000000), .fallback = "20",
	 .help = "How often it moves: to the cluster of the next client of the entry, round and round."},
	{CHOICE("by", raw_journey, by, scenario_mover_names), .fallback = "itself",
	 .help = "Who asks for the moves: the thread, or the last client of the entry, to whose cluster it then never goes."},
};
static const struct sim_config_table journeys_table = TABLE(journeys_fields, struct raw_journey);

static const struct sim_config_field clients_fields[] = {
	{TEXT("trace", raw_clients, trace, TEXT, 1, 4096),
	 .help = "Replay this recording: a built-in name, or a file beside the scenario or in the current "
		 "folder. An entry has this, or `stamps`, `operations`, `chains`, `trees`, `program` or `journeys`."},
	{INNER("stamps", raw_clients, stamps, stamps_table), .otherwise = "none",
	 .help = "Read and write pages that all clients of the entry share."},
	{INNER("operations", raw_clients, operations, operations_table), .otherwise = "none",
	 .help = "Pass capabilities to other clients of the entry, at random, use them and revoke them."},
	{INNER("chains", raw_clients, chains, chains_table), .otherwise = "none",
	 .help = "The first client makes an object; each client sends a capability derived from its own to the next, "
		 "round and round; then the first revokes."},
	{INNER("trees", raw_clients, trees, trees_table), .otherwise = "none",
	 .help = "The first client makes an object, sends capabilities of it to all others in turn, and revokes them."},
	{INNER("journeys", raw_clients, journeys, journeys_table), .otherwise = "none",
	 .help = "The first client moves from cluster to cluster. With `protocols.thread`."},
	{TEXT("program", raw_clients, program, TEXT, 1, 4096),
	 .help = "Run this program of `skerry-cc`, beside the scenario or in the current folder, as a client of each cluster's "
		 "kernel, with `<skerry/ssi.h>`. With `fidelity: full`."},
	{TEXT("arguments", raw_clients, arguments, TEXT, 0, 4096), .fallback = "", .otherwise = "none",
	 .help = "Words for the program's `main()`, between blanks."},
	{QUANTITY("capabilities", raw_clients, capabilities, NONE, 1, 1000), .fallback = "256",
	 .help = "That a program has at the same time."},
	{TEXT("name", raw_clients, name, NAME, 1, 64), .otherwise = "the trace's name, the program's, or the workload's",
	 .help = "For reports."},
	{.key = "on", .kind = SIM_CONFIG_RANGE, .offset = offsetof(struct raw_clients, on), .fallback = "all",
	 .help = "The clusters with such clients; `others` is all but the service's."},
	{QUANTITY("copies", raw_clients, copies, NONE, 1, 65535), .fallback = "1",
	 .help = "Clients a cluster."},
	{QUANTITY("repeat", raw_clients, repeat, NONE, 1, 1000000), .fallback = "1",
	 .help = "Times each replays its trace."},
	{CHOICE("tree", raw_clients, tree, scenario_tree_names), .fallback = "private",
	 .help = "Each client replays in a tree of its own, or all of the entry in one (for traces that "
		 "write nothing)."},
	{QUANTITY("think", raw_clients, think, CYCLES, 0, CYCLES_MAX), .fallback = "1000 cycles",
	 .help = "Computing between two system calls."},
};
static const struct sim_config_table clients_table = TABLE(clients_fields, struct raw_clients);

static const struct sim_config_field kill_fields[] = {
	{QUANTITY("cluster", raw_place, cluster, NONE, 0, SIM_CLUSTERS_MAX - 1), .fallback = "0",
	 .help = "Whose client."},
	{QUANTITY("client", raw_place, client, NONE, 0, SCENARIO_ALL_CLIENTS_MAX), .fallback = "0",
	 .help = "Which client of that cluster, from 0."},
};
static const struct sim_config_table kill_table = TABLE(kill_fields, struct raw_place);

static const struct sim_config_field move_fields[] = {
	{QUANTITY("cluster", raw_move, place.cluster, NONE, 0, SIM_CLUSTERS_MAX - 1), .fallback = "0",
	 .help = "Whose client: of the cluster where it was made."},
	{QUANTITY("client", raw_move, place.client, NONE, 0, SCENARIO_ALL_CLIENTS_MAX), .fallback = "0",
	 .help = "Which client of that cluster, from 0."},
	{QUANTITY("to", raw_move, to, NONE, 0, SIM_CLUSTERS_MAX - 1), .fallback = "0", .help = "Where it goes."},
};
static const struct sim_config_table move_table = TABLE(move_fields, struct raw_move);

static const struct sim_config_field events_fields[] = {
	{QUANTITY("at", raw_event, at, DURATION, 0, 10000 * SIM_PS_PER_S), .otherwise = "must be given",
	 .help = "In virtual time from the start."},
	{TEXT("fs_revoke", raw_event, fs_revoke, TEXT, 1, 4096),
	 .help = "Revoke this absolute path in the tree of the client that `cluster` and `client` name."},
	{QUANTITY("cluster", raw_event, place.cluster, NONE, 0, SIM_CLUSTERS_MAX - 1), .fallback = "0",
	 .help = "With `fs_revoke`: whose client."},
	{QUANTITY("client", raw_event, place.client, NONE, 0, SCENARIO_ALL_CLIENTS_MAX), .fallback = "0",
	 .help = "With `fs_revoke`: which client of that cluster, from 0."},
	{INNER("kill", raw_event, kill, kill_table), .help = "Kill this client. Either this, `move` or `fs_revoke`."},
	{INNER("move", raw_event, move, move_table), .help = "Move this client, as a thread. With `protocols.thread`."},
};
static const struct sim_config_table events_table = TABLE(events_fields, struct raw_event);

static const struct sim_config_field scenario_fields[] = {
	{TEXT("name", raw_scenario, name, NAME, 1, 64), .otherwise = "the file's name",
	 .help = "For reports and folders."},
	{TEXT("about", raw_scenario, about, TEXT, 0, 240), .fallback = "", .otherwise = "empty",
	 .help = "One line: what the run shows."},
	{QUANTITY("seed", raw_scenario, seed, NONE, 0, INT64_MAX), .fallback = "1",
	 .help = "Of everything random in the run."},
	{CHOICE("engine", raw_scenario, engine, scenario_engine_names), .fallback = "window",
	 .help = "`window` and `heap` are virtual time and give the same digest (`heap` is the slow one that is "
		 "obviously right); `native` is real time, on threads of this host."},
	{CHOICE("fidelity", raw_scenario, fidelity, scenario_fidelity_names), .fallback = "flat",
	 .help = "`flat`: a kernel's work is a figure of the cost profile. `full`: each cluster boots a kernel, on which "
		 "its monitor and its clients run as user programs."},
	{CHOICE("order", raw_scenario, order, scenario_order_names), .fallback = "concurrent",
	 .help = "`serial`: one system call at a time in the whole machine, in a fixed order, so that what is sent does "
		 "not depend on what anything takes; the result then has a `protocol_trace`."},
	{INNER("machine", raw_scenario, machine, machine_table), .otherwise = "as below",
	 .help = "Clusters and links."},
	{INNER("cost", raw_scenario, cost, cost_table), .otherwise = "as below",
	 .help = "What the kernel's work takes."},
	{.key = "protocols", .kind = SIM_CONFIG_TABLE, .table = &protocols_table, .otherwise = "as below",
	 .help = "One a family."},
	{.key = "service", .kind = SIM_CONFIG_TABLE, .table = &service_table, .otherwise = "as below",
	 .help = "The file service."},
	{INNER("native", raw_scenario, native, native_table), .otherwise = "as below",
	 .help = "With `engine: native`: threads and channels."},
	{ENTRIES("clients", LIST, raw_scenario, clients, SCENARIO_CLIENTS_MAX), .table = &clients_table,
	 .otherwise = "must be given", .help = "What runs."},
	{ENTRIES("events", LIST, raw_scenario, events, SCENARIO_EVENTS_MAX), .table = &events_table,
	 .help = "What happens at a given time."},
	{ENTRIES("expect", PAIRS, raw_scenario, expect, SCENARIO_EXPECT_MAX),
	 .help = "What the result must be: `checks: pass`, `digest`, `model_version`, `events`, "
		 "`virtual_ns`, and "
		 "`operations.NAME.` with `count`, `p50`, `p99`, `max` or `messages_per_op`. A value alone "
		 "means equal, "
		 "`<= 20us` at most, `\">= 3\"` (in quotes) at least."},
};
/* clang-format on */
const struct sim_config_table scenario_schema = TABLE(scenario_fields, struct raw_scenario);
