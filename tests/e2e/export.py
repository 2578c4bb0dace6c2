#!/usr/bin/env python3
"""skerry export: another model checker, Rumur, confirms the verdict and the number of states from a text of our tables.

Where Rumur is missing, only what needs it is left out: the text itself, and what is refused, is looked at all the same.
"""
import os
import re
import shutil
import subprocess

from e2e import expect, expect_refused, main, read, skerry, write

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
CC = shutil.which(os.environ.get("CC", "cc").split()[0])
RUMUR = shutil.which("rumur")
X86 = os.uname().machine in ("x86_64", "AMD64")


def rumur(name, optimise="-O0"):
    """Compiles NAME.m and runs it; returns (states, rules fired, the error or None)."""
    subprocess.run([RUMUR, "--deadlock-detection", "off", "--threads", "1", "--output", f"{name}.c", f"{name}.m"], check=True,
                   timeout=300)
    subprocess.run([CC, "-std=c11", optimise, "-w", *(["-mcx16"] if X86 else []), f"{name}.c", "-o", name, "-lpthread"],
                   check=True, timeout=300)
    done = subprocess.run([f"./{name}"], capture_output=True, text=True, timeout=600, check=False)
    explored = re.search(r"(\d+) states, (\d+) rules fired", done.stdout)
    wrong = re.search(r"error trace for the error:\s+(.*)", done.stdout)
    expect(explored is not None, f"Rumur ends with a count of {name}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return (*map(int, explored.groups() if explored else (0, 0)), wrong.group(1) if wrong else None)


def the_text_holds_tables_and_actions():
    outcome = skerry("export", "memory/msi", "--murphi")
    expect(outcome.code == 0 and outcome.err == "", "exported", outcome)
    for text in ("  e_GETS: ", "  s_line_SM_D: ", "procedure a_dir_clear(", "list_remove_if(n, s, l_dir_sharers, m.src);",
                 "list_fanout(n, s, l_dir_sharers, e_INV);", "tell(n, ref(node_of(m.arg), K_NAMED_dir), e_GETM, me, m.arg, 0);",
                 "  NODES: 3;", 'invariant "I1: '):
        expect(text in outcome.out, f"the text has {text!r}")
    expect(skerry("export", "memory/msi", "--murphi", "--kernels", "2", "--out", "two.m").code == 0, "into a file")
    expect("  NODES: 2;" in read("two.m"), "with other bounds")


def what_cannot_be_said_is_refused():
    expect_refused(skerry("export", "memory/msi"), "--murphi")
    expect_refused(skerry("export", "memory/mis", "--murphi"), 'did you mean "memory/msi"?')
    expect_refused(skerry("export", "memory/msi", "--murphi", "--clients", "none.m"), "none.m")
    write("empty.m", "const X: 1;\n")
    expect_refused(skerry("export", "memory/msi", "--murphi", "--clients", "empty.m"), "@rules")
    # It computes with words: rights that are asked for and are not there.
    expect_refused(skerry("export", "capability/tree", "--murphi"), "action touch of cap", "export-to-murphi.md")


def rumur_counts_the_same_states():
    for kernels, optimise in (("2", "-O0"), ("3", "-O1")):
        ours = skerry("check", "memory/msi", "--kernels", kernels, "--no-symmetry", "--json").json()
        skerry("export", "memory/msi", "--murphi", "--kernels", kernels, "--out", f"msi{kernels}.m")
        states, rules, wrong = rumur(f"msi{kernels}", optimise)
        expect(wrong is None and ours["end"] == "closed", f"with {kernels} kernels both close: {wrong}")
        expect(states == ours["states"], f"with {kernels} kernels Rumur counts {states} states, skerry {ours['states']}")
        expect(rules == ours["transitions"], f"and {rules} transitions, skerry {ours['transitions']}")


FAULTS = (
    ("a line keeps its copy when it is invalidated", "STEP (S,         INV,       I,    invalidate, 1)",
     "STEP (S,         INV,       S,    invalidate, 1)", "I3"),
    ("an invalidation that a put crosses is not expected", "STEP (SI_A,      INV,       SI_A, nothing,    0),", "", "NEVER"),
)


def both_find_a_planted_fault():
    source = read(f"{ROOT}/ssi/protocols/memory_msi.c")
    for number, (what, old, new, why) in enumerate(FAULTS):
        expect(source.count(old) == 1, f"the table has {old!r}")
        write("p.c", "#include <skerry/plugin.h>\n" + source.replace(old, new) + "\nSTEP_PLUGIN(memory_msi);\n")
        done = subprocess.run([CC, "-std=gnu17", "-O1", "-fPIC", "-shared", "-w", f"-I{ROOT}", f"-I{ROOT}/include", "p.c", "-o",
                               f"p{number}.so"], capture_output=True, text=True, check=False)
        expect(done.returncode == 0, f"it compiles: {done.stderr[-1000:]}")
        ours = skerry("check", f"./p{number}.so", "--kernels", "2", "--no-symmetry", "--no-record")
        expect(ours.code == 1 and why in ours.out, f"skerry finds: {what}", ours)
        exported = skerry("export", f"./p{number}.so", "--murphi", "--kernels", "2", "--out", f"p{number}.m")
        expect(exported.code == 0, "it is exported", exported)
        _, _, wrong = rumur(f"p{number}")
        expect(why in (wrong or ""), f"Rumur finds the same: {what}: {wrong}")


if RUMUR and CC:
    main(the_text_holds_tables_and_actions, what_cannot_be_said_is_refused, rumur_counts_the_same_states,
         both_find_a_planted_fault)
missing = "there is no C compiler" if RUMUR else "rumur is not installed (Debian: rumur)"
print(f"skipped: {missing}, so nobody else counts the states")
main(the_text_holds_tables_and_actions, what_cannot_be_said_is_refused)
