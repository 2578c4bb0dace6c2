#!/usr/bin/env python3
"""What is wrong on the command line is named, with a remedy, and exits with 2."""
import subprocess
from e2e import PROGRAM, SMALL, expect, expect_refused, main, skerry, write

COMMANDS = ["run", "check", "test", "compare", "calibrate", "profile", "list", "table", "doctor"]


def help_names_every_command():
    outcome = skerry("--help")
    expect(outcome.code == 0, "exit code 0", outcome)
    for command in COMMANDS:
        expect(f"skerry {command} " in outcome.out, f"--help names {command}", outcome)
        own = skerry(command, "--help")
        expect(own.code == 0 and own.out.startswith(f"skerry {command}"), f"{command} --help", own)
        expect(own.err == "", f"{command} --help is quiet", own)


def version_names_model_and_compiler():
    outcome = skerry("--version")
    expect(outcome.code == 0 and outcome.out.startswith("skerry 0.") and "(model_version " in outcome.out
           and "built with " in outcome.out, "version, model_version and compiler", outcome)


def unknown_words_are_named():
    expect_refused(skerry("rnu"), '"rnu"', 'did you mean "run"?')
    expect_refused(skerry("zzzzzz"), '"zzzzzz"', "--help")
    expect_refused(skerry("run", "--jsno"), '"--jsno"', 'did you mean "--json"?')
    expect_refused(skerry("run", "-j"), '"-j"', "run --help")
    expect_refused(skerry("run", "--engine", "heep"), 'did you mean "heap"?')
    expect_refused(skerry("check", "memory/mis"), 'did you mean "memory/msi"?', "capability/tree")
    expect_refused(skerry("table", "capability/tre"), 'did you mean "capability/tree"?')
    expect_refused(skerry("check", "memory/msi", "--slots", "dri=2"), 'did you mean "dir"?')


def values_are_strict():
    expect_refused(skerry("run", "--timeout"), "--timeout", "missing")
    expect_refused(skerry("run", "--timeout", "5"), "unit")
    expect_refused(skerry("run", "--timeout", "-1s"), "-1s")
    expect_refused(skerry("run", "--timeout=5s", "--timeout=6s"), "twice")
    expect_refused(skerry("run", "--json=yes"), "takes no value")
    expect_refused(skerry("run", "--set", "--json"), "missing")
    expect_refused(skerry("check", "memory/msi", "--kernels", "9"), "1 to 8")
    expect_refused(skerry("check", "memory/msi", "--kernels", "two"), "two")
    expect_refused(skerry("check", "memory/msi", "--slots", "dir"), "MACHINE=N")
    expect_refused(skerry("check", "memory/msi", "--slots", "dir=0"), "out of range")


def numbers_of_arguments_are_checked():
    expect_refused(skerry("check"), "name a protocol")
    expect_refused(skerry("compare"), "argument is missing")
    expect_refused(skerry("compare", "a"), "a is no folder")
    expect_refused(skerry("run", "a", "b"), '"b"')
    expect_refused(skerry("list", "a"), '"a"')
    expect_refused(skerry("table"), "--all")
    expect_refused(skerry("run", "--out", "a", "--no-record"), "exclude")


def scenario_errors_name_the_place():
    write("bad.yaml", SMALL.replace("clusters", "clustrs"))
    expect_refused(skerry("run", "bad.yaml"), "bad.yaml:4:", '"clustrs"', 'did you mean "clusters"?')
    expect_refused(skerry("run", "nowhere.yaml"), "nowhere.yaml", "demo")
    expect_refused(skerry("run", "--set", "machine.link.wire=1000ns"), "--set machine.link.wire=1000ns", "cycles")
    expect_refused(skerry("run", "--seed", "-1"), "-1")
    expect_refused(skerry("run", "--trace", "nowhere.strace"), "nowhere.strace", "record-trace")
    write("small.yaml", SMALL)
    expect_refused(skerry("run", "small.yaml", "--trace", "tar"), "exclude")


def output_that_cannot_be_written_is_an_error():
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([PROGRAM, "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    expect(done.returncode == 70, "a full disk: exit code 70")
    expect("cannot be written" in done.stderr, "a full disk: a message")


main(help_names_every_command, version_names_model_and_compiler, unknown_words_are_named, values_are_strict,
     numbers_of_arguments_are_checked, scenario_errors_name_the_place, output_that_cannot_be_written_is_an_error)
