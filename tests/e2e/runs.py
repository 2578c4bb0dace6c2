#!/usr/bin/env python3
"""skerry check --run: whole runs with drawn orders and faults; what fails is shrunk to a scenario that fails."""
import os
import re
import shutil
import subprocess
import sys

from e2e import expect, expect_refused, main, read, skerry, write

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
CC = shutil.which(os.environ.get("CC", "cc").split()[0])
LARGE = """name: large
machine: {clusters: 12}
protocols: {capability: PROTOCOL}
clients:
  - {operations: {count: 100}, on: 0-6}
  - {operations: {count: 50, query: 5}, on: 7-11}
events:
  - {at: 100us, kill: {cluster: 5, client: 0}}
"""


def broken(old, new, name="p.so"):
    """The template of `skerry new` with one cell changed, as a shared object."""
    text = read(f"{ROOT}/workloads/templates/capability/skeleton.c")
    if old not in text:
        sys.exit(f"the template has no {old!r} any more; correct this test")
    write("p.c", text.replace(old, new))
    subprocess.run([CC, "-std=gnu17", "-O1", "-fPIC", "-shared", "-w", f"-I{ROOT}/include", "p.c", "-o", name], check=True)


def what_is_right_stays_inconclusive():
    write("large.yaml", LARGE.replace("PROTOCOL", "tree"))
    outcome = skerry("check", "--run", "large.yaml", "--runs", "25", "--quiet")
    expect(outcome.code == 3 and "25 of large.yaml" in outcome.out and "runs prove nothing" in outcome.out, "exit code 3", outcome)
    expect(not os.path.exists("runs"), "nothing is kept")
    result = skerry("check", "--run", "large.yaml", "--runs", "5", "--json", "--quiet").json()
    expect(result["end"] == "good" and result["runs"] == 5, "as JSON")


def what_fails_is_shrunk():
    if not CC:
        print("  there is no C compiler: no broken protocol can be made")
        return
    broken("STEP (COPY,      REVOKE,      FREE,      leave,     1)", "STEP (COPY,      REVOKE,      COPY,      leave,     1)")
    write("large.yaml", LARGE.replace("PROTOCOL", "./p.so"))
    outcome = skerry("check", "--run", "large.yaml", "--runs", "20", "--quiet", "--out", "kept")
    expect(outcome.code == 1 and "violated: fault, protocol steps" in outcome.out, "found", outcome)
    failing = read("kept/failing.yaml")
    clusters = int(re.search(r"clusters: (\d+)", failing).group(1))
    counts = [int(count) for count in re.findall(r"  count: (\d+)", failing)]
    expect(clusters <= 3 and len(counts) == 1 and counts[0] <= 5, f"{clusters} clusters, counts {counts} are left", outcome)
    expect(not re.search(r"(?<!thread_)kill", failing), "the kill had nothing to do with it")
    again = skerry("run", "kept/failing.yaml", "--no-record", "--quiet")
    expect(again.code == 1 and "removes what is not a member" in again.out, "and the file fails when it is run", again)
    again = skerry("replay", "kept/failing.skr")
    expect(again.code == 1 and "the same as recorded" in again.out and " -> " in again.out, "so does the script, cell by cell", again)
    result = skerry("replay", "kept/failing.skr", "--json", "--until", "GONE").json()
    expect(result["end"] == "stopped" and result["steps"] > 2, "which stops where it is told", again)
    stopped = skerry("replay", "kept/failing.skr", "--until", "GONE:99", "--quiet")
    expect(stopped.code == 2 and "was not reached" in stopped.err, "or says that it was not there", stopped)
    write("other.skr", read("kept/failing.skr").replace('"model_version": ', '"model_version": 9'))
    expect_refused(skerry("replay", "other.skr"), "other.skr", "model_version")
    one = skerry("check", "--run", "large.yaml", "--runs", "20", "--json", "--no-record", "--seed", "4").json()
    two = skerry("check", "--run", "large.yaml", "--runs", "20", "--json", "--no-record", "--seed", "4").json()
    expect(one["failing"] == two["failing"] and one["run"] == two["run"], "the same seed, the same runs")
    expect(one["file"] is None and one["why"] and one["end"] == "fault", "as JSON, with nothing kept")


def a_crash_is_a_result():
    if not CC:
        return
    broken("ACTION(cap, leave)", "ACTION(cap, leave) { __builtin_trap(); }\nACTION(cap, leave_)", "crash.so")
    write("large.yaml", LARGE.replace("PROTOCOL", "./crash.so"))
    outcome = skerry("check", "--run", "large.yaml", "--runs", "3", "--quiet", "--no-record")
    expect(outcome.code == 1 and "violated: crash" in outcome.out, "the program that runs the runs goes on", outcome)


def disturbances_are_keys():
    plain = skerry("run", "capabilities", "--json", "--no-record", "--quiet").json()
    seen = {plain["digest"]}
    for setting in (["--set", "machine.link.jitter=3000cycles"], ["--set", "machine.link.jitter=3000cycles", "--seed", "7"],
                    ["--set", "machine.slow.cluster=3", "--set", "machine.slow.wire=9000cycles"]):
        outcome = skerry("run", "capabilities", *setting, "--json", "--quiet", "--out", f"r{len(seen)}")
        expect(outcome.code == 0, f"{setting} breaks nothing", outcome)
        digest = outcome.json()["digest"]
        expect(digest not in seen, f"{setting} is another order")
        again = skerry("run", f"r{len(seen)}/scenario.yaml", "--json", "--no-record", "--quiet").json()
        expect(again["digest"] == digest, f"{setting} is in the resolved scenario")
        heap = skerry("run", "capabilities", *setting, "--engine", "heap", "--json", "--no-record", "--quiet").json()
        expect(heap["digest"] == digest, f"{setting} is the same with the other engine")
        seen.add(digest)


def bad_lines_are_refused():
    expect_refused(skerry("check"), "name a protocol", "--run")
    expect_refused(skerry("check", "memory/msi", "--run", "demo"), "one of the two")
    expect_refused(skerry("check", "memory/msi", "--set", "seed=3"), "--set changes a scenario")
    expect_refused(skerry("check", "--run", "nowhere.yaml"), "nowhere.yaml", "no such file")
    write("bad.yaml", "machine: {clusters: 3}\n")
    expect_refused(skerry("check", "--run", "bad.yaml"), "bad.yaml")


main(what_is_right_stays_inconclusive, what_fails_is_shrunk, a_crash_is_a_result, disturbances_are_keys, bad_lines_are_refused)
