#!/usr/bin/env python3
"""Programs of users as clients of clusters: how they end, what they are told, and that nothing of them is left."""
import os
import shutil
import subprocess
import sys
from e2e import PROGRAM, expect, expect_refused, main, skerry, write

CC = os.path.join(os.path.dirname(PROGRAM), "skerry-cc")
if not (shutil.which("clang-14") or shutil.which("clang")):
    print("skipped: clang is not installed, programs cannot be compiled")
    sys.exit(77)

# Several words: does each in turn.
ANY = r"""
#include <sel4/sel4.h>
#include <skerry/ssi.h>
#include <skerry/user.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int instances; /* each instance has its own */
static struct ssi_place me;
static struct ssi_received came;
static seL4_CPtr mine;
static int deeper(int n) { volatile char some[1000]; some[n % 1000] = 1; return deeper(n + 1) + some[n % 999]; }
static int act(const char *word, seL4_Word to)
{
    if (!strcmp(word, "null")) *(volatile int *)8 = 1;
    if (!strcmp(word, "divide")) { volatile int seven = 7, zero = 0; return seven / zero; }
    if (!strcmp(word, "stack")) return deeper(1);
    if (!strcmp(word, "exit")) exit(3);
    if (!strcmp(word, "spin")) for (;;);
    if (!strcmp(word, "poll")) while (!ssi_poll(&came));
    if (!strcmp(word, "receive")) ssi_receive(&came);
    if (!strcmp(word, "create")) return (int)ssi_create(SSI_NOTIFICATION, SSI_ALL, &mine);
    if (!strcmp(word, "send")) return (int)ssi_send(mine, to, 0, 5);
    if (!strcmp(word, "move")) return (int)ssi_move(mine, to, 0, 6);
    if (!strcmp(word, "offer")) return (int)ssi_offer(mine, to, 0, 7);
    if (!strcmp(word, "revoke")) return (int)ssi_revoke(mine);
    if (!strcmp(word, "many")) for (int i = 0; i < 100; i++) if (ssi_create(i % 4 + 1, SSI_ALL, &mine)) return 9;
    if (!strcmp(word, "wait")) seL4_Wait(SSI_NOTIFICATION_SLOT, 0);
    if (!strcmp(word, "compute")) skerry_compute(100000);
    if (!strcmp(word, "tell")) printf("%lu.%lu of %lu: %d %d %lu %lu\n", me.cluster, me.client, me.clusters, came.kind,
                                      came.moved, came.label, came.cluster);
    if (!strcmp(word, "bad")) { /* nothing of this may do harm */
        seL4_CPtr out = 77;
        seL4_Word n = 0, object;
        enum ssi_kind kind;
        int bad = ssi_copy(5, &out) != seL4_InvalidCapability || ssi_copy(4000, &out) != seL4_InvalidCapability;
        bad += ssi_copy(~0ul, &out) != seL4_InvalidCapability || ssi_obtain(~0ul, &out) != seL4_InvalidCapability;
        for (seL4_Word i = 0; i < 8; i++) /* names that nobody told: those of capabilities that there are, too */
            for (seL4_Word node = 0; node < 4; node++)
                bad += ssi_obtain(node | 1ul << 20 | i << 36, &out) != seL4_InvalidCapability;
        bad += ssi_create(SSI_FILE, SSI_ALL, &out) != seL4_InvalidArgument || ssi_create(99, SSI_ALL, &out) != seL4_InvalidArgument;
        bad += ssi_send(SSI_MONITOR, 0, 0, 0) != seL4_InvalidCapability || ssi_query(9, &object, &kind) == seL4_NoError;
        bad += ssi_clients(1000, &n) != seL4_InvalidArgument || ssi_clients(SSI_HERE, &n) != seL4_InvalidArgument;
        bad += ssi_clients(0, &n) != seL4_NoError || n < 1 || ssi_delete(900) != seL4_InvalidCapability;
        for (int label = 0; label < 64; label++) /* the monitor's calls of other clients */
            bad += seL4_MessageInfo_get_label(seL4_Call(SSI_MONITOR, seL4_MessageInfo_new(label, 0, 0, 4))) != seL4_InvalidArgument;
        seL4_Send(SSI_MONITOR, seL4_MessageInfo_new(SSI_CREATE, 0, 0, 4)); /* and does not wait */
        seL4_Send(SSI_MONITOR, seL4_MessageInfo_new(SSI_REVOKE, 0, 0, 4));
        seL4_NBSend(SSI_MONITOR, seL4_MessageInfo_new(SSI_RECEIVE, 0, 0, 4));
        return bad || out != 77;
    }
    return 0;
}
int main(int argc, char **argv)
{
    ssi_where(&me);
    if (instances++) return 90;
    for (int i = 1; i < argc; i++) {
        const int code = act(argv[i], (me.cluster + 1) % me.clusters);
        if (code) return code;
    }
    return 0;
}
"""


# Cluster 0 receives, the others send numbers that grow, in all three ways; in the middle the capability of cluster 1 is revoked.
LETTERS = r"""
#include <sel4/sel4.h>
#include <skerry/ssi.h>
#include <stdio.h>
#include <stdlib.h>
#define ROUNDS 12
static struct ssi_place me;
#define MUST(what, is) do { const long got_ = (long)(what); if (got_ != (long)(is)) { \
    printf("line %d: %ld instead of %ld\n", __LINE__, got_, (long)(is)); exit(__LINE__ % 256); } } while (0)
static void receive(seL4_CPtr door, seL4_Word last[], int *calls, int revoked)
{
    seL4_MessageInfo_t info;
    seL4_Word badge;
    MUST(ssi_wait(door, &badge, &info), 0);
    const seL4_Word from = badge - 100, label = seL4_MessageInfo_get_label(info), length = seL4_MessageInfo_get_length(info);
    const seL4_Word number = seL4_GetMR(0);
    MUST(from < me.clusters && from, 1);
    MUST(revoked && from == 1, 0);    /* it began to receive after the revoke */
    MUST(number > last[from], 1);     /* in order, and once */
    MUST(label != 51 && number != last[from] + 1 && number != last[from] + 2, 0); /* only a try is lost */
    MUST(length, number % 117 ? number % 117 : 1);
    for (seL4_Word i = 1; i < length; i++) MUST(seL4_GetMR(i), number + i);
    last[from] = number;
    if (label != 52) return;
    seL4_SetMR(0, number * 2);
    MUST(ssi_reply(seL4_MessageInfo_new(60, 0, 0, 1)), 0);
    MUST(ssi_reply(seL4_MessageInfo_new(60, 0, 0, 1)), seL4_InvalidCapability);
    ++*calls;
}
static int server(void)
{
    seL4_CPtr door, far[64], none = 0;
    seL4_Word last[64] = {0}, badge;
    seL4_MessageInfo_t info;
    int calls = 0, revoked = 0;
    MUST(ssi_create(SSI_ENDPOINT, SSI_ALL, &door), 0);
    for (seL4_Word c = 1; c < me.clusters; c++) {
        MUST(ssi_mint(door, SSI_WRITE, 100 + c, &far[c]), 0);
        MUST(ssi_send(far[c], c, 0, 0), 0);
    }
    MUST(ssi_wait(far[1], &badge, &info), seL4_InvalidCapability); /* no right to read */
    MUST(ssi_wait(none, &badge, &info), seL4_InvalidCapability);
    const int all = (int)(me.clusters - 2) * ROUNDS;
    while (calls < all) {
        receive(door, last, &calls, revoked == 2);
        if (last[1] && !revoked++) { MUST(ssi_revoke(far[1]), 0); revoked = 2; }
    }
    for (seL4_Word c = 2; c < me.clusters; c++) MUST(last[c], ROUNDS * 3);
    return 0;
}
static seL4_MessageInfo_t letter(seL4_Word label, seL4_Word number)
{
    const seL4_Word length = number % 117 ? number % 117 : 1;
    seL4_SetMR(0, number);
    for (seL4_Word i = 1; i < length; i++) seL4_SetMR((int)i, number + i);
    return seL4_MessageInfo_new(label, 0, 0, length);
}
static int client(void)
{
    struct ssi_received came;
    seL4_CPtr weak;
    ssi_receive(&came);
    MUST(ssi_mint(came.capability, SSI_READ, 0, &weak), 0);
    MUST(seL4_MessageInfo_get_label(seL4_Call(weak, letter(52, 1))), seL4_InvalidCapability); /* no right to write */
    MUST(seL4_MessageInfo_get_label(seL4_Call(came.capability, seL4_MessageInfo_new(52, 0, 0, 120))), seL4_TruncatedMessage);
    for (seL4_Word i = 0; i < ROUNDS; i++) {
        seL4_NBSend(came.capability, letter(50, 3 * i + 1));
        seL4_Send(came.capability, letter(51, 3 * i + 2));
        const seL4_MessageInfo_t reply = seL4_Call(came.capability, letter(52, 3 * i + 3));
        const seL4_Word answer = seL4_MessageInfo_get_label(reply);
        if (me.cluster == 1 && answer != 60) {
            MUST(answer == seL4_FailedLookup || answer == seL4_InvalidCapability, 1);
            MUST(seL4_MessageInfo_get_label(seL4_Call(came.capability, letter(52, 1))), seL4_InvalidCapability);
            return 0;
        }
        MUST(answer, 60);
        MUST(seL4_GetMR(0), 2 * (3 * i + 3));
    }
    return me.cluster == 1 ? 99 : 0;
}
int main(void) { ssi_where(&me); return me.cluster ? client() : server(); }
"""


def build(name="any", text=ANY):
    write(f"{name}.c", text)
    done = subprocess.run([CC, "-O1", f"{name}.c", "-o", name], capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"skerry-cc: {done.stderr}")


def machine(*each, more="", clusters=None):
    """A scenario in which cluster i does each[i]."""
    write("any.yaml", f"fidelity: full\nmachine: {{clusters: {clusters or len(each)}}}\n{more}clients:\n" + "".join(
        f"  - {{program: ./any, arguments: \"{words}\", on: {i}}}\n" for i, words in enumerate(each)))


def run(*options):
    return skerry("run", "any.yaml", "--no-record", "--quiet", *options)


def digest(outcome):
    return [line for line in outcome.out.splitlines() if line.startswith("digest")]


def what_goes_wrong_is_one_clear_message():
    build()
    for words, code, text in (("exit", 1, "ended with 3"), ("null", 1, "bad pointer to 0x8"), ("divide", 1, "exception"),
                              ("stack", 1, "bad pointer to"), ("receive", 4, "client 0 of cluster 0, waits in ssi_receive()"),
                              ("wait", 4, "waits in a system call")):
        machine(words, "create")
        outcome = run()
        expect(outcome.code == code and text in outcome.out, f"{words}: exit {code}, {text}", outcome)
        expect("capabilities: all given back" not in outcome.out or "given back  " in outcome.out, "nothing is left", outcome)
    if shutil.which("addr2line"):
        machine("null")
        said = run().out
        line = said[said.index("addr2line"):].splitlines()[0].split()
        shown = subprocess.run(line, capture_output=True, text=True, check=False).stdout
        expect(shown.startswith(("act", "main")), f"{line} shows where: {shown}")
    machine("spin", "create")
    for engine in ("window", "native"):
        outcome = run("--timeout", "300 ms", "--engine", engine, "--oversubscribe")
        expect(outcome.code == 3, f"a program that spins ({engine}) is stopped by --timeout", outcome)


def what_is_sent_is_received():
    build()
    for engine in ("window", "native"):
        machine("create send create move", "receive tell receive tell", "tell", more="seed: 5\n")
        outcome = run("--engine", engine, "--oversubscribe")
        expect(outcome.code == 0, f"it runs ({engine})", outcome)
        for line in ("1.0 of 3: 2 0 5 0", "1.0 of 3: 2 1 6 0", "2.0 of 3: 0 0 0 0"):
            expect(line in outcome.out, f"{line} ({engine})", outcome)
        machine("create offer receive tell", "poll tell create send")
        outcome = run("--engine", engine, "--oversubscribe")
        expect(outcome.code == 0 and "0.0 of 2: 2 0 5 1" in outcome.out and "1.0 of 2: 0 0 7 0" in outcome.out,
               f"offers, and one that polls ({engine})", outcome)


def nothing_that_a_program_does_harms_its_monitor():
    build()
    for protocol in ("tree", "owner", "central", "captp"):
        machine("bad", "create bad send", "many receive", "bad many")
        outcome = run("--set", f"protocols.capability={protocol}")
        expect(outcome.code == 0, f"calls that are wrong are refused ({protocol})", outcome)


def the_same_run_twice_and_with_either_engine():
    build()
    machine("create send compute revoke", "create receive compute send", "many")
    outcomes = [run(), run(), run("--engine", "heap")]
    expect(len({tuple(digest(o)) for o in outcomes}) == 1 and outcomes[0].code == 0, "one digest", outcomes[0])


def whoever_is_killed_leaves_nothing():
    build()
    for at in ("12us", "20us", "40us", "200us"):
        machine("create send create send receive", "many create send receive receive receive", more="events:\n"
                f"  - {{at: {at}, kill: {{cluster: 0, client: 0}}}}\n  - {{at: {at}, kill: {{cluster: 1, client: 0}}}}\n")
        outcome = run()
        expect(outcome.code == 0 and "all given back" in outcome.out, f"killed at {at}", outcome)


def many_at_once():
    build()
    write("any.yaml", "fidelity: full\nmachine: {clusters: 40}\n"
          "clients: [{program: ./any, arguments: \"create send receive create revoke\", copies: 1}]\n")
    outcome = run()
    expect(outcome.code == 0, "a ring of forty", outcome)


def messages_come_once_in_order_and_not_after_a_revoke():
    build("letters", LETTERS)
    write("any.yaml", "fidelity: full\nmachine: {clusters: 5}\nclients: [{program: ./letters}]\n")
    for protocol in ("tree", "owner", "central"):
        for words in ((), ("--inclusion", "--set", "machine.link.jitter=3000 cycles", "--set", "seed=7"),
                      ("--set", "machine.link.credit=4"), ("--engine", "native", "--oversubscribe")):
            outcome = run("--set", f"protocols.capability={protocol}", *words)
            expect(outcome.code == 0, f"{protocol} {words}", outcome)
    outcomes = [run(), run("--engine", "heap"), run("--set", "machine.clusters=30"), run("--set", "machine.clusters=30")]
    expect(digest(outcomes[0]) == digest(outcomes[1]) and digest(outcomes[2]) == digest(outcomes[3]), "one digest")
    expect(outcomes[2].code == 0, "thirty clusters", outcomes[2])
    for protocol in ("captp", "crypto"): # nobody knows there what was revoked
        outcome = run("--set", f"protocols.capability={protocol}")
        expect(outcome.code == 1 and "ended with" in outcome.out, f"{protocol} refuses", outcome)


def whoever_is_killed_keeps_nobody_waiting():
    build("letters", LETTERS)
    for protocol in ("tree", "owner", "central"):
        for at in (70, 90, 120, 160):
            write("any.yaml", "fidelity: full\nmachine: {clusters: 4}\nclients: [{program: ./letters}]\n"
                  f"events: [{{at: {at}us, kill: {{cluster: 0, client: 0}}}}]\n")
            outcome = run("--set", f"protocols.capability={protocol}", "--inclusion")
            expect("all given back" in outcome.out and not any("FAILED" in line for line in outcome.out.splitlines()
                   if "programs: exit" not in line), f"{protocol}, killed at {at} us", outcome)


def what_is_no_program_is_refused():
    build()
    machine("create")
    expect_refused(run("--set", "fidelity=flat"), "clients.0.program", "fidelity: full")
    expect_refused(run("--set", "order=serial"), "clients.0.program", "serial")
    expect_refused(run("--set", "clients.0.program=./none"), "clients.0.program", "skerry-cc")
    expect_refused(run("--set", "clients.0.program=any.c"), "clients.0.program", "is no program for Skerry")
    expect_refused(run("--set", "clients.0.repeat=2"), "clients.0.repeat")
    write("lib.c", "int main(void) { return 0; }\nunsigned skerry_image_version = 99;\n")
    subprocess.run(["cc", "-shared", "-fPIC", "lib.c", "-o", "lib.so"], check=True)
    expect_refused(run("--set", "clients.0.program=./lib.so"), "another version of skerry-cc")
    write("trace.yaml", "clients: [{trace: tar, arguments: x}]\n")
    expect_refused(skerry("run", "trace.yaml"), "clients.0.arguments", "program")


main(what_goes_wrong_is_one_clear_message, what_is_sent_is_received, nothing_that_a_program_does_harms_its_monitor,
     the_same_run_twice_and_with_either_engine, whoever_is_killed_leaves_nothing, many_at_once,
     messages_come_once_in_order_and_not_after_a_revoke, whoever_is_killed_keeps_nobody_waiting, what_is_no_program_is_refused)
