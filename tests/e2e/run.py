#!/usr/bin/env python3
"""skerry run: the result, the record it keeps, and that a run can be repeated."""
import json
import os
import re
import signal
import struct
import subprocess
import time
from e2e import PROGRAM, SMALL, expect, expect_refused, main, read, skerry, write


def run_json(*arguments):
    outcome = skerry("run", *arguments, "--json", "--no-record", "--quiet")
    expect(outcome.code == 0, f"run {' '.join(arguments)}: exit code 0", outcome)
    return outcome.json() if outcome.out.startswith("{") else {}


def demonstration_shows_everything_on_one_screen():
    outcome = skerry("run")
    lines = outcome.out.splitlines()
    expect(outcome.code == 0, "exit code 0", outcome)
    expect(len(lines) <= 50, f"at most 50 lines, not {len(lines)}")
    alone = skerry("run", "--no-native", "--no-record")
    expect(len(alone.out.splitlines()) <= 40, "at most 40 lines without the native part", alone)
    for word in ("open", "read", "write", "stat", "close", "unlink", "obtain", "delegate", "delete", "revoke", "digest",
                 "model_version", "fidelity flat", "runs/", "--set machine.link.wire=", "virtual time"):
        expect(word in outcome.out, f"the summary has {word!r}", outcome)
    expect("FAILED" not in outcome.out, "all checks hold", outcome)


def demonstration_as_json():
    result = run_json()
    expect(next(iter(result)) == "schema" and result["schema"] == 1, "schema comes first")
    expect(result["engine"] == "virtual" and result["fidelity"] == "flat", "engine and fidelity")
    expect(len(result["digest"]) == 16 and int(result["digest"], 16) > 0, "a digest of 16 hexadecimal digits")
    for key in ("seed", "model_version", "events", "windows", "virtual_ns", "wall_s", "setup_s", "events_per_s", "calls",
                "calls_per_s", "messages", "messages_per_s", "cells", "content_bytes"):
        expect(isinstance(result.get(key), (int, float)) and result[key] > 0, f"{key} is above 0")
    operations = {o["name"]: o for o in result["operations"]}
    for name in ("open", "read", "write", "stat", "close", "unlink", "obtain", "delegate", "delete", "revoke"):
        o = operations.get(name, {})
        expect(o.get("count", 0) > 0, f"{name} happened")
        expect(0 < o.get("p50_ns", 0) <= o.get("p99_ns", 0) <= o.get("max_ns", 0), f"{name}: p50 <= p99 <= max")
        expect(abs(sum(o.get("share", {"none": 0}).values()) - 1) < 1e-4, f"{name}: shares add up to 1")
    expect(all(c["failures"] == 0 for c in result["checks"]), "no check failed")
    expect(sum(c["count"] for c in result["checks"]) > 1000, "checks looked at something")
    expect(sum(link["messages"] for link in result["links"]) == result["messages"], "links add up to messages")
    expect(sum(c["messages"] for c in result["classes"]) == result["messages"], "classes add up to messages")


def same_seed_same_digest():
    write("small.yaml", SMALL)
    first = run_json("small.yaml")
    digests = {
        "again": run_json("small.yaml"),
        "heap": run_json("small.yaml", "--engine", "heap"),
        "set": run_json("small.yaml", "--set", "seed=1"),
    }
    for name, result in digests.items():
        expect(result["digest"] == first["digest"], f"{name}: the same digest")
        expect(result["operations"] == first["operations"], f"{name}: the same figures")
    for arguments in (["--seed", "2"], ["--set", "machine.link.wire=901cycles"], ["--set", "cost.call=900"]):
        expect(run_json("small.yaml", *arguments)["digest"] != first["digest"], f"{arguments}: another digest")


def record_is_whole():
    write("small.yaml", SMALL)
    outcome = skerry("run", "small.yaml")
    expect(outcome.code == 0, "exit code 0", outcome)
    runs = sorted(os.listdir("runs"))
    expect(len(runs) == 2 and runs[1] == "latest" and runs[0].endswith("-small"), f"one folder and latest, not {runs}")
    expect(os.readlink("runs/latest") == runs[0], "runs/latest names it")
    expect(sorted(os.listdir("runs/latest")) ==
           ["latency", "result.json", "scenario.yaml", "summary.txt", "windows.bin"], "its files")
    result = json.loads(read("runs/latest/result.json"))
    with open("runs/latest/windows.bin", "rb") as file:
        data = file.read()
    expect(len(data) == 16 * result["windows"], "windows.bin has a record for each window")
    windows = [struct.unpack_from("<Q", data, at)[0] for at in range(0, len(data), 16)]
    expect(windows == sorted(set(windows)), "windows are in order")
    counted = {o["name"] for o in result["operations"] if o["count"]}
    expect({name[:-5] for name in os.listdir("runs/latest/latency")} == counted, "a table for each operation")
    expect("TotalCount" in read("runs/latest/latency/read.hgrm"), "an HdrHistogram table")
    again = run_json("runs/latest/scenario.yaml")
    expect(again["digest"] == result["digest"], "the resolved scenario gives the same digest")


def out_takes_an_empty_folder_only():
    write("small.yaml", SMALL)
    expect(skerry("run", "small.yaml", "--out", "new").code == 0, "--out new")
    expect(os.path.exists("new/result.json") and not os.path.exists("runs"), "it is there, and runs is not")
    os.mkdir("empty")
    expect(skerry("run", "small.yaml", "--out", "empty/").code == 0, "--out of an empty folder")
    expect(os.path.exists("empty/latency") and len(os.listdir("empty")) == 5, "and nothing else is in it")
    before = read("new/result.json")
    expect_refused(skerry("run", "small.yaml", "--out", "new"), "not an empty folder")
    expect(read("new/result.json") == before, "the old record is as it was")
    expect_refused(skerry("run", "small.yaml", "--out", "nowhere/new"), "nowhere/new", "--no-record")
    write("runs", "a file")
    expect_refused(skerry("run", "small.yaml"), "runs", "--no-record")
    expect(skerry("run", "small.yaml", "--no-record").code == 0, "--no-record needs no folder")
    left = [name for name in os.listdir(".") if "tmp" in name]
    expect(not left, f"nothing is left aside: {left}")


def timeout_is_inconclusive():
    outcome = skerry("run", "--set", "clients.0.repeat=1000", "--timeout", "300ms", "--json")
    expect(outcome.code == 3, "exit code 3", outcome)
    expect(outcome.json()["end"] == "timeout", "the result says so", outcome)
    expect("--timeout" in outcome.json()["native_not_run"], "and that no time was left for the native part", outcome)
    expect("run --set clients.0.repeat=1000 --seed 1" in outcome.err, "the line that replays it", outcome)
    expect(json.loads(read("runs/latest/result.json"))["end"] == "timeout", "it is recorded as well")


def a_signal_leaves_nothing_behind():
    for number in (signal.SIGINT, signal.SIGTERM):
        child = subprocess.Popen([PROGRAM, "run", "--set", "clients.0.repeat=1000"], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        for _ in range(200):
            if os.path.isdir("runs") and os.listdir("runs"):
                break
            time.sleep(0.02)
        expect(os.listdir("runs") != [], "the run has begun")
        child.send_signal(number)
        expect(child.wait(timeout=20) == -number, f"it ended by signal {number}")
        expect(os.listdir("runs") == [], f"runs is empty, not {os.listdir('runs')}")


def recordings_of_ones_own():
    write("mine.strace", '# skerry-trace 1\n# command: cat a\n# directory: /srv/demo\n'
          '1 openat(AT_FDCWD</srv/demo>, "a", O_RDONLY) = 3</srv/demo/a>\n'
          '1 read(3</srv/demo/a>, ""..., 4096) = 100\n1 close(3</srv/demo/a>) = 0\n1 +++ exited with 0 +++\n')
    result = run_json("--trace", "mine.strace", "find")
    operations = {o["name"]: o for o in result.get("operations", [])}
    expect(result.get("machine", {}).get("clusters") == 16, "the demonstration's machine")
    expect(result.get("scenario") == "recordings", "a name of its own")
    find = run_json("--trace", "find")
    for name, more in (("open", 16), ("close", 16)):
        count = {o["name"]: o["count"] for o in find["operations"]}[name]
        expect(operations.get(name, {}).get("count") == count + more, f"{name}: mine on each of 16 kernels, and find")


def progress_is_on_stderr_and_can_be_quiet():
    write("small.yaml", SMALL)
    outcome = skerry("run", "small.yaml", "--set", "clients.0.stamps.operations=1000000000", "--timeout", "6s",
                     "--no-record", "--json")
    expect(re.search(r"^skerry: small: \d+ %.* events, .* of virtual time$", outcome.err, re.M), "a heart-beat line",
           outcome)
    expect("\r" not in outcome.err, "no control characters without a terminal", outcome)
    expect(skerry("run", "small.yaml", "--quiet", "--no-record").err == "", "--quiet: nothing on stderr")


main(demonstration_shows_everything_on_one_screen, demonstration_as_json, same_seed_same_digest, record_is_whole,
     out_takes_an_empty_folder_only, timeout_is_inconclusive, a_signal_leaves_nothing_behind, recordings_of_ones_own,
     progress_is_on_stderr_and_can_be_quiet)
