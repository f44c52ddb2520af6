#!/usr/bin/env python3
"""Checks that a compiler does not make: layers, banned functions, sizes, markers.

usage: lint.py FILE...   prints each fault as file:line: reason and exits 1 if there is one.
"""
import re
import sys

# Lowest first: a file may include its own layer's folder and those before it.
LAYERS = ["base", "sys", "crypto", "store", "net", "core", "platforms", "cmd"]
BANNED = r"\b(strcpy|strcat|sprintf|vsprintf|atoi|atol|atof|strtok|alloca|gets|rand|srand|system|popen|tmpnam|mktemp|scanf|sscanf)\s*\("
# The only places that may see a library's headers.
LIBRARIES = {
    "openssl/": "crypto net", "sodium.h": "crypto", "sqlite3.h": "store",
    "libpq-fe.h": "store", "microhttpd.h": "net", "wslay/": "net", "pthread.h": "sys",
    "lz4.h": "platforms",
}
LINES_MAX, HEADER_MAX, COLUMNS_MAX, FUNCTION_MAX = 1000, 160, 100, 70


def place(path):
    parts = path.split("/")
    if parts[0] != "src":
        return None, None
    return parts[1], parts[2] if parts[1] == "platforms" else None


def check_include(path, target, angle):
    layer, platform = place(path)
    if layer is None:
        return None
    if angle:
        for prefix, allowed in LIBRARIES.items():
            if target.startswith(prefix) and layer not in allowed.split():
                return f"<{target}> may be included in {allowed} only"
        return None
    want = target.split("/")[0]
    if want not in LAYERS:
        return f'"{target}" is not relative to src/'
    if LAYERS.index(want) > LAYERS.index(layer):
        return f"{layer} includes {want}: includes go downward only"
    if want == "platforms" and layer == "platforms" and target.split("/")[1] != platform:
        return f"platform {platform} includes platform {target.split('/')[1]}"
    return None


def strip_comments_and_strings(text):
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def check_functions(code):
    start = None
    for number, line in enumerate(code.split("\n"), 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            if number - start > FUNCTION_MAX:
                yield start, f"a function of {number - start} lines (at most {FUNCTION_MAX})"
            start = None


def check(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    code = strip_comments_and_strings(text)
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if match:
            fault = check_include(path, match.group(2), match.group(1) == "<")
            if fault:
                yield number, fault
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            yield number, "an open end: finish it or write it down in docs/status.md"
        if len(line) > COLUMNS_MAX and "http" not in line:
            yield number, f"{len(line)} columns"
    for number, line in enumerate(code.split("\n"), 1):
        match = re.search(BANNED, line)
        if match:
            yield number, f"{match.group(1)} is banned"
    yield from check_functions(code)
    if path.startswith("src/"):
        limit = HEADER_MAX if path.endswith(".h") else LINES_MAX
        if len(lines) > limit:
            yield len(lines), f"{len(lines)} lines (at most {limit})"
        if path.endswith(".c") and not text.startswith("/*"):
            yield 1, "no comment at the head that says what the file is"


def main():
    faults = 0
    for path in sys.argv[1:]:
        for number, reason in check(path):
            print(f"{path}:{number}: {reason}")
            faults += 1
    return 1 if faults else 0


sys.exit(main())
