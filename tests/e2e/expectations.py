#!/usr/bin/env python3
"""skerry test: what passes, what fails and how, --junit and --update."""
import os
import xml.etree.ElementTree as xml
from e2e import SMALL, expect, expect_refused, main, read, skerry, write


def figures():
    write("plain.yaml", SMALL)
    result = skerry("run", "plain.yaml", "--json", "--no-record").json()
    os.unlink("plain.yaml")
    return result, {o["name"]: o for o in result["operations"]}


def what_holds_passes():
    result, operations = figures()
    os.mkdir("good")
    write("good/a.yaml", SMALL + f"""expect:
  checks: pass
  digest: {result['digest']}
  model_version: {result['model_version']}
  events: {result['events']}
  operations.read.count: {operations['read']['count']}
  operations.read.p99: <= 1 ms
  operations.write_miss.messages_per_op: '>= 1'
""")
    write("good/b.yaml", SMALL)
    write("good/notes.txt", "not a scenario")
    outcome = skerry("test", "good")
    expect(outcome.code == 0 and "PASS    good/a.yaml" in outcome.out, "it passes", outcome)
    expect("no expectation good/b.yaml" in outcome.out and "notes" not in outcome.out, "the other has none", outcome)


def what_differs_fails():
    result, operations = figures()
    count = operations["read"]["count"]
    for line, words in ((f"digest: {'0' * 16}", ["0" * 16, result["digest"]]),
                        (f"operations.read.count: {count + 1}", [str(count), str(count + 1)]),
                        (f"operations.read.count: <= {count - 1}", [f"<= {count - 1}"]),
                        (f"operations.read.count: '>= {count + 1}'", [f">= {count + 1}"]),
                        ("operations.read.p99: <= 1ns", ["operations.read.p99", "<= 1 ns"]),
                        ("operations.raed.count: 3", ["there is no such operation"]),
                        (f"events: {result['events'] - 1}", [str(result["events"])])):
        write("bad.yaml", SMALL + f"expect:\n  {line}\n")
        outcome = skerry("test", "bad.yaml")
        expect(outcome.code == 1 and "FAIL    bad.yaml" in outcome.out, f"{line}: it fails", outcome)
        for word in words + ["line 8", "run bad.yaml --seed 1"]:
            expect(word in outcome.out, f"{line}: it says {word!r}", outcome)


def one_that_cannot_be_read_does_not_stop_the_others():
    os.mkdir("mixed")
    write("mixed/a.yaml", "name: [")
    write("mixed/b.yaml", SMALL + "expect: {checks: pass}\n")
    outcome = skerry("test", "mixed", "--junit", "out.xml")
    expect(outcome.code == 2 and "PASS    mixed/b.yaml" in outcome.out, "exit code 2, and the other has run", outcome)
    expect("mixed/a.yaml:1" in outcome.err, "the message names the place", outcome)
    suite = xml.parse("out.xml").getroot().find("testsuite")
    expect(suite.get("tests") == "2" and suite.get("errors") == "1" and suite.get("failures") == "0", "JUnit counts")
    os.mkdir("none")
    expect(skerry("test", "none").code == 2, "a folder without scenarios")
    expect(skerry("test", "nowhere.yaml").code == 2, "a file that is not there")


def junit_escapes():
    os.mkdir('a&"<b>')
    write('a&"<b>/c.yaml', SMALL + "expect:\n  operations.read.count: <= 1\n")
    expect(skerry("test", 'a&"<b>', "--junit", "out.xml").code == 1, "it fails")
    case = xml.parse("out.xml").getroot().find("testsuite/testcase")
    expect(case.get("name") == 'a&"<b>/c.yaml', "the name comes through")
    expect("expected <= 1" in case.find("failure").get("message"), "as does the message")
    expect_refused_junit = skerry("test", 'a&"<b>', "--junit", "nowhere/out.xml")
    expect("nowhere/out.xml" in expect_refused_junit.err, "a JUnit file that cannot be written", expect_refused_junit)


def update_changes_values_only():
    result, operations = figures()
    count = operations["read"]["count"]
    template = SMALL.replace("%", "%%") + """# before
expect:            # what must hold
  checks: pass
  digest: "%s"   # keep me
  operations.read.count: %s
  operations.read.p99: <= 1 ms # a limit stays

  'events' : %s
# the end
"""
    write("old.yaml", template % ("0" * 16, 1, 2))
    outcome = skerry("test", "old.yaml", "--update")
    expect(outcome.code == 0 and outcome.out.count("UPDATE  old.yaml:") == 3, "three changes", outcome)
    expect(read("old.yaml") == template % (result["digest"], count, result["events"]), "the rest is as it was")
    expect(skerry("test", "old.yaml").code == 0, "it passes now")
    again = skerry("test", "old.yaml", "--update")
    expect("UPDATE" not in again.out, "nothing is left to change", again)
    write("flow.yaml", SMALL + "expect: {digest: %s, checks: pass}\n" % ("0" * 16))
    expect(skerry("test", "flow.yaml", "--update").code == 0, "a flow mapping")
    expect(read("flow.yaml").endswith("expect: {digest: %s, checks: pass}\n" % result["digest"]), "is changed in place")


def update_keeps_limits_that_fail():
    text = SMALL + "expect:\n  operations.read.count: <= 1\n"
    write("limit.yaml", text)
    outcome = skerry("test", "limit.yaml", "--update")
    expect(outcome.code == 1 and read("limit.yaml") == text, "a limit is not rewritten", outcome)


main(what_holds_passes, what_differs_fails, one_that_cannot_be_read_does_not_stop_the_others, junit_escapes,
     update_changes_values_only, update_keeps_limits_that_fail)
