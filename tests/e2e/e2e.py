"""What the end-to-end tests share: running the command in an empty folder, and saying what was not as expected."""
import json
import os
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else sys.exit("usage: TEST PATH-OF-SKERRY")

SMALL = """# Two pages that four kernels share.
name: small
about: "two shared pages on 4 kernels"
machine: {clusters: 4}
clients:
  - stamps: {pages: 2, operations: 50, writes: 20%}
"""

failures = 0


class Outcome:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def json(self):
        return json.loads(self.out)


def skerry(*arguments, program=PROGRAM, timeout=120, env=None, cpus=None):
    """`cpus`: the only ones that the command may use."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                          preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None)
    return Outcome(done.returncode, done.stdout, done.stderr)


def expect(truth, what, outcome=None):
    """Counts and shows what does not hold; the test goes on."""
    global failures
    if truth:
        return
    failures += 1
    print(f"FAILED: {what}")
    if outcome is not None:
        print(f"  exit code {outcome.code}\n  stdout: {outcome.out[-1500:]}\n  stderr: {outcome.err[-1500:]}")


def expect_refused(outcome, *words, code=2):
    """One message on stderr that holds all the words, nothing on stdout."""
    expect(outcome.code == code, f"exit code {code}", outcome)
    expect(outcome.out == "", "nothing on stdout", outcome)
    expect(outcome.err.startswith("skerry: "), "a message on stderr", outcome)
    for word in words:
        expect(word in outcome.err, f"the message says {word!r}", outcome)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def main(*tests):
    """Runs each test in an empty folder of its own."""
    for test in tests:
        before = failures
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            test()
            os.chdir("/")
        print(f"{'ok' if failures == before else 'FAILED'}: {test.__name__}")
    sys.exit(1 if failures else 0)
