#!/usr/bin/env python3
"""What a user gets wrong in a scenario is one message with FILE:LINE, the word and the remedy, and exit code 2. The
corpus of the parser has many more; these go the whole way through the command."""
from e2e import expect, expect_refused, main, skerry, write

CLIENTS = "clients: [{trace: find}]\n"
CASES = [
    ("an unknown key", CLIENTS + "machine: {clustrs: 4}\n", ":2: ", "clustrs", 'did you mean "clusters"?'),
    ("a time where cycles are expected", CLIENTS + "machine: {link: {wire: 1000ns}}\n", ":2: ", "1000ns", "cycles"),
    ("a negative number", CLIENTS + "seed: -1\n", ":2: ", "-1"),
    ("a key that stands twice", CLIENTS + "seed: 1\nseed: 2\n", ":3: ", "seed"),
    ("a wrong type", "clients: 3\n", ":1: ", "clients"),
    ("a second document", CLIENTS + "---\nseed: 1\n", ":2: ", "document"),
    ("an empty file", "", ":1: "),
    ("a missing trace", "clients: [{trace: fnd}]\n", ":1: ", "fnd", 'did you mean "find"?'),
    ("an impossible topology", CLIENTS + "machine: {preset: scc-mesh, clusters: 23}\n", ":2: ", "23"),
]


def scenarios_are_read_strictly():
    for name, text, *words in CASES:
        write("wrong.yaml", text)
        outcome = skerry("run", "wrong.yaml", "--no-record")
        expect_refused(outcome, "wrong.yaml", *words)
        expect(outcome.err.count("\n") == 1, f"{name}: one line", outcome)


def set_is_read_as_strictly():
    outcome = skerry("run", "--set", "machine.clustrs=4", "--no-record")
    expect_refused(outcome, "--set machine.clustrs=4: ", 'did you mean "clusters"?')


def what_is_not_there_is_named():
    expect_refused(skerry("run", "nowhere.yaml", "--no-record"), "nowhere.yaml")
    expect_refused(skerry("run", "--trace", "nowhere.strace", "--no-record"), "nowhere.strace")


def a_synthetic_host_is_not_taken_for_this_one():
    outcome = skerry("run", "--set", "machine.preset=host", "--no-record", env={"HWLOC_SYNTHETIC": "nonsense:"})
    expect_refused(outcome, "HWLOC_SYNTHETIC")


def what_cannot_be_replayed_is_refused_by_name():
    write("bad.strace", "# skerry-trace 1\n1 io_uring_setup(8, 0x1) = 3\n1 +++ exited with 0 +++\n")
    expect_refused(skerry("run", "--trace", "bad.strace", "--no-record"), "bad.strace:2: ", "io_uring_setup")


main(scenarios_are_read_strictly, set_is_read_as_strictly, what_is_not_there_is_named,
     a_synthetic_host_is_not_taken_for_this_one, what_cannot_be_replayed_is_refused_by_name)
