#!/usr/bin/env python3
"""Plain pointers of a program reach the memory that it mapped: rights, faults, unmapping, address spaces, cores, clusters."""
import os
import shutil
import subprocess
import sys
import e2e
from e2e import PROGRAM, expect, main, skerry, write

CC = os.path.join(os.path.dirname(PROGRAM), "skerry-cc")
if not (shutil.which("clang-14") or shutil.which("clang")):
    print("skipped: clang is not installed, programs cannot be compiled")
    sys.exit(77)

HEAD = """#include <sel4tutorials/tutorial.h>
#include <skerry/user.h>
#include <stdlib.h>
#define AT(vaddr) (*(volatile seL4_Word *)(vaddr))
#define V 0x10000000ul
#define SECOND(v) ((v) + 0x1000)
static seL4_BootInfo *info;
static seL4_CPtr never; /* a notification that nobody signals */
static void begin(void)
{
    info = platsupport_get_bootinfo();
    never = alloc_object(info, seL4_NotificationObject, 0);
}
static seL4_CPtr page_new(void) { return alloc_object(info, seL4_X86_4K, 0); }
static void page_at(seL4_CPtr frame, seL4_Word vaddr, seL4_CapRights_t rights) { CHECK_OK(page_map(info, frame, vaddr, rights)); }
"""

BYTES = HEAD + """
typedef unsigned long loose __attribute__((aligned(1)));
struct record { int number; char text[40]; double real; };
static void one_frame_two_places(seL4_Word v)
{
    const seL4_CPtr frame = page_new(), copy = cap_mint(info, frame, seL4_AllRights, 0);
    page_at(frame, v, seL4_ReadWrite);
    page_at(copy, SECOND(v), seL4_CanRead);
    CHECK(AT(v) == 0);
    AT(v) = 5;
    CHECK(AT(SECOND(v)) == 5);
    CHECK(skerry_load(SECOND(v), 8) == 5);
    skerry_store(v + 8, 8, 6);
    CHECK(AT(v + 8) == 6 && AT(SECOND(v) + 8) == 6);
    CHECK_OK(slot_delete(copy));
    /* Remapped: another frame is seen, and the first has kept its bytes. */
    const seL4_CPtr other = page_new();
    CHECK_OK(seL4_X86_Page_Unmap(frame));
    page_at(other, v, seL4_ReadWrite);
    CHECK(AT(v) == 0);
    AT(v) = 7;
    page_at(frame, SECOND(v), seL4_ReadWrite);
    CHECK(AT(SECOND(v)) == 5 && AT(v) == 7);
    /* A word that lies across both. */
    *(volatile loose *)(v + 0xffc) = 0x1122334455667788;
    CHECK(*(volatile unsigned *)(v + 0xffc) == 0x55667788 && *(volatile unsigned *)SECOND(v) == 0x11223344);
    CHECK_OK(seL4_X86_Page_Unmap(frame));
    CHECK_OK(seL4_X86_Page_Unmap(other));
}
static void libc_reaches(void)
{
    const seL4_CPtr frame = page_new(), next = page_new();
    struct record in = {7, "a text", 2.5}, *out = (struct record *)(V + 64), back;
    page_at(frame, V, seL4_ReadWrite);
    page_at(next, SECOND(V), seL4_ReadWrite);
    memcpy(out, &in, sizeof in);
    memcpy(&back, out, sizeof back);
    CHECK(!memcmp(&in, &back, sizeof in) && out->real == 2.5);
    snprintf((char *)SECOND(V), 100, "%s, %d", out->text, out->number);
    CHECK_OK(seL4_X86_Page_Unmap(frame)); /* all is gone, and comes back inside of printf() */
    printf("%s\\n", (char *)SECOND(V));
    /* And inside of the kernel, which copies for a service. */
    page_at(frame, V, seL4_ReadWrite);
    AT(V) = 0;
    CHECK_OK(seL4_X86_Page_Unmap(frame));
    skerry_copy_in((char *)SECOND(V) + 200, SECOND(V), 10);
    CHECK(!memcmp((char *)SECOND(V) + 200, "a text, 7", 10));
    CHECK_OK(seL4_X86_Page_Unmap(next));
}
static void large_page(void)
{
    const seL4_CPtr large = alloc_object(info, seL4_X86_LargePageObject, 0);
    const seL4_Word v = 0x20000000;
    page_at(large, v, seL4_ReadWrite);
    for (seL4_Word at = 0; at < BIT(seL4_LargePageBits); at += 0x11000)
        AT(v + at) = at;
    AT(v + BIT(seL4_LargePageBits) - 8) = 9;
    for (seL4_Word at = 0; at < BIT(seL4_LargePageBits); at += 0x11000)
        CHECK(skerry_load(v + at, 8) == at);
    CHECK(skerry_load(v + BIT(seL4_LargePageBits) - 8, 8) == 9);
    /* More small pages than the first list of them holds; from the last to the first. */
    const seL4_Word more = 3 * BIT(seL4_LargePageBits);
    for (seL4_Word at = BIT(seL4_LargePageBits); at <= more; at += BIT(seL4_LargePageBits))
        page_at(alloc_object(info, seL4_X86_LargePageObject, 0), v + at, seL4_ReadWrite);
    for (seL4_Word at = more; at > 0; at -= 0x1000)
        AT(v + at) = at;
    CHECK_OK(seL4_X86_Page_Unmap(large));
    for (seL4_Word at = BIT(seL4_LargePageBits); at <= more; at += 0x1000)
        CHECK(AT(v + at) == at);
}
/* A kernel's own addresses: the IPC buffer, the image that it mapped at boot, the boot info behind the buffer. */
static void own_pages(void)
{
    volatile seL4_IPCBuffer *buffer = info->ipcBuffer;
    CHECK((seL4_Word)buffer < BIT(32) && buffer != seL4_GetIPCBuffer());
    seL4_SetMR(20, 4711);
    CHECK(buffer->msg[20] == 4711);
    buffer->msg[21] = 4712;
    CHECK(seL4_GetMR(21) == 4712);
    AT(0x400000) = 3;
    CHECK(skerry_load(0x400000, 8) == 3);
}
/* What was copied there may run. */
static void code(void)
{
    static const unsigned char add[] = {0x48, 0x8d, 0x04, 0x37, 0xc3}; /* lea (%rdi,%rsi),%rax; ret */
    const seL4_CPtr frame = page_new();
    page_at(frame, V, seL4_ReadWrite);
    memcpy((void *)V, add, sizeof add);
    CHECK(((long (*)(long, long))V)(40, 2) == 42);
    CHECK_OK(seL4_X86_Page_Unmap(frame));
}
static seL4_CPtr done;
static void on_mapped_stack(void *word)
{
    volatile char deep[3000];
    memset((void *)deep, 1, sizeof deep);
    skerry_store(V, 8, AT(SECOND(V)) + deep[2999]);
    printf("on a stack of its own: %p\\n", word);
    for (;;) {
        seL4_Signal(done);
        seL4_Wait(never, NULL);
    }
}
static void stack(void)
{
    struct thread t = thread_new(info, (void *)on_mapped_stack, 8, 0, 100, 5000, 5000);
    seL4_UserContext regs;
    page_at(page_new(), V, seL4_ReadWrite);
    page_at(page_new(), SECOND(V), seL4_ReadWrite);
    for (seL4_Word at = 0x40000000; at < 0x40008000; at += 0x1000)
        page_at(page_new(), at, seL4_ReadWrite);
    AT(SECOND(V)) = 41;
    done = alloc_object(info, seL4_NotificationObject, 0);
    CHECK_OK(seL4_TCB_ReadRegisters(t.tcb, 0, 0, sizeof regs / 8, &regs));
    regs.rsp = 0x40008000 - 8;
    regs.rdi = 8;
    CHECK_OK(seL4_TCB_WriteRegisters(t.tcb, 1, 0, sizeof regs / 8, &regs));
    seL4_Wait(done, NULL);
    CHECK(AT(V) == 42);
}
int main(int argc, char **argv)
{
    begin();
    const seL4_Word high = argc > 1 ? strtoul(argv[1], NULL, 0) : V;
    one_frame_two_places(V);
    one_frame_two_places(high);
    libc_reaches();
    large_page();
    own_pages();
    code();
    stack();
    return tutorial_end("bytes are bytes");
}
"""

# A thread does what is asked; main() is its fault handler and mends what is expected.
FAULTS = HEAD + """
enum { LOAD, STORE, COPY, END };
static struct { int what; seL4_Word at, value; } job;
static seL4_CPtr faults, reply, go, done;
static struct thread worker;
static void work(void *unused)
{
    (void)unused;
    for (;;) {
        seL4_Wait(go, NULL);
        if (job.what == LOAD) job.value = AT(job.at);
        if (job.what == STORE) AT(job.at) = job.value;
        if (job.what == COPY) memcpy((void *)job.at, "many bytes, in libc", 20);
        seL4_SetMR(0, 99);
        seL4_Call(faults, seL4_MessageInfo_new(77, 0, 0, 1));
    }
}
/* The job ends after faults at `at` with status `fsr`, `count` of them, each mended by mapping `frame` with `rights`. */
static void mended(int what, seL4_Word at, seL4_Word value, int count, seL4_Word fsr, seL4_CPtr frame, seL4_CapRights_t rights)
{
    seL4_MessageInfo_t tag;
    int seen = 0;
    job.what = what, job.at = at, job.value = value;
    seL4_Signal(go);
    while (tag = seL4_Recv(faults, NULL, reply), seL4_isVMFault_tag(tag)) {
        const seL4_Word address = seL4_GetMR(seL4_VMFault_Addr), status = seL4_GetMR(seL4_VMFault_FSR);
        if (address != at || status != fsr || ++seen > count) {
            printf("a fault at %#lx with %#lx, must be at %#lx with %#lx\\n", address, status, at, fsr);
            exit(1);
        }
        CHECK(seL4_GetMR(seL4_VMFault_PrefetchFault) == 0);
        page_at(frame, at & ~0xffful, rights);
        seL4_Send(reply, seL4_MessageInfo_new(0, 0, 0, 0));
    }
    CHECK(seL4_MessageInfo_get_label(tag) == 77);
    if (seen != count) {
        printf("%d faults at %#lx, must be %d\\n", seen, at, count);
        failures++;
    }
    seL4_Send(reply, seL4_MessageInfo_new(0, 0, 0, 0));
}
int main(void)
{
    begin();
    seL4_CPtr frame = page_new(), other = page_new();
    faults = alloc_object(info, seL4_EndpointObject, 0);
    reply = alloc_object(info, seL4_ReplyObject, 0);
    go = alloc_object(info, seL4_NotificationObject, 0);
    worker = thread_new(info, (void *)work, 0, 0, 100, 5000, 5000);
    CHECK_OK(seL4_TCB_SetSpace(worker.tcb, faults, ROOT, 0, seL4_CapInitThreadVSpace, 0));
    CHECK_OK(seL4_TCB_Resume(worker.tcb));
    /* Nothing is there: 4 to read, 6 to write. */
    mended(LOAD, V + 16, 1, 1, 4, frame, seL4_CanRead);
    CHECK(job.value == 0);
    /* Read-only: 7. Once it is writable, no fault any more. */
    mended(STORE, V + 16, 5, 1, 7, frame, seL4_ReadWrite);
    CHECK(AT(V + 16) == 5);
    mended(STORE, V + 24, 6, 0, 0, frame, seL4_ReadWrite);
    CHECK(AT(V + 24) == 6);
    /* Rights are taken away again. */
    CHECK_OK(seL4_X86_Page_Map(frame, seL4_CapInitThreadVSpace, V, seL4_CanRead, seL4_X86_Default_VMAttributes));
    mended(LOAD, V + 16, 0, 0, 0, frame, seL4_CanRead);
    CHECK(job.value == 5);
    mended(STORE, V + 16, 8, 1, 7, frame, seL4_ReadWrite);
    CHECK(AT(V + 16) == 8);
    /* Unmapped; another frame comes in its place. */
    CHECK_OK(seL4_X86_Page_Unmap(frame));
    mended(LOAD, V + 16, 1, 1, 4, other, seL4_ReadWrite);
    CHECK(job.value == 0);
    AT(V + 16) = 11;
    /* Its capability is deleted. */
    CHECK_OK(slot_delete(other));
    mended(STORE, V + 16, 12, 1, 6, frame, seL4_ReadWrite);
    CHECK(AT(V + 16) == 12);
    CHECK_OK(seL4_X86_Page_Unmap(frame));
    /* In the middle of memcpy(). */
    mended(COPY, V, 0, 1, 6, frame, seL4_ReadWrite);
    CHECK(!strcmp((char *)V, "many bytes, in libc"));
    /* A frame that nobody may read is the kernel's: present, but not the user's. */
    CHECK_OK(seL4_X86_Page_Map(frame, seL4_CapInitThreadVSpace, V, seL4_NoRights, seL4_X86_Default_VMAttributes));
    mended(LOAD, V, 0, 1, 5, frame, seL4_ReadWrite);
    /* The table goes, and with it all that hangs on it; mapped elsewhere in between. */
    seL4_CPtr large = alloc_object(info, seL4_X86_LargePageObject, 0);
    CHECK_OK(page_map(info, large, 0x20000000, seL4_ReadWrite));
    AT(0x20000000) = 13, AT(0x20100000) = 14;
    CHECK_OK(seL4_X86_Page_Unmap(large));
    mended(LOAD, 0x20000000, 0, 1, 4, large, seL4_CanRead);
    CHECK(job.value == 13);
    mended(STORE, 0x20000000, 15, 1, 7, large, seL4_ReadWrite);
    CHECK(AT(0x20000000) == 15 && AT(0x20100000) == 14);
    return tutorial_end("faults are faults");
}
"""

# Two threads, each in an address space of its own, with a frame of its own at the same address; main() sees a third.
SPACES = HEAD + """
static seL4_CPtr turn[3], ended;
static seL4_CPtr space_new(seL4_CPtr frame)
{
    const seL4_CPtr space = alloc_object(info, seL4_X64_PML4Object, 0);
    CHECK_OK(seL4_X86_ASIDPool_Assign(seL4_CapInitThreadASIDPool, space));
    CHECK_OK(seL4_X86_PDPT_Map(alloc_object(info, seL4_X86_PDPTObject, 0), space, V, seL4_X86_Default_VMAttributes));
    CHECK_OK(seL4_X86_PageDirectory_Map(alloc_object(info, seL4_X86_PageDirectoryObject, 0), space, V, seL4_X86_Default_VMAttributes));
    CHECK_OK(seL4_X86_PageTable_Map(alloc_object(info, seL4_X86_PageTableObject, 0), space, V, seL4_X86_Default_VMAttributes));
    CHECK_OK(seL4_X86_Page_Map(frame, space, V, seL4_ReadWrite, seL4_X86_Default_VMAttributes));
    return space;
}
static void work(void *number)
{
    const seL4_Word self = (seL4_Word)number;
    AT(V) = 100 * self;
    for (seL4_Word i = 0; i < 20; i++) {
        if (AT(V) != 100 * self + i) {
            printf("thread %lu sees %lu\\n", self, AT(V));
            skerry_exit(1);
        }
        AT(V)++;
        seL4_Signal(turn[self % 2 + 1]);
        seL4_Wait(turn[self], NULL);
    }
    seL4_Signal(ended);
    seL4_Wait(never, NULL);
}
int main(int argc, char **argv)
{
    begin();
    const unsigned core = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    seL4_CPtr frame[3], seen[3];
    ended = alloc_object(info, seL4_NotificationObject, 0);
    for (int i = 0; i < 3; i++) {
        frame[i] = page_new();
        seen[i] = cap_mint(info, frame[i], seL4_AllRights, 0);
        turn[i] = alloc_object(info, seL4_NotificationObject, 0);
    }
    page_at(frame[0], V, seL4_ReadWrite);
    AT(V) = 1;
    for (seL4_Word i = 1; i < 3; i++) {
        struct thread t = thread_new(info, (void *)work, i, 0, 100, 5000, 5000);
        if (i == 2 && core)
            CHECK_OK(seL4_SchedControl_Configure(info->schedcontrol.start + core, t.sched_context, 5000, 5000, 0, 0));
        CHECK_OK(seL4_TCB_SetSpace(t.tcb, 0, ROOT, 0, space_new(frame[i]), 0));
        CHECK_OK(seL4_TCB_Resume(t.tcb));
    }
    seL4_Wait(ended, NULL);
    CHECK(AT(V) == 1);
    for (seL4_Word i = 1; i < 3; i++) {
        page_at(seen[i], V + i * 0x1000, seL4_CanRead);
        CHECK(AT(V + i * 0x1000) >= 100 * i + 19);
    }
    return tutorial_end("each sees its own");
}
"""

# Threads on two cores, in one address space: each increments its word of a page, and remaps a page of its own.
CORES = HEAD + """
static seL4_CPtr own[2], ended[2];
static void work(void *number)
{
    const seL4_Word self = (seL4_Word)number, v = V + 0x10000 * (self + 1);
    for (seL4_Word i = 1; i <= 300; i++) {
        AT(V + 64 * self)++;
        if (seL4_X86_Page_Map(own[self], seL4_CapInitThreadVSpace, v, seL4_ReadWrite, seL4_X86_Default_VMAttributes)) skerry_exit(2);
        if (AT(v) != i - 1) { printf("%lu is %lu\\n", i, AT(v)); skerry_exit(3); }
        AT(v) = i;
        if (seL4_X86_Page_Unmap(own[self])) skerry_exit(4);
    }
    seL4_Signal(ended[self]);
    seL4_Wait(never, NULL);
}
int main(void)
{
    begin();
    page_at(page_new(), V, seL4_ReadWrite);
    for (seL4_Word i = 0; i < 2; i++) {
        own[i] = page_new();
        ended[i] = alloc_object(info, seL4_NotificationObject, 0);
        page_at(own[i], V + 0x10000 * (i + 1), seL4_ReadWrite);
        CHECK_OK(seL4_X86_Page_Unmap(own[i]));
    }
    for (seL4_Word i = 0; i < 2; i++) {
        struct thread t = thread_new(info, (void *)work, i, 0, 100, 5000, 5000);
        CHECK_OK(seL4_SchedControl_Configure(info->schedcontrol.start + i, t.sched_context, 5000, 5000, 0, 0));
        CHECK_OK(seL4_TCB_Resume(t.tcb));
    }
    seL4_Wait(ended[0], NULL);
    seL4_Wait(ended[1], NULL);
    CHECK(AT(V) == 300 && AT(V + 64) == 300);
    return tutorial_end("two cores, one space");
}
"""

# A token goes round in memory that the clusters share, and each keeps count in a page of its own at one address.
CLUSTERS = HEAD + """
int main(int argc, char **argv)
{
    begin();
    const seL4_Word shared = 0x40000000, self = skerry_cluster();
    const seL4_CPtr bell = alloc_object(info, seL4_NotificationObject, 0), irq = alloc_slot(info), frame = alloc_slot(info);
    const int own = argc > 1;
    seL4_CPtr device = 0;
    for (seL4_Word i = 0; i < info->untyped.end - info->untyped.start; i++)
        if (info->untypedList[i].isDevice && info->untypedList[i].sizeBits == 23) device = info->untyped.start + i;
    CHECK_OK(seL4_IRQControl_GetMSI(seL4_CapIRQControl, ROOT, irq, 64, 0, 0, 0, 0, SKERRY_DOORBELL_VECTOR + self));
    CHECK_OK(seL4_IRQHandler_SetNotification(irq, bell));
    CHECK_OK(seL4_Untyped_Retype(device, seL4_X86_LargePageObject, 0, ROOT, 0, 0, frame, 1));
    page_at(frame, shared, seL4_ReadWrite);
    page_at(page_new(), V, seL4_ReadWrite);
    volatile unsigned long *token = (unsigned long *)shared;
    for (seL4_Word round = 0; round < 5; round++) {
        while (*token % 2 != self)
            seL4_Wait(bell, NULL), seL4_IRQHandler_Ack(irq);
        CHECK(token[1 + self] == round && *token == 2 * round + self);
        if (own) {
            CHECK(AT(V) == round * (self + 1));
            AT(V) += self + 1;
        }
        token[1 + self]++;
        ++*token;
        skerry_doorbell(1 - self);
    }
    return failures;
}
"""

# In virtual time a first touch takes what a modelled access takes, and one after it nothing. On two cores, threads that
# touch many pages take turns by their clocks: the walk may end a turn.
PRICE = HEAD + """
#define PAGES 200
static seL4_CPtr go[2], ended;
static char log[2 * PAGES];
static int logged;
static void work(void *number)
{
    const seL4_Word self = (seL4_Word)number, from = 0x30000000 + self * 0x1000000;
    seL4_Wait(go[self], NULL);
    for (seL4_Word i = 0; i < PAGES; i++) {
        AT(from + i * 0x1000) = self;
        log[logged++] = (char)self;
    }
    seL4_Signal(ended);
    seL4_Wait(never, NULL);
}
int main(void)
{
    begin();
    const unsigned cores = (unsigned)(info->schedcontrol.end - info->schedcontrol.start);
    page_at(page_new(), V, seL4_ReadWrite);
    page_at(page_new(), SECOND(V), seL4_ReadWrite);
    seL4_Word at[5];
    at[0] = skerry_now();
    skerry_load(V, 8);
    at[1] = skerry_now();
    (void)AT(SECOND(V));
    at[2] = skerry_now();
    (void)AT(SECOND(V));
    at[3] = skerry_now();
    at[4] = skerry_now();
    CHECK(at[1] - at[0] == at[2] - at[1]);
    CHECK(at[3] - at[2] == at[4] - at[3] && at[2] - at[1] > at[3] - at[2]);
    ended = alloc_object(info, seL4_NotificationObject, 0);
    for (seL4_Word i = 0; cores > 1 && i < 2; i++) {
        struct thread t = thread_new(info, (void *)work, i, 0, 100, 5000, 5000);
        for (seL4_Word p = 0; p < PAGES; p++)
            page_at(page_new(), 0x30000000 + i * 0x1000000 + p * 0x1000, seL4_ReadWrite);
        go[i] = alloc_object(info, seL4_NotificationObject, 0);
        CHECK_OK(seL4_SchedControl_Configure(info->schedcontrol.start + i, t.sched_context, 5000, 5000, 0, 0));
        CHECK_OK(seL4_TCB_Resume(t.tcb));
    }
    for (int i = 1; cores > 1 && i >= 0; i--)
        seL4_Signal(go[i]);
    int turns = 0;
    while (cores > 1 && logged < 2 * PAGES)
        seL4_Wait(ended, NULL);
    for (int i = 1; i < logged; i++)
        turns += log[i] != log[i - 1];
    CHECK(cores == 1 || turns > PAGES);
    return tutorial_end("time passes");
}
"""

# The host has its own page where one is mapped.
TAKEN = HEAD + """
static const char constant[8192] __attribute__((aligned(4096))) = "the program's";
int main(void)
{
    begin();
    page_at(page_new(), (seL4_Word)constant, seL4_ReadWrite);
    AT((seL4_Word)constant) = 1;
    return 0;
}
"""

COST = HEAD + """
#include <time.h>
static double ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e9 + t.tv_nsec; }
int main(void)
{
    begin();
    const seL4_CPtr large = alloc_object(info, seL4_X86_LargePageObject, 0), one = page_new();
    const seL4_Word v = 0x20000000;
    page_at(large, v, seL4_ReadWrite);
    page_at(one, V, seL4_ReadWrite);
    for (int round = 0; round < 3; round++) {
        double from = ns();
        for (int i = 0; i < 512; i++) AT(v + i * 0x1000) = 1;
        double touched = ns();
        seL4_X86_Page_Map(one, seL4_CapInitThreadVSpace, V, seL4_ReadWrite, seL4_X86_Default_VMAttributes);
        double dropped = ns();
        for (int i = 0; i < 512; i += 8) AT(v + i * 0x1000) = 1;
        double some = ns();
        seL4_X86_Page_Map(one, seL4_CapInitThreadVSpace, V, seL4_ReadWrite, seL4_X86_Default_VMAttributes);
        double again = ns();
        printf("touch %.0f ns a page; dropping 512 in a row %.0f ns, 64 apart %.0f ns a page\\n", (touched - from) / 512, dropped - touched, (again - some) / 64);
    }
    return 0;
}
"""


def compiled(name, text, *options):
    write(name + ".c", text)
    done = subprocess.run([CC, name + ".c", "-o", name, *options], capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"{name} compiles", e2e.Outcome(done.returncode, done.stdout, done.stderr))
    return "./" + name


ENGINES = ([], ["--cores", "2"], ["--engine", "native"], ["--engine", "native", "--cores", "2"])


def everywhere(program, last, *arguments, engines=ENGINES):
    """It ends well on each engine; in virtual time twice the same."""
    for options in engines:
        outcome = skerry("boot", program, *options, "--json", "--", *arguments)
        expect(outcome.code == 0 and outcome.out.endswith(last + "\n"), f"{program} {options}", outcome)
        if "native" not in options:
            again = skerry("boot", program, *options, "--json", "--", *arguments)
            expect(again.err == outcome.err, f"{program} {options}: two runs are the same", again)


def bytes_are_those_of_the_frame():
    for level in ("-O0", "-O2"):
        everywhere(compiled("bytes", BYTES, level), "bytes are bytes")
    # As seL4's tutorials choose it; sanitizers keep their shadow there.
    outcome = skerry("boot", "./bytes", "--", "0xA000000000")
    if "the host has something of its own there" in outcome.err:
        print("skipped: 0xA000000000 is taken on this host")
        return
    expect(outcome.code == 0, "at 0xA000000000", outcome)
    expect("a text, 7\n" in outcome.out and "on a stack of its own: 0x8\n" in outcome.out, "libc prints it", outcome)


def what_is_not_mapped_faults():
    for level in ("-O0", "-O2"):
        everywhere(compiled("faults", FAULTS, level), "faults are faults")


def address_spaces_are_apart():
    program = compiled("spaces", SPACES, "-O2")
    everywhere(program, "each sees its own", engines=([], ["--cores", "2"], ["--engine", "native"]))
    everywhere(program, "each sees its own", "1", engines=(["--cores", "2"],))
    outcome = skerry("boot", program, "--engine", "native", "--cores", "2", "--", "1")
    told = outcome.code == 2 and "address spaces run at once" in outcome.err and "--engine virtual" in outcome.err
    expect(told or (outcome.code == 0 and outcome.out == "each sees its own\n"), "refused, or never at once", outcome)


def cores_share_a_space():
    everywhere(compiled("cores", CORES, "-O2"), "two cores, one space", engines=ENGINES[1:2] + ENGINES[3:])


def clusters_share_a_device():
    program = compiled("clusters", CLUSTERS, "-O2")
    for options in ([], ["own"]):
        outcome = skerry("boot", program, "--clusters", "2", "--json", "--", *options)
        expect(outcome.code == 0, f"two clusters, {options}", outcome)
        again = skerry("boot", program, "--clusters", "2", "--json", "--", *options)
        expect(again.err == outcome.err, "two runs are the same", again)
    outcome = skerry("boot", program, "--clusters", "2", "--engine", "native")
    expect(outcome.code == 0 or (outcome.code == 2 and "address spaces run at once" in outcome.err),
           "natively: the same memory at the same address", outcome)


def walks_take_time():
    everywhere(compiled("price", PRICE, "-O1"), "time passes", engines=ENGINES[:2])


def what_the_host_has_stays():
    outcome = skerry("boot", compiled("taken", TAKEN, "-O1"))
    expect(outcome.code == 4 and outcome.err.count("the host has something of its own there") == 1, "one line, and a VM fault",
           outcome)


def without_a_file_of_memory_only_services_reach():
    plain = compiled("taken", TAKEN, "-O1")
    services = compiled("services", HEAD + """
int main(void)
{
    begin();
    page_at(page_new(), V, seL4_ReadWrite);
    skerry_store(V, 8, 5);
    return skerry_load(V, 8) == 5 ? 0 : 1;
}
""")
    for program, code in ((services, 0), (plain, 4)):
        done = subprocess.run(["bash", "-c", 'ulimit -f 100; exec "$@"', "bash", PROGRAM, "boot", program], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=120)
        outcome = e2e.Outcome(done.returncode, done.stdout, done.stderr)
        expect(outcome.code == code and outcome.err.count("(ulimit -f)") == 1, "one line says why", outcome)


if sys.argv[2:] == ["cost"]:
    main(lambda: print(skerry("boot", compiled("cost", COST, "-O2")).out))
main(bytes_are_those_of_the_frame, what_is_not_mapped_faults, address_spaces_are_apart, cores_share_a_space,
     clusters_share_a_device, walks_take_time, what_the_host_has_stays, without_a_file_of_memory_only_services_reach)
