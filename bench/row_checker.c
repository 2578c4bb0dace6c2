/* What a search costs: German's cache-coherence protocol, data domain 2, by skerry's checker and by others'.
 *
 *   checker/german_4            ours, four caches, every state, on all processors; an operation is a state
 *   checker/german_4_one        on one processor, as the others
 *   checker/german_4_spin       Spin 6, one process, a d_step a rule; cc -O3 -march=native -DSAFETY -DNOREDUCE -DNOFAIR
 *                               -DNOBOUNDCHECK -DMEMLIM=16000; pan -m1000000 -w24: its fastest exhaustive build. It counts one
 *                               transition more, the initial one
 *   checker/german_4_collapse   and -DCOLLAPSE
 *   checker/german_4_rumur      rumur --deadlock-detection off --symmetry-reduction off --threads 1; cc -O3 -march=native
 *   checker/german_6            ours with symmetry, six caches
 *   checker/german_6_rumur      rumur --deadlock-detection off --threads N, as many as ours; once, as it takes a minute or more
 *   checker/tree                capability/tree, three kernels, at most three capabilities; an operation is a transition
 *   checker/owner ...           the other protocols of the family, on one processor
 *
 * German's rows judge no quiescence, as the others do not; two thirds of the transitions are then counted and not made
 * (ssi/checker/checker_commute.c). What the others count is what we count.
 *
 * The others' programs are generated and compiled before they are timed. Not shown: what the others do with 128 MB of table
 * (Spin's -w24) that they do not fill. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "bench/bench.h"
#include "ssi/checker/checker.h"
#include "ssi/protocols/protocols.h"

extern const struct step_protocol german; /* of the tests, which compile it too: see bench/meson.build */

/* ---- ours ---- */

struct ours {
	const struct step_protocol *protocol;
	struct checker_options options;
	bool by_transition;
};
struct our_subject {
	const struct ours *what;
	struct checker_result last;
	bool bad;
	uint64_t sum;
};

static void *our_setup(const struct bench_row *row)
{
	struct our_subject *s = calloc(1, sizeof *s);
	if (s)
		s->what = row->parameter;
	return s;
}

static uint64_t our_run(void *self)
{
	struct our_subject *s = self;
	s->bad |= checker_run(s->what->protocol, &s->what->options, &s->last) != 0;
	s->bad |= s->last.end != CHECKER_CLOSED;
	s->sum += s->last.states;
	checker_result_fini(&s->last);
	return s->what->by_transition ? s->last.transitions : s->last.states;
}

static const char *our_fault(void *self)
{
	return ((struct our_subject *)self)->bad ? "the search did not close" : NULL;
}

static uint64_t our_checksum(void *self) { return ((struct our_subject *)self)->sum; }

static unsigned our_counters(void *self, struct bench_counter *counter)
{
	const struct checker_result *r = &((struct our_subject *)self)->last;
	counter[0] = (struct bench_counter){"states", (double)r->states};
	counter[1] = (struct bench_counter){"transitions", (double)r->transitions};
	counter[2] = (struct bench_counter){"bytes_a_state", (double)r->bytes / (double)r->states};
	counter[3] = (struct bench_counter){"threads", r->threads};
	return 4;
}

/* ---- others ---- */

struct peer {
	const char *tool, *build, *run, *found; /* what comes after the number of states in the output */
	uint32_t caches;
	bool murphi, symmetry, once;
};
struct peer_subject {
	const struct peer *peer;
	char folder[64];
	uint64_t states, sum;
	double ns;
};

static bool is_there(const char *tool)
{
	char line[128];
	snprintf(line, sizeof line, "command -v %s >/dev/null 2>&1 && command -v cc >/dev/null 2>&1", tool);
	return system(line) == 0;
}

static const char *peer_skip(const struct bench_row *row)
{
	const struct peer *p = row->parameter;
	if (p->once && !getenv("SKERRY_BENCH_LONG"))
		return "it takes a minute or more; SKERRY_BENCH_LONG=1 runs it";
	if (is_there(p->tool))
		return NULL;
	return p->murphi ? "rumur or cc is not installed" : "spin or cc is not installed";
}

/* Each line with the number of a cache in the place of '#'. */
static void each(FILE *f, uint32_t caches, const char *text)
{
	for (uint32_t i = 0; i < caches; i++)
		for (const char *c = text; *c; c++) {
			if (*c == '#')
				fprintf(f, "%u", i);
			else
				fputc(*c, f);
		}
}

static void write_promela(FILE *f, uint32_t caches)
{
	fprintf(f,
		"byte st[%u], dat[%u], c1[%u], c2[%u], c2d[%u], c3[%u], c3d[%u];\n"
		"bit inv[%u], shr[%u], excl; byte cmd, asker, mem = 1, last = 1;\n"
		"active proctype german() { do\n",
		caches, caches, caches, caches, caches, caches, caches, caches, caches);
	for (uint32_t i = 0; i < caches; i++) {
		for (uint32_t request = 1; request <= 2; request++) {
			fprintf(f, ":: d_step { cmd==0 && c1[%u]==%u -> cmd=%u; asker=%u; c1[%u]=0;", i,
				request, request, i + 1, i);
			each(f, caches, " inv[#]=shr[#];");
			fprintf(f, " }\n");
		}
		fprintf(f,
			":: d_step { cmd==1 && asker==%u && c2[%u]==0 && !excl -> c2[%u]=2; c2d[%u]=mem; "
			"shr[%u]=1; cmd=0; "
			"asker=0 }\n:: d_step { cmd==2 && asker==%u && c2[%u]==0 && !excl",
			i + 1, i, i, i, i, i + 1, i);
		each(f, caches, " && !shr[#]");
		fprintf(f, " -> c2[%u]=3; c2d[%u]=mem; shr[%u]=1; excl=1; cmd=0; asker=0 }\n", i, i, i);
	}
	each(f, caches,
	     ":: d_step { st[#]==2 -> dat[#]=1; last=1 }\n:: d_step { st[#]==2 -> dat[#]=2; last=2 }\n"
	     ":: d_step { c1[#]==0 && st[#]==0 -> c1[#]=1 }\n:: d_step { c1[#]==0 && st[#]!=2 -> c1[#]=2 }\n"
	     ":: d_step { c2[#]==0 && inv[#] && (cmd==2 || (cmd==1 && excl)) -> c2[#]=1; inv[#]=0 }\n"
	     ":: d_step { c2[#]==1 && c3[#]==0 -> c2[#]=0; c3[#]=1; if :: st[#]==2 -> c3d[#]=dat[#] :: else "
	     "fi; st[#]=0; "
	     "dat[#]=0 }\n"
	     ":: d_step { c3[#]==1 && cmd!=0 -> c3[#]=0; shr[#]=0; if :: excl -> excl=0; mem=c3d[#]; "
	     "c3d[#]=0 :: else fi }\n"
	     ":: d_step { c2[#]==2 -> st[#]=1; dat[#]=c2d[#]; c2[#]=0; c2d[#]=0 }\n"
	     ":: d_step { c2[#]==3 -> st[#]=2; dat[#]=c2d[#]; c2[#]=0; c2d[#]=0 }\n");
	fprintf(f, "od }\n");
}

static void write_murphi(FILE *f, uint32_t caches, bool symmetry)
{
	fprintf(f,
		"type cache_t: %s%u%s; value_t: 1..2;\n"
		"  cmd_t: enum { None, ReqS, ReqE, Inv, InvAck, GntS, GntE }; state_t: enum { I, S, E };\n"
		"  line_t: record state: state_t; data: value_t; end; msg_t: record cmd: cmd_t; data: "
		"value_t; end;\n"
		"var line: array [cache_t] of line_t; c1, c2, c3: array [cache_t] of msg_t;\n"
		"  inv, shr: array [cache_t] of boolean; exclusive: boolean; cmd: cmd_t; asker: cache_t; "
		"memory, last: value_t;\n",
		symmetry ? "scalarset(" : "1..", caches, symmetry ? ")" : "");
	fputs("startstate begin undefine line; undefine c1; undefine c2; undefine c3;\n"
	      "  for i: cache_t do c1[i].cmd := None; c2[i].cmd := None; c3[i].cmd := None; line[i].state := "
	      "I;\n"
	      "    inv[i] := false; shr[i] := false; end;\n"
	      "  exclusive := false; cmd := None; undefine asker; memory := 1; last := 1; end;\n"
	      "ruleset i: cache_t; d: value_t do rule line[i].state = E ==> begin line[i].data := d; last := "
	      "d; end; end;\n"
	      "ruleset i: cache_t do\n"
	      "rule c1[i].cmd = None & line[i].state = I ==> begin c1[i].cmd := ReqS; end;\n"
	      "rule c1[i].cmd = None & line[i].state != E ==> begin c1[i].cmd := ReqE; end;\n"
	      "rule cmd = None & c1[i].cmd = ReqS ==> begin cmd := ReqS; asker := i; c1[i].cmd := None;\n"
	      "  for j: cache_t do inv[j] := shr[j]; end; end;\n"
	      "rule cmd = None & c1[i].cmd = ReqE ==> begin cmd := ReqE; asker := i; c1[i].cmd := None;\n"
	      "  for j: cache_t do inv[j] := shr[j]; end; end;\n"
	      "rule c2[i].cmd = None & inv[i] & (cmd = ReqE | (cmd = ReqS & exclusive)) ==> begin\n"
	      "  c2[i].cmd := Inv; inv[i] := false; end;\n"
	      "rule c2[i].cmd = Inv & c3[i].cmd = None ==> begin c2[i].cmd := None; c3[i].cmd := InvAck;\n"
	      "  if line[i].state = E then c3[i].data := line[i].data; end; line[i].state := I; undefine "
	      "line[i].data; end;\n"
	      "rule c3[i].cmd = InvAck & cmd != None ==> begin c3[i].cmd := None; shr[i] := false;\n"
	      "  if exclusive then exclusive := false; memory := c3[i].data; undefine c3[i].data; end; end;\n"
	      "rule cmd = ReqS & asker = i & c2[i].cmd = None & !exclusive ==> begin c2[i].cmd := GntS;\n"
	      "  c2[i].data := memory; shr[i] := true; cmd := None; undefine asker; end;\n"
	      "rule cmd = ReqE & asker = i & c2[i].cmd = None & !exclusive & forall j: cache_t do !shr[j] "
	      "end ==> begin\n"
	      "  c2[i].cmd := GntE; c2[i].data := memory; shr[i] := true; exclusive := true; cmd := None; "
	      "undefine asker; end;\n"
	      "rule c2[i].cmd = GntS ==> begin line[i].state := S; line[i].data := c2[i].data; c2[i].cmd := "
	      "None;\n"
	      "  undefine c2[i].data; end;\n"
	      "rule c2[i].cmd = GntE ==> begin line[i].state := E; line[i].data := c2[i].data; c2[i].cmd := "
	      "None;\n"
	      "  undefine c2[i].data; end;\n"
	      "end;\n",
	      f);
}

static void *peer_setup(const struct bench_row *row)
{
	struct peer_subject *s = calloc(1, sizeof *s);
	char line[512];
	if (!s)
		return NULL;
	s->peer = row->parameter;
	snprintf(s->folder, sizeof s->folder, P_tmpdir "/skerry-bench-XXXXXX");
	if (!mkdtemp(s->folder)) {
		free(s);
		return NULL;
	}
	snprintf(line, sizeof line, "%s/model", s->folder);
	FILE *f = fopen(line, "w");
	if (f && s->peer->murphi)
		write_murphi(f, s->peer->caches, s->peer->symmetry);
	else if (f)
		write_promela(f, s->peer->caches);
	if (f)
		fclose(f);
	snprintf(line, sizeof line, "cd %s && (%s) >/dev/null 2>&1", s->folder, s->peer->build);
	if (!f || system(line) != 0)
		fprintf(stderr, "skerry-bench: %s: its program cannot be built\n", row->name);
	return s;
}

/* The number before what is looked for, the last time it comes. */
static uint64_t number_before(const char *text, const char *found)
{
	const char *at = NULL, *next = text;
	while ((next = strstr(next, found)))
		at = next++;
	while (at && at > text && at[-1] == ' ')
		at--;
	while (at && at > text && at[-1] >= '0' && at[-1] <= '9')
		at--;
	return at ? strtoull(at, NULL, 10) : 0;
}

static uint64_t peer_run(void *self)
{
	struct peer_subject *s = self;
	static char text[1 << 16];
	char line[256];
	struct timespec a, b;
	if (s->peer->once && s->states) {
		s->sum += s->states;
		return s->states;
	}
	snprintf(line, sizeof line, "cd %s && %s 2>&1 | tail -n 40", s->folder, s->peer->run);
	clock_gettime(CLOCK_MONOTONIC, &a);
	FILE *f = popen(line, "r");
	const size_t length = f ? fread(text, 1, sizeof text - 1, f) : 0;
	if (f)
		pclose(f);
	clock_gettime(CLOCK_MONOTONIC, &b);
	text[length] = '\0';
	s->ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
	s->states = number_before(text, s->peer->found);
	s->sum += s->states;
	return s->states ? s->states : 1;
}

static double peer_ns(void *self) { return ((struct peer_subject *)self)->ns; }
static uint64_t peer_checksum(void *self) { return ((struct peer_subject *)self)->sum; }
static const char *peer_fault(void *self)
{
	return ((struct peer_subject *)self)->states ? NULL : "it gave no number of states";
}

static void peer_teardown(void *self)
{
	struct peer_subject *s = self;
	char line[128];
	snprintf(line, sizeof line, "rm -rf %s", s->folder);
	if (system(line) != 0)
		fprintf(stderr, "skerry-bench: %s is left behind\n", s->folder);
	free(s);
}

/* ---- rows ---- */

#define SPIN(flags)                                                                                          \
	"spin -a model && cc -O3 -march=native -DSAFETY -DNOREDUCE -DNOFAIR -DNOBOUNDCHECK "                 \
	"-DMEMLIM=16000 " flags " -o pan pan.c"
#define RUMUR(flags)                                                                                         \
	"rumur model --output pan.c --deadlock-detection off " flags                                         \
	" && cc -O3 -march=native -o pan pan.c -lpthread"

static const struct ours german_4 = {
	&german, {.kernels = 5, .no_symmetry = true, .no_quiescence = true}, false};
static const struct ours german_4_one = {
	&german, {.kernels = 5, .no_symmetry = true, .no_quiescence = true, .threads = 1}, false};
static const struct ours german_6 = {&german, {.kernels = 7, .no_quiescence = true}, false};
static const struct ours tree_3 = {&capability_tree, {.kernels = 3, .capabilities = 3}, true};
#define FAMILY(name)                                                                                         \
	static const struct ours name##_3 = {                                                                \
		&capability_##name, {.kernels = 3, .capabilities = 3, .threads = 1}, true}
FAMILY(owner);
FAMILY(central);
FAMILY(captp);
FAMILY(crypto);
static const struct peer spin_4 = {.tool = "spin",
				   .build = SPIN(""),
				   .run = "./pan -m1000000 -w24",
				   .found = "states, stored",
				   .caches = 4};
static const struct peer collapse_4 = {.tool = "spin",
				       .build = SPIN("-DCOLLAPSE"),
				       .run = "./pan -m1000000 -w24",
				       .found = "states, stored",
				       .caches = 4};
static const struct peer rumur_4 = {.tool = "rumur",
				    .build = RUMUR("--symmetry-reduction off --threads 1"),
				    .run = "./pan",
				    .found = "states,",
				    .caches = 4,
				    .murphi = true};
static const struct peer rumur_6 = {.tool = "rumur",
				    .build = RUMUR("--threads 0"),
				    .run = "./pan",
				    .found = "states,",
				    .caches = 6,
				    .murphi = true,
				    .symmetry = true,
				    .once = true};

#define OURS(name_, what, work_)                                                                             \
	.name = name_, .work = work_, .parameter = &what, .setup = our_setup, .run = our_run,                \
	.fault = our_fault, .checksum = our_checksum, .counters = our_counters, .teardown = free
#define PEER(name_, what, work_, slow_)                                                                      \
	{                                                                                                    \
		.name = name_, .slow = slow_, .work = work_, .parameter = &what, .skip = peer_skip,          \
		.setup = peer_setup, .run = peer_run, .batch_ns = peer_ns, .fault = peer_fault,              \
		.checksum = peer_checksum, .teardown = peer_teardown                                         \
	}

const struct bench_row bench_checker_rows[] = {
	{OURS("checker/german_4", german_4, "german_4"),
	 .against = {{.counter = "vs_spin", .row = "checker/german_4_spin", .goal_min = 1.2},
		     {.counter = "vs_collapse", .row = "checker/german_4_collapse", .goal_min = 2},
		     {.counter = "vs_rumur", .row = "checker/german_4_rumur", .goal_min = 6}}},
	{OURS("checker/german_4_one", german_4_one, "german_4"),
	 .against = {{.counter = "vs_spin", .row = "checker/german_4_spin", .goal_min = 1.2},
		     {.counter = "vs_collapse", .row = "checker/german_4_collapse", .goal_min = 2},
		     {.counter = "vs_rumur", .row = "checker/german_4_rumur", .goal_min = 6}}},
	PEER("checker/german_4_spin", spin_4, "german_4", false),
	PEER("checker/german_4_collapse", collapse_4, "german_4", true),
	PEER("checker/german_4_rumur", rumur_4, "german_4", true),
	{OURS("checker/german_6", german_6, "german_6"), .slow = true,
	 .against = {{.counter = "vs_rumur", .row = "checker/german_6_rumur", .goal_min = 25}}},
	PEER("checker/german_6_rumur", rumur_6, "german_6", true),
	{OURS("checker/tree", tree_3, NULL)},
	{OURS("checker/owner", owner_3, NULL), .slow = true},
	{OURS("checker/central", central_3, NULL), .slow = true},
	{OURS("checker/captp", captp_3, NULL), .slow = true},
	{OURS("checker/crypto", crypto_3, NULL), .slow = true},
	{.name = NULL},
};
