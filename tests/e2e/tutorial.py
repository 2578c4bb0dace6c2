#!/usr/bin/env python3
"""Does what docs/tutorial/first-protocol.md and docs/howto/run-a-program-on-a-cluster.md say, with an installed Skerry, and
compares what they claim.

    tutorial.py PATH-OF-SKERRY BUILD

Its fenced blocks, in order:

    sh     commands, in one shell; all must succeed. After the comment <!-- exits N --> the last one ends with N
    text   lines that the commands before it printed, in this order; "..." stands for anything within a line
    diff   changes the file that is named after "---": what is unmarked or marked "-" stands there once
    c      stands in the protocol's file as it is now
    yaml   stands in its scenario
"""
import os
import re
import shutil
import subprocess
import tempfile
from e2e import expect, main, read, write
from out_of_tree import ENVIRONMENT

DOCS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../docs")
KINDS = {"sh", "text", "diff", "c", "yaml"}


class Reader:
    """Somebody who follows the page."""

    def __init__(self, name):
        self.folder, self.printed, self.name = os.getcwd(), "", name

    def path(self, name):
        return os.path.join(self.folder, name)

    def sh(self, text, code):
        with tempfile.NamedTemporaryFile("r") as place:
            script = f"set -e\ntrap 'pwd >{place.name}' EXIT\n{text}\n"
            done = subprocess.run(["bash", "-c", script], cwd=self.folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, check=False)
            self.folder, self.printed = place.read().strip(), done.stdout
        if done.returncode != code:
            return f"exit code {done.returncode} instead of {code}; it printed:\n{done.stdout[-3000:]}"
        return None

    def text(self, text, _):
        lines = [" ".join(line.split()) for line in self.printed.splitlines()]
        at = 0
        for claim in filter(None, (" ".join(line.split()) for line in text.splitlines())):
            wanted = re.compile(".*".join(map(re.escape, claim.split("..."))))
            while at < len(lines) and not wanted.search(lines[at]):
                at += 1
            if at == len(lines):
                return f"nobody printed (there) {claim!r}; printed was:\n{self.printed[-6000:]}"
            at += 1
        return None

    def diff(self, text, _):
        name = re.match(r"--- (\S+)\n\+\+\+ \S+\n", text)
        if not name:
            return "it does not begin with --- FILE and +++ FILE"
        whole = read(self.path(name.group(1)))
        for hunk in re.split(r"^@@.*\n", text[name.end():] + "\n", flags=re.M)[1:]:
            lines = [line or " " for line in hunk.splitlines()]
            old = "".join(line[1:] + "\n" for line in lines if line[0] != "+")
            new = "".join(line[1:] + "\n" for line in lines if line[0] != "-")
            if whole.count(old) != 1:
                return f"this stands in {name.group(1)} {whole.count(old)} times:\n{old}"
            whole = whole.replace(old, new)
        write(self.path(name.group(1)), whole)
        return None

    def stands_in(self, name, text):
        return None if text + "\n" in read(self.path(name)) else f"this does not stand in {name}:\n{text}"

    def c(self, text, _):
        return self.stands_in(f"{self.name}.c", text)

    def yaml(self, text, _):
        return self.stands_in(f"{self.name}.yaml", text)


def blocks(page):
    """(line, kind, text, exit code) of each fenced block."""
    code = 0
    kind, block, begin = None, [], 0
    for number, line in enumerate(page.splitlines(), 1):
        if kind is None and line.startswith("<!-- exits "):
            code = int(re.match(r"<!-- exits (\d+) -->", line).group(1))
        elif kind is None and line.startswith("```"):
            kind, block, begin = line[3:], [], number
        elif line == "```":
            yield begin, kind, "\n".join(block), code
            kind, code = None, 0
        elif kind is not None:
            block.append(line)


def follow(page, name="lease"):
    """Returns the place and the first thing that is not as the page says, or None. `name`: of its files."""
    reader = Reader(name)
    for line, kind, text, code in blocks(page):
        if kind not in KINDS:
            return f"line {line}: nobody knows what to do with a block of {kind!r}"
        wrong = getattr(reader, kind)(text, code)
        if wrong:
            return f"line {line}: {wrong}"
    return None


def is_true(page, name):
    wrong = follow(read(os.path.join(DOCS, page)), name)
    expect(wrong is None, f"docs/{page}, {wrong}")


def the_tutorial_is_true():
    is_true("tutorial/first-protocol.md", "lease")


def the_page_of_programs_is_true():
    if not (shutil.which("clang-14") or shutil.which("clang")):
        print("skipped: clang is not installed, programs cannot be compiled")
        return
    is_true("howto/run-a-program-on-a-cluster.md", "lend")


def a_page_that_is_not_true_is_seen():
    begin = "```sh\nskerry new protocol lease\ncd lease\n```\n"
    for page, what in (
        ("```sh\nskerry none\n```\n", "exit code 2"),
        ("<!-- exits 1 -->\n```sh\ntrue\n```\n", "exit code 0"),
        (begin + "```text\nlease/ holds\nlease/ holds\n```\n", "nobody printed"),
        (begin + "```text\nto build ... lease\nno ... lease\n```\n", "nobody printed"),
        (begin + "```diff\n--- lease.c\n+++ lease.c\n@@\n-nothing of this\n```\n", "0 times"),
        (begin + "```diff\n--- lease.c\n+++ lease.c\n@@\n }\n```\n", "times"),
        (begin + "```diff\n--- lease.c\n+++ lease.c\n@@\n-ACTION(cap, ask) { step_tell(n, self->source, OBTAIN); }\n```\n"
                 "```sh\nmake\n```\n", "exit code 2"),
        (begin + "```c\nint main(void)\n```\n", "does not stand in"),
        (begin + "```yaml\nname: other\n```\n", "does not stand in"),
        ("```python\n```\n", "nobody knows"),
    ):
        wrong = follow(page)
        expect(wrong is not None and what in wrong, f"{page!r} is found to be wrong: {wrong}")
        subprocess.run(["rm", "-rf", "lease"], check=True)


main(a_page_that_is_not_true_is_seen, the_tutorial_is_true, the_page_of_programs_is_true)
