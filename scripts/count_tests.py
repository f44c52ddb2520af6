#!/usr/bin/env python3
"""Counts single tests in Meson's log: cmocka's and TAP's lines, one a program otherwise.

usage: count_tests.py build/meson-logs/testlog.json
Prints "N passed, N failed, N skipped"; exits 1 if anything failed or nothing passed.
"""
import json
import re
import sys

CMOCKA = {"OK": "passed", "FAILED": "failed", "ERROR": "failed", "SKIPPED": "skipped"}


def count_program(result):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    text = result.get("stdout", "") + result.get("stderr", "")
    for word in re.findall(r"^\[ +(OK|FAILED|ERROR|SKIPPED) +\] (?!.*tests?:).*$", text, re.M):
        counts[CMOCKA[word]] += 1
    failed_names = {name for name in re.findall(r"^\[  FAILED  \] (.+)$", text, re.M)
                    if "test(s)" not in name}
    if failed_names:  # cmocka names a failed test again in its summary
        counts["failed"] = len(failed_names)
    for bad, directive in re.findall(r"^ *(not )?ok \d+[^#\n]*(# ?SKIP)?", text, re.M | re.I):
        counts["skipped" if directive else "failed" if bad else "passed"] += 1
    if result["result"] == "SKIP" and not any(counts.values()):
        counts["skipped"] = 1
    elif result["result"] in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT") and not counts["failed"]:
        counts["failed"] = 1
    elif result["result"] == "OK" and not any(counts.values()):
        counts["passed"] = 1
    return counts


def main():
    total = {"passed": 0, "failed": 0, "skipped": 0}
    with open(sys.argv[1], encoding="utf-8") as log:
        for line in log:
            for key, n in count_program(json.loads(line)).items():
                total[key] += n
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**total))
    return 1 if total["failed"] or not total["passed"] else 0


sys.exit(main())
