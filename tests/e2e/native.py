#!/usr/bin/env python3
"""Native runs: what they say, that all checks hold under stress, and that one which is killed leaves nothing or all."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from e2e import PROGRAM, expect, expect_refused, main, read, skerry, write

NATIVE = """name: small
engine: native
machine: {clusters: 2}
native: {oversubscribe: true}
clients:
  - {trace: tar, on: others}
  - stamps: {pages: 2, operations: 100, writes: 30%}
"""
CPU = min(os.sched_getaffinity(0))


def run_json(*arguments, **more):
    outcome = skerry("run", *arguments, "--json", "--no-record", "--quiet", **more)
    expect(outcome.code == 0, f"run {' '.join(arguments)}: exit code 0", outcome)
    return outcome.json() if outcome.out.startswith("{") else {}


def expect_checked(result, what):
    """Every check looked at something and found nothing, trace inclusion among them."""
    checks = {check["name"]: check for check in result.get("checks", [])}
    for name in ("contents: as in a plain file system", "results: as recorded", "stamps: coherence of each page",
                 "stamps: program order", "files at the end: every byte", "confinement", "capability/tree at rest",
                 "memory/msi at rest", "protocol steps"):
        expect(checks.get(name, {}).get("count", 0) > 0, f"{what}: {name} was checked")
    expect(result.get("end") == "ended", f"{what}: it ended")
    expect(checks and all(check["failures"] == 0 for check in checks.values()), f"{what}: no check failed: {checks}")
    return checks


def demonstration_ends_with_a_native_part():
    outcome = skerry("run")
    expect(outcome.code == 0, "exit code 0", outcome)
    expect(len(outcome.out.splitlines()) <= 50, f"at most 50 lines, not {len(outcome.out.splitlines())}", outcome)
    part = outcome.out.partition("\nnative    ")[2].splitlines()
    expect(0 < len(part) - 4 <= 12, "a short part after the virtual one, then files and what to try", outcome)
    for word in ("the same clients", "host ", "threads ", "p50 ", "read_miss", "checks ", ": ok"):
        expect(word in "\n".join(part), f"it says {word!r}", outcome)
    whole = json.loads(read("runs/latest/result.json"))
    first, native = whole["runs"]
    expect(first == {key: value for key, value in whole.items() if key != "runs"}, "run 0 is the object itself")
    expect(first["engine"] == "virtual" and first["oversubscribed"] is False and len(first["digest"]) == 16, "virtual")
    expect(native["engine"] == "native" and native["fidelity"] == "flat", "run 1 is native")
    expect(2 <= native["machine"]["clusters"] <= 16, "it fits the host")
    expect_checked(native, "native part")
    expect(os.path.exists("runs/latest/latency/native-open.hgrm"), "its latencies are kept")
    again = run_json("runs/latest/native.yaml")
    expect(again.get("machine", {}).get("clusters") == native["machine"]["clusters"], "as is its scenario")
    alone = run_json("--no-native")
    expect(len(alone["runs"]) == 1 and alone["digest"] == first["digest"], "--no-native leaves it out")
    expect("\nnative " not in skerry("run", "--no-native", "--no-record").out, "also as text")


def a_part_that_cannot_run_says_why():
    outcome = skerry("run", "--set", "machine.clusters=20", "--set", "service.cluster=19")
    expect(outcome.code == 0 and "native    not run: " in outcome.out, "a line, and exit code 0", outcome)
    whole = json.loads(read("runs/latest/result.json"))
    expect(len(whole["runs"]) == 1 and "service.cluster" in whole["native_not_run"], "also in JSON")


def labels_and_host():
    write("small.yaml", NATIVE)
    result = run_json("small.yaml")
    expect(result["runs"] == [{key: value for key, value in result.items() if key != "runs"}], "one run")
    expect((result["engine"], result["engine_kind"], result["fidelity"]) == ("native", "native", "flat"), "labels")
    for key in ("digest", "windows", "virtual_ns"):
        expect(key in result and result[key] is None, f"{key} is null")
    expect(result["machine"]["lookahead_ns"] is None and result["machine"]["preset"] is None, "no links of a preset")
    expect(result["real_ns"] > 0, "real time")
    host = result["host"]
    for key in ("cpu_model", "cpus_visible", "cpus_allowed", "quota_cpus", "virtual_machine", "clock", "threads", "placement",
                "waits", "shares_cores", "mixes_kinds", "memory", "unpinned", "involuntary_switches", "load_average",
                "disturbed"):
        expect(key in host, f"host has {key}")
    expect(host["clock"]["hz"] > 0 and host["clock"]["name"], "clock")
    expect([c for t in host["placement"] for c in t["clusters"]] == [0, 1], "each cluster has a thread")
    expect(len(host["placement"]) == host["threads"], "each thread has a place")
    channels = result["channels"]
    expect(channels["frames"] == result["messages"], "a message is a frame")
    expect(0 < channels["replies_in_place"] <= channels["line_requests"] < channels["frames"], "lines were used")
    expect(isinstance(result["oversubscribed"], bool), "oversubscribed is always there")
    expect(run_json("small.yaml", cpus={CPU})["oversubscribed"] is True, "one CPU: oversubscribed")
    text = skerry("run", "small.yaml", "--no-record", cpus={CPU})
    for word in ("native, oversubscribed, fidelity flat", "real time", "channels ", "host ", "threads "):
        expect(word in text.out, f"the summary has {word!r}", text)
    for word in ("digest", "lookahead", "virtual time"):
        expect(word not in text.out, f"the summary has no {word!r}", text)
    virtual = run_json("small.yaml", "--engine", "virtual")
    expect(virtual["engine"] == "virtual" and virtual["engine_kind"] == "window", "--engine virtual")


def record_of_a_native_run():
    write("small.yaml", NATIVE)
    expect(skerry("run", "small.yaml", "--out", "a").code == 0, "exit code 0")
    expect(sorted(os.listdir("a")) == ["latency", "result.json", "scenario.yaml", "summary.txt"], "no windows")
    expect(run_json("a/scenario.yaml")["engine"] == "native", "the resolved scenario is native")


def all_checks_hold_under_stress():
    write("small.yaml", NATIVE)
    burn = subprocess.Popen([sys.executable, "-c", "while True: pass"],
                            preexec_fn=lambda: os.sched_setaffinity(0, {CPU}))
    try:
        for what, cpus, keys in (
                ("as it is", None, []),
                ("one CPU", {CPU}, []),
                ("one CPU, a thread a cluster", {CPU}, ["threads=2"]),
                ("more threads than CPUs", None, ["threads=6"]),
                ("small rings", None, ["slots=8"]),
                ("added latency", None, ["latency=20us"]),
                ("no lines", None, ["lines=false"]),
                ("all at once", {CPU}, ["threads=6", "slots=8", "latency=20us", "lines=false"])):
            sets = [word for key in keys for word in ("--set", "native." + key)]
            clusters = ["--set", "machine.clusters=6"] if "threads=6" in keys else []
            result = run_json("small.yaml", *sets, *clusters, "--inclusion", cpus=cpus)
            checks = expect_checked(result, what)
            expect(checks.get("trace inclusion", {}).get("count", 0) > 0, f"{what}: the tables give the same steps")
            if "lines=false" in keys:
                expect(result["channels"]["line_requests"] == 0, f"{what}: lines were not used")
            if "latency=20us" in keys:
                operations = {o["name"]: o for o in result["operations"]}
                expect(operations["read_miss"]["max_ns"] > 20000, f"{what}: a message takes so long")
    finally:
        burn.kill()
        burn.wait()


def files_of(folder):
    return sorted(os.path.relpath(os.path.join(path, name), folder) for path, _, names in os.walk(folder) for name in names)


def is_whole(folder, like):
    """Is all of a record there? Latency tables apart: which operations happened differs natively."""
    files = [name for name in files_of(folder) if not name.startswith("latency/native-")]
    if files != like["files"] or read(f"{folder}/scenario.yaml") != like["scenario"]:
        return False
    return [run["engine"] for run in json.loads(read(f"{folder}/result.json"))["runs"]] == ["virtual", "native"]


SMALL_DEMONSTRATION = ["run", "--set", "machine.clusters=2", "--quiet", "--out"]


def killed_after(seconds, number, folder):
    child = subprocess.Popen([PROGRAM, *SMALL_DEMONSTRATION, folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    time.sleep(seconds)
    child.send_signal(number)
    code = child.wait(timeout=60)
    expect(code in (0, -number), f"{signal.Signals(number).name} after {seconds:.4f} s: exit code {code}")


def killed_at_any_instant_it_leaves_all_or_nothing():
    begun = time.monotonic()
    done = skerry(*SMALL_DEMONSTRATION, "reference")
    took = time.monotonic() - begun
    expect(done.code == 0, "the reference", done)
    like = {"scenario": read("reference/scenario.yaml"),
            "files": [name for name in files_of("reference") if not name.startswith("latency/native-")]}
    expect(is_whole("reference", like), "the reference is whole", done)
    shutil.rmtree("reference")
    draw = random.Random()
    for i in range(24):
        number = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)[i % 3]
        seconds = draw.uniform(0, took * 1.1)
        before = set(os.listdir("."))
        killed_after(seconds, number, "out")
        what = f"{number.name} after {seconds:.4f} s of {took:.4f}"
        if os.path.exists("out"):
            expect(is_whole("out", like), f"{what}: what is there is whole, not {files_of('out')}")
            shutil.rmtree("out")
        left = set(os.listdir(".")) - before
        expect(number == signal.SIGKILL or not left, f"{what}: nothing is left aside, not {left}")
        expect(all(name.startswith("out.tmp-") for name in left), f"{what}: {left}")
    for i in range(6):
        os.mkdir("empty")
        seconds = draw.uniform(0, took * 1.1)
        killed_after(seconds, (signal.SIGKILL, signal.SIGTERM)[i % 2], "empty")
        expect(not os.path.exists("empty/result.json") or is_whole("empty", like),
               f"a folder that was there: where result.json is, all is: {files_of('empty')}")
        if not os.path.exists("empty/result.json"):
            expect(skerry(*SMALL_DEMONSTRATION, "empty").code == 0, "what is left aside is not in the way")
        shutil.rmtree("empty")


def what_was_left_aside_is_not_in_the_way():
    write("small.yaml", NATIVE)
    for command, folder in ((f'mkdir out.tmp-$$; exec "{PROGRAM}" run small.yaml --out out', "out"),
                            (f'mkdir -p runs/.tmp-$$; ln -s x runs/.latest-$$; exec "{PROGRAM}" run small.yaml',
                             "runs/latest"),
                            (f'mkdir -p there/.tmp-$$; exec "{PROGRAM}" run small.yaml --out there', "there")):
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=120, check=False)
        expect(done.returncode == 0, f"{command}: {done.stderr}")
        expect(os.path.exists(folder + "/result.json"), f"{command}: the record is there")


def engines_are_compared():
    write("small.yaml", NATIVE)
    expect(skerry("run", "small.yaml", "--out", "native").code == 0, "native")
    expect(skerry("run", "small.yaml", "--engine", "virtual", "--out", "virtual").code == 0, "virtual")
    text = skerry("compare", "virtual", "native")
    expect(text.code == 0 and "A was predicted in virtual time, B measured natively" in text.out, "it says which", text)
    expect("first event" in text.out and "no digest" in text.out, "and that digests are not compared", text)
    expect("think for another time" not in text.out, "with one clock", text)
    expect(skerry("run", "small.yaml", "--engine", "virtual", "--set", "machine.clock=3GHz", "--out", "fast").code == 0, "fast")
    expect("think for another time" in skerry("compare", "fast", "native").out, "other clocks are not passed over")
    result = skerry("compare", "virtual", "native", "--json").json()
    expect(result["equal"] is None and result["first_difference"] is None, "nothing to be equal")
    expect((result["A"]["engine"], result["B"]["engine"]) == ("virtual", "native"), "engines")
    figures = {figure["name"]: figure for figure in result["figures"]}
    for name in ("calls", "operations.read.count", "operations.read.p50", "operations.open.p99"):
        f = figures.get(name, {"A": 0, "B": 0, "error_percent": None})
        expect(f["B"] > 0 and abs(f["error_percent"] - (f["A"] - f["B"]) / f["B"] * 100) < 1e-6, f"{name}: error")
    expect("virtual_ns" not in figures and "events" not in figures, "only what both have")
    turned = {f["name"]: f for f in skerry("compare", "native", "virtual", "--json").json()["figures"]}
    expect(turned["operations.read.p50"]["error_percent"] == figures["operations.read.p50"]["error_percent"],
           "the error is of the prediction, whichever is A")
    expect(skerry("compare", "virtual", "native", "--fail-on", "calls>+0%").code == 0, "--fail-on, met")
    # Real time may well be what was predicted, in any one figure.
    differs = next((name for name, f in figures.items() if name.startswith("operations.") and f["A"] != f["B"] and f["A"] and f["B"]), None)
    expect(differs is not None, "a figure in which prediction and measurement differ")
    codes = [skerry("compare", *order, "--fail-on", f"{differs}>+0%").code
             for order in (("virtual", "native"), ("native", "virtual"))]
    expect(sorted(codes) == [0, 1], f"--fail-on, broken in one direction by {differs}: {codes}")
    both = skerry("compare", "native", "native", "--json").json()
    expect(both["compared"].startswith("two measurements") and both["equal"] is None, "two native runs")
    expect_refused(skerry("compare", "native"), "is one run")
    expect_refused(skerry("compare", "native#1", "native"), "no run 1")
    expect(skerry(*SMALL_DEMONSTRATION, "demo").code == 0, "a demonstration")
    for arguments in (["demo"], ["demo", "demo#1"], ["demo#0", "demo/result.json#1"]):
        own = skerry("compare", *arguments, "--json").json()
        expect((own["A"]["engine"], own["B"]["engine"]) == ("virtual", "native"), f"{arguments}: its two parts")


def errors_name_the_remedy():
    write("small.yaml", NATIVE.replace("oversubscribe: true", "oversubscribe: false"))
    refused = skerry("run", "small.yaml", "--set", "machine.clusters=1000", "--no-record")
    expect_refused(refused, "machine.clusters", "--oversubscribe")
    expect(refused.err.count("\n") == 1, "one line", refused)
    expect_refused(skerry("run", "small.yaml", "--no-record", cpus={CPU}), "small.yaml:3: ", "1 CPU;", "--oversubscribe")
    expect(skerry("run", "small.yaml", "--no-record", "--oversubscribe", cpus={CPU}).code == 0, "--oversubscribe")
    expect_refused(skerry("run", "--engine", "nativ"), 'did you mean "native"?')
    expect_refused(skerry("run", "small.yaml", "--set", "native.slots=100"), "native.slots", "power of two")
    expect_refused(skerry("run", "small.yaml", "--set", "native.latency=20"), "native.latency", "unit")
    expect_refused(skerry("run", "small.yaml", "--set", "native.thread=2"), 'did you mean "threads"?')
    expect_refused(skerry("run", "small.yaml", "--oversubscribe=yes"), "takes no value")
    misled = skerry("run", "small.yaml", "--no-record", "--oversubscribe", env={"HWLOC_SYNTHETIC": "nonsense:"})
    expect(misled.code == 0 and "is not known" in misled.out, "a host that hwloc does not know", misled)


def native_scenarios_are_tested():
    os.mkdir("good")
    write("good/a.yaml", NATIVE + "expect:\n  checks: pass\n  operations.fork.count: '>= 0'\n  operations.read.p50: <= 10 s\n")
    good = skerry("test", "good")
    expect(good.code == 0 and "PASS    good/a.yaml" in good.out, "it passes", good)
    write("bad.yaml", NATIVE + "expect:\n  operations.read.count: '>= 1000000'\n")
    bad = skerry("test", "bad.yaml")
    expect(bad.code == 1 and "expected >= 1,000,000" in bad.out.replace("1000000", "1,000,000"), "it fails", bad)
    for line in (f"digest: {'0' * 16}", "virtual_ns: 1"):
        write("digest.yaml", NATIVE + f"expect:\n  {line}\n")
        refused = skerry("test", "digest.yaml")
        expect(refused.code == 2 and "digest.yaml:9: " in refused.err and "--engine virtual" in refused.err,
               "what only virtual time has is refused", refused)
        expect(skerry("test", "digest.yaml", "--engine", "virtual").code == 1, "and compared with --engine virtual")
    write("plain.yaml", NATIVE.replace("engine: native\n", "").replace("oversubscribe: true", "lines: true") +
          "expect: {checks: pass}\n")
    expect(skerry("test", "plain.yaml").code == 0, "in virtual time")
    expect(skerry("test", "plain.yaml", "--engine", "native", "--oversubscribe", cpus={CPU}).code == 0, "and natively")


main(demonstration_ends_with_a_native_part, a_part_that_cannot_run_says_why, labels_and_host, record_of_a_native_run,
     all_checks_hold_under_stress, killed_at_any_instant_it_leaves_all_or_nothing, what_was_left_aside_is_not_in_the_way,
     engines_are_compared, errors_name_the_remedy, native_scenarios_are_tested)
