#!/usr/bin/env python3
"""Writes the files given as a C table, so that the program runs in any folder.

    embed.py OUT.c ROOT FILE...

A file's name in the table is its path below ROOT. The table is sorted by name, so the output depends on the
files alone. See workloads/embedded.h.
"""
import os
import sys

BYTES_PER_LINE = 4096
ESCAPES = {ord('"'): '\\"', ord("\\"): "\\\\", ord("\n"): "\\n", ord("\t"): "\\t", ord("?"): "\\?"}
CHARACTERS = [ESCAPES.get(b) or (chr(b) if 32 <= b < 127 else f"\\{b:03o}") for b in range(256)]


def literal(data):
    """The bytes as C string literals, one a line. "\\?" keeps trigraphs out."""
    lines = []
    for start in range(0, len(data), BYTES_PER_LINE):
        lines.append('\t"' + "".join(CHARACTERS[b] for b in data[start:start + BYTES_PER_LINE]) + '"')
    return "\n".join(lines) or '\t""'


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    out, root, paths = sys.argv[1], sys.argv[2], sys.argv[3:]
    named = sorted((os.path.relpath(path, root).replace(os.sep, "/"), path) for path in paths)
    with open(out, "w", encoding="ascii") as table:
        table.write("/* Written by scripts/embed.py. */\n")
        table.write('#include "workloads/embedded.h"\n\nconst struct embedded_file embedded_files[] = {\n')
        for name, path in named:
            if name.startswith(".."):
                sys.exit(f"embed.py: {path} does not lie below {root}; name files inside it")
            with open(path, "rb") as file:
                data = file.read()
            if b"\0" in data:
                sys.exit(f"embed.py: {path} has a zero byte; only text can be embedded")
            table.write(f'{{"{name}",\n{literal(data)},\n\t{len(data)}}},\n')
        table.write("{0},\n};\n")


if __name__ == "__main__":
    main()
