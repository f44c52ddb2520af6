#!/usr/bin/env python3
"""Derives the tables of administrative units: names, kinds, codes, and what became of each.

usage: make_units.py [DATA_DIR] > src/platforms/registry/normalise/units_table.inc

DATA_DIR (../shared/data/vietnam) holds units_2026-07-25.json (units in force) and
units_legacy_to_2025.csv (units of before July 2025 and their successors). Only facts are kept:
code, kind, name, parent, successors. Where the files come from: docs/data-sources.md.
"""
import csv
import json
import re
import sys
import unicodedata
from collections import defaultdict

KINDS = {"tỉnh": "TINH", "thành phố": "THANH_PHO", "quận": "QUAN", "huyện": "HUYEN", "thị xã": "THI_XA",
         "phường": "PHUONG", "xã": "XA", "thị trấn": "THI_TRAN", "đặc khu": "DAC_KHU"}
TONES = "\u0301\u0300\u0309\u0303\u0323"


def old_style(name):
    """hoà to hòa: the tone on the first of oa, oe, uy at a word's end (not after q)."""
    text = unicodedata.normalize("NFD", name)
    text = re.sub(rf"(?<![qQ])([oO])([aeAE])([{TONES}])(?![\w\u0302\u0306\u031b])", r"\1\3\2", text)
    text = re.sub(rf"(?<![qQ])([uU])([yY])([{TONES}])(?![\w\u0302\u0306\u031b])", r"\1\3\2", text)
    return unicodedata.normalize("NFC", text)


def split_kind(full):
    for word, kind in KINDS.items():
        if full.lower().startswith(word + " "):
            return kind, old_style(" ".join(full[len(word):].split()))
    raise SystemExit(f"no kind in {full!r}")


def number(text):
    return int(float(text))


class Table:
    def __init__(self):
        self.rows = []
        self.ids = {}

    def add(self, key, parent, vintage, level, full, code):
        kind, name = split_kind(full)
        self.rows.append(f'    {vintage[0]}{level[0]}({parent}, {kind}, {code}, "{name}"),')
        self.ids[key] = len(self.rows)
        return len(self.rows)


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "../shared/data/vietnam"
    with open(f"{folder}/units_2026-07-25.json", encoding="utf-8") as file:
        current = json.load(file)
    with open(f"{folder}/units_legacy_to_2025.csv", encoding="utf-8-sig", newline="") as file:
        former = list(csv.DictReader(file))
    table, counts = Table(), {}
    for p in current:
        table.add(("now", int(p["Code"])), 0, "CURRENT", "PROVINCE", p["FullName"], int(p["Code"]))
    counts["CURRENT_PROVINCES"] = len(current)
    for p in current:
        for w in sorted(p["Wards"], key=lambda w: w["Code"]):
            table.add(("now_commune", int(w["Code"])), table.ids["now", int(p["Code"])], "CURRENT", "COMMUNE",
                      w["FullName"], int(w["Code"]))
    counts["CURRENT_COMMUNES"] = len(table.rows) - len(current)
    provinces = {number(r["provinceCode"]): r["province"] for r in former}
    for code, full in sorted(provinces.items()):
        table.add(("province", code), 0, "FORMER", "PROVINCE", full, code)
    counts["FORMER_PROVINCES"] = len(provinces)
    districts = {(number(r["provinceCode"]), number(r["districtCode"])): r["district"] for r in former}
    for (province, code), full in sorted(districts.items()):
        table.add(("district", code), table.ids["province", province], "FORMER", "DISTRICT", full, code)
    counts["FORMER_DISTRICTS"] = len(districts)
    communes = {(number(r["provinceCode"]), number(r["districtCode"]), number(r["wardCode"])): r["ward"]
                for r in former if r["wardCode"]}
    for (_, district, code), full in sorted(communes.items()):
        table.add(("commune", code), table.ids["district", district], "FORMER", "COMMUNE", full, code)
    counts["FORMER_COMMUNES"] = len(communes)

    by_name = {(int(p["Code"]), old_style(w["Name"])): table.ids["now_commune", int(w["Code"])]
               for p in current for w in p["Wards"]}
    became, name_of = defaultdict(set), {}
    for r in former:
        unit = ("commune", number(r["wardCode"])) if r["wardCode"] else ("district", number(r["districtCode"]))
        new = table.ids.get(("now_commune", int(r["newWardCode"]))) or by_name[
            int(r["newProvinceCode"]), old_style(r["newWardShort"])]  # one code was changed since
        became[table.ids[unit]].add(new)
        became[table.ids["province", number(r["provinceCode"])]].add(table.ids["now", int(r["newProvinceCode"])])
        name_of[table.ids[unit]] = old_style(r["ward"] or r["district"]).split(" ", 1)[-1]
        name_of[new] = old_style(r["newWardShort"])
    made_of = defaultdict(set)
    for old, news in became.items():
        for new in news:
            made_of[new].add(old)

    print("/* Made by scripts/make_units.py: do not edit. Origins: docs/data-sources.md. */")
    print("// clang-format off")
    print("enum {")
    for name, count in counts.items():
        print(f"    {name} = {count},")
    print("};")
    for vintage in ("CURRENT", "FORMER"):
        for level in ("PROVINCE", "DISTRICT", "COMMUNE"):
            print(f"#define {vintage[0]}{level[0]}(parent, kind, code, name) "
                  f"{{parent, NDC_UNIT_{vintage}, NDC_UNIT_{level}, NDC_UNIT_##kind, code, name}}")
    print("static const struct ndc_unit units[] = {")
    print("\n".join(table.rows))
    print("};")
    for label, relation in (("successor", became), ("predecessor", made_of)):
        flat, first = [], [0]
        for unit in range(1, len(table.rows) + 1):
            flat += sorted(relation[unit], key=lambda u: (name_of.get(u) != name_of.get(unit), u))
            first.append(len(flat))
        print(f"static const uint16_t {label}_first[] = {{")
        emit(first)
        print(f"static const uint16_t {label}_ids[] = {{")
        emit(flat)
    print("// clang-format on")


def emit(numbers):
    line = "   "
    for n in numbers:
        if len(line) + len(str(n)) + 2 > 98:
            print(line)
            line = "   "
        line += f" {n},"
    print(line)
    print("};")


main()
