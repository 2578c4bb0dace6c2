#!/usr/bin/env python3
"""scripts/study: the figures of virtual time in docs/answers/ are what runs say, and what is not is found."""
import os
import shutil
import subprocess
import sys

from e2e import PROGRAM, Outcome, expect, main, read, write

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
NAME = "how-to-send-a-capability"
ANSWERS = os.path.join("docs", "answers")


def study(*arguments, root=ROOT, name=NAME):
    done = subprocess.run([sys.executable, os.path.join(root, "scripts", "study"), name, "--build", os.path.dirname(PROGRAM), *arguments],
                          capture_output=True, text=True, timeout=200, stdin=subprocess.DEVNULL, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


def copy():
    """The study and its answer, here, to be spoilt."""
    for folder in ("scripts", ANSWERS):
        os.makedirs(folder, exist_ok=True)
    for path in ("scripts/study", "scripts/chart.py", *(f"{ANSWERS}/{NAME}{end}" for end in (".md", "-curves.csv", "-curves.svg"))):
        shutil.copy(os.path.join(ROOT, path), path)


def spoilt(path, old, new, *arguments):
    """A check of the curves after one change of a file of the answer; the last of them is the file that it names."""
    copy()
    text = read(path)
    expect(old in text, f"{path} has {old!r}")
    write(path, text.replace(old, new, 1))
    return study("--check", "--only", "curves", *arguments, root=os.getcwd())


def the_answer_says_what_runs_say():
    outcome = study("--check", "--sample", "25")
    expect(outcome.code == 0, f"scripts/study {NAME} --update --only PART writes what is stale", outcome)


def so_does_the_one_about_threads():
    outcome = study("--check", name="how-to-move-a-thread")
    expect(outcome.code == 0, "scripts/study how-to-move-a-thread --update --only PART writes what is stale", outcome)


def a_stale_figure_is_found():
    kept = f"{ANSWERS}/{NAME}-curves.csv"
    first = next(line for line in read(os.path.join(ROOT, kept)).splitlines() if line.startswith("chain,"))
    outcome = spoilt(kept, first, first + "1", "--sample", "1000")
    expect(outcome.code == 1 and f"{kept}:2: " in outcome.err, "a figure", outcome)


def a_stale_table_and_picture_are_found():
    outcome = spoilt(f"{ANSWERS}/{NAME}.md", "| 170 |", "| 171 |", "--sample", "1000")
    expect(outcome.code == 1 and f"{NAME}.md: the part curves" in outcome.err, "a table", outcome)
    outcome = spoilt(f"{ANSWERS}/{NAME}-curves.svg", "<circle", "<square", "--sample", "1000")
    expect(outcome.code == 1 and f"{NAME}-curves.svg: the part curves" in outcome.err, "a picture", outcome)


def what_cannot_be_asked_is_refused():
    expect(study("--sample", "3").code == 2, "a sample of nothing")
    expect(study("--check", "--only", "checks").code == 2, "what a host times is not checked")
    expect(study("--check", "--update").code == 2, "either")
    outcome = study("--check", "--build", os.getcwd())
    expect(outcome.code == 2 and "build it first" in outcome.err, "no program", outcome)


if __name__ == "__main__":
    main(the_answer_says_what_runs_say, so_does_the_one_about_threads, a_stale_figure_is_found, a_stale_table_and_picture_are_found,
         what_cannot_be_asked_is_refused)
