#!/usr/bin/env python3
"""The conformance suite as a user's program: compiled by skerry-cc, run by skerry boot, on each engine and on several cores."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

SKERRY, SOURCES = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
CC = os.path.join(os.path.dirname(SKERRY), "skerry-cc")
RUNS = [["--cores", "1"], ["--cores", "3"], ["--cores", "1", "--engine", "native"], ["--cores", "2", "--engine", "native"]]

if not (shutil.which("clang-14") or shutil.which("clang")):
    print("skipped: clang is not installed, programs cannot be compiled")
    sys.exit(77)


def run_suite(program, options):
    """True if it ends well, all of its cases passed, and the ones that spin were not left out."""
    native = ["--", "--native"] if "native" in options else []
    done = subprocess.run([SKERRY, "boot", *options, program, *native], capture_output=True, text=True, timeout=300,
                          stdin=subprocess.DEVNULL)
    lines = done.stdout.splitlines() or [""]
    good = done.returncode == 0 and ", 0 failed, " in lines[-1] and "block hooks" not in done.stdout
    print(" ".join(options), "exit code", done.returncode, lines[-1])
    if not good:
        print("\n".join(line for line in lines if " FAILED " in line), done.stderr[-2000:], sep="\n")
    return good


with tempfile.TemporaryDirectory() as folder:
    PROGRAM = os.path.join(folder, "suite")
    FILES = sorted(f for f in glob.glob(os.path.join(SOURCES, "tests/sel4/*.c")) if not f.endswith("test_sel4.c"))
    subprocess.run([CC, "-O1", "-I", SOURCES, *FILES, "-o", PROGRAM], check=True)
    sys.exit(0 if all([run_suite(PROGRAM, options) for options in RUNS]) else 1)
