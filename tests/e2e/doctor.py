#!/usr/bin/env python3
"""skerry doctor says what native runs get here: for people, for programs, and whatever hwloc is told."""
import os
from e2e import expect, main, skerry

FACTS = ["CPUs", "affinity", "CPU quota", "native runs", "SMT siblings", "kinds of core", "NUMA nodes", "memory binding",
         "pinning", "virtual machine", "clock", "waiting", "hardware counters", "USDT probes", "topology"]
NUMBERS = ["visible_cpus", "cpus", "capacity", "nodes", "probes"]
FLAGS = ["memory_binding", "pinning", "virtual_machine", "hardware_counters"]


def doctor(env=None):
    """The outcome, the facts by name, and the host."""
    outcome = skerry("doctor", "--json", env=env)
    result = outcome.json()
    expect(outcome.code == 0 and result["good"], "nothing essential is broken", outcome)
    return outcome, {fact["name"]: fact for fact in result["facts"]}, result["host"]


def usable():
    return len(os.sched_getaffinity(0))


def every_fact_says_what_follows():
    outcome, facts, _ = doctor()
    for name in FACTS:
        expect(name in facts, f"there is a fact {name!r}", outcome)
    for name, fact in facts.items():
        expect(fact["state"] in ("fine", "note"), f"{name}: a state", outcome)
        expect(fact["value"] and fact["meaning"], f"{name}: a value and a meaning", outcome)
    text = skerry("doctor")
    expect(text.code == 0 and text.err == "", "the text is good and quiet", text)
    for name in FACTS:
        expect(f" {name}  " in text.out, f"the text has {name!r}", text)


def the_host_is_told_in_numbers():
    outcome, facts, host = doctor()
    for name in NUMBERS:
        expect(isinstance(host[name], int) and host[name] >= 0, f"{name} is a number", outcome)
    for name in FLAGS:
        expect(isinstance(host[name], bool), f"{name} is a flag", outcome)
    expect(host["cpus"] == usable() and host["visible_cpus"] >= host["cpus"], "the CPUs of the mask", outcome)
    expect(1 <= host["cores"] <= host["cpus"] and host["misled"] is None, "the cores of this machine", outcome)
    quota = host["quota_millicpus"]
    expect((quota is None) == (host["quota_source"] is None), "a quota names its file", outcome)
    capacity = min(host["cpus"], max(1, quota // 1000)) if quota else host["cpus"]
    expect(host["capacity"] == capacity, "capacity: the CPUs, or what the quota leaves of them", outcome)
    expect(facts["native runs"]["value"].startswith(f"{capacity} cluster"), "native runs are told so", outcome)
    expect(host["waiting"] == ("spin" if capacity > 1 else "spin-yield-sleep"), "how threads wait", outcome)
    clock = host["clock"]
    expect(clock["ticks_per_second"] > 0 and clock["name"] in facts["clock"]["value"], "the clock and its rate", outcome)
    expect(clock["counter"] == (clock["why"] is None), "what is not the counter says why", outcome)


def one_cpu_is_one_cluster():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        outcome, facts, host = doctor()
    finally:
        os.sched_setaffinity(0, before)
    expect(host["cpus"] == 1 and host["capacity"] == 1 and host["cores"] == 1, "one CPU, one core", outcome)
    expect(host["waiting"] == "spin-yield-sleep" and facts["waiting"]["state"] == "note", "threads take turns", outcome)
    expect(facts["native runs"]["state"] == "note" and facts["native runs"]["value"].startswith("1 cluster "),
           "one cluster with a CPU", outcome)
    if host["visible_cpus"] > 1:
        expect(facts["affinity"]["value"] == f"1 of {host['visible_cpus']} CPUs", "the affinity is named", outcome)
        expect(facts["affinity"]["state"] == "note", "and worth a look", outcome)


def a_misleading_hwloc_is_not_believed():
    for value, words in (("pack:2 core:4 pu:2", "a machine that is not this one; unset it"),
                         ("nonsense", "not a valid description; unset it")):
        outcome, facts, host = doctor(env={"HWLOC_SYNTHETIC": value})
        expect(host["cpus"] == usable(), f"{value}: the CPUs are those of this machine", outcome)
        expect(words in host["misled"] and host["cores"] is None, f"{value}: what is not known is null", outcome)
        expect(facts["HWLOC_SYNTHETIC"]["state"] == "note" and words in facts["HWLOC_SYNTHETIC"]["meaning"],
               f"{value}: the variable and the remedy", outcome)
        expect(facts["HWLOC_SYNTHETIC"]["value"] == value, f"{value}: its value", outcome)
        expect(facts["topology"]["state"] == "note" and f"{usable()} CPU" in facts["topology"]["value"],
               f"{value}: the real machine", outcome)
        expect(facts["SMT siblings"]["value"] == "unknown", f"{value}: siblings are not guessed", outcome)
        expect(value in skerry("doctor", env={"HWLOC_SYNTHETIC": value}).out, f"{value}: in the text too")


def a_harmless_variable_is_fine():
    outcome, facts, host = doctor(env={"HWLOC_HIDE_ERRORS": "1"})
    expect(facts["HWLOC_HIDE_ERRORS"]["state"] == "fine" and host["misled"] is None, "hwloc is believed", outcome)


main(every_fact_says_what_follows, the_host_is_told_in_numbers, one_cpu_is_one_cluster, a_misleading_hwloc_is_not_believed,
     a_harmless_variable_is_fine)
