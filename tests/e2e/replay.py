#!/usr/bin/env python3
"""skerry replay: counter-examples go their way again; what does not fit is refused."""
import json
import os
import shutil

from e2e import expect, expect_refused, main, read, skerry, write


def keep(name="acks.skr"):
    """A script of acks in the current folder."""
    skerry("check", "capability/acks", "--out", "kept")
    os.rename("kept/counterexample.skr", name)
    shutil.rmtree("kept")
    return name


def changed(name, change, out="changed.skr"):
    script = json.loads(read(name))
    change(script)
    write(out, json.dumps(script))
    return out


def it_goes_the_same_way():
    name = keep()
    outcome = skerry("replay", name)
    expect(outcome.code == 1 and "the same as recorded" in outcome.out, "exit code 1, the same outcome", outcome)
    recorded = json.loads(read(name))
    result = skerry("replay", name, "--json").json()
    expect(result["end"] == "violated" and result["as_recorded"], "as JSON")
    expect(result["why"] == recorded["outcome"]["why"] and result["state"] == recorded["outcome"]["state"], "why and where")
    expect(result["steps"] == len(recorded["steps"]), "every step")
    again = skerry("replay", name, "--json").json()
    expect(result["digest"] == again["digest"] and int(result["digest"], 16), "the engine's digest is the same")
    story = skerry("check", "capability/acks", "--no-record").out
    expect(all(line in story for line in outcome.out.split("==>")[0].splitlines()), "the story that check told", outcome)
    quiet = skerry("replay", name, "--quiet", "--plantuml", "diagram.puml")
    expect("kernel 0  its client" not in quiet.out and quiet.code == 1, "--quiet tells no story", quiet)
    expect(read("diagram.puml").endswith("@enduml\n"), "a diagram")


def it_stops_where_it_is_told():
    name = keep()
    four = skerry("replay", name, "--until", "4")
    expect(four.code == 0 and "stopped after step 4 of 11" in four.out and "REVOKE" in four.out, "at a step", four)
    first = skerry("replay", name, "--until", "REVOKE", "--json").json()
    second = skerry("replay", name, "--until", "REVOKE:2", "--json").json()
    expect(first["end"] == second["end"] == "stopped" and first["steps"] < second["steps"], "at the n-th of an event")
    expect_refused(skerry("replay", name, "--until", "99"), "--until 99", "steps 1 to 11")
    expect_refused(skerry("replay", name, "--until", "0"), "steps 1 to 11")
    expect_refused(skerry("replay", name, "--until", "REVOK"), "did you mean \"REVOKE\"")
    expect_refused(skerry("replay", name, "--until", "REVOKE:x"), "after the colon")
    late = skerry("replay", name, "--until", "REVOKE:9", "--quiet")
    expect(late.code == 2 and "was not reached" in late.err, "what does not come", late)


def a_debugger_stops_at_the_action():
    name = keep()
    expect_refused(skerry("replay", name, "--gdb"), "--until")
    expect_refused(skerry("replay", name, "--gdb", "--until", "REVOKE", env={"PATH": "/nonexistent"}), "gdb is not installed", "apt install gdb")
    if not shutil.which("gdb"):
        print("  gdb is not installed: its breakpoint is not tried")
        return
    outcome = skerry("replay", name, "--gdb", "--until", "REVOKE")
    if "ptrace" in outcome.err or "personality" in outcome.err:
        print("  gdb may not trace here: its breakpoint is not tried")
        return
    expect("acknowledge" in outcome.out, "gdb stops in the cell's action", outcome)


def what_does_not_fit_is_refused():
    name = keep()
    expect_refused(skerry("replay", "nowhere.skr"), "nowhere.skr", "cannot be read")
    write("half.skr", read(name)[:700])
    expect_refused(skerry("replay", "half.skr"), "half.skr: line", "damaged")
    write("other.skr", '{"schema": 1}')
    expect_refused(skerry("replay", "other.skr"), "no script of Skerry")
    write("list.skr", "[1, 2]")
    expect_refused(skerry("replay", "list.skr"), "no script of Skerry")
    for what, change, words in (
            ("a schema to come", lambda s: s.update(schema=2), ["schema"]),
            ("another table", lambda s: s.update(table="0123456789abcdef"), ["another version", "0123456789abcdef"]),
            ("no such protocol", lambda s: s.update(protocol="capability/ack"), ["protocol \"capability/ack\""]),
            ("another protocol", lambda s: s.update(protocol="memory/msi"), ["table", "memory/msi"]),
            ("an unknown key", lambda s: s["steps"][2].update(kernal=1), ["step 3", "did you mean \"kernel\""]),
            ("a missing step", lambda s: s["steps"].pop(3), ["step 4", "missing"]),
            ("no such instruction", lambda s: s["steps"][1].update(do="recieve"), ["step 2", "did you mean \"receive\""]),
            ("no such event", lambda s: s["steps"][1].update(event="TAKE"), ["step 2", "no event \"TAKE\""]),
            ("no such machine", lambda s: s["steps"][0].update(arg="cup 0.0"), ["step 1", "\"cup 0.0\""]),
            ("a number that is none", lambda s: s["steps"][0].update(kernel="0"), ["step 1", "\"kernel\" has to be a number"]),
            ("too large a number", lambda s: s["steps"][0].update(kernel=70), ["step 1", "0 to"]),
            ("a kernel that is not there", lambda s: s["steps"][1].update(kernel=4), ["step 2"]),
            ("a message that is not there", lambda s: s["steps"][1].update(event="REVOKE"), ["step 2 cannot happen", "receive GIVE"]),
            ("a call of nobody", lambda s: s["steps"][0].update(arg="cap 1.0"), ["step 1 cannot happen"]),
            ("too many kernels", lambda s: s["configuration"].update(kernels=64), ["configuration", "kernels"]),
            ("a promise that is none", lambda s: s["configuration"].update(judged=["x"]), ["no promise \"x\""]),
            ("a flag that is none", lambda s: s["configuration"].update(lossy=1), ["true or false"]),
            ("no end", lambda s: s["outcome"].update(where="nowhere"), ["outcome", "nowhere"])):
        print(f"  {what}")
        outcome = skerry("replay", changed(name, change), "--quiet")
        expect_refused(outcome, "changed.skr", *words)
    write("twice.skr", read(name).replace('"schema": 1,', '"schema": 1, "schema": 1,'))
    expect_refused(skerry("replay", "twice.skr"), "twice.skr: line")


def another_outcome_is_told():
    name = keep()
    outcome = skerry("replay", changed(name, lambda s: s["outcome"].update(why="I9: something else")))
    expect(outcome.code == 5 and "not as recorded" in outcome.out and "I9" in outcome.out, "another violation", outcome)
    short = changed(name, lambda s: (s["steps"].pop(), s["outcome"].update(why="", state=[])))
    outcome = skerry("replay", short)
    expect(outcome.code == 0 and "nothing was wrong" in outcome.out, "a way on which nothing is wrong", outcome)


main(it_goes_the_same_way, it_stops_where_it_is_told, a_debugger_stops_at_the_action, what_does_not_fit_is_refused,
     another_outcome_is_told)
