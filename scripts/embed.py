#!/usr/bin/env python3
"""Writes files as a C table of {name, bytes, length}, so that the program carries them.

usage: embed.py TABLE OUT.c FILE...
"""
import os
import sys


def main():
    table, out, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(out, "w", encoding="ascii") as c:
        c.write("/* Made by scripts/embed.py; do not edit. */\n#include \"base/embed.h\"\n\n")
        rows = []
        for i, path in enumerate(files):
            with open(path, "rb") as f:
                data = f.read()
            c.write(f"static const unsigned char file_{i}[] = {{\n")
            for at in range(0, len(data), 20):
                c.write("    " + "".join(f"{b}," for b in data[at:at + 20]) + "\n")
            c.write("    0};\n")
            rows.append(f'    {{"{os.path.basename(path)}", (const char *)file_{i}, {len(data)}}},\n')
        c.write(f"\nconst struct ndc_embed {table}[] = {{\n{''.join(rows)}    {{0, 0, 0}}}};\n")


main()
