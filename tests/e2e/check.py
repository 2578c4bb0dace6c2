#!/usr/bin/env python3
"""skerry check, table, list and doctor."""
import json
import os
import re

from e2e import expect, expect_refused, main, read, skerry


def msi_closes():
    outcome = skerry("check", "memory/msi", "--kernels", "3")
    expect(outcome.code == 0 and "closed: every order of delivery was visited" in outcome.out, "it closes", outcome)
    result = skerry("check", "memory/msi", "--kernels", "3", "--json").json()
    expect(result["schema"] == 1 and result["end"] == "closed" and result["states"] > 1000, "a count of states")
    two = skerry("check", "memory/msi", "--kernels", "2", "--json").json()
    expect(two["states"] < result["states"] and two["configuration"]["kernels"] == 2, "two kernels have fewer states")
    plain = skerry("check", "memory/msi", "--kernels", "3", "--no-symmetry", "--json").json()
    expect(plain["states"] == result["states_unreduced"] > result["states"], "what symmetry saves is counted exactly")


def acks_has_a_counter_example():
    outcome = skerry("check", "capability/acks")
    expect(outcome.code == 1, "exit code 1", outcome)
    for word in ("violated:", "REVOKE", "kernel 0", "I1"):
        expect(word in outcome.out, f"the counter-example has {word!r}", outcome)
    expect("check capability/acks" in outcome.err, "the line that replays it", outcome)
    # The story of the note: C acknowledges the revoke, then accepts the capability in flight.
    at = [outcome.out.find(part) for part in ("[C_REVOKE]", "gets REVOKE from kernel 0", "sends DONE to kernel 0",
                                              "delegates cap", "the revoke has returned and a copy is usable")]
    expect(all(place > 0 for place in at), "revoke, acknowledgement, delegation, end", outcome)
    result = skerry("check", "capability/acks", "--json", "--no-record").json()
    expect(result["end"] == "violated" and len(result["counterexample"]) >= 5, "as JSON, a line a step")
    expect(result["replayed"] and result["script"] is None and result["exit"] == 1, "replayed; nothing kept")


def three_forms_are_kept():
    outcome = skerry("check", "capability/acks", "--json", "--out", "kept", "--plantuml", "also.puml")
    result = outcome.json()
    expect(result["script"] == "kept/counterexample.skr", "the script's place is in the output", outcome)
    expect(sorted(os.listdir("kept")) == ["counterexample.puml", "counterexample.skr", "counterexample.txt"], "three forms")
    diagram = read("kept/counterexample.puml")
    expect(diagram == read("also.puml"), "--plantuml writes the same")
    expect(diagram.startswith("@startuml\n") and diagram.endswith("@enduml\n"), "a whole diagram")
    known = set(re.findall(r" as (\w+)$", diagram, re.M))
    for line in diagram.splitlines():
        ends = re.match(r"(\w+) --?>x? (\w+) : ", line)
        expect(not ends or set(ends.groups()) <= known, f"the diagram declares all of {line!r}")
    script = json.loads(read("kept/counterexample.skr"))
    expect(script["schema"] == 1 and script["protocol"] == "capability/acks", "what it is for")
    expect([step["step"] for step in script["steps"]] == list(range(1, len(script["steps"]) + 1)), "steps in order")
    expect("I1" in script["outcome"]["why"] and script["outcome"]["state"], "what has to come of it")
    expect(skerry("check", "capability/acks", "--out", "kept").code == 2, "a folder that is not empty is not touched")
    default = skerry("check", "capability/acks")
    expect(os.path.exists("runs/latest/counterexample.skr"), "by default below runs/", default)
    before = os.listdir("runs")
    skerry("check", "capability/acks", "--no-record")
    skerry("check", "memory/msi", "--kernels", "2")
    expect(os.listdir("runs") == before, "--no-record, or nothing wrong: nothing is kept")


def a_promise_that_is_not_kept_is_exhibited():
    outcome = skerry("check", "capability/tree", "--promise", "exclusive", "--kernels", "2", "--out", "kept")
    expect(outcome.code == 0 and "not promised: exclusive:" in outcome.out, "exhibited", outcome)
    expect("C_RETYPE" in outcome.out and "==> exclusive:" in outcome.out, "its story", outcome)
    expect(os.path.exists("kept/not-promised-exclusive.skr"), "and kept")
    again = skerry("replay", "kept/not-promised-exclusive.skr")
    expect(again.code == 1 and "the same as recorded" in again.out, "and happens again", again)
    outcome = skerry("check", "capability/tree", "--kernels", "2", "--capabilities", "3", "--json", "--no-record")
    result = outcome.json()
    promises = {promise["name"]: promise for promise in result["promises"]}
    expect(outcome.code == 0 and result["end"] == "closed", "the whole check is good", outcome)
    expect(promises["exclusive"]["verdict"] == "shown not to hold" and promises["exclusive"]["steps"] > 0, "shown")
    expect(promises["revoke"]["verdict"] == "holds" and promises["rights"]["states"] > 0, "what is kept is judged")
    small = skerry("check", "capability/tree", "--promise", "exclusive", "--kernels", "2", "--slots", "cap=1")
    expect(small.code == 0 and "not exhibited: exclusive" in small.out, "out of reach in a small configuration", small)
    expect_refused(skerry("check", "capability/tree", "--promise", "exclusiv"), "exclusiv", "did you mean \"exclusive\"")
    expect_refused(skerry("check", "memory/msi", "--promise", "x"), "declares no promises")


def walks_find_and_shrink():
    outcome = skerry("check", "capability/acks", "--walks", "3000", "--seed", "3", "--out", "kept")
    expect(outcome.code == 1 and "seed 3" in outcome.out and "violated: I1" in outcome.out, "found, with its seed", outcome)
    expect(skerry("replay", "kept/counterexample.skr").code == 1, "and happens again")
    one = skerry("check", "capability/acks", "--walks", "3000", "--seed", "3", "--json", "--no-record").json()
    two = skerry("check", "capability/acks", "--walks", "3000", "--seed", "3", "--json", "--no-record").json()
    expect(one["counterexample"] == two["counterexample"] and one["walk"] == two["walk"], "the same seed, the same walk")
    expect(one["found_steps"] >= one["steps"] >= 11, "shrunk, and not below the shortest")
    good = skerry("check", "memory/msi", "--walks", "50", "--json")
    expect(good.code == 3 and good.json()["end"] == "walked", "nothing found is inconclusive", good)
    expect(good.json()["cells_visited"] > 20 and good.json()["unvisited"], "coverage of cells")


def a_limit_is_inconclusive():
    outcome = skerry("check", "capability/tree", "--kernels", "4", "--budget", "200ms")
    expect(outcome.code == 3 and "bounded:" in outcome.out, "exit code 3", outcome)
    expect("4 kernels" in outcome.out and "at most 2 calls under way" in outcome.out, "the bounds are printed", outcome)


def bad_lines_are_refused():
    expect_refused(skerry("check", "capability/tre"), "capability/tree")
    expect_refused(skerry("check", "memory/msi", "--kernels", "99"), "--kernels 99", "write 1 to")
    for option in ("--kernels", "--capabilities", "--in-flight", "--budget", "--walks"):
        expect_refused(skerry("check", "memory/msi", option, "0s" if option == "--budget" else "0"), option, "0 is out of range")
    expect_refused(skerry("check", "memory/msi", "--slots", "lin=3"), "\"lin\"", "did you mean \"line\"")
    expect_refused(skerry("check", "memory/msi", "--out", "x", "--no-record"), "exclude each other")
    expect_refused(skerry("check", "capability/acks", "--no-record", "--plantuml", "no/such/folder.puml"), "folder.puml")


def tables_come_from_the_code():
    outcome = skerry("table", "memory/msi")
    expect(outcome.code == 0 and outcome.out.startswith("## memory/msi\n"), "a heading", outcome)
    expect("| GETM (request) | first_write → OWNED |" in outcome.out, "a row of the directory", outcome)
    rows = [line for line in outcome.out.splitlines() if line.startswith("|")]
    widths = {line.count("|") for line in rows}
    expect(len(rows) > 15 and len(widths) <= 2, "rows of each machine are equally wide", outcome)
    everything = skerry("table", "--all").out
    for protocol in skerry("list", "--json").json()["protocols"]:
        expect(f"\n## {protocol['name']}\n" in everything, f"--all has {protocol['name']}")
        expect(f"{protocol['name']} has {protocol['cells']} cells in all." in everything, f"cells of {protocol['name']}")


def list_names_what_is_there():
    result = skerry("list", "--json").json()
    for section, name in (("protocols", "memory/msi"), ("scenarios", "demo"), ("traces", "git"),
                          ("machines", "seed-1000-cycles"), ("costs", "sel4-skylake")):
        expect(name in [item["name"] for item in result[section]], f"{section} has {name}")
        expect(all(item.get("about") or item.get("command") for item in result[section]), f"{section}: all are described")
        expect(name in skerry("list").out, f"the text has {name}")
    for trace in result["traces"]:
        expect(trace["calls"] > 100 and trace["processes"] >= 1, f"figures of {trace['name']}")
    reference = skerry("list", "--reference").out
    expect("machine.link.wire" in reference or "wire" in reference, "the reference of scenarios")


def doctor_knows_the_host():
    outcome = skerry("doctor", "--json")
    facts = {fact["name"]: fact for fact in outcome.json()["facts"]}
    expect(outcome.code == 0 and outcome.json()["good"], "nothing essential is broken", outcome)
    for name in ("CPUs", "CPU quota", "affinity", "huge pages", "memory", "this folder", "strace", "hwloc"):
        expect(name in facts and facts[name]["meaning"], f"{name} and what it means", outcome)
    odd = skerry("doctor", "--json", env={"HWLOC_SYNTHETIC": "no machine"}).json()
    facts = {fact["name"]: fact for fact in odd["facts"]}
    expect(facts["HWLOC_SYNTHETIC"]["state"] == "note" and facts["preset host"]["state"] == "note",
           "an invalid HWLOC_SYNTHETIC is named")


main(msi_closes, acks_has_a_counter_example, three_forms_are_kept, a_promise_that_is_not_kept_is_exhibited,
     walks_find_and_shrink, a_limit_is_inconclusive, bad_lines_are_refused, tables_come_from_the_code, list_names_what_is_there,
     doctor_knows_the_host)
