#!/usr/bin/env python3
"""Prints "whole" if a result.json has what its schema promises, else what is missing."""
import json
import sys

WANTED = {"schema": 1, "engine": "virtual", "fidelity": "flat", "seed": int, "digest": str, "model_version": int, "events": int,
          "virtual_ns": (int, float), "wall_s": (int, float), "operations": list, "checks": list}
OPERATION = {"name": str, "count": int, "p50_ns": (int, float), "p99_ns": (int, float), "max_ns": (int, float),
             "messages_per_op": (int, float)}
CHECK = {"name": str, "count": int, "failures": int}
NAMES = {"open", "read", "write", "stat", "close", "unlink", "obtain", "delegate", "delete", "revoke"}


def wrong(value, wanted, place):
    for key, kind in wanted.items():
        if key not in value:
            yield f"{place}{key} is missing"
        elif isinstance(kind, (type, tuple)) and (not isinstance(value[key], kind) or isinstance(value[key], bool)):
            yield f"{place}{key} is {value[key]!r}"
        elif not isinstance(kind, (type, tuple)) and value[key] != kind:
            yield f"{place}{key} is {value[key]!r} instead of {kind!r}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        result = json.load(file)
    found = list(wrong(result, WANTED, ""))
    for operation in result.get("operations", []):
        found += wrong(operation, OPERATION, "operations[].")
    for check in result.get("checks", []):
        found += wrong(check, CHECK, "checks[].")
    found += [f"operation {name} is missing" for name in NAMES - {o.get("name") for o in result.get("operations", [])}]
    print("\n".join(found) or "whole")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
