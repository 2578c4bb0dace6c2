#!/usr/bin/env python3
"""skerry-cc and skerry boot: programs written for seL4, how they end, and what is wrong with them."""
import os
import shutil
import subprocess
import sys
import e2e
from e2e import PROGRAM, expect, expect_refused, main, read, skerry, write

CC = os.path.join(os.path.dirname(PROGRAM), "skerry-cc")
if not (shutil.which("clang-14") or shutil.which("clang")):
    print("skipped: clang is not installed, programs cannot be compiled")
    sys.exit(77)

HEAD = """#include <sel4/sel4.h>
#include <skerry/user.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
"""

# Threads, calls, spinning, a fault and its handler: enough for a digest.
BUSY = HEAD + """
static seL4_CPtr next, untyped, endpoint, reply, bell;
static volatile int flag;
static char stacks[4][8192];
static seL4_CPtr make(seL4_Word type, seL4_Word bits)
{
    if (seL4_Untyped_Retype(untyped, type, bits, seL4_CapInitThreadCNode, 0, 0, next, 1))
        skerry_exit(90);
    return next++;
}
static void start(void (*code)(void), int which, seL4_CPtr handler, unsigned core)
{
    seL4_CPtr tcb = make(seL4_TCBObject, 0), sc = make(seL4_SchedContextObject, 8), frame = make(seL4_X86_4K, 0);
    seL4_UserContext regs = {0};
    seL4_BootInfo *info = seL4_GetBootInfo();
    regs.rip = (seL4_Word)code;
    regs.rsp = (seL4_Word)(stacks[which] + sizeof stacks[which]);
    if (seL4_SchedControl_Configure(info->schedcontrol.start + core, sc, 1000, 1000, 0, 0) ||
        seL4_TCB_Configure(tcb, seL4_CapInitThreadCNode, 0, seL4_CapInitThreadVSpace, 0, 0x10000000, frame) ||
        seL4_TCB_SetSchedParams(tcb, seL4_CapInitThreadTCB, 100, 100, sc, handler) ||
        seL4_TCB_WriteRegisters(tcb, 1, 0, sizeof regs / sizeof(seL4_Word), &regs))
        skerry_exit(91);
}
static void serve(void)
{
    seL4_Word badge;
    seL4_Recv(endpoint, &badge, reply);
    for (;;) {
        seL4_SetMR(0, seL4_GetMR(0) * 2);
        seL4_ReplyRecv(endpoint, seL4_MessageInfo_new(0, 0, 0, 1), &badge, reply);
    }
}
static void spin(void) { while (!flag); seL4_Signal(bell); for (;;) seL4_Wait(endpoint, 0); }
static void spin_more(void) { while (1); }
static void release(void) { flag = 1; printf("released\\n"); for (;;) seL4_Wait(bell, 0); }
int main(int argc, char **argv)
{
    seL4_BootInfo *info = seL4_GetBootInfo();
    seL4_Word sum = 0;
    unsigned other = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    int best = 0;
    next = info->empty.start;
    for (seL4_Word i = 0; i < info->untyped.end - info->untyped.start; i++)
        if (!info->untypedList[i].isDevice && info->untypedList[i].sizeBits > best) {
            best = info->untypedList[i].sizeBits;
            untyped = info->untyped.start + i;
        }
    endpoint = make(seL4_EndpointObject, 0);
    reply = make(seL4_ReplyObject, 0);
    bell = make(seL4_NotificationObject, 0);
    start(serve, 0, 0, other);
    for (int i = 0; i < 10; i++) {
        seL4_SetMR(0, i);
        seL4_Call(endpoint, seL4_MessageInfo_new(0, 0, 0, 1));
        sum += seL4_GetMR(0);
    }
    start(spin, 1, 0, 0);
    start(spin_more, 2, 0, 0);
    start(release, 3, 0, 0);
    seL4_Wait(bell, 0);
    printf("sum %lu\\n", sum);
    return 3;
}
"""

FAULTS = HEAD + """
static int deeper(int n) { volatile char some[1000]; some[n % 1000] = 1; return deeper(n + 1) + some[n % 999]; }
int main(int argc, char **argv)
{
    if (!strcmp(argv[1], "null")) *(volatile int *)0 = 1;
    if (!strcmp(argv[1], "divide")) { volatile int seven = 7, zero = 0; return seven / zero; }
    if (!strcmp(argv[1], "trap")) __builtin_trap();
    if (!strcmp(argv[1], "wait")) seL4_Wait(seL4_CapNull, 0);
    if (!strcmp(argv[1], "exit")) exit(77);
    if (!strcmp(argv[1], "abort")) { printf("before\\n"); abort(); }
    if (!strcmp(argv[1], "libc")) free((void *)8);
    if (!strcmp(argv[1], "halt")) seL4_DebugHalt();
    if (!strcmp(argv[1], "stack")) return deeper(1);
    printf("[%s]\\n", argv[1]);
    return atoi(argv[1]);
}
"""

RINGS = HEAD + """
int main(void)
{
    static int instances; /* each instance has its own */
    seL4_BootInfo *info = seL4_GetBootInfo();
    seL4_CPtr next = info->empty.start, untyped = 0, device = 0, bell, irq;
    unsigned self = skerry_cluster(), bits = 0;
    seL4_Word shared = 0x40000000;
    for (seL4_Word i = 0; i < info->untyped.end - info->untyped.start; i++) {
        if (info->untypedList[i].isDevice && info->untypedList[i].sizeBits == 23) device = info->untyped.start + i;
        else if (!info->untypedList[i].isDevice && info->untypedList[i].sizeBits > bits) {
            bits = info->untypedList[i].sizeBits;
            untyped = info->untyped.start + i;
        }
    }
    if (instances++ || !device || info->nodeID != self || info->numNodes != 3) return 10;
    bell = next++; irq = next++;
    if (seL4_Untyped_Retype(untyped, seL4_NotificationObject, 0, seL4_CapInitThreadCNode, 0, 0, bell, 1)) return 11;
    if (seL4_IRQControl_GetMSI(seL4_CapIRQControl, seL4_CapInitThreadCNode, irq, 64, 0, 0, 0, 0, 48 + self)) return 12;
    if (seL4_IRQHandler_SetNotification(irq, bell)) return 13;
    seL4_CPtr frame = next++, pdpt = next++, pd = next++;
    if (seL4_Untyped_Retype(device, seL4_X86_LargePageObject, 0, seL4_CapInitThreadCNode, 0, 0, frame, 1)) return 14;
    if (seL4_Untyped_Retype(untyped, seL4_X86_PDPTObject, 0, seL4_CapInitThreadCNode, 0, 0, pdpt, 1)) return 15;
    if (seL4_Untyped_Retype(untyped, seL4_X86_PageDirectoryObject, 0, seL4_CapInitThreadCNode, 0, 0, pd, 1)) return 16;
    seL4_X86_PDPT_Map(pdpt, seL4_CapInitThreadVSpace, shared, seL4_X86_Default_VMAttributes); /* there may be one */
    if (seL4_X86_PageDirectory_Map(pd, seL4_CapInitThreadVSpace, shared, seL4_X86_Default_VMAttributes)) return 17;
    if (seL4_X86_Page_Map(frame, seL4_CapInitThreadVSpace, shared, seL4_AllRights, seL4_X86_Default_VMAttributes)) return 18;
    /* A token goes round in shared memory, three times. */
    for (int round = 0; round < 3; round++) {
        if (self || round) {
            do seL4_Wait(bell, 0);
            while (skerry_load(shared, 8) % 3 != self);
        }
        printf("cluster %u has %lu\\n", self, skerry_load(shared, 8));
        skerry_store(shared, 8, skerry_load(shared, 8) + 1);
        skerry_doorbell((self + 1) % 3);
    }
    return 0;
}
"""

CXX = HEAD.replace("stdio.h", "cstdio") + """
#include <string>
#include <vector>
#include <stdexcept>
struct Counter { int n = 0; Counter() { n = 41; } };
static Counter counter;
int main(int argc, char **argv)
{
    std::vector<std::string> words(argv, argv + argc);
    try { throw std::runtime_error("caught"); }
    catch (const std::exception &e) { std::printf("%s %d %zu\\n", e.what(), counter.n + 1, words.size()); }
    if constexpr (sizeof(seL4_Word) == 8) return seL4_GetBootInfo()->numNodes == 1 ? 0 : 1;
}
"""


def cc(*arguments):
    done = subprocess.run([CC, *arguments], capture_output=True, text=True, check=False)
    return e2e.Outcome(done.returncode, done.stdout, done.stderr)


def compiled(name, text, *options):
    suffix = ".cc" if "<vector>" in text else ".c"
    write(name + suffix, text)
    outcome = cc(name + suffix, "-o", name, *options)
    expect(outcome.code == 0, f"{name} compiles", outcome)
    return "./" + name


def programs_end_as_they_say():
    program = compiled("faults", FAULTS)
    for code in (0, 1, 42, 255):
        outcome = skerry("boot", program, "--", str(code))
        expect(outcome.code == code and outcome.out == f"[{code}]\n" and outcome.err == "", f"exit code {code}", outcome)
    expect(skerry("boot", program, "--", "exit").code == 77, "exit() is the exit code")
    expect(skerry("boot", program, "--engine", "native", "--", "7").code == 7, "natively as well")
    direct = skerry("9", program=program, env={"SKERRY": PROGRAM})
    expect(direct.code == 9 and direct.out == "[9]\n", "run by itself it boots", direct)
    beside = skerry("8", program=os.path.abspath(program), env={"PATH": "/nowhere"})
    expect(beside.code == 8, "skerry is found beside skerry-cc", beside)


def is_sanitized(what, why):
    """Whether skerry was built with ASan: then says what is left out."""
    with open(e2e.PROGRAM, "rb") as file:
        sanitized = b"__asan_init" in file.read()
    if sanitized:
        print(f"skipped: {what}, under ASan: {why}")
    return sanitized


def crashes_are_faults_of_threads():
    program = compiled("faults", FAULTS, "-O1")
    for what, words in (("null", "vm fault on data at address 0x0"), ("divide", "user exception 0"),
                        ("trap", "user exception 6"), ("wait", "cap fault in receive phase"), ("stack", "vm fault on data")):
        outcome = skerry("boot", program, "--", what)
        expect(outcome.code == 4, f"{what}: no progress", outcome)
        expect(words in outcome.out + outcome.err, f"{what}: {words}", outcome)
        expect("cluster 0, core 0: thread 0" in outcome.err, f"{what}: who is where", outcome)
    outcome = skerry("boot", program, "--", "abort")
    expect(outcome.code not in (0, 1, 2) and outcome.out == "before\n", "what was printed before abort() is seen", outcome)
    expect(skerry("boot", program, "--", "halt").code == 4, "seL4_DebugHalt")
    if is_sanitized("a crash inside of libc", "its allocator is the sanitizer's, which is no part of libc"):
        return
    outcome = skerry("boot", program, "--", "libc")
    expect(outcome.code == 70 or outcome.code < 0, "a crash inside libc ends all", outcome)


def deadlocks_are_told():
    program = compiled("deadlock", HEAD + """
int main(void)
{
    seL4_CPtr slot = seL4_GetBootInfo()->empty.start;
    seL4_BootInfo *info = seL4_GetBootInfo();
    for (seL4_Word i = 0; i < info->untyped.end - info->untyped.start; i++)
        if (!seL4_Untyped_Retype(info->untyped.start + i, seL4_EndpointObject, 0, seL4_CapInitThreadCNode, 0, 0, slot, 1))
            break;
    seL4_Send(slot, seL4_MessageInfo_new(0, 0, 0, 0));
    return 0;
}
""")
    for engine in ("virtual", "native"):
        outcome = skerry("boot", program, "--engine", engine, "--cores", "2")
        expect(outcome.code == 4, f"{engine}: exit code 4", outcome)
        expect("waits to send to endpoint" in outcome.err, f"{engine}: who waits for what", outcome)


def digests(program, *options):
    outcome = skerry("boot", program, "--json", *options)
    expect(outcome.code == 3 and outcome.out == "released\nsum 90\n", "the busy program", outcome)
    return e2e.json.loads(outcome.err)


def runs_repeat_whatever_the_build():
    results = [digests(compiled("busy" + level, BUSY, "-" + level)) for level in ("O0", "O2", "O3")]
    again = digests("./busyO2")
    expect(again == {**results[1]}, "two runs are the same")
    first = results[0]
    expect(first["schema"] == 1 and len(first["digest"]) == 16, "schema and digest")
    expect(first["build_bound"] and first["clusters"][0]["spins"] > 0, "spinning is told")
    expect(first["clusters"][0]["entries"]["call"] > 20, "entries by kind")
    expect(first["clusters"][0]["preemptions"] > 0, "preemptions")
    quiet = HEAD + """
int main(void)
{
    volatile int sum = 0;
    for (int i = 0; i < 100000; i++) sum += i;
    for (int i = 0; i < 100; i++) { seL4_Yield(); skerry_compute(1000); }
    return 3;
}
"""
    found = set()
    for level in ("O0", "O1", "O2", "O3"):
        outcome = skerry("boot", compiled("quiet" + level, quiet, "-" + level), "--json")
        result = e2e.json.loads(outcome.err)
        expect(not result["build_bound"], f"{level}: nothing spins", outcome)
        found.add((result["digest"], result["clusters"][0]["cycles"][0]))
    expect(len(found) == 1, f"one digest at every level of optimisation: {found}")


def several_cores_and_costs():
    program = compiled("busy", BUSY, "-O2")
    two = skerry("boot", program, "--cores", "2", "--out", "two.json", "--", "1")
    expect(two.code == 3, "two cores, virtual", two)
    result = e2e.json.loads(read("two.json"))
    expect(result["clusters"][0]["entries"]["ipi"] > 0 and len(result["clusters"][0]["cycles"]) == 2, "they interrupt each other")
    free = digests(program, "--cost", "none")
    expect(free["clusters"][0]["cycles"][0] != digests(program)["clusters"][0]["cycles"][0], "costs make a difference")
    one = {sorted(os.sched_getaffinity(0))[0]}
    native = skerry("boot", program, "--cores", "2", "--engine", "native", "--json", "--", "1", cpus=one)
    expect(native.code == 3, "two cores on one CPU, natively", native)
    expect(e2e.json.loads(native.err)["digest"] is None, "no digest of real time")


def clusters_share_memory_and_ring():
    program = compiled("rings", RINGS, "-O2")
    for engine in ("virtual", "native"):
        outcome = skerry("boot", program, "--clusters", "3", "--engine", engine)
        expect(outcome.code == 0, f"{engine}: three clusters", outcome)
        expect(outcome.out == "".join(f"cluster {i % 3} has {i}\n" for i in range(9)), f"{engine}: the token goes round", outcome)
    near = e2e.json.loads(skerry("boot", program, "--clusters", "3", "--json").err)
    far = e2e.json.loads(skerry("boot", program, "--clusters", "3", "--json", "--latency", "5us").err)
    expect(far["clusters"][0]["cycles"][0] > near["clusters"][0]["cycles"][0], "a longer link takes longer")
    expect(near["digest"] != far["digest"], "and gives another digest")


def the_kernel_does_not_see_a_direction_flag():
    """A thread may run with it set; C code of the kernel relies on its being clear."""
    program = compiled("backwards", """#include <sel4/sel4.h>
int main(int argc, char **argv)
{
    (void)argv;
    for (int i = 0; i < 1000; i++) {
        if (argc > 1)
            __asm__ volatile("std");
        seL4_Yield();
        __asm__ volatile("cld");
    }
    return 0;
}
""", "-O2")
    runs = [skerry("boot", program, "--json", *more) for more in ((), ("--", "std"))]
    found = {e2e.json.loads(run.err)["digest"] for run in runs}
    expect(len(found) == 1, f"the same run, with the flag and without: {found}", runs[1])


def cxx_programs_run():
    if is_sanitized("C++ exceptions", "its runtime finds no C++ library in a program that begins without one"):
        return
    outcome = skerry("boot", compiled("plus", CXX, "-O2"), "--", "a")
    expect(outcome.code == 0 and outcome.out == "caught 42 2\n", "C++17, constructors, exceptions", outcome)


def usage_is_checked():
    program = compiled("faults", FAULTS)
    expect_refused(skerry("boot"), "argument is missing")
    expect_refused(skerry("boot", "nowhere"), "nowhere", "No such file")
    write("text", "no program\n")
    expect_refused(skerry("boot", "text"), "text", "skerry-cc")
    expect_refused(skerry("boot", "/bin/true"), "/bin/true", "skerry-cc")
    expect_refused(skerry("boot", program, "--cores", "0"), "--cores 0", "64")
    expect_refused(skerry("boot", program, "--cores", "65"), "--cores 65", "64")
    expect_refused(skerry("boot", program, "--clusters", "49"), "--clusters 49", "48")
    expect_refused(skerry("boot", program, "--memory", "1MiB"), "--memory", "4 MiB")
    expect_refused(skerry("boot", program, "--memory", "64GiB"), "--memory", "64 GiB")
    expect_refused(skerry("boot", program, "--engine", "nativ"), 'did you mean "native"?')
    expect_refused(skerry("boot", program, "--cost", "sel4"), "sel4")
    expect_refused(skerry("boot", program, "--wrong"), '"--wrong"')


def the_compiler_says_what_is_wrong():
    expect(cc().code == 2, "no argument")
    expect(cc("--help").code == 0, "--help")
    expect("nowhere.c" in cc("nowhere.c", "-o", "x").err, "a file that is missing")
    write("a.c", "int main(void) { return missing_function(); }\nint missing_function(void);\n")
    write("b.c", "int missing_function(void);\nint main(void) { return missing_function(); }\n")
    outcome = cc("b.c", "-o", "b")
    expect(outcome.code == 1 and "missing_function" in outcome.err and not os.path.exists("b"), "an undefined function", outcome)
    write("c.c", "int other;\n")
    outcome = cc("c.c", "-o", "c")
    expect(outcome.code == 1 and "main" in outcome.err, "no main()", outcome)
    expect(cc("c.c", "-static", "-o", "c").code == 2, "-static")
    write("d.c", "int missing_function(void) { return 5; }\n")
    expect(cc("-c", "b.c", "d.c").code == 0 and cc("b.o", "d.o", "-o", "bd").code == 0, "compiled apart, then linked")
    expect(skerry("boot", "./bd").code == 5, "it runs")


main(programs_end_as_they_say, crashes_are_faults_of_threads, deadlocks_are_told, runs_repeat_whatever_the_build,
     several_cores_and_costs, clusters_share_memory_and_ring,
     the_kernel_does_not_see_a_direction_flag, cxx_programs_run, usage_is_checked,
     the_compiler_says_what_is_wrong)
