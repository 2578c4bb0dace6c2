/* kernelmodel/core/: contexts, faults of the host, virtual time. Fibers collect, the main stack asserts. */
#include <execinfo.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/lib/little_user.h"
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#endif
#ifdef HAS_ASAN
#define TINY_BYTES 16384 /* its frames are large */
#define HAS_STRLEN 0     /* it has its own */
#else
#define TINY_BYTES 1024
#define HAS_STRLEN 1
#endif

void __sanitizer_cov_trace_pc(void);
void skerry_syscall(void);

static char stacks[8][65536] __attribute__((aligned(16)));
static struct user user;
static seL4_CPtr endpoint, reply, ntfn;

static struct core_machine *machine_new(const struct core_config *config)
{
	struct core_machine *machine = NULL;
	char why[300] = "";
	user_failures = 0;
	if (core_new(&machine, config, why, sizeof why))
		fail_msg("%s", why);
	return machine;
}

/* Runs it to its end; nothing in it may have failed, and the kernel is whole. */
static uint64_t run(const struct core_config *config, enum core_end end)
{
	struct core_machine *machine = machine_new(config);
	assert_int_equal(core_run_alone(machine), end);
	if (user_failures)
		fail_msg("%s", user_failed);
	if (end == CORE_EXITED)
		assert_int_equal(core_exit_code(machine), 0);
	const char *broken = km_check(core_kernel(machine));
	if (broken)
		fail_msg("%s", broken);
	const uint64_t digest = core_digest(machine);
	core_free(machine);
	return digest;
}

static uint64_t run_entry(int (*entry)(void *), uint32_t cores)
{
	const struct core_config config = user_config(entry, cores);
	return run(&config, CORE_EXITED);
}

/* ---- registers ---- */

/* clang-format off */
/* Yields with a value in every register that a call preserves, control words included; counts those that came back
 * otherwise. rdi: the value, rsi: mxcsr, rdx: x87's control word. */
extern uint64_t fiber_test_yield(uint64_t value, uint64_t mxcsr, uint64_t x87);
__asm__(".text\n"
	"fiber_test_yield:\n"
	"	pushq %rbx\n	pushq %rbp\n	pushq %r12\n	pushq %r13\n	pushq %r14\n	pushq %r15\n"
	"	subq $40, %rsp\n"
	"	stmxcsr 16(%rsp)\n	fnstcw 20(%rsp)\n"
	"	movq %rsi, (%rsp)\n	movq %rdx, 8(%rsp)\n	movq %rdi, 24(%rsp)\n"
	"	ldmxcsr (%rsp)\n	fldcw 8(%rsp)\n"
	"	leaq 1(%rdi), %rbx\n	leaq 2(%rdi), %rbp\n	leaq 3(%rdi), %r12\n"
	"	leaq 4(%rdi), %r13\n	leaq 5(%rdi), %r14\n	movq %rdi, %r15\n"
	"	movq $-11, %rdx\n	leaq skerry_syscall(%rip), %rcx\n"
	"	call *%rcx\n"
	"	xorl %eax, %eax\n"
	"	movq 24(%rsp), %rdi\n"
	"	subq %rdi, %rbx\n	cmpq $1, %rbx\n	setne %cl\n	addb %cl, %al\n"
	"	subq %rdi, %rbp\n	cmpq $2, %rbp\n	setne %cl\n	addb %cl, %al\n"
	"	subq %rdi, %r12\n	cmpq $3, %r12\n	setne %cl\n	addb %cl, %al\n"
	"	subq %rdi, %r13\n	cmpq $4, %r13\n	setne %cl\n	addb %cl, %al\n"
	"	subq %rdi, %r14\n	cmpq $5, %r14\n	setne %cl\n	addb %cl, %al\n"
	"	stmxcsr 32(%rsp)\n	movl 32(%rsp), %ecx\n	cmpl (%rsp), %ecx\n	setne %cl\n	addb %cl, %al\n"
	"	fnstcw 32(%rsp)\n	movw 32(%rsp), %cx\n	cmpw 8(%rsp), %cx\n	setne %cl\n	addb %cl, %al\n"
	"	ldmxcsr 16(%rsp)\n	fldcw 20(%rsp)\n"
	"	addq $40, %rsp\n"
	"	popq %r15\n	popq %r14\n	popq %r13\n	popq %r12\n	popq %rbp\n	popq %rbx\n"
	"	ret\n");
/* clang-format on */

static unsigned finished;

static void yielder_a(void)
{
	for (uint64_t i = 0; i < 200; i++)
		EXPECT(fiber_test_yield(0x1111111111110000 + i * 16, 0x3f80, 0x037f) == 0); /* rounds down */
	finished++;
	seL4_TCB_Suspend(user.next - 3 - 3);
	EXPECT(0);
}

static void yielder_b(void)
{
	for (uint64_t i = 0; i < 200; i++)
		EXPECT(fiber_test_yield(0x7eee000000000000 + i * 16, 0x7f80, 0x0f7f) == 0); /* towards 0 */
	finished++;
	seL4_TCB_Suspend(user.next - 3);
	EXPECT(0);
}

static int yields(void *argument)
{
	struct user_thread a = {yielder_a, stacks[0], sizeof stacks[0], .priority = 100};
	struct user_thread b = {yielder_b, stacks[1], sizeof stacks[1], .priority = 100};
	(void)argument;
	user = user_begin();
	finished = 0;
	user_thread(&user, &a);
	user_thread(&user, &b);
	EXPECT(!seL4_TCB_SetPriority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, 50));
	EXPECT(finished == 2);
	return 0;
}

static void test_a_switch_keeps_every_register_that_a_call_preserves(void **state)
{
	(void)state;
	run_entry(yields, 1);
}

/* Writes all registers where it finds them, and calls fiber_test_landed(). Everything is in memory, for it has no stack. */
uint64_t fiber_test_seen[18], fiber_test_stack[512] __attribute__((aligned(16)));
extern void fiber_test_land(void);
void fiber_test_landed(void);
/* clang-format off */
__asm__(".text\n"
	"fiber_test_land:\n"
	"	movq %rax, 24+fiber_test_seen(%rip)\n"
	"	leaq fiber_test_seen(%rip), %rax\n"
	"	movq %rsp, 8(%rax)\n	movq %rbx, 32(%rax)\n	movq %rcx, 40(%rax)\n	movq %rdx, 48(%rax)\n"
	"	movq %rsi, 56(%rax)\n	movq %rdi, 64(%rax)\n	movq %rbp, 72(%rax)\n	movq %r8, 80(%rax)\n"
	"	movq %r9, 88(%rax)\n	movq %r10, 96(%rax)\n	movq %r11, 104(%rax)\n	movq %r12, 112(%rax)\n"
	"	movq %r13, 120(%rax)\n	movq %r14, 128(%rax)\n	movq %r15, 136(%rax)\n"
	"	leaq 4080+fiber_test_stack(%rip), %rsp\n"
	"	pushfq\n	popq 16(%rax)\n	cld\n"
	"	call fiber_test_landed\n");
/* clang-format on */

void fiber_test_landed(void)
{
	finished++;
	seL4_Signal(ntfn);
	for (;;)
		seL4_Yield();
}

#define FLAGS       0xcd5 /* that a program can set */
#define REGISTER(i) (UINT64_C(0x0123456789ab0000) + (i)*0x10001)

static int writes_all(void *argument)
{
	seL4_UserContext regs;
	struct user_thread t = {fiber_test_land, stacks[0], sizeof stacks[0], .priority = 100, .waits = true};
	seL4_Word *word = (seL4_Word *)&regs;
	(void)argument;
	user = user_begin();
	finished = 0;
	ntfn = user_object(&user, seL4_NotificationObject, 0);
	user_thread(&user, &t);
	for (unsigned i = 0; i < 18; i++)
		word[i] = REGISTER(i);
	regs.fs_base = regs.gs_base = 0;
	regs.rip = (seL4_Word)fiber_test_land;
	regs.rflags = 0x202 | 1 | 0x40 | 0x800; /* carry, zero, overflow */
	EXPECT(!seL4_TCB_WriteRegisters(t.tcb, 1, 0, 20, &regs));
	seL4_Wait(ntfn, NULL);
	EXPECT(finished == 1);
	for (unsigned i = 1; i < 18; i++)
		EXPECT(i == 2 ? (fiber_test_seen[i] & FLAGS) == (regs.rflags & FLAGS)
			      : fiber_test_seen[i] == REGISTER(i));
	return 0;
}

static void test_written_registers_are_all_loaded(void **state)
{
	(void)state;
	run_entry(writes_all, 1);
}

/* ---- faults of the host ---- */

static unsigned char vectors_in[16][16] __attribute__((aligned(16))),
	vectors_out[16][16] __attribute__((aligned(16)));
static uint64_t target;

/* Fills all vector registers, stores to (rdi), which faults, and writes the vector registers down. */
extern void fiber_test_fault(void);
extern const char fiber_test_store[];
void fiber_test_survived(void);
/* clang-format off */
__asm__(".text\n"
	".globl fiber_test_fault\n"
	"fiber_test_fault:\n"
	"	leaq vectors_in(%rip), %rax\n"
	"	movdqa 0(%rax), %xmm0\n	movdqa 16(%rax), %xmm1\n	movdqa 32(%rax), %xmm2\n"
	"	movdqa 48(%rax), %xmm3\n	movdqa 64(%rax), %xmm4\n	movdqa 80(%rax), %xmm5\n"
	"	movdqa 96(%rax), %xmm6\n	movdqa 112(%rax), %xmm7\n	movdqa 128(%rax), %xmm8\n"
	"	movdqa 144(%rax), %xmm9\n	movdqa 160(%rax), %xmm10\n	movdqa 176(%rax), %xmm11\n"
	"	movdqa 192(%rax), %xmm12\n	movdqa 208(%rax), %xmm13\n	movdqa 224(%rax), %xmm14\n"
	"	movdqa 240(%rax), %xmm15\n"
	"	movq $0xa5a5, -64(%rsp)\n" /* in the red zone */
	"	movq $0x77, %rax\n	movq $0x1234, %rbx\n	movq $0x5678, %r11\n	xorl %edx, %edx\n	stc\n"
	"fiber_test_store:\n"
	"	movq %rax, (%rdi)\n"
	"	jnc 1f\n	cmpq $0x77, %rax\n	jne 1f\n	cmpq $0x1234, %rbx\n	jne 1f\n	cmpq $0x5678, %r11\n	jne 1f\n"
	"	cmpq $0xa5a5, -64(%rsp)\n	jne 1f\n"
	"	leaq vectors_out(%rip), %rax\n"
	"	movdqa %xmm0, 0(%rax)\n	movdqa %xmm1, 16(%rax)\n	movdqa %xmm2, 32(%rax)\n"
	"	movdqa %xmm3, 48(%rax)\n	movdqa %xmm4, 64(%rax)\n	movdqa %xmm5, 80(%rax)\n"
	"	movdqa %xmm6, 96(%rax)\n	movdqa %xmm7, 112(%rax)\n	movdqa %xmm8, 128(%rax)\n"
	"	movdqa %xmm9, 144(%rax)\n	movdqa %xmm10, 160(%rax)\n	movdqa %xmm11, 176(%rax)\n"
	"	movdqa %xmm12, 192(%rax)\n	movdqa %xmm13, 208(%rax)\n	movdqa %xmm14, 224(%rax)\n"
	"	movdqa %xmm15, 240(%rax)\n"
	"	call fiber_test_survived\n"
	"1:	ud2\n");
/* clang-format on */

void fiber_test_survived(void)
{
	finished++;
	seL4_Signal(ntfn);
	for (;;)
		seL4_Yield();
}

static void scribble(void)
{
	__asm__ volatile(
		"pxor %%xmm0, %%xmm0\n\tpxor %%xmm7, %%xmm7\n\tpxor %%xmm15, %%xmm15\n\txorl %%ebx, %%ebx"
		:
		:
		: "xmm0", "xmm7", "xmm15", "rbx");
}

#define BAD_ADDRESS 0x10

static int faults(void *argument)
{
	struct user_thread t = {fiber_test_fault, stacks[0], sizeof stacks[0], .priority = 100};
	seL4_UserContext regs = {0};
	(void)argument;
	user = user_begin();
	finished = 0;
	target = 0;
	memset(vectors_out, 0, sizeof vectors_out);
	for (unsigned i = 0; i < sizeof vectors_in; i++)
		((unsigned char *)vectors_in)[i] = (unsigned char)(i * 7 + 1);
	endpoint = user_object(&user, seL4_EndpointObject, 0);
	reply = user_object(&user, seL4_ReplyObject, 0);
	ntfn = user_object(&user, seL4_NotificationObject, 0);
	t.fault_handler = endpoint;
	t.argument = BAD_ADDRESS;
	user_thread(&user, &t);
	const seL4_MessageInfo_t info = seL4_Recv(endpoint, NULL, reply);
	scribble();
	EXPECT(seL4_MessageInfo_get_label(info) == seL4_Fault_VMFault);
	EXPECT(seL4_GetMR(seL4_VMFault_IP) == (seL4_Word)fiber_test_store);
	EXPECT(seL4_GetMR(seL4_VMFault_Addr) == BAD_ADDRESS);
	EXPECT(seL4_GetMR(seL4_VMFault_PrefetchFault) == 0);
	EXPECT((seL4_GetMR(seL4_VMFault_FSR) & 6) == 6); /* a user's write */
	EXPECT(!seL4_TCB_ReadRegisters(t.tcb, 0, 0, 20, &regs));
	EXPECT(regs.rip == (seL4_Word)fiber_test_store && regs.rax == 0x77 && regs.rbx == 0x1234 &&
	       regs.r11 == 0x5678);
	EXPECT(regs.rdi == BAD_ADDRESS && (regs.rflags & 1));
	EXPECT(regs.rsp == (seL4_Word)stacks[0] + sizeof stacks[0] - 8);
	/* The handler mends the pointer: the store is done again. */
	regs.rdi = (seL4_Word)&target;
	EXPECT(!seL4_TCB_WriteRegisters(t.tcb, 0, 0, 20, &regs));
	seL4_Send(reply, seL4_MessageInfo_new(0, 0, 0, 0));
	seL4_Wait(ntfn, NULL);
	EXPECT(finished == 1);
	EXPECT(target == 0x77);
	EXPECT(!memcmp(vectors_in, vectors_out, sizeof vectors_in));
	return 0;
}

static void test_a_fault_of_the_host_is_a_fault_of_its_thread(void **state)
{
	(void)state;
	if (RUNNING_ON_VALGRIND)
		skip(); /* it reports the fault, and gives a handler no vector registers */
	run_entry(faults, 1);
}

static volatile int zero;
static void divides(void) { __asm__ volatile("divl %0" : : "r"(zero), "a"(1), "d"(0) : "cc"); }
static void is_illegal(void) { __asm__ volatile("ud2"); }
static void breaks(void) { __asm__ volatile("int3"); }
static void jumps(void) { ((void (*)(void))(uintptr_t)0x18)(); }
static void overflows(void) { __asm__ volatile("xorl %eax, %eax\n\tmovq %rax, %rsp\n\tpushq %rax"); }

static int exceptions(void *argument)
{
	static const struct {
		void (*code)(void);
		seL4_Word label, number;
	} cases[] = {{divides, seL4_Fault_UserException, 0},
		     {is_illegal, seL4_Fault_UserException, 6},
		     {breaks, seL4_Fault_UserException, 3},
		     {jumps, seL4_Fault_VMFault, 0x18},
		     {overflows, seL4_Fault_VMFault, (seL4_Word)-8}};
	(void)argument;
	user = user_begin();
	endpoint = user_object(&user, seL4_EndpointObject, 0);
	reply = user_object(&user, seL4_ReplyObject, 0);
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct user_thread t = {cases[i].code, stacks[0], sizeof stacks[0], .priority = 100};
		/* Its own is needed no more. */
		t.fault_handler = endpoint;
		user_thread(&user, &t);
		const seL4_MessageInfo_t info = seL4_Recv(endpoint, NULL, reply);
		EXPECT(seL4_MessageInfo_get_label(info) == cases[i].label);
		if (cases[i].label == seL4_Fault_VMFault) {
			EXPECT(seL4_GetMR(seL4_VMFault_Addr) == cases[i].number);
			EXPECT(seL4_GetMR(seL4_VMFault_PrefetchFault) == (cases[i].code == jumps));
			EXPECT((seL4_GetMR(seL4_VMFault_FSR) >> 4 & 1) == (cases[i].code == jumps));
		} else {
			EXPECT(seL4_GetMR(seL4_UserException_Number) == cases[i].number);
		}
		EXPECT(!seL4_TCB_Suspend(t.tcb));
	}
	return 0;
}

static void test_exceptions_have_the_processors_numbers(void **state)
{
	(void)state;
	if (RUNNING_ON_VALGRIND)
		skip(); /* it gives other numbers, and stops at a breakpoint */
	run_entry(exceptions, 1);
}

static void reads_nothing(void)
{
	const char *const volatile text = (const char *)(uintptr_t)BAD_ADDRESS;
	finished += 1 + (unsigned)strlen(text);
}

static int faults_in_libc(void *argument)
{
	struct user_thread t = {reads_nothing, stacks[0], sizeof stacks[0], .priority = 100};
	(void)argument;
	user = user_begin();
	finished = 0;
	endpoint = user_object(&user, seL4_EndpointObject, 0);
	reply = user_object(&user, seL4_ReplyObject, 0);
	t.fault_handler = endpoint;
	user_thread(&user, &t);
	const seL4_MessageInfo_t info = seL4_Recv(endpoint, NULL, reply);
	EXPECT(seL4_MessageInfo_get_label(info) == seL4_Fault_VMFault &&
	       seL4_GetMR(seL4_VMFault_Addr) == BAD_ADDRESS);
	return (int)finished;
}

static void test_a_bad_pointer_given_to_strlen_is_the_threads_fault(void **state)
{
	(void)state;
	if (RUNNING_ON_VALGRIND || !HAS_STRLEN)
		skip(); /* strlen() is another one */
	run_entry(faults_in_libc, 1);
}

/* ---- unwinding ---- */

static void *frames[64];
static int frame_count;

static void on_put(void *context, char c)
{
	(void)context;
	if (c == '!')
		frame_count = backtrace(frames, sizeof frames / sizeof *frames);
}

static __attribute__((noinline)) void prints(void)
{
	seL4_DebugPutChar('!');
	__asm__ volatile("" : : : "memory");
}

static __attribute__((noinline)) int prints_below(void *argument)
{
	(void)argument;
	prints();
	__asm__ volatile("" : : : "memory");
	return 0;
}

static bool is_seen(const void *function)
{
	for (int i = 0; i < frame_count; i++)
		if ((uintptr_t)frames[i] - (uintptr_t)function < 256)
			return true;
	return false;
}

/* What a debugger and a profiler see: the kernel, its caller on the thread's stack, and an end. */
static void test_a_backtrace_goes_from_the_kernel_into_the_thread(void **state)
{
	struct core_config config = user_config(prints_below, 1);
	(void)state;
	config.put = on_put;
	frame_count = 0;
	run(&config, CORE_EXITED);
	assert_true(frame_count > 4 && frame_count < 40);
	assert_true(is_seen((const void *)(uintptr_t)skerry_syscall));
	assert_true(is_seen((const void *)(uintptr_t)prints_below));
	assert_false(is_seen((const void *)(uintptr_t)core_run_alone));
}

/* ---- many, and small ones ---- */

static char tiny[2][TINY_BYTES] __attribute__((aligned(16)));

static void tiny_server(void)
{
	seL4_Word badge;
	seL4_Recv(endpoint, &badge, reply);
	for (;;) {
		seL4_SetMR(0, seL4_GetMR(0) + 1);
		seL4_ReplyRecv(endpoint, seL4_MessageInfo_new(0, 0, 0, 1), &badge, reply);
	}
}

static int tiny_stacks(void *argument)
{
	struct user_thread t = {tiny_server, tiny[0], sizeof tiny[0], .priority = 100};
	(void)argument;
	user = user_begin();
	memset(tiny, 0x5a, sizeof tiny);
	endpoint = user_object(&user, seL4_EndpointObject, 0);
	reply = user_object(&user, seL4_ReplyObject, 0);
	user_thread(&user, &t);
	for (seL4_Word i = 0; i < 100; i++) {
		seL4_SetMR(0, i);
		seL4_Call(endpoint, seL4_MessageInfo_new(0, 0, 0, 1));
		EXPECT(seL4_GetMR(0) == i + 1);
	}
	/* Its end was not even touched. */
	for (unsigned i = 0; i < 64; i++)
		EXPECT(tiny[0][i] == 0x5a);
	return 0;
}

static void test_a_stack_of_one_kib_is_enough(void **state)
{
	(void)state;
	run_entry(tiny_stacks, 1);
}

#define MANY_STACK 512
static unsigned many;
static char *many_stacks;

static void one_of_many(void)
{
	for (;;) {
		finished++;
		seL4_Wait(ntfn, NULL);
	}
}

static int has_many(void *argument)
{
	(void)argument;
	user = user_begin();
	finished = 0;
	ntfn = user_object(&user, seL4_NotificationObject, 0);
	const seL4_CPtr frame = user_object(&user, seL4_X86_4K, 0);
	for (unsigned i = 0; i < many; i++) {
		seL4_UserContext regs = {.rip = (seL4_Word)one_of_many,
					 .rsp = (seL4_Word)(many_stacks + (size_t)(i + 1) * MANY_STACK) - 8};
		const seL4_CPtr tcb = user_object(&user, seL4_TCBObject, 0);
		const seL4_CPtr sc =
			user_object(&user, seL4_SchedContextObject, seL4_MinSchedContextBits + 1);
		EXPECT(!seL4_SchedControl_Configure(user.info->schedcontrol.start, sc, 1000, 1000, 0, 0));
		/* They take turns with one IPC buffer. */
		EXPECT(!seL4_TCB_Configure(tcb, seL4_CapInitThreadCNode, 0, seL4_CapInitThreadVSpace, 0,
					   0x10000000, frame));
		EXPECT(!seL4_TCB_SetSchedParams(tcb, seL4_CapInitThreadTCB, 10, 10, sc, 0));
		EXPECT(!seL4_TCB_WriteRegisters(tcb, 1, 0, 2, &regs));
	}
	EXPECT(!seL4_TCB_SetPriority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, 5));
	EXPECT(finished == many);
	for (unsigned i = 0; i < many; i++)
		seL4_Signal(ntfn);
	EXPECT(finished == 2 * many);
	return 0;
}

static void test_a_hundred_thousand_fibers_run(void **state)
{
	struct core_config config = user_config(has_many, 1);
	(void)state;
	many = RUNNING_ON_VALGRIND ? 1000 : 100000;
	many_stacks = malloc((size_t)many * MANY_STACK);
	assert_non_null(many_stacks);
	/* One untyped of 512 MiB. */
	config.boot.memory = (struct km_region){UINT64_C(1) << 30, UINT64_C(2) << 30};
	config.boot.root_cnode_bits = 19;
	run(&config, CORE_EXITED);
	free(many_stacks);
}

/* ---- code that spins ---- */

static volatile int flag;

static void spins_until_flag(void)
{
	while (!flag)
		__sanitizer_cov_trace_pc();
	finished++;
	seL4_Wait(reply, NULL);
}

static void spins_for_ever(void)
{
	for (;;)
		__sanitizer_cov_trace_pc();
}

static void sets_flag(void)
{
	flag = 1;
	seL4_Wait(ntfn, NULL);
}

static int spinning(void *argument)
{
	struct user_thread a = {spins_until_flag, stacks[0],         sizeof stacks[0],
				.priority = 100,  .budget_us = 1000, .period_us = 1000};
	struct user_thread b = {spins_for_ever,  stacks[1],         sizeof stacks[1],
				.priority = 100, .budget_us = 1000, .period_us = 1000};
	struct user_thread c = {sets_flag,       stacks[2],         sizeof stacks[2],
				.priority = 100, .budget_us = 1000, .period_us = 1000};
	(void)argument;
	user = user_begin();
	finished = 0;
	flag = 0;
	reply = user_object(&user, seL4_NotificationObject, 0);
	ntfn = user_object(&user, seL4_NotificationObject, 0);
	const seL4_CPtr done = user_object(&user, seL4_NotificationObject, 0);
	user_thread(&user, &a);
	user_thread(&user, &b);
	user_thread(&user, &c);
	/* The root task is woken by the timer alone, and is the more important one. */
	const seL4_CPtr irq = user.next++;
	EXPECT(!seL4_IRQControl_GetIOAPIC(seL4_CapIRQControl, seL4_CapInitThreadCNode, irq, seL4_WordBits, 0,
					  CORE_TIMER_PIN, 0, 0, 5));
	EXPECT(!seL4_IRQHandler_SetNotification(irq, done));
	skerry_timer_oneshot(20000000);
	const seL4_Word from = skerry_now();
	seL4_Wait(done, NULL);
	const seL4_Word took = skerry_now() - from;
	EXPECT(took >= 20000 * 1000 && took < 20200 * 1000);
	EXPECT(finished == 1);
	return 0;
}

static void test_threads_that_spin_are_preempted(void **state)
{
	struct core_config config = user_config(spinning, 1);
	(void)state;
	const uint64_t digest = run(&config, CORE_EXITED);
	assert_true(digest == run(&config, CORE_EXITED));
	struct core_machine *machine = machine_new(&config);
	struct core_stats stats;
	core_run_alone(machine);
	core_stats(machine, &stats);
	core_free(machine);
	assert_true(stats.build_bound);
	/* 20 ms of quanta of 20 us; both were stopped for each other. */
	assert_true(stats.spins >= 990 && stats.spins <= 1001);
	assert_true(stats.preemptions >= 2);
}

/* ---- virtual time ---- */

static uint64_t computed_at[4];

static void computes(void)
{
	skerry_compute(5000);
	computed_at[1] = skerry_now();
	seL4_Wait(ntfn, NULL);
}

static int waits_for_doorbell(void *argument)
{
	struct user_thread t = {computes, stacks[0], sizeof stacks[0], .priority = 100};
	(void)argument;
	user = user_begin();
	ntfn = user_object(&user, seL4_NotificationObject, 0);
	const seL4_CPtr bell = user_object(&user, seL4_NotificationObject, 0);
	const seL4_CPtr irq = user.next++;
	EXPECT(!seL4_IRQControl_GetMSI(seL4_CapIRQControl, seL4_CapInitThreadCNode, irq, seL4_WordBits, 0, 0,
				       0, 0, CORE_DOORBELL_VECTOR));
	EXPECT(!seL4_IRQHandler_SetNotification(irq, bell));
	user_thread(&user, &t);
	seL4_Wait(bell, NULL);
	computed_at[0] = core_now(core_self());
	seL4_Wait(bell, NULL);
	return 0;
}

/* An interrupt stops a computation at its very cycle, and it goes on afterwards; nothing runs past `until`. */
static void test_a_machine_runs_until_it_is_told(void **state)
{
	struct core_config config = user_config(waits_for_doorbell, 1);
	struct core_machine *machine = machine_new(&config);
	const unsigned irq = CORE_IRQ_OF_VECTOR + CORE_DOORBELL_VECTOR;
	(void)state;
	memset(computed_at, 0, sizeof computed_at);
	assert_int_equal(core_run(machine, 0), 0);
	assert_int_equal(core_clock(machine, 0), 0);
	core_run(machine, 2000);
	core_interrupt(machine, irq, 3000);
	assert_true(core_run(machine, 2500) >= 2500);
	assert_true(core_clock(machine, 0) < 3000 && computed_at[0] == 0);
	core_run(machine, 3500);
	/* An entry costs a cycle here: the interrupt's, with the return of the wait. */
	assert_int_equal(computed_at[0], 3001);
	assert_int_equal(computed_at[1], 0);
	assert_true(core_run(machine, KM_NEVER) == KM_NEVER);
	assert_true(computed_at[1] > 5000 && computed_at[1] < 5200);
	assert_int_equal(core_ended(machine), CORE_RUNNING);
	core_interrupt(machine, irq, 10000);
	assert_true(core_run(machine, KM_NEVER) == KM_NEVER);
	assert_int_equal(core_ended(machine), CORE_EXITED);
	assert_int_equal(core_exit_code(machine), 0);
	assert_int_equal(user_failures, 0);
	assert_true(core_clock(machine, 0) >= 10000);
	core_free(machine);
}

static int holds(void *argument)
{
	(void)argument;
	skerry_compute(100);
	core_hold(core_self(), true);
	skerry_compute(1000000);
	seL4_Yield();
	computed_at[0] = core_now(core_self());
	core_hold(core_self(), false);
	seL4_Yield();
	computed_at[1] = core_now(core_self());
	return 0;
}

static void test_a_held_thread_runs_ahead(void **state)
{
	struct core_config config = user_config(holds, 1);
	struct core_machine *machine = machine_new(&config);
	(void)state;
	memset(computed_at, 0, sizeof computed_at);
	core_run(machine, 500);
	assert_true(computed_at[0] > 1000000);
	assert_int_equal(computed_at[1], 0);
	assert_int_equal(core_ended(machine), CORE_RUNNING);
	core_run(machine, KM_NEVER);
	assert_true(computed_at[1] > 1000000);
	assert_int_equal(core_ended(machine), CORE_EXITED);
	core_free(machine);
}

static int is_stuck(void *argument)
{
	(void)argument;
	user = user_begin();
	ntfn = user_object(&user, seL4_NotificationObject, 0);
	seL4_Wait(ntfn, NULL);
	return 0;
}

static void test_a_deadlock_ends_and_names_who_waits(void **state)
{
	struct core_config config = user_config(is_stuck, 1);
	struct core_machine *machine = machine_new(&config);
	char *text = NULL;
	size_t bytes = 0;
	(void)state;
	assert_int_equal(core_run_alone(machine), CORE_STUCK);
	FILE *out = open_memstream(&text, &bytes);
	core_report(machine, out);
	fclose(out);
	assert_non_null(strstr(text, "cluster 0, core 0: thread 0"));
	assert_non_null(strstr(text, "waits for notification"));
	free(text);
	core_free(machine);
}

/* ---- several cores ---- */

static void calls_often(void)
{
	for (int i = 0; i < 50; i++)
		seL4_Signal(ntfn);
	finished++;
	seL4_Wait(reply, NULL);
}

static int on_several_cores(void *argument)
{
	(void)argument;
	user = user_begin();
	finished = 0;
	flag = 0;
	ntfn = user_object(&user, seL4_NotificationObject, 0);
	reply = user_object(&user, seL4_NotificationObject, 0);
	for (unsigned core = 1; core < 4; core++) {
		struct user_thread t = {calls_often, stacks[core], sizeof stacks[core], .priority = 100,
					.core = core};
		user_thread(&user, &t);
	}
	/* One that only a flag stops, which another core sets. */
	struct user_thread spinner = {spins_until_flag, stacks[4], sizeof stacks[4], .priority = 90,
				      .core = 1};
	user_thread(&user, &spinner);
	skerry_compute(1000000);
	EXPECT(finished == 3);
	flag = 1;
	skerry_compute(100000000);
	EXPECT(finished == 4);
	return 0;
}

static void test_cores_take_turns_by_their_clocks(void **state)
{
	static uint32_t cost[KM_WORK_KINDS];
	struct core_config config = user_config(on_several_cores, 4);
	struct core_stats stats;
	(void)state;
	cost[KM_WORK_ENTRY] = 300;
	cost[KM_WORK_LOCK] = 40;
	config.cost = cost;
	const uint64_t digest = run(&config, CORE_EXITED);
	assert_true(digest == run(&config, CORE_EXITED));
	struct core_machine *machine = machine_new(&config);
	core_run_alone(machine);
	core_stats(machine, &stats);
	/* Three cores that signal all the time wait for the lock: each nearly always for two others. */
	assert_true(stats.lock_waits > 100);
	assert_true(stats.lock_wait_cycles > 100 * 340);
	assert_true(stats.ipis >= 3);
	core_free(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_switch_keeps_every_register_that_a_call_preserves),
		cmocka_unit_test(test_written_registers_are_all_loaded),
		cmocka_unit_test(test_a_fault_of_the_host_is_a_fault_of_its_thread),
		cmocka_unit_test(test_exceptions_have_the_processors_numbers),
		cmocka_unit_test(test_a_bad_pointer_given_to_strlen_is_the_threads_fault),
		cmocka_unit_test(test_a_backtrace_goes_from_the_kernel_into_the_thread),
		cmocka_unit_test(test_a_stack_of_one_kib_is_enough),
		cmocka_unit_test(test_a_hundred_thousand_fibers_run),
		cmocka_unit_test(test_threads_that_spin_are_preempted),
		cmocka_unit_test(test_a_machine_runs_until_it_is_told),
		cmocka_unit_test(test_a_held_thread_runs_ahead),
		cmocka_unit_test(test_a_deadlock_ends_and_names_who_waits),
		cmocka_unit_test(test_cores_take_turns_by_their_clocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
