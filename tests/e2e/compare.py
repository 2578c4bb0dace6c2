#!/usr/bin/env python3
"""skerry compare: figures side by side, the first event that differs, --fail-on."""
import json
from e2e import SMALL, expect, expect_refused, main, read, skerry, write


def record(folder, *arguments):
    write("small.yaml", SMALL)
    outcome = skerry("run", "small.yaml", "--out", folder, *arguments)
    expect(outcome.code == 0, f"run for {folder}", outcome)


def equal_runs_are_equal():
    record("a")
    record("b", "--engine", "heap")
    outcome = skerry("compare", "a", "b", "--fail-on", "p99>+0%", "--fail-on", "messages_per_op<-0%")
    expect(outcome.code == 0 and "The digests are equal" in outcome.out, "equal", outcome)
    result = skerry("compare", "a/result.json", "b", "--json").json()
    expect(result["schema"] == 1 and result["equal"] and result["first_difference"] is None, "as JSON")
    expect(all(figure["difference_percent"] == 0 for figure in result["figures"]), "no figure differs")


def a_slower_link_parts_at_the_first_message():
    record("a")
    record("b", "--set", "machine.link.wire=901cycles")
    outcome = skerry("compare", "a", "b")
    expect(outcome.code == 0 and "The first event that differs is event" in outcome.out, "it is named", outcome)
    first = skerry("compare", "a", "b", "--json").json()["first_difference"]
    a, b = first["A"], first["B"]
    expect(b["time_ns"] - a["time_ns"] == 0.5, f"one cycle of 2 GHz later: {a} {b}")
    same = ("cluster", "source", "sequence", "event", "about")
    expect(all(a[key] == b[key] for key in same), "and the same message in all else")
    expect(a["cluster"] != a["source"] and "/" in a["event"], "it is a message of a protocol")


def another_seed_names_the_window_too():
    record("a")
    record("b", "--seed", "2")
    first = skerry("compare", "a", "b", "--json").json()["first_difference"]
    expect(isinstance(first["window"], int) and first["index"] >= 0, "window and event")
    record("c", "--set", "clients.0.stamps.operations=51")
    expect(skerry("compare", "a", "c").code == 0, "one run may be longer than the other")


def fail_on_finds_what_is_worse():
    record("a")
    record("b", "--set", "machine.link.wire=9000cycles")
    worse = skerry("compare", "a", "b", "--fail-on", "p99>+2%")
    expect(worse.code == 1 and "worse: p99>+2%: operations.read.p99 is +" in worse.out, "B is worse", worse)
    expect(skerry("compare", "b", "a", "--fail-on", "operations.read.p99>+2%").code == 0, "A is not worse than B")
    expect(skerry("compare", "b", "a", "--fail-on", "virtual_ns<-50%").code == 1, "a figure may be too small")
    expect(skerry("compare", "a", "b", "--fail-on", "virtual_ns>1000000%").code == 0, "within a wide limit")
    expect_refused(skerry("compare", "a", "b", "--fail-on", "p98>+2%"), 'did you mean "p99"?')
    for rule in ("p99", "p99>2", "p99>x%", ">2%", "p99=2%", "p99>+-2%"):
        expect_refused(skerry("compare", "a", "b", "--fail-on", rule), "a rule is expected")


def what_is_no_record_is_refused():
    record("a")
    expect_refused(skerry("compare", "a", "nowhere"), "nowhere")
    write("small.json", "{}")
    expect_refused(skerry("compare", "a", "."), "result.json")
    result = json.loads(read("a/result.json"))
    record("b", "--seed", "2")
    write("b/result.json", json.dumps({**result, "schema": 2}))
    expect_refused(skerry("compare", "a", "b"), "schema")


def a_result_that_this_build_does_not_give_is_found():
    record("a")
    record("b")
    result = json.loads(read("b/result.json"))
    write("b/result.json", json.dumps({**result, "digest": "0" * 16}))
    outcome = skerry("compare", "a", "b")
    expect(outcome.code == 5 and "does not reproduce" in outcome.err, "exit code 5", outcome)
    write("b/result.json", json.dumps({**result, "digest": "0" * 16, "model_version": 0}))
    outcome = skerry("compare", "a", "b")
    expect(outcome.code == 0 and "model_version 0" in outcome.err, "another model is no fault", outcome)


main(equal_runs_are_equal, a_slower_link_parts_at_the_first_message, another_seed_names_the_window_too,
     fail_on_finds_what_is_worse, what_is_no_record_is_refused, a_result_that_this_build_does_not_give_is_found)
