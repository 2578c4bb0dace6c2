/* kernelmodel/libsel4 in C++17: every header compiles, a system call enters, and values are those that C sees. */
#include <sel4/sel4.h>
#include <sel4platsupport/bootinfo.h>
#include <sel4runtime.h>
#include <sel4tutorials/alloc.h>
#include <sel4utils/helpers.h>
#include <sel4utils/util.h>
#include <skerry/user.h>
#include <utils/util.h>
#include <cstdio>
#include <cstdlib>

/* A kernel that answers every call with badge 42 and the message of the call. */
__asm__(".text\n"
	".globl skerry_syscall\n"
	".type skerry_syscall, @function\n"
	"skerry_syscall:\n"
	"	movq $42, %rdi\n"
	"	ret\n"
	".size skerry_syscall, . - skerry_syscall\n");

static seL4_IPCBuffer buffer;
static seL4_BootInfo boot_info;
extern "C" seL4_IPCBuffer *skerry_ipc_buffer(void) { return &buffer; }
extern "C" seL4_BootInfo *skerry_boot_info(void) { return &boot_info; }
extern "C" void skerry_exit(int status) { std::exit(status); }

static_assert(sizeof(seL4_IPCBuffer) == 1024 && alignof(seL4_IPCBuffer) == 1024, "the IPC buffer");
static_assert(sizeof(seL4_UserContext) == 160 && sizeof(seL4_Fault_t) == 160, "registers, faults");
static_assert(sizeof(seL4_Error) == 4 && seL4_NotEnoughMemory == 10, "errors");
static_assert(X86IRQIssueIRQHandlerMSI == 58, "labels");

/* As programs declare it, who link no library of seL4's: here it is a function, which is declared again. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wparentheses"
extern LIBSEL4_THREAD_LOCAL seL4_IPCBuffer *__sel4_ipc_buffer;
#pragma GCC diagnostic pop

static int failures;
static void check(bool holds, const char *fact)
{
	if (!holds) {
		std::printf("not so: %s\n", fact);
		failures++;
	}
}

int main()
{
	seL4_Word badge = 0, mr0 = 5;
	const seL4_MessageInfo_t info = seL4_MessageInfo_new(9, 0, 1, 2);
	check(info.words[0] == 0x9082, "a message info is seL4's word");
	check(seL4_CNode_CapData_new(3, 4).words[0] == 0xc4, "a guard is seL4's word");
	check(seL4_CapRights_get_capAllowGrant(seL4_NoWrite) == 1, "NoWrite grants");
	seL4_SetMR(0, 7);
	check(seL4_ReplyRecv(1, info, &badge, 2).words[0] == info.words[0],
	      "a call hands back the message info");
	check(badge == 42 && seL4_GetMR(0) == 7, "a call hands back badge and message");
	seL4_CallWithMRs(1, info, &mr0, nullptr, nullptr, nullptr);
	check(mr0 == 5, "a call with MRs hands them back");
	/* Its answer is the call's own label, which is then the error. */
	check(static_cast<int>(seL4_CNode_Delete(1, 2, 64)) == CNodeDelete, "an invocation's label");
	check(seL4_Fault_VMFault_get_Addr(seL4_Fault_VMFault_new(1, 2, 3, 4)) == 2, "a fault's field");
	check(platsupport_get_bootinfo() == &boot_info, "the boot info");
	check(__sel4_ipc_buffer == &buffer && &__sel4_ipc_buffer->userData == &buffer.userData,
	      "the variable behind the buffer");
	return failures ? 1 : 0;
}
