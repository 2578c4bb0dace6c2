/* tests/model/print_c.c - a sequence of calls as a program that an seL4 user could have written. See shrink.h.
 *
 * Each thread does its calls in the order in which it did them; who runs when follows from priorities, as it did. Slots are
 * those of the world of the run (pair_small): a root CNode of 8 bits, 2 MiB, 2 image frames. */
#include "tests/model/shrink.h"
#include <inttypes.h>
#include <string.h>

/* $c: the capability that is invoked; $0 to $9: message registers; $a $b $d: the capabilities that go along. */
static const struct {
	uint8_t label, length, extra;
	const char *text;
} stubs[] = {
	{1, 6, 1, "seL4_Untyped_Retype($c, $0, $1, $a, $2, $3, $4, $5)"},
	{5, 3, 3, "seL4_TCB_Configure($c, $a, $0, $b, $1, $2, $d)"},
	{6, 1, 1, "seL4_TCB_SetPriority($c, $a, $0)"},
	{7, 1, 1, "seL4_TCB_SetMCPriority($c, $a, $0)"},
	{8, 2, 3, "seL4_TCB_SetSchedParams($c, $a, $0, $1, $b, $d)"},
	{9, 0, 1, "seL4_TCB_SetTimeoutEndpoint($c, $a)"},
	{10, 1, 1, "seL4_TCB_SetIPCBuffer($c, $0, $a)"},
	{11, 2, 3, "seL4_TCB_SetSpace($c, $a, $b, $0, $d, $1)"},
	{12, 0, 0, "seL4_TCB_Suspend($c)"},
	{13, 0, 0, "seL4_TCB_Resume($c)"},
	{14, 0, 1, "seL4_TCB_BindNotification($c, $a)"},
	{15, 0, 0, "seL4_TCB_UnbindNotification($c)"},
	{16, 1, 0, "seL4_TCB_SetTLSBase($c, $0)"},
	{17, 2, 0, "seL4_TCB_SetFlags($c, $0, $1)"},
	{18, 2, 0, "seL4_CNode_Revoke($c, $0, $1)"},
	{19, 2, 0, "seL4_CNode_Delete($c, $0, $1)"},
	{20, 2, 0, "seL4_CNode_CancelBadgedSends($c, $0, $1)"},
	{21, 5, 1, "seL4_CNode_Copy($c, $0, $1, $a, $2, $3, rights($4))"},
	{22, 6, 1, "seL4_CNode_Mint($c, $0, $1, $a, $2, $3, rights($4), $5)"},
	{23, 4, 1, "seL4_CNode_Move($c, $0, $1, $a, $2, $3)"},
	{24, 5, 1, "seL4_CNode_Mutate($c, $0, $1, $a, $2, $3, $4)"},
	{25, 8, 2, "seL4_CNode_Rotate($c, $0, $1, $2, $a, $3, $4, $5, $b, $6, $7)"},
	{27, 0, 0, "seL4_IRQHandler_Ack($c)"},
	{28, 0, 1, "seL4_IRQHandler_SetNotification($c, $a)"},
	{29, 0, 0, "seL4_IRQHandler_Clear($c)"},
	{30, 1, 1, "seL4_DomainSet_Set($c, $0, $a)"},
	{31, 3, 0, "seL4_DomainSet_ScheduleConfigure($c, $0, $1, $2)"},
	{32, 1, 0, "seL4_DomainSet_ScheduleSetStart($c, $0)"},
	{33, 5, 1, "seL4_SchedControl_ConfigureFlags($c, $a, $0, $1, $2, $3, $4)"},
	{34, 0, 1, "seL4_SchedContext_Bind($c, $a)"},
	{35, 0, 0, "seL4_SchedContext_Unbind($c)"},
	{36, 0, 1, "seL4_SchedContext_UnbindObject($c, $a)"},
	{37, 0, 0, "seL4_SchedContext_Consumed($c)"},
	{38, 0, 0, "seL4_SchedContext_YieldTo($c)"},
	{39, 2, 1, "seL4_X86_PDPT_Map($c, $a, $0, $1)"},
	{40, 0, 0, "seL4_X86_PDPT_Unmap($c)"},
	{41, 2, 1, "seL4_X86_PageDirectory_Map($c, $a, $0, $1)"},
	{42, 0, 0, "seL4_X86_PageDirectory_Unmap($c)"},
	{43, 2, 1, "seL4_X86_PageTable_Map($c, $a, $0, $1)"},
	{44, 0, 0, "seL4_X86_PageTable_Unmap($c)"},
	{45, 3, 1, "seL4_X86_Page_Map($c, $a, $0, rights($1), $2)"},
	{46, 0, 0, "seL4_X86_Page_Unmap($c)"},
	{47, 0, 0, "seL4_X86_Page_GetAddress($c)"},
	{48, 2, 2, "seL4_X86_ASIDControl_MakePool($c, $a, $b, $0, $1)"},
	{49, 0, 1, "seL4_X86_ASIDPool_Assign($c, $a)"},
	{57, 7, 1, "seL4_IRQControl_GetIOAPIC($c, $a, $0, $1, $2, $3, $4, $5, $6)"},
	{58, 7, 1, "seL4_IRQControl_GetMSI($c, $a, $0, $1, $2, $3, $4, $5, $6)"},
};

static const struct {
	int number;
	const char *text; /* $c destination, $i info, $r reply, $t where NBSend... sends */
} calls[] = {
	{-1, "seL4_Call($c, $i)"},
	{-2, "seL4_ReplyRecv($c, $i, &badge, $r)"},
	{-3, "seL4_NBSendRecv($t, $i, $c, &badge, $r)"},
	{-4, "seL4_NBSendWait($r, $i, $c, &badge)"},
	{-5, "seL4_Send($c, $i)"},
	{-6, "seL4_NBSend($c, $i)"},
	{-7, "seL4_Recv($c, &badge, $r)"},
	{-8, "seL4_NBRecv($c, &badge, $r)"},
	{-9, "seL4_Wait($c, &badge)"},
	{-10, "seL4_NBWait($c, &badge)"},
	{-11, "seL4_Yield()"},
};

static m_word word_at(const struct op *op, unsigned at)
{
	for (unsigned i = 0; i < op->words; i++)
		if (op->word[i].at == at)
			return op->word[i].value;
	return 0;
}

static m_word mr_of(const struct op *op, unsigned i) { return i < 4 ? op->mr[i] : word_at(op, 1 + i); }

static void put_value(FILE *out, m_word value)
{
	fprintf(out, value < 4096 ? "%" PRIu64 : "%#" PRIx64, value);
}

static void put_info(FILE *out, m_word info)
{
	fprintf(out, "seL4_MessageInfo_new(%#" PRIx64 ", %u, %u, %u)", m_info_label(info),
		(unsigned)(info >> 9) & 7, m_info_extra(info), (unsigned)info & 127);
}

static void put_text(FILE *out, const char *text, const struct op *op)
{
	for (; *text; text++) {
		if (*text != '$') {
			fputc(*text, out);
			continue;
		}
		switch (*++text) {
		case 'c':
			put_value(out, op->cptr);
			break;
		case 'i':
			put_info(out, op->info);
			break;
		case 'r':
			put_value(out, op->reply);
			break;
		case 't':
			put_value(out, op->dest);
			break;
		case 'a':
		case 'b':
		case 'd':
			put_value(out, word_at(op, *text == 'a' ? 122 : *text == 'b' ? 123 : 124));
			break;
		default:
			put_value(out, mr_of(op, (unsigned)(*text - '0')));
			break;
		}
	}
	fprintf(out, ";\n");
}

static void put_registers(FILE *out, const struct op *op)
{
	static const char *const name[20] = {"rip", "rsp", "rflags", "rax", "rbx",     "rcx",    "rdx",
					     "rsi", "rdi", "rbp",    "r8",  "r9",      "r10",    "r11",
					     "r12", "r13", "r14",    "r15", "fs_base", "gs_base"};
	unsigned count = (unsigned)(mr_of(op, 1) < 20 ? mr_of(op, 1) : 20);

	fprintf(out,
		"\tseL4_TCB_WriteRegisters(%" PRIu64 ", %" PRIu64
		", 0, %u, &(seL4_UserContext){.rip = (seL4_Word)next_thread()",
		op->cptr, mr_of(op, 0) & 1, count);
	for (unsigned i = 1; i < count; i++) {
		fprintf(out, ", .%s = ", name[i]);
		if (i == 1)
			fprintf(out, "(seL4_Word)next_stack()");
		else
			put_value(out, mr_of(op, 2 + i));
	}
	fprintf(out, "});\n");
}

static bool put_stub(FILE *out, const struct op *op)
{
	if (op->number != -1)
		return false;
	if (m_info_label(op->info) == 3 && m_info_length(op->info) >= 4 &&
	    mr_of(op, 1) + 2 == m_info_length(op->info)) {
		put_registers(out, op);
		return true;
	}
	for (unsigned i = 0; i < sizeof(stubs) / sizeof(stubs[0]); i++)
		if (stubs[i].label == m_info_label(op->info) && stubs[i].length == m_info_length(op->info) &&
		    stubs[i].extra == m_info_extra(op->info)) {
			fputc('\t', out);
			put_text(out, stubs[i].text, op);
			return true;
		}
	return false;
}

static void put_message(FILE *out, const struct op *op)
{
	bool sends = op->number >= -6;
	unsigned length = m_info_length(op->info);

	for (unsigned i = 0; sends && i < length; i++)
		if (i < 4 || word_at(op, 1 + i)) {
			fprintf(out, "\tseL4_SetMR(%u, ", i);
			put_value(out, mr_of(op, i));
			fprintf(out, ");\n");
		}
	for (unsigned i = 0; sends && i < m_info_extra(op->info); i++) {
		fprintf(out, "\tseL4_SetCap(%u, ", i);
		put_value(out, word_at(op, 122 + i));
		fprintf(out, ");\n");
	}
	if (word_at(op, 125) || word_at(op, 127))
		fprintf(out, "\tseL4_SetCapReceivePath(%#" PRIx64 ", %#" PRIx64 ", %" PRIu64 ");\n",
			word_at(op, 125), word_at(op, 126), word_at(op, 127));
}

static void put_op(FILE *out, const struct op *op, unsigned step)
{
	fprintf(out, "\t/* %u */\n", step);
	if (op->kind != OP_SYSCALL || op->again || op->number < -11 || op->number > -1) {
		if (op->kind == OP_INTERRUPT)
			fprintf(out, "\t/* interrupt %u comes */\n", op->irq);
		else if (op->again)
			fprintf(out, "\t/* the last call is done again */\n");
		else if (op->kind == OP_SYSCALL)
			fprintf(out,
				"\t__asm__ volatile(\"call skerry_syscall\" : : \"d\"(%dL) : \"rcx\", "
				"\"r11\", \"memory\");\n",
				op->number);
		else
			fprintf(out,
				op->kind == OP_EXCEPTION ? "\t__builtin_trap();\n"
							 : "\t*(volatile char *)%#" PRIx64 ";\n",
				op->cptr);
		return;
	}
	if (op->pending)
		fprintf(out, "\t/* interrupt %u comes at its preemption point %u */\n", op->irq, op->pending);
	if (put_stub(out, op))
		return;
	put_message(out, op);
	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].number == op->number) {
			fputc('\t', out);
			put_text(out, calls[i].text, op);
		}
}

static void put_thread(FILE *out, const struct op *ops, unsigned count, unsigned thread, bool is_main)
{
	if (is_main)
		fprintf(out, "int main(void)\n{\n\tseL4_Word badge = 0;\n\n");
	else
		fprintf(out, "static void thread_%u(void)\n{\n\tseL4_Word badge = 0;\n\n", thread);
	for (unsigned i = 0; i < count; i++)
		if (ops[i].thread == thread)
			put_op(out, &ops[i], i);
	fprintf(out, is_main ? "\t(void)badge;\n\treturn 0;\n}\n"
			     : "\t(void)badge;\n\tfor (;;)\n\t\tseL4_Yield();\n}\n\n");
}

/* Threads other than the root's, in the order in which they first did something. */
static unsigned find_threads(const struct op *ops, unsigned count, unsigned *thread, unsigned room)
{
	unsigned found = 0;

	for (unsigned i = 0; i < count; i++) {
		bool known = ops[i].thread <= 2; /* the root's, the idle one */

		for (unsigned t = 0; t < found; t++)
			known |= thread[t] == ops[i].thread;
		if (!known && found < room)
			thread[found++] = ops[i].thread;
	}
	return found;
}

void shrink_print_c(FILE *out, struct op *ops, unsigned count)
{
	unsigned thread[64], threads = find_threads(ops, count, thread, 64);

	fprintf(out,
		"/* Boot: a root CNode of 8 bits, 2 MiB of memory, 2 image frames, root priority %u. "
		"Numbered comments say in which\n"
		" * order the calls were done. */\n#include <sel4/sel4.h>\n\n",
		pair_small.root_priority);
	fprintf(out,
		"__attribute__((unused)) static inline seL4_CapRights_t rights(seL4_Word word)\n{\n"
		"\treturn seL4_CapRights_new(word >> 3 & 1, word >> 2 & 1, word >> 1 & 1, word & 1);\n}\n"
		"static void (*next_thread(void))(void);\nstatic void *next_stack(void);\n\n");
	for (unsigned i = 0; i < threads; i++)
		put_thread(out, ops, count, thread[i], false);
	fprintf(out, "static void (*next_thread(void))(void)\n{\n\tstatic void (*const all[])(void) = {");
	for (unsigned i = 0; i < threads; i++)
		fprintf(out, "thread_%u, ", thread[i]);
	fprintf(out,
		"0};\n\tstatic unsigned at;\n\n\treturn all[at] ? all[at++] : 0;\n}\n\n"
		"static void *next_stack(void)\n{\n\tstatic unsigned char stack[%u][65536] "
		"__attribute__((aligned(16)));\n"
		"\tstatic unsigned at;\n\n\treturn stack[at++ %% %u] + 65536;\n}\n\n",
		threads + 1, threads + 1);
	put_thread(out, ops, count, 1, true);
}
