#!/usr/bin/env python3
"""Derives the table of Latin letters that src/base/vntext.c reads, from Python's Unicode data.

usage: make_vntext.py > src/base/vntext_table.inc
"""
import unicodedata

VOWELS = "aăâeêioôơuưy"
TONES = ["", "\u0301", "\u0300", "\u0309", "\u0303", "\u0323"]  # level acute grave hook tilde dot
RANGES = [range(0, 0x250), range(0x1E00, 0x1F00)]
SPELT = {"æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h",
         "ı": "i", "ŋ": "n", "ŧ": "t", "ĸ": "k", "ſ": "s", "ɖ": "d", "ƀ": "b", "ƙ": "k", "ɨ": "i",
         "ŀ": "l", "ŉ": "n", "ĳ": "ij", "ƒ": "f", "ǆ": "dz", "ǉ": "lj", "ǌ": "nj", "ǳ": "dz"}


def compose(text):
    return unicodedata.normalize("NFC", text)


def size(code):
    return 1 if code < 0x80 else 2 if code < 0x800 else 3


def mapped(char, other):
    """A case mapping of one character within the table that does not lengthen the text, else
    the character: what folding writes must be a letter when it is folded again."""
    short = len(other) == 1 and size(ord(other)) <= size(ord(char))
    return ord(other) if short and any(ord(other) in r for r in RANGES) else ord(char)


def spelt(char):
    low = char.lower()
    base = unicodedata.normalize("NFD", low)[0]
    word = SPELT.get(low) or SPELT.get(base) or (base if base.isascii() else "")
    return word if len(word) <= size(ord(char)) or char.isascii() else word[:1]


def main():
    vowel_of = {}
    for v, vowel in enumerate(VOWELS):
        for t, tone in enumerate(TONES):
            letter = compose(vowel + tone)
            vowel_of[letter] = vowel_of[letter.upper()] = (v + 1, t)
    print("/* Made by scripts/make_vntext.py from the Unicode character data: do not edit. */")
    print("// clang-format off")
    print("static const uint16_t vowel_codes[13][6][2] = {{{0}}")
    for vowel in VOWELS:
        cells = [compose(vowel + tone) for tone in TONES]
        print("    ,{" + ", ".join(f"{{0x{ord(c):x}, 0x{ord(c.upper()):x}}}" for c in cells) + "}")
    print("};")
    print("/* lower, upper, vowel, tone, ASCII spelling; rows 0..0x24f, then 0x1e00..0x1eff. */")
    print("const struct vn_latin vn_latin[VN_LATIN_ROWS] = {")
    row = 0
    for code_range in RANGES:
        for code in code_range:
            char = chr(code)
            if unicodedata.category(char)[0] == "L" and char not in "ªºµ":
                v, t = vowel_of.get(char, (0, 0))
                word = spelt(char)
                letters = ", ".join(f"'{c}'" for c in word) or "0"
                print(f"    [{row}] = {{0x{mapped(char, char.lower()):x}, 0x{mapped(char, char.upper()):x}, {v}, {t}, {{{letters}}}}},")
            row += 1
    print("};")
    print("/* Canonical compositions that are not Vietnamese: letter << 16 | mark, composed; sorted. */")
    pairs = []
    for code_range in RANGES:
        for code in code_range:
            parts = unicodedata.decomposition(chr(code)).split()
            if len(parts) == 2 and not parts[0].startswith("<") and compose(chr(code)) == chr(code):
                first, mark = (int(p, 16) for p in parts)
                pairs.append((first << 16 | mark, code))
    print("static const struct pair pairs[] = {")
    for key, code in sorted(pairs):
        print(f"    {{0x{key:x}, 0x{code:x}}},")
    print("};")
    print("// clang-format on")


main()
