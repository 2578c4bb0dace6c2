#!/usr/bin/env python3
"""skerry check, table, list and doctor."""
from e2e import expect, main, skerry


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
    result = skerry("check", "capability/acks", "--json").json()
    expect(result["end"] == "violated" and len(result["counterexample"]) >= 5, "as JSON, a line a step")


def a_limit_is_inconclusive():
    outcome = skerry("check", "capability/tree", "--kernels", "4", "--timeout", "200ms")
    expect(outcome.code == 3 and "bounded:" in outcome.out, "exit code 3", outcome)


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


main(msi_closes, acks_has_a_counter_example, a_limit_is_inconclusive, tables_come_from_the_code, list_names_what_is_there,
     doctor_knows_the_host)
