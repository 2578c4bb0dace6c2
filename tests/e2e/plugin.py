#!/usr/bin/env python3
"""Protocols in shared objects: taken by every command, refused with one clear message when something is not as it should be."""
import os
import shutil
import subprocess
import sys
from e2e import PROGRAM, expect, expect_refused, main, read, skerry, write

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
CC = shutil.which(os.environ.get("CC", "cc").split()[0])
if not CC:
    print("skipped: there is no C compiler, no shared object can be made")
    sys.exit(77)


def compile_protocol(name="p", source=None, flags=(), headers=None):
    """Compiles the template of `skerry new`, or `source`, to NAME.so; returns "./NAME.so"."""
    write(f"{name}.c", source or template())
    done = subprocess.run([CC, "-std=gnu17", "-O1", "-fPIC", "-shared", "-w", f"-I{headers or ROOT + '/include'}", *flags,
                           f"{name}.c", "-o", f"{name}.so"], capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"{name}.c compiles: {done.stderr[-2000:]}")
    return f"./{name}.so"


def template():
    return read(f"{ROOT}/workloads/templates/capability/skeleton.c")


def changed(*pairs):
    text = template()
    for old, new in pairs:
        if old not in text:
            sys.exit(f"the template has no {old!r} any more; correct this test")
        text = text.replace(old, new)
    return text


def every_command_takes_one():
    path = compile_protocol()
    outcome = skerry("check", path, "--kernels", "2", "--quiet")
    expect(outcome.code == 0 and "closed:" in outcome.out, "check closes it", outcome)
    outcome = skerry("table", path)
    expect(outcome.code == 0 and outcome.out.startswith("## capability/skeleton\n"), "table shows it", outcome)
    outcome = skerry("list", path, "memory/msi", "--json")
    expect([p["name"] for p in outcome.json()["protocols"]] == ["capability/skeleton", "memory/msi"], "list knows it", outcome)
    outcome = skerry("list", path)
    expect(outcome.code == 0 and "capability/skeleton" in outcome.out and "memory/msi" not in outcome.out, "as text", outcome)
    shutil.copy("p.so", "plain-name.so")
    for other in (os.path.abspath("p.so"), "plain-name.so", "./../" + os.path.basename(os.getcwd()) + "/p.so"):
        expect(skerry("table", other).code == 0, f"by the path {other}")


def run_and_check_take_a_family_and_a_protocol():
    path = compile_protocol()
    expect(skerry("check", f"capability={path}", "--kernels", "2", "--quiet").code == 0, "check capability=./p.so")
    expect_refused(skerry("check", f"memory={path}"), f"memory={path}: ", 'family "memory"')
    expect_refused(skerry("check", "capability=tre"), 'did you mean "tree"?')
    write("small.yaml", "name: small\nmachine: {clusters: 4}\nclients:\n"
                        "  - operations: {count: 100, copy: 0, mint: 0, move: 0, retype: 0, query: 0}\n")
    digests = set()
    for words in (["small.yaml", f"capability={path}"], [f"capability={path}", "small.yaml"],
                  ["small.yaml", "--set", f"capability={path}"], ["small.yaml", "--set", f"protocols.capability={path}"]):
        outcome = skerry("run", *words, "--no-record", "--json", "--inclusion")
        expect(outcome.code == 0, f"run {words}", outcome)
        digests.add(outcome.json()["digest"])
    expect(len(digests) == 1, f"it is the same run: {digests}")
    tree = skerry("run", "small.yaml", "capability=tree", "--no-record", "--json")
    expect(tree.code == 0 and tree.json()["digest"] not in digests, "another protocol, another digest", tree)
    expect_refused(skerry("run", "small.yaml", "capability=./none.so"), "./none.so", "no such file")
    expect_refused(skerry("run", "small.yaml", "other"), "one scenario at a time")


def a_record_names_its_steps():
    """A run with a protocol in a shared object is compared like any other, also when the object is gone."""
    path = compile_protocol()
    write("small.yaml", f"name: small\nmachine: {{clusters: 4}}\nprotocols: {{capability: {path}}}\nclients:\n"
                        "  - operations: {count: 100, copy: 0, mint: 0, move: 0, retype: 0, query: 0}\n")
    for name, words in (("a", []), ("b", ["--set", "machine.link.wire=3000cycles"])):
        expect(skerry("run", "small.yaml", "--out", name, *words).code == 0, f"run {words}")
    outcome = skerry("compare", "a", "b")
    expect(outcome.code == 0 and "capability/skeleton" in outcome.out, "the first event that differs is named", outcome)
    os.mkdir("elsewhere")
    os.rename("p.so", "elsewhere/p.so")
    outcome = skerry("compare", "a", "b")
    expect("Traceback" not in outcome.err and outcome.code in (0, 2), "without the object it says what it can", outcome)


def what_it_says_is_checked():
    """The same code, once broken: the checker finds it in the shared object as it would in a shipped protocol."""
    path = compile_protocol(source=changed(("STEP (COPY,      REVOKE,      FREE,      leave,     1)",
                                            "STEP (COPY,      REVOKE,      COPY,      leave,     1)")))
    outcome = skerry("check", path, "--quiet")
    expect(outcome.code == 1 and "violated:" in outcome.out, "exit code 1", outcome)


def what_is_no_shared_object():
    expect_refused(skerry("check", "./none.so"), "./none.so: there is no such file")
    os.mkdir("folder.so")
    expect_refused(skerry("check", "./folder.so"), "not a file")
    for text in ("", "x", "#!/bin/sh\necho hello\n" * 10):
        write("text.so", text)
        expect_refused(skerry("check", "text.so"), "text.so: ", "not a shared object")
    compile_protocol()
    subprocess.run([CC, "-std=gnu17", "-w", f"-I{ROOT}/include", "-c", "p.c", "-o", "object.so"], check=True)
    expect_refused(skerry("check", "object.so"), "an object file", "-shared")
    expect_refused(skerry("check", PROGRAM), "cannot be loaded")
    whole = open("p.so", "rb").read()
    for length in (5, 63, 64, 200, len(whole) // 2):
        with open("cut.so", "wb") as file:
            file.write(whole[:length])
        expect_refused(skerry("check", "./cut.so"), "cut off or damaged")
    expect_refused(skerry("check", "./p.c"), "not a shared object")
    expect_refused(skerry("list", "./none.so", "memory/msi"), "no such file")
    expect_refused(skerry("table", "./none.so"), "no such file")


def what_is_for_another_machine():
    compile_protocol()
    whole = bytearray(open("p.so", "rb").read())
    for place, value, word in ((18, 40, "32-bit ARM"), (18, 243, "RISC-V"), (4, 1, "32-bit"), (5, 2, "big-endian")):
        other = bytearray(whole)
        other[place] = value
        with open("other.so", "wb") as file:
            file.write(other)
        expect_refused(skerry("check", "./other.so"), "another machine", word, "build it on this one")


def what_exports_nothing():
    path = compile_protocol(source="int x;\n")
    expect_refused(skerry("check", path), "exports no protocol", "STEP_PLUGIN(NAME)")
    path = compile_protocol(source="const unsigned long skerry_plugin[64] = {1};\n")
    expect_refused(skerry("check", path), "STEP_PLUGIN(NAME)")


def headers_with(*changes):
    """A copy of the headers, changed; its folder."""
    shutil.rmtree("include", ignore_errors=True)
    shutil.copytree(ROOT + "/include", "include")
    for file, old, new in changes:
        text = read(f"include/skerry/{file}")
        if text.count(old) < 1:
            sys.exit(f"{file} has no {old!r} any more; correct this test")
        write(f"include/skerry/{file}", text.replace(old, new, 1))
    return "include"


def what_was_built_against_another_skerry():
    for what, changes in {
        "another ABI": [("plugin.h", "STEP_PLUGIN_ABI    1", "STEP_PLUGIN_ABI    2")],
        "struct step_node": [("protocol.h", "uint32_t id, nodes;", "uint32_t id, nodes; uint64_t added;")],
        "struct step_host.data_in": [("protocol.h", "uint32_t (*data_out)(struct step_node *n, uint32_t data);", ""),
                                     ("protocol.h", "void (*data_drop)(struct step_node *n, uint32_t data);",
                                      "void (*data_drop)(struct step_node *n, uint32_t data); "
                                      "uint32_t (*data_out)(struct step_node *n, uint32_t data);")],
        "another record": [("plugin.h", "\tT(struct step_link)", "\tT(struct step_link) T(struct step_link)")],
    }.items():
        outcome = skerry("check", compile_protocol(headers=headers_with(*changes)))
        expect_refused(outcome, "built against another Skerry", "rebuild")
        if what.startswith("struct"):
            expect(what.split(".")[0] in outcome.err, f"it names {what}", outcome)


def what_needs_more_than_there_is():
    path = compile_protocol(source=changed(("ACTION(cap, ask) {", "void step_dream(void);\nACTION(cap, ask) { step_dream();")))
    expect_refused(skerry("check", path), "step_dream", "does not have")
    path = compile_protocol(source=changed(("ACTION(cap, ask) {", "void sketch(void);\nACTION(cap, ask) { sketch();")))
    expect_refused(skerry("check", path), "sketch", "nothing defines", "link the file or library")


def what_is_no_protocol():
    for old, new, *words in (
        ('.name = "capability/skeleton"', '.name = "skeleton"', "has no name", "FAMILY/NAME"),
        ('.name = "capability/skeleton"', ".name = 0", "has no name"),
        ("\t.event = step_events,\n", "", ".event = step_events"),
        (".events = EVENT_COUNT", ".events = 3", "EVENT_COUNT"),
        (".machines = 3", ".machines = 9", "9 machines"),
        (".rest = 1u << IDLE", ".rest = 1u << 20", "does not exist"),
        ("STEP (FREE,      REVOKE,      FREE,      nothing,   0)", "STALL(FREE, REVOKE)", "tables", "may stall"),
        ("STEP (CAP_FULL,  START,       CAP_FULL,  refuse,    0)", "STEP (CAP_FULL,  START,       FREE,  refuse,    0)",
         "tables", "stays full"),
    ):
        expect_refused(skerry("check", compile_protocol(source=changed((old, new)))), *words)


def what_is_of_another_family():
    path = compile_protocol(source=changed(("CAPABILITY_CALLS(E)", "E(FIRST_OF_MINE, CALL, NONE) CAPABILITY_CALLS(E)")))
    expect_refused(skerry("check", path), "no protocol for capabilities", "CAPABILITY_CALLS(E)")
    path = compile_protocol(source=changed(("REF(object) WORD(word)", "REF(object) DATA(word)")))
    expect_refused(skerry("check", path), "no protocol for capabilities", "WORD(word)")
    path = compile_protocol(source=changed(('.name = "capability/skeleton"', '.name = "memory/skeleton"')))
    expect(skerry("table", path).code == 0, "a family of which nothing is known")
    write("other.yaml", "name: other\nprotocols: {capability: ./p.so}\nclients: [{trace: find}]\n")
    expect_refused(skerry("run", "other.yaml", "--no-record"), "other.yaml:2", "memory/skeleton", 'family "capability"')


def names_still_have_suggestions():
    expect_refused(skerry("check", "memory/mis"), 'did you mean "memory/msi"?')
    expect_refused(skerry("check", "nothing/alike"), "./NAME.so", "memory/msi")


main(every_command_takes_one, run_and_check_take_a_family_and_a_protocol, a_record_names_its_steps, what_it_says_is_checked, what_is_no_shared_object, what_is_for_another_machine, what_exports_nothing,
     what_was_built_against_another_skerry, what_needs_more_than_there_is, what_is_no_protocol, what_is_of_another_family,
     names_still_have_suggestions)
