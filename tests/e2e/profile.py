#!/usr/bin/env python3
"""skerry profile says where the threads spent their time: for people and programs, natively and in virtual time; the
probes are in the program."""
import os
import re
import shutil
import subprocess
from e2e import PROGRAM, SMALL, expect, expect_refused, main, skerry, write

PROBES = {"cell": 11, "cell_end": 6, "message_sent": 8, "message_taken": 8, "call_begin": 4, "call_end": 5}


def close(a, b):
    """The same but for what rounding to picoseconds leaves."""
    return abs(a - b) <= 1 + 1e-6 * max(a, b)


def adds_up(outcome):
    """A profile in JSON whose parts are the whole."""
    profile = outcome.json()
    threads, profiling = profile["threads"], profile["profiling"]
    expect(profile["schema"] == 1, "schema 1", outcome)
    expect(close(threads["total_ns"], threads["busy_ns"] + threads["idle_ns"] + threads["untimed_ns"] + profiling["total_ns"]),
           "busy, idle and profiling are the threads' time", outcome)
    parts = profile["cells"] + profile["causes"]
    expect(abs(sum(part["total_ns"] for part in parts) - threads["busy_ns"]) <= len(parts), "cells and causes are busy",
           outcome)
    expect(abs(sum(part["share_of_busy"] for part in parts) - 1) < 1e-6, "shares are of one", outcome)
    cells = sum(cell["count"] for cell in profile["cells"])
    if profiling["every_events"] == 1:
        expect(cells == profile["run"]["cells"] and threads["untimed_ns"] == 0, "every cell is counted", outcome)
    else:
        expect(0 < cells < profile["run"]["cells"] and threads["untimed_ns"] > 0, "some cells are counted", outcome)
    expect(profile["charges"]["step"] == cells, "and charged", outcome)
    for protocol in profile["protocols"]:
        cells = [cell for cell in profile["cells"] if cell["protocol"] == protocol["protocol"]]
        expect(protocol["count"] == sum(cell["count"] for cell in cells), "a protocol is its cells", outcome)
    order = [cell["total_ns"] for cell in profile["cells"]]
    expect(order == sorted(order, reverse=True), "most time first", outcome)
    counters = profiling["counters"]
    expect(counters["available"] == (counters["why_not"] is None), "counters, or why not", outcome)
    if counters["available"]:
        expect(all("cycles" in cell for cell in profile["cells"]), "each cell has them", outcome)
    return profile


def the_demonstration_natively():
    outcome = skerry("profile", "--quiet")
    expect(outcome.code == 0 and outcome.err == "", "it is good and quiet", outcome)
    for words in ("native", "memory/msi", "capability/tree", "file/posix", "part of the host", "profiling", "counters",
                  "idle", "of busy"):
        expect(words in outcome.out, f"the text has {words!r}", outcome)
    expect(max(map(len, outcome.out.splitlines())) <= 100, "100 columns", outcome)
    profile = adds_up(skerry("profile", "--json", "--quiet"))
    clusters = len({link for pair in profile["run"].get("links", []) for link in (pair["from"], pair["to"])})
    expect(clusters >= 2 or "links" not in profile["run"], "at least two clusters talk", outcome)


def one_cpu_is_shared():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        outcome = skerry("profile", "--json", "--quiet")
        text = skerry("profile", "--quiet")
    finally:
        os.sched_setaffinity(0, before)
    expect(outcome.code == 0, "two clusters take turns", outcome)
    expect(adds_up(outcome)["threads"]["count"] == 1, "on one thread", outcome)
    expect("2 clusters on 1 thread," in text.out, "which the text says", text)


def a_scenario_of_ones_own():
    write("small.yaml", SMALL)
    outcome = skerry("profile", "small.yaml", "--oversubscribe", "--json", "--quiet")
    expect(outcome.code == 0, "it runs", outcome)
    cells = {(cell["protocol"], cell["machine"]) for cell in adds_up(outcome)["cells"]}
    expect(("memory/msi", "line") in cells and ("memory/msi", "dir") in cells, "pages were shared", outcome)
    few = skerry("profile", "small.yaml", "--oversubscribe", "--quiet", "--top", "3")
    expect(len(re.findall(r"^\w+/\w+ \w+: ", few.out, re.M)) == 3, "--top 3 shows three cells", few)
    expect("more cells" in few.out, "and how many there are", few)


def one_event_in_many():
    write("small.yaml", SMALL)
    for engine in ("native", "virtual"):
        outcome = skerry("profile", "small.yaml", "--oversubscribe", "--every", "5", "--engine", engine, "--json", "--quiet")
        expect(adds_up(outcome)["profiling"]["every_events"] == 5, "one in five", outcome)
    text = skerry("profile", "small.yaml", "--oversubscribe", "--every", "5", "--quiet")
    expect("one event in 5 is profiled" in text.out, "which the text says", text)


def virtual_time_has_no_idle_thread():
    write("small.yaml", SMALL)
    outcome = skerry("profile", "small.yaml", "--engine", "virtual", "--json", "--quiet")
    profile = adds_up(outcome)
    expect(profile["threads"]["count"] == 1 and profile["threads"]["idle_ns"] == 0, "one thread, never idle", outcome)
    plain = skerry("run", "small.yaml", "--json", "--no-record", "--quiet").json()
    expect(profile["run"]["digest"] == plain["digest"], "the same run as without", outcome)


def refusals():
    write("small.yaml", SMALL)
    expect_refused(skerry("profile", "--top", "0"), "--top")
    expect_refused(skerry("profile", "--every", "0"), "--every")
    expect_refused(skerry("profile", "missing.yaml"), "missing.yaml")
    expect_refused(skerry("profile", "small.yaml", "--set", "machine.clusters=1000"), "--oversubscribe")
    outcome = skerry("profile", "small.yaml", "--oversubscribe", "--quiet", "--timeout", "1 ms", "--set",
                     "clients.0.stamps.operations=1000000")
    expect(outcome.code == 3 and "timeout" in outcome.err, "a timeout is inconclusive", outcome)
    expect("part of the host" in outcome.out, "and shows what there was", outcome)


def the_probes_are_in_the_program():
    outcome = skerry("doctor", "--json")
    count = outcome.json()["host"]["probes"]
    if count <= 0 or not shutil.which("readelf"):
        print("not checked: built without <sys/sdt.h>, or no readelf")
        return
    notes = subprocess.run(["readelf", "-n", PROGRAM], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"Provider: (\w+)\s+Name: (\w+)\s+Location: (\w+), Base: \w+, Semaphore: (\w+)\s+Arguments: (.*)", notes)
    expect({name for _, name, _, _, _ in found} == set(PROBES), f"the probes are {sorted(PROBES)}, not {found}")
    for provider, name, place, semaphore, arguments in found:
        expect(provider == "skerry" and int(place, 16) and int(semaphore, 16), f"{name}: a place and a semaphore")
        expect(len(arguments.split()) == PROBES.get(name), f"{name}: {PROBES.get(name)} arguments, not {arguments!r}")
        expect("(" not in arguments, f"{name}: arguments in registers, which every tracer reads: {arguments!r}")


main(the_demonstration_natively, one_cpu_is_shared, a_scenario_of_ones_own, one_event_in_many, virtual_time_has_no_idle_thread, refusals,
     the_probes_are_in_the_program)
