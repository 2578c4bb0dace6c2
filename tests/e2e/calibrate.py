#!/usr/bin/env python3
"""Calibrating: a file is measured and written at once or not at all, virtual time takes machine and costs from it and stays
deterministic, and what cannot be measured, written or read is refused by name."""
import json
import os
import signal
import subprocess
import time

from e2e import PROGRAM, expect, expect_refused, main, read, skerry, write

CPUS = len(os.sched_getaffinity(0))


def two_cpus():
    """Links need two CPUs that run at once; a quota may give fewer than the affinity mask."""
    host = skerry("doctor", "--json").json().get("host") or {}
    if host.get("capacity", CPUS) >= 2:
        return True
    print("  skipped: a link needs two CPUs that run at once")
    return False


def calibrate(*arguments):
    """A neighbour may take the CPUs for so long that the answer is exit code 3: then once more."""
    for _ in range(5):
        outcome = skerry("calibrate", "--quick", "--out", "host.yaml", *arguments)
        if outcome.code != 3:
            break
    return outcome


def what_is_measured_predicts():
    if not two_cpus():
        return
    outcome = calibrate("--json")
    if outcome.code == 3:
        print("  skipped: other programs use the CPUs")
        return
    expect(outcome.code == 0, "calibrate", outcome)
    figures = outcome.json()
    expect(figures["schema"] == 1 and figures["pairs"] == CPUS * (CPUS - 1) / 2 or CPUS > 16, "every pair", outcome)
    for link in figures["links"]:
        expect(link["ring_ns"] > 0 and link["line_ns"] > 0 and link["wire_ns"] >= 1, f"sane figures: {link}", outcome)
    expect(figures["costs_cycles"]["step"] > 0 and figures["costs_cycles"]["client"] > 0, "costs are measured", outcome)
    expect(read("host.yaml").startswith("# What skerry calibrate measured"), "the file is there")
    expect(os.listdir(".") == ["host.yaml"], f"and nothing beside it: {os.listdir('.')}")
    results = [skerry("run", "--set", "machine.preset=host.yaml", "--set", "machine.clusters=2", "--json", "--out", f"r{i}")
               for i in range(2)]
    for result in results:
        expect(result.code == 0, "it runs with the preset", result)
    first, second = (result.json() for result in results)
    expect(first["digest"] == second["digest"] != "0000000000000000", "the same digest twice")
    again = skerry("run", "r0/scenario.yaml", "--json", "--no-record")
    expect(again.code == 0 and again.json()["digest"] == first["digest"], "the resolved scenario gives it too", again)
    large = skerry("run", "--set", "machine.preset=host.yaml", "--set", f"machine.clusters={CPUS + 3}", "--no-record")
    expect(large.code == 0, "more clusters than CPUs: what if", large)


def one_cpu_is_refused():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        expect_refused(skerry("calibrate", "--quick", "--out", "host.yaml"), "one CPU", "affinity")
    finally:
        os.sched_setaffinity(0, before)
    expect(os.listdir(".") == [], "nothing is written")


def where_nothing_can_be_written_nothing_is_measured():
    os.mkdir("folder")
    begin = time.monotonic()
    expect_refused(skerry("calibrate", "-o", "nowhere/host.yaml"), "nowhere/host.yaml", "No such file")
    expect_refused(skerry("calibrate", "--out", "folder"), "folder", "directory")
    expect_refused(skerry("calibrate"), "--out FILE.yaml")
    expect_refused(skerry("calibrate", "--qick", "--out", "host.yaml"), "--qick", '"--quick"')
    expect(time.monotonic() - begin < 60, "at once")
    expect(os.listdir(".") == ["folder"], "nothing is written")


def an_interruption_leaves_the_old_file():
    write("host.yaml", "the old one\n")
    process = subprocess.Popen([PROGRAM, "calibrate", "--out", "host.yaml"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    code = process.wait(timeout=120)
    if code == -signal.SIGINT:
        expect(read("host.yaml") == "the old one\n", "the old file is as it was")
        expect(os.listdir(".") == ["host.yaml"], f"and nothing beside it: {os.listdir('.')}")


def a_wrong_file_is_refused_with_its_place():
    cases = [("schema: 7\n", "host.yaml:1: schema: ", "schema 1"), ("clusters: 4\n", "host.yaml:1: ", "unknown key"),
             ("schema: 1\n", "host.yaml:1: ", "missing"), ("", "host.yaml", "empty")]
    for text, *words in cases:
        write("host.yaml", text)
        outcome = skerry("run", "--set", "machine.preset=host.yaml", "--no-record")
        expect_refused(outcome, *words)
        expect(outcome.err.count("\n") == 1, "one line", outcome)
    expect_refused(skerry("run", "--set", "machine.preset=hots.yaml", "--no-record"), "hots.yaml", "neither a preset nor a file")


main(what_is_measured_predicts, one_cpu_is_refused, where_nothing_can_be_written_nothing_is_measured,
     an_interruption_leaves_the_old_file, a_wrong_file_is_refused_with_its_place)
