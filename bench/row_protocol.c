/* Operations on capabilities with each protocol, natively (two clusters on two threads, real rings) and in virtual time
 * (1,000 cycles from end to end at 2 GHz).
 *
 *   protocol/NAME/obtain            of a capability of the other cluster, whose client has offered it
 *   protocol/NAME/delegate          to a client of the other cluster
 *   protocol/NAME/revoke_leaf       with one capability to revoke, on the other cluster
 *   protocol/NAME/revoke_tree_100   with a hundred, all on the other cluster
 *   protocol/NAME/send_local        to a client of the same cluster: the protocol's copy
 *   protocol_virtual/NAME/...       the same in virtual time
 *
 * A row is a scenario of one chain or tree that is made and revoked again and again, one operation at a time. What is
 * reported is the median latency of the protocol's operation in a batch, the client's call and its reply apart; in
 * virtual time it is model time, the same in every round. An operation ends when its client is told; what a protocol does
 * later is not in it: its counted references come back (captp), or those who hold what was revoked learn it when they use
 * it (captp, crypto). Contention is not shown: nothing else runs. */
#include <stdio.h>
#include <stdlib.h>
#include "bench/bench.h"
#include <skerry/capability.h>
#include "sim/check.h"
#include "ssi/protocols/protocols.h"
#include "workloads/run.h"

struct parameter {
	const char *protocol;
	const struct step_protocol *table;
	bool native;
	enum capability_call call;
	enum flat_op op; /* under which the call is counted */
	const char *machine, *clients;
};

struct subject {
	const struct parameter *parameter;
	struct scenario *scenario;
	struct run *run;
	struct run_result result;
	double batch_ns, messages;
};

static void refuse(const char *text)
{
	fprintf(stderr, "skerry-bench: protocol: %s\n", text);
	abort();
}

static const char *skip(const struct bench_row *row)
{
	const struct parameter *p = row->parameter;
	return flat_has_call(p->table, p->call) ? NULL : "the protocol has no such operation";
}

static void *setup(const struct bench_row *row)
{
	struct subject *s = calloc(1, sizeof *s);
	char text[512];
	struct scenario_error error;
	if (!s)
		return NULL;
	s->parameter = row->parameter;
	const int length = snprintf(text, sizeof text,
				    "name: bench\nengine: %s\nmachine: {%s}\nprotocols: {capability: %s}\n"
				    "native: {oversubscribe: true}\nclients:\n  - %s\n",
				    s->parameter->native ? "native" : "window", s->parameter->machine,
				    s->parameter->protocol, s->parameter->clients);
	if (scenario_parse(&s->scenario, "bench", text, (size_t)length, NULL, 0, &error))
		refuse(error.text);
	return s;
}

static void prepare(void *self)
{
	struct subject *s = self;
	const struct run_options options = {0};
	struct scenario_error error;
	run_free(s->run);
	s->run = NULL;
	if (run_new(&s->run, s->scenario, &options, &error))
		refuse(error.text);
}

static uint64_t run(void *self)
{
	struct subject *s = self;
	run_go(s->run, &s->result);
	if (s->result.end != RUN_ENDED || s->result.failures)
		refuse(s->result.end == RUN_ENDED ? "a check failed" : s->result.end_text);
	const struct flat_op_stats *op = &s->result.stats->op[s->parameter->op];
	const uint64_t count = op->latency_ps.count;
	SIM_CHECK(count != 0);
	s->batch_ns = (double)sim_histogram_at(&op->latency_ps, 500000) / 1000 * (double)count;
	s->messages = (double)op->messages / (double)count;
	return count;
}

static double batch_ns(void *self) { return ((struct subject *)self)->batch_ns; }

static unsigned counters(void *self, struct bench_counter *out)
{
	out[0] = (struct bench_counter){"messages", ((struct subject *)self)->messages};
	return 1;
}

static void teardown(void *self)
{
	struct subject *s = self;
	run_free(s->run);
	scenario_free(s->scenario);
	free(s);
}

#define PAIR  "clusters: 2"
#define ALONE "clusters: 1"
#define ROW(kind, is_native, p, name_, call_, machine_, clients_)                                            \
	{                                                                                                    \
		.name = kind "/" #p "/" name_,                                                               \
		.parameter = &(const struct parameter){.protocol = #p,                                       \
						       .table = &capability_##p,                             \
						       .native = is_native,                                  \
						       .call = CAPABILITY_##call_,                           \
						       .op = FLAT_##call_,                                   \
						       .machine = machine_,                                  \
						       .clients = clients_},                                 \
		.skip = skip, .setup = setup, .prepare = prepare, .run = run, .batch_ns = batch_ns,          \
		.counters = counters, .teardown = teardown                                                   \
	}
#define ROWS(kind, is_native, p)                                                                             \
	ROW(kind, is_native, p, "obtain", OBTAIN, PAIR, "{trees: {children: 1, rounds: 400, by: obtain}}"),  \
		ROW(kind, is_native, p, "delegate", DELEGATE, PAIR, "{chains: {length: 1, rounds: 400}}"),   \
		ROW(kind, is_native, p, "revoke_leaf", REVOKE, PAIR, "{chains: {length: 1, rounds: 400}}"),  \
		ROW(kind, is_native, p, "revoke_tree_100", REVOKE, PAIR,                                     \
		    "{trees: {children: 100, rounds: 20}}"),                                                 \
		ROW(kind, is_native, p, "send_local", COPY, ALONE,                                           \
		    "{chains: {length: 1, rounds: 400}, copies: 2}")
#define PROTOCOL(p) ROWS("protocol", true, p), ROWS("protocol_virtual", false, p)

const struct bench_row bench_protocol_rows[] = {PROTOCOL(tree),   PROTOCOL(owner),   PROTOCOL(captp),
						PROTOCOL(crypto), PROTOCOL(central), {.name = NULL}};
