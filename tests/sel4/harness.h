/* tests/sel4/harness.h - the conformance suite's cases, and the environment that each is given.
 *
 * The suite is a root task: a user program over <sel4/sel4.h> alone. A case is a function that gets an environment (a
 * part of the untyped memory of its own, slots, threads) and checks what the kernel does. After each case whatever it
 * made is revoked, and the harness looks that nothing is left.
 *
 * The *driver* is the root task's thread, which runs the case; *helpers* are threads that the case starts. The driver
 * never blocks for a helper: env_settle() lets all helpers run until they wait, by giving itself the lowest priority.
 * A helper above DRIVER_PRIORITY thus runs as soon as it is started, one below when the driver settles.
 *
 * Thread rule: cases run one after another; helpers of a case share memory with it. Layer: tests. */
#ifndef SKERRY_TESTS_SEL4_HARNESS_H
#define SKERRY_TESTS_SEL4_HARNESS_H
#include <stdint.h>
#include <sel4/sel4.h>
#include <skerry/user.h>

#ifndef BIT
#define BIT(n)  (UINT64_C(1) << (n))
#define MASK(n) (BIT(n) - 1)
#endif

/* ---- cases ---- */

enum {
	CASE_ONCE = 1,     /* does nothing that depends on the core: not repeated on another one */
	CASE_SPINS = 2,    /* has loops without system calls: needs a program built with block hooks */
	CASE_CORES = 4,    /* needs two cores */
	CASE_DEVICE = 8,   /* needs device memory */
	CASE_VIRTUAL = 16, /* counts time exactly: only in virtual time */
	CASE_TRAPS = 32    /* faults for the processor: valgrind does not tell how and where */
};
struct env;
struct test_case {
	const char *id, *name;
	unsigned flags;
	void (*run)(struct env *e);
	struct test_case *next;
};
void case_register(struct test_case *test);

/* CASE(CNODE0001, "what it states", flags) { ... } */
#define CASE(id_, name_, flags_)                                                                             \
	static void id_(struct env *e);                                                                      \
	static struct test_case case_##id_ = {#id_, name_, flags_, id_, 0};                                  \
	__attribute__((constructor)) static void register_##id_(void) { case_register(&case_##id_); }        \
	static void id_(struct env *e)

/* ---- threads ---- */

enum { THREADS_MAX = 24, STACK_SIZE = 32 * 1024, LOG_MAX = 256 };
enum { DRIVER_PRIORITY = 100, LOW = 50, HIGH = 150 };

typedef void thread_body(struct env *e, seL4_Word argument);
struct thread {
	seL4_CPtr tcb, sc, frame; /* sc 0: passive */
	seL4_CPtr self;   /* its TCB as it names it, by which it ends; in a CSpace of its own, elsewhere */
	seL4_Word buffer; /* its address; 0: none */
	thread_body *body;
	seL4_Word argument;
	unsigned char *stack;
	struct env *env;
	int ended; /* its body has returned */
};

/* ---- the environment ---- */

struct env {
	seL4_BootInfo *info;
	const struct test_case *test;
	unsigned core, cores; /* the core that the case runs on, of how many */
	seL4_CPtr untyped;    /* of 2^untyped_bits bytes; revoked after the case */
	unsigned untyped_bits;
	seL4_CPtr first, next, end; /* slots in the root task's CNode */
	seL4_Word next_address;     /* for mappings */
	struct thread thread[THREADS_MAX];
	unsigned threads;
	char log[LOG_MAX]; /* what helpers noted, in order */
	unsigned logged;
	seL4_Word shared[16]; /* for cases and their helpers */
};

#define ROOT  seL4_CapInitThreadCNode
#define DEPTH seL4_WordBits
/* A slot of the root task's CNode as CNode operations name it. */
#define AT(slot) ROOT, (slot), DEPTH

seL4_CPtr env_slot(struct env *e);                  /* an empty one */
seL4_CPtr env_slots(struct env *e, unsigned count); /* empty ones in a row; the first */
seL4_CPtr env_object(struct env *e, seL4_Word type, seL4_Word bits);
seL4_CPtr env_endpoint(struct env *e);
seL4_CPtr env_notification(struct env *e);
seL4_CPtr env_reply(struct env *e);
seL4_CPtr env_tcb(struct env *e);
seL4_CPtr env_frame(struct env *e);
seL4_CPtr env_cnode(struct env *e, unsigned bits);
seL4_CPtr env_untyped(struct env *e, unsigned bits);
seL4_CPtr env_sc(struct env *e); /* of the smallest size, not configured */
seL4_CPtr env_copy(struct env *e, seL4_CPtr cap);
seL4_CPtr env_rights(struct env *e, seL4_CPtr cap, seL4_CapRights_t rights);
seL4_CPtr env_mint(struct env *e, seL4_CPtr cap, seL4_Word badge);
seL4_CPtr env_device_untyped(struct env *e, unsigned bits_min); /* from boot info; 0: none */
seL4_CPtr env_sched_control(struct env *e, unsigned core);
seL4_Error env_retype(seL4_CPtr untyped, seL4_Word type, seL4_Word bits, seL4_CPtr slot, unsigned count);
/* Maps a frame with whatever paging it needs; the address it now has. */
seL4_Word env_map(struct env *e, seL4_CPtr frame, seL4_CapRights_t rights);
void env_map_at(struct env *e, seL4_CPtr frame, seL4_Word address, seL4_CapRights_t rights);

/* A thread in the root task's spaces, with buffer, stack and a round-robin context on the case's core; not started. */
struct thread *env_thread(struct env *e, unsigned priority);
struct thread *env_thread_passive(struct env *e, unsigned priority); /* without a scheduling context */
struct thread *env_thread_on(struct env *e, unsigned priority, unsigned core);
void env_set_registers(struct env *e, struct thread *t, thread_body *body, seL4_Word argument, int resume);
void env_start(struct env *e, struct thread *t, thread_body *body, seL4_Word argument);
void env_configure(struct env *e, seL4_CPtr sc, seL4_Word budget_us, seL4_Word period_us);
void env_fault_handler(struct env *e, struct thread *t, seL4_CPtr endpoint);
void env_set_driver_priority(struct env *e, unsigned priority);
void env_settle(struct env *e);
/* Polls until *word is `value` (helpers on other cores set it), yielding; false if it never is. */
int env_await(struct env *e, seL4_Word *word, seL4_Word value);
int thread_has_ended(struct thread *t);
/* From a helper: appends to the log; the driver compares it. */
void note(struct env *e, char c);
seL4_Word env_get(seL4_Word *word); /* what helpers on other cores share */
void env_set(seL4_Word *word, seL4_Word value);

int slot_is_empty(seL4_CPtr slot);                         /* of the root CNode; changes nothing */
seL4_Word badge_of(seL4_CPtr cap, seL4_CPtr notification); /* signals by `cap`, polls the notification */
void burn(seL4_Word us);                                   /* computes for so long */
seL4_Word ticks_per_us(void);

/* A call with a label, message registers and extra capabilities as given: what libsel4 would never send. */
seL4_MessageInfo_t call_raw(seL4_CPtr cap, seL4_Word label, unsigned length, unsigned extra);

/* ---- checks: the first that fails ends the case (in a helper: suspends it) ---- */

void check_that(struct env *e, int holds, const char *what, const char *file, int line);
void check_values(struct env *e, seL4_Word got, seL4_Word expected, const char *what, const char *file,
		  int line);
void check_text(struct env *e, const char *expected, const char *file, int line);
void check_mrs(struct env *e, unsigned count, const seL4_Word *expected, const char *file, int line);

#define check(e, holds) check_that(e, (holds) != 0, #holds, __FILE__, __LINE__)
#define check_equal(e, got, expected)                                                                        \
	check_values(e, (seL4_Word)(got), (seL4_Word)(expected), #got, __FILE__, __LINE__)
#define check_ok(e, call)           check_values(e, (seL4_Word)(call), seL4_NoError, #call, __FILE__, __LINE__)
#define check_error(e, call, error) check_values(e, (seL4_Word)(call), (error), #call, __FILE__, __LINE__)
/* What helpers noted so far; then forgotten. */
#define check_log(e, expected) check_text(e, expected, __FILE__, __LINE__)
/* The message registers from 0 on, after an error. */
#define check_error_mrs(e, ...)                                                                              \
	check_mrs(e, sizeof((const seL4_Word[]){__VA_ARGS__}) / sizeof(seL4_Word),                           \
		  (const seL4_Word[]){__VA_ARGS__}, __FILE__, __LINE__)
#define check_range(e, call, min, max)                                                                       \
	do {                                                                                                 \
		check_error(e, call, seL4_RangeError);                                                       \
		check_error_mrs(e, (min), (max));                                                            \
	} while (0)
#define check_argument(e, call, number)                                                                      \
	do {                                                                                                 \
		check_error(e, call, seL4_InvalidArgument);                                                  \
		check_error_mrs(e, (number));                                                                \
	} while (0)
#define check_cap(e, call, number)                                                                           \
	do {                                                                                                 \
		check_error(e, call, seL4_InvalidCapability);                                                \
		check_error_mrs(e, (number));                                                                \
	} while (0)
/* FailedLookup: was it the source, seL4_LookupFailureType, and its details. */
#define check_lookup(e, call, ...)                                                                           \
	do {                                                                                                 \
		check_error(e, call, seL4_FailedLookup);                                                     \
		check_error_mrs(e, __VA_ARGS__);                                                             \
	} while (0)

/* ---- running them ---- */

struct harness_options {
	const char *only; /* an id, or the beginning of ids; NULL: all */
	int list;         /* print ids and names only */
	int hooks;        /* the program was built with block hooks: cases that spin may run */
	int is_virtual;   /* time is virtual */
	int is_traced;    /* under valgrind */
	int has_device;   /* the machine has device memory: cases that need it are not skipped */
	const char *(*verify)(
		void); /* after each case; a broken invariant as text, or NULL. NULL: nobody verifies */
};
/* Runs the cases as the root task whose boot info is `info`; returns how many failed. */
int harness_run(seL4_BootInfo *info, const struct harness_options *options);
/* All cases by id. Returns how many; `list` gets up to `max`. */
unsigned harness_cases(struct test_case **list, unsigned max);

#endif
