#!/usr/bin/env python3
"""Fidelity full: monitors and clients as user programs on kernels, beside the flat machine."""
from e2e import SMALL, expect, expect_refused, main, read, skerry, write

REVOKES = """\
name: revokes
machine: {clusters: 4}
clients:
  - {stamps: {pages: 3, operations: 60, writes: 30%}, think: 20000 cycles}
  - {trace: shell, on: others}
events:
  - {at: 300us, fs_revoke: /stamps}
  - {at: 500us, kill: {cluster: 2, client: 0}}
"""


def run_json(*arguments):
    outcome = skerry("run", *arguments, "--json", "--no-record", "--quiet")
    expect(outcome.code == 0, f"run {' '.join(arguments)}: exit code 0", outcome)
    return outcome.json() if outcome.out.startswith("{") else {}


def checks(result):
    return {c["name"]: c for c in result.get("checks", [])}


def operations(result):
    return {o["name"]: o["count"] for o in result.get("operations", [])}


def same_protocol_trace_as_flat():
    serial = ("--no-native", "--set", "order=serial")
    flat = run_json(*serial, "--set", "fidelity=flat")
    full = run_json(*serial, "--set", "fidelity=full", "--inclusion")
    expect(flat["fidelity"] == "flat" and full["fidelity"] == "full", "results name their fidelity")
    expect(flat["protocol_trace"] == full["protocol_trace"], "the demonstration's messages are the same, pair by pair",
           None)
    expect(int(flat["protocol_trace"], 16) > 0, "there is a trace")
    expect(flat["messages"] == full["messages"] > 1000, f"{flat['messages']} and {full['messages']} messages")
    expect(operations(flat) == operations(full), "the same operations")
    expect(all(c["failures"] == 0 for c in full["checks"]), "every check holds on kernels")
    expect(flat["digest"] != full["digest"], "but not the same times")


def another_order_is_another_trace():
    """The trace can differ: a check that cannot fail shows nothing."""
    write("small.yaml", SMALL)
    a = run_json("small.yaml", "--set", "order=serial")
    b = run_json("small.yaml", "--set", "order=serial", "--set", "seed=2")
    c = run_json("small.yaml", "--set", "order=serial", "--set", "service.cache_pages=3")
    expect(a["protocol_trace"] != b["protocol_trace"] or a["protocol_trace"] != c["protocol_trace"],
           "another seed or a smaller cache gives another trace")
    expect("protocol_trace" not in run_json("small.yaml"), "only serial runs have one")


def demonstration_runs_on_kernels():
    result = run_json("--no-native", "--set", "fidelity=full", "--inclusion")
    held = checks(result)
    expect(all(c["failures"] == 0 for c in result["checks"]), "every check holds")
    expect(held.get("kernels", {}).get("count") == 16, "the invariants of 16 kernels were checked")
    expect(held.get("trace inclusion", {}).get("count", 0) > 1000, "the step log replays through the tables")
    kernels = result["kernels"]
    expect(kernels["cost_profile"] == "sel4-skylake-mcs", "the cost profile is named")
    expect(kernels["entries"] > 2 * result["calls"], "each call enters a kernel at least twice")
    for kind in ("entry", "slowpath", "lookup", "tree", "signal", "irq", "page_entry", "create"):
        expect(kernels["work"].get(kind, 0) > 0, f"kernels did work of kind {kind}")


def full_is_deterministic():
    write("small.yaml", SMALL)
    digests = {run_json("small.yaml", "--set", "fidelity=full", "--engine", engine)["digest"]
               for engine in ("window", "heap", "window")}
    expect(len(digests) == 1, "the same digest again, and with either engine")


def revokes_and_kills_on_kernels():
    write("revokes.yaml", REVOKES)
    result = run_json("revokes.yaml", "--set", "fidelity=full", "--inclusion")
    expect(all(c["failures"] == 0 for c in result["checks"]), "every check holds")
    expect(result["kernels"]["refused"] > 0, "kernels refuse capabilities that were revoked")


def more_callers_than_reply_objects():
    write("many.yaml", "name: many\nmachine: {clusters: 2, link: {wire: 100000 cycles}}\nclients:\n"
          "  - {trace: find, copies: 620, on: others, think: 0 cycles}\n")
    result = run_json("many.yaml", "--set", "fidelity=full", "--inclusion")
    expect(all(c["failures"] == 0 for c in result["checks"]), "every check holds")
    expect(result["kernels"]["starved"] > 0, "monitors wait for messages alone when no reply object is free")
    expect_refused(skerry("run", "many.yaml", "--set", "fidelity=full", "--set", "clients.0.copies=4100"), "4000", "copies")


def no_space_fills_with_what_was_revoked():
    """More capabilities come to a client, one after another, than its space has slots."""
    for protocol in ("tree", "captp"):
        result = run_json("chain", f"capability={protocol}", "--set", "fidelity=full", "--set", "machine.clusters=2",
                          "--set", "clients.0.chains.length=1", "--set", "clients.0.chains.rounds=1200")
        expect(result.get("end") == "ended" and operations(result)["cap_revoke"] == 1200, f"{protocol}: all rounds")


def full_natively():
    write("small.yaml", SMALL)
    result = run_json("small.yaml", "--engine", "native", "--oversubscribe", "--set", "fidelity=full", "--inclusion")
    expect(result["engine"] == "native" and result["fidelity"] == "full", "native and full")
    expect(all(c["failures"] == 0 for c in result["checks"]), "every check holds")


def summary_and_record_say_full():
    write("small.yaml", SMALL)
    outcome = skerry("run", "small.yaml", "--set", "fidelity=full", "--out", "record", "--quiet")
    expect("fidelity full" in outcome.out, "the summary says so", outcome)
    expect("fidelity: full" in read("record/scenario.yaml"), "so does the record")
    again = run_json("record/scenario.yaml")
    expect(again["fidelity"] == "full", "the record can be run again")


def serial_is_refused_where_it_means_nothing():
    write("revokes.yaml", REVOKES)
    expect_refused(skerry("run", "revokes.yaml", "--set", "order=serial"), "events")
    write("small.yaml", SMALL)
    expect_refused(skerry("run", "small.yaml", "--engine", "native", "--oversubscribe", "--set", "order=serial"), "serial")
    expect_refused(skerry("run", "small.yaml", "--set", "fidelity=ful"), "full")
    expect_refused(skerry("run", "small.yaml", "--set", "cost.kernel=sel4"), "sel4-skylake-mcs")


main(same_protocol_trace_as_flat, another_order_is_another_trace, demonstration_runs_on_kernels, full_is_deterministic,
     revokes_and_kills_on_kernels, more_callers_than_reply_objects, no_space_fills_with_what_was_revoked, full_natively,
     summary_and_record_say_full, serial_is_refused_where_it_means_nothing)
