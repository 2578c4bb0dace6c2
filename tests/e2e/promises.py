#!/usr/bin/env python3
"""What a protocol declares that it promises: wrong declarations are found, and counter-examples of shared objects replay."""
import os
import shutil
import subprocess
import sys

from e2e import expect, expect_refused, main, read, skerry, write

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
CC = shutil.which(os.environ.get("CC", "cc").split()[0])
if not CC:
    print("skipped: there is no C compiler, no shared object can be made")
    sys.exit(77)

DECLARED = "CAPABILITY_PROMISES_LIST(true, true, true, true, true, true)"
LEAVES = ("STEP (COPY,      REVOKE,      FREE,      leave,     1)", "STEP (COPY,      REVOKE,      COPY,      leave,     1)")


def compile_protocol(*pairs, name="p"):
    """The template of `skerry new` with these texts replaced."""
    text = read(f"{ROOT}/workloads/templates/capability/skeleton.c")
    for old, new in pairs:
        if old not in text:
            sys.exit(f"the template has no {old!r} any more; correct this test")
        text = text.replace(old, new)
    write(f"{name}.c", text)
    subprocess.run([CC, "-std=gnu17", "-O1", "-fPIC", "-shared", "-w", f"-I{ROOT}/include", f"{name}.c", "-o", f"{name}.so"],
                   check=True)
    return f"./{name}.so"


def what_holds_is_not_to_be_declared_otherwise():
    path = compile_protocol((DECLARED, DECLARED.replace("(true", "(false")))
    outcome = skerry("check", path, "--promise", "revoke", "--quiet")
    expect(outcome.code == 1 and "wrongly declared: revoke" in outcome.out, "exit code 1 and a clear text", outcome)
    whole = skerry("check", path, "--quiet", "--json").json()
    revoke = [promise for promise in whole["promises"] if promise["name"] == "revoke"][0]
    expect(whole["exit"] == 1 and "holds, though" in revoke["verdict"], "the whole check says so too")
    small = skerry("check", path, "--promise", "revoke", "--kernels", "2", "--quiet")
    expect(small.code == 0 and "not exhibited: revoke" in small.out, "a smaller configuration says nothing", small)
    hurried = skerry("check", path, "--promise", "revoke", "--quiet", "--budget", "1us")
    expect(hurried.code == 3, "nor does a search that did not end", hurried)


def what_is_broken_is_not_taken_for_what_is_not_promised():
    path = compile_protocol(LEAVES, (DECLARED, DECLARED.replace("true, true, true)", "true, false, true)")))
    outcome = skerry("check", path, "--quiet", "--promise", "exclusive")
    expect(outcome.code == 1 and "violated:" in outcome.out, "something else is wrong", outcome)
    expect("not promised: exclusive" not in outcome.out, "and not shown as what is not promised", outcome)


def a_script_knows_its_shared_object():
    path = compile_protocol(LEAVES)
    expect(skerry("check", path, "--quiet", "--out", "kept").code == 1, "it is broken")
    outcome = skerry("replay", "kept/counterexample.skr")
    expect(outcome.code == 1 and "the same as recorded" in outcome.out, "it is found and goes the same way", outcome)
    os.rename("p.so", "moved.so")
    expect_refused(skerry("replay", "kept/counterexample.skr"), "kept/counterexample.skr", "p.so", "--protocol")
    outcome = skerry("replay", "kept/counterexample.skr", "--protocol", "./moved.so")
    expect(outcome.code == 1, "it can be named", outcome)
    mended = compile_protocol(name="mended")
    expect_refused(skerry("replay", "kept/counterexample.skr", "--protocol", mended), "another version")
    expect_refused(skerry("replay", "kept/counterexample.skr", "--protocol", "memory/msi"), "capability/skeleton", "memory/msi")


main(what_holds_is_not_to_be_declared_otherwise, what_is_broken_is_not_taken_for_what_is_not_promised,
     a_script_knows_its_shared_object)
