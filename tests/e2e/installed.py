#!/usr/bin/env python3
"""An installed Skerry, and nothing else of it: a protocol is begun, built, checked, run and tested out of tree.

    installed.py PATH-OF-SKERRY BUILD     BUILD: the build folder, which is installed into an empty folder
"""
import os
from e2e import expect, expect_refused, main, read, write
from out_of_tree import PREFIX, run

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def what_is_installed_is_enough_and_whole():
    for path in ("bin/skerry", "bin/skerry-cc", "include/skerry/protocol.h", "include/skerry/capability.h",
                 "include/skerry/plugin.h", "include/skerry/user.h", "share/skerry/examples/protocols/capability_tree.c",
                 "share/skerry/examples/scenarios/demo.yaml", "share/skerry/examples/templates/capability/skeleton.c",
                 "share/doc/skerry/tutorial/first-protocol.md"):
        expect(os.path.exists(f"{PREFIX}/{path}"), f"{path} is installed")
    shown = run("sh", "-c", "$PKG_CONFIG --cflags skerry").out
    expect(f"-I{PREFIX}/include" in shown and ROOT not in shown, f"pkg-config says where: {shown}")
    for name, what in (("skerry", "bin/skerry"), ("examples", "share/skerry/examples"), ("docs", "share/doc/skerry")):
        value = run("sh", "-c", f"$PKG_CONFIG --variable={name} skerry").out.strip()
        expect(value == f"{PREFIX}/{what}", f"pkg-config --variable={name}: {value}")
    for name in ("protocol.h", "capability.h", "plugin.h"):
        write("one.c", f"#include <skerry/{name}>\n")
        for words in (["-std=gnu17"], ["-std=gnu11", "-Wpedantic"]):
            outcome = run("sh", "-c", f"cc {' '.join(words)} -Wall -Wextra -Werror -fsyntax-only $($PKG_CONFIG --cflags skerry) one.c")
            expect(outcome.code == 0, f"<skerry/{name}> compiles alone with {words}", outcome)


def a_new_protocol_builds_closes_runs_and_passes_its_test():
    outcome = run("skerry", "new", "protocol", "moth")
    expect(outcome.code == 0 and "cd moth && make test" in outcome.out, "it says what is next", outcome)
    files = sorted(os.listdir("moth"))
    expect(files == [".gitignore", "Makefile", "README.md", "meson.build", "moth.c", "moth.yaml", "test.sh"], f"its files: {files}")
    for name in files:
        text = read(f"moth/{name}")
        expect("skeleton" not in text, f"{name} is about it alone")
    expect(os.listdir(".") == ["moth"], f"nothing is left aside: {os.listdir('.')}")
    outcome = run("make", folder="moth")
    expect(outcome.code == 0 and "warning" not in outcome.err, "make", outcome)
    outcome = run("skerry", "check", "./moth.so", "--quiet", folder="moth")
    expect(outcome.code == 0 and "closed:" in outcome.out, "check closes it", outcome)
    outcome = run("skerry", "run", "moth.yaml", folder="moth")
    expect(outcome.code == 0 and "capability/moth at rest" in outcome.out, "it runs", outcome)
    expect(run("skerry", "compare", "runs/latest", "runs/latest", folder="moth").code == 0, "its record can be read")
    outcome = run("make", "test", folder="moth")
    expect(outcome.code == 0 and outcome.out.count("closed:") == 2 and "1 passed, 0 failed" in outcome.out, "make test", outcome)


def both_engines_both_fidelities_and_a_thousand_kernels():
    run("skerry", "new", "protocol", "moth", "--out", "elsewhere")
    run("make", folder="elsewhere")
    for words in (["--set", "machine.clusters=1000", "--set", "clients.0.operations.count=50"], ["--set", "fidelity=full"],
                  ["--set", "engine=native", "--oversubscribe", "--set", "machine.clusters=4"], ["--inclusion"]):
        outcome = run("skerry", "run", "elsewhere/moth.yaml", "--no-record", "--quiet", *words)
        expect(outcome.code == 0, f"with {words}", outcome)


def what_breaks_it_is_seen_by_its_own_test():
    run("skerry", "new", "protocol", "moth")
    text = read("moth/moth.c")
    broken = text.replace("STEP (COPY,      REVOKE,      FREE, ", "STEP (COPY,      REVOKE,      COPY, ")
    expect(text != broken, "the row is there")
    write("moth/moth.c", broken)
    outcome = run("make", "test", folder="moth")
    expect(outcome.code != 0 and "violated:" in outcome.out, "make test fails", outcome)


def meson_builds_it_as_well():
    run("skerry", "new", "protocol", "moth")
    native = "native.ini"
    write(native, f"[binaries]\npkg-config = ['pkg-config', '--define-variable=prefix={PREFIX}']\n")
    outcome = run("meson", "setup", "--native-file", native, "build", "moth")
    expect(outcome.code == 0, "meson setup", outcome)
    outcome = run("meson", "test", "-C", "build")
    expect(outcome.code == 0 and "Fail:               0" in outcome.out, "meson test", outcome)


def names_and_places_are_judged():
    for name in ("Moth", "2moth", "mo-th", "../moth", "m" * 33, "", "moth.so"):
        expect_refused(run("skerry", "new", "protocol", name), "a name has")
    expect_refused(run("skerry", "new", "protocol", "tree"), "capability/tree comes with Skerry")
    expect_refused(run("skerry", "new", "protocol", "moth", "--family", "memory"), "capability")
    expect_refused(run("skerry", "new", "moth"), "argument")
    expect_refused(run("skerry", "new", "scenario", "moth"), "skerry new protocol NAME")
    os.mkdir("there")
    write("file", "mine")
    for place in ("there", "file"):
        expect_refused(run("skerry", "new", "protocol", "moth", "--out", place), f"{place}: it exists already", "--out DIR")
    expect(read("file") == "mine" and os.listdir("there") == [], "they are as they were")
    expect_refused(run("skerry", "new", "protocol", "moth", "--out", "no/where"), "No such file or directory")
    expect(sorted(os.listdir(".")) == ["file", "there"], f"nothing is left: {os.listdir('.')}")


main(what_is_installed_is_enough_and_whole, a_new_protocol_builds_closes_runs_and_passes_its_test,
     both_engines_both_fidelities_and_a_thousand_kernels, what_breaks_it_is_seen_by_its_own_test, meson_builds_it_as_well,
     names_and_places_are_judged)
