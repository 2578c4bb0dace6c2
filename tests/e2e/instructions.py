#!/usr/bin/env python3
"""What takes the same however much there is, by a count of instructions; and that scripts/count-instructions can fail.

  tests/e2e/instructions.py PATH-OF-SKERRY-BENCH

Revoking takes as much a child with 10,000 children as with 100; choosing the thread that runs takes as much with 10,000
threads ready, at 254 priorities, as with 10. Counts hold for every compiler, ceilings for one (bench/instructions.txt).
"""
import os
import shutil
import sys

import e2e
from e2e import expect, main, skerry, write

COUNT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "scripts", "count-instructions")
BENCH = e2e.PROGRAM

SAME = """
kernel/revoke_100     1000000 1.0
kernel/revoke_1000    1000000 1.0
kernel/revoke_10000   1000000 1.0
kernel/schedule_10    1000000 1.0
kernel/schedule_10000 1000000 1.0
kernel/revoke_1000    within 2% of kernel/revoke_100
kernel/revoke_10000   within 2% of kernel/revoke_1000
kernel/schedule_10000 within 2% of kernel/schedule_10
"""


def count(*arguments, env=None):
    return skerry(*arguments, program=COUNT, timeout=600, env=env)


def gate(text, *rows):
    write("ceilings.txt", text)
    return count("--gate", "--ceilings", "ceilings.txt", BENCH, *rows)


def revoking_is_linear_and_scheduling_takes_constant_time():
    done = gate(SAME)
    expect(done.code == 0 and done.out.endswith("8 passed, 0 failed\n"), "as much a child, as much a choice", done)


def a_row_above_its_ceiling_fails():
    done = gate("fiber/switch 10 9.0\nkernel/yield 1000000 1.0\n")
    expect(done.code == 1 and done.out.endswith("1 passed, 1 failed\n"), "one of two is too high", done)
    expect("FAILED fiber/switch" in done.out and "at most 10" in done.out, "which one, and its ceiling", done)


def rows_that_differ_are_not_the_same():
    done = gate("fiber/switch 1000000 9.0\nkernel/yield 1000000 1.0\nkernel/yield within 10% of fiber/switch\n")
    expect(done.code == 1 and done.out.endswith("2 passed, 1 failed\n"), "a yield takes more than a switch", done)


def a_count_is_the_same_twice():
    once, twice = count(BENCH, "kernel/yield"), count(BENCH, "kernel/yield")
    figures = [float(done.out.split()[1]) for done in (once, twice)]
    expect(once.code == 0 and 100 < figures[0] and abs(figures[0] - figures[1]) < 1, "the same figure", twice)


def what_cannot_be_counted_is_said():
    done = gate("kernel/nothing 10 9.0\n")
    expect(done.code == 1 and "matches no row" in done.out, "a row that there is not", done)
    done = gate("kernel/yield ten\n")
    expect(done.code == 2 and "ceilings.txt:1" in done.err, "the line that is wrong", done)
    expect(count().code == 2, "no program")
    os.mkdir("bin")
    for tool in ("env", "python3"):
        os.symlink(shutil.which(tool), f"bin/{tool}")
    done = count(BENCH, env={"PATH": os.path.abspath("bin")})
    expect(done.code == 3 and "there is no valgrind" in done.err, "no valgrind", done)


if not shutil.which("valgrind"):
    print("skipped: there is no valgrind; scripts/setup --test installs it")
    sys.exit(77)
main(revoking_is_linear_and_scheduling_takes_constant_time, a_row_above_its_ceiling_fails,
     rows_that_differ_are_not_the_same, a_count_is_the_same_twice, what_cannot_be_counted_is_said)
