#!/usr/bin/env python3
"""skerry export: another model checker, Rumur, confirms the verdict and the number of states from a text of our tables.

Where Rumur is missing, only what needs it is left out: the text itself, and what is refused, is looked at all the same.
"""
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from e2e import expect, expect_refused, main, read, skerry, write

CC = shutil.which(os.environ.get("CC", "cc").split()[0])
RUMUR = shutil.which("rumur")
X86 = os.uname().machine in ("x86_64", "AMD64")
OWNER = ("capability/owner", "--kernels", "2", "--capabilities", "2")
MSI = ("memory/msi", "--kernels", "2")

# Mistakes as skerry mutate prints them, and what both checkers say of them; None: nothing is violated; "": something, as
# several things are after equally many steps.
MSI_MISTAKES = {
    "line S+INV: the state stays": "I3",
    "line SM_D+INV: is ignored": "",
}
OWNER_MISTAKES = {
    "cap HOLLOW+CUT: leads to LIVE": "revoke: what was deleted or moved is usable",
    "own FOREIGN+FIND: leads to KNOWN": "I1",
    "own SOLE+GONE: leads to FOREIGN": "I2",
    "own LENDING+TAKEN: leads to SOLE": "I3",
    "own LENDING+ADMIT: what it tells (0) names nobody": "",
    "cap LIVE+TOUCH: leads to RETIRED": "I4",
    "cap LEAVING+OBTAIN: what it tells (0) is told twice": "reaches a NEVER cell",
    "own OWNED+RETYPE: what it tells (0) has all rights": "revoke: the revoke has returned",
    "cap RETIRED+FREED: is ignored": "retire: at rest",
    "cap ASKING+COPY: leads to CLAIMING": None,
}


def the_text_holds_tables_and_actions():
    outcome = skerry("export", "memory/msi", "--murphi")
    expect(outcome.code == 0 and outcome.err == "", "exported", outcome)
    for text in ("  e_GETS: ", "  s_line_SM_D: ", "procedure a_dir_clear(", "ask(OP_REMOVE_IF, l_dir_sharers, src_in);",
                 "op_event[ops] := e_INV; ask(OP_FANOUT, l_dir_sharers, NOBODY);", "tell(ref(node_of(arg_in), K_NAMED_dir), e_GETM);",
                 "  NODES: 3;", 'invariant "I1: '):
        expect(text in outcome.out, f"the text has {text!r}")
    expect(skerry("export", "memory/msi", "--murphi", "--kernels", "2", "--out", "two.m").code == 0, "into a file")
    expect("  NODES: 2;" in read("two.m"), "with other bounds")


def what_actions_ask_is_learnt():
    outcome = skerry("export", *OWNER, "--murphi")
    expect(outcome.code == 0 and outcome.err == "", "exported", outcome)
    for text in ("  if ref_in[f_cap_object] = me then\n", "  if node_of(arg_in) = here then\n", "  if count_in[l_own_members] = 1 then\n",
                 "  if ref_in[f_own_holder] = NOBODY then\n", "  if word_in = 15 then\n    if field_in[w_cap_word] = 3 then\n",
                 'error "like of cap meets what the search did not meet";', "tell(ref_in[f_op_to], field_in[w_op_verb]);",
                 "op_other[ops] := l_own_rest; ask(OP_TAKE_LIST, l_own_members, NOBODY);", 'invariant "reclaim: '):
        expect(text in outcome.out, f"the text has {text!r}")


def what_cannot_be_said_is_refused():
    expect_refused(skerry("export", "memory/msi"), "--murphi")
    expect_refused(skerry("export", "memory/mis", "--murphi"), 'did you mean "memory/msi"?')
    expect_refused(skerry("export", "memory/msi", "--murphi", "--clients", "none.m"), "none.m")
    expect_refused(skerry("export", "memory/msi", "--murphi", "--mutant", "line S+INV: is eaten"), "no such mutant")
    expect_refused(skerry("export", "memory/msi", "--murphi", "--promise", "revoke"), "declares no promises")
    write("empty.m", "const X: 1;\n")
    expect_refused(skerry("export", "memory/msi", "--murphi", "--clients", "empty.m"), "@rules")
    # It adds all members of a list to another.
    expect_refused(skerry("export", "thread/eager", "--murphi", "--kernels", "2"), "action pack of body", "export-to-murphi.md")


def compile_with_choice(name):
    """Rumur takes MISTAKE for a constant: one program for all its values takes it from the environment."""
    write(f"{name}.m", read(f"{name}.m").replace("  MISTAKE: 0;", "  MISTAKE: 77777;"))
    # glibc gives memory back after each of Rumur's many copies, unless it is told not to: three times as fast.
    subprocess.run([RUMUR, "--deadlock-detection", "off", "--counterexample-trace", "off", "--threads", "1", "--output",
                    f"{name}.c", f"{name}.m"], check=True, timeout=300,
                   env={**os.environ, "GLIBC_TUNABLES": "glibc.malloc.mxfast=0"})
    choice = ("#define _GNU_SOURCE\n#include <stdlib.h>\n"
              'static long mistake(void) { static long m = -1; if (m < 0) m = atol(getenv("MISTAKE")); return m; }\n')
    lines = [line if "static const value_t ru_MISTAKE" in line else line.replace("VALUE_C(77777)", "((value_t)mistake())")
             for line in read(f"{name}.c").split("\n")]
    write(f"{name}.c", choice + "\n".join(lines))
    subprocess.run([CC, "-std=gnu11", "-O1", "-w", *(["-mcx16"] if X86 else []), f"{name}.c", "-o", name, "-lpthread"],
                   check=True, timeout=300)


def rumur(name, mistake):
    """Returns (states, rules fired, the error or None)."""
    done = subprocess.run([f"./{name}"], capture_output=True, text=True, timeout=600, check=False,
                          env={**os.environ, "MISTAKE": str(mistake)})
    explored = re.search(r"(\d+) states, (\d+) rules fired", done.stdout)
    wrong = re.search(r"error trace for the error:\s+(.*)", done.stdout)
    expect(explored is not None, f"Rumur ends with a count of {name}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return (*map(int, explored.groups() if explored else (0, 0)), wrong.group(1) if wrong else None)


def confirm(name, bounds, mistakes):
    chosen = [word for mistake in mistakes for word in ("--mutant", mistake)]
    exported = skerry("export", *bounds, "--murphi", *chosen, "--out", f"{name}.m")
    expect(exported.code == 0, "it is exported", exported)
    compile_with_choice(name)
    ours = skerry("check", *bounds, "--no-symmetry", "--no-record", "--json").json()
    ours = ours["searches"][0] if "searches" in ours else ours
    states, rules, wrong = rumur(name, 0)
    expect(wrong is None and ours["end"] == "closed", f"of {name} both close: {wrong}")
    expect(states == ours["states"], f"of {name} Rumur counts {states} states, skerry {ours['states']}")
    expect(rules == ours["transitions"], f"and {rules} transitions, skerry {ours['transitions']}")
    judged = skerry("mutate", *bounds, *chosen, "--json").json()["mutants"]
    for number, (mutant, why) in enumerate(mistakes.items(), 1):
        found = next(one for one in judged if one["mutant"] == mutant)
        expect((found["end"] == "caught") == (why is not None), f"skerry, of {mutant}: {found}")
        _, _, wrong = rumur(name, number)
        expect((wrong is not None) == (why is not None), f"Rumur, of {mutant}: {wrong}")
        expect(why is None or (why in found["why"] and why in wrong), f"{mutant}: {found['why']}; Rumur: {wrong}")


def rumur_counts_the_same_and_finds_the_same():
    with ThreadPoolExecutor() as both:
        for done in [both.submit(confirm, "msi", MSI, MSI_MISTAKES), both.submit(confirm, "owner", OWNER, OWNER_MISTAKES)]:
            done.result()


if RUMUR and CC:
    main(the_text_holds_tables_and_actions, what_actions_ask_is_learnt, what_cannot_be_said_is_refused,
         rumur_counts_the_same_and_finds_the_same)
missing = "there is no C compiler" if RUMUR else "rumur is not installed (Debian: rumur)"
print(f"skipped: {missing}, so nobody else counts the states")
main(the_text_holds_tables_and_actions, what_actions_ask_is_learnt, what_cannot_be_said_is_refused)
