#!/usr/bin/env python3
"""Derives the demo nation's table of names from lists of names: counts and shares only.

usage: make_names.py [DATA_DIR] > src/platforms/registry/demo/names.inc

DATA_DIR (../shared/data/vietnam) holds surnames.csv (surname, share in percent, by region),
given_names_male.txt and given_names_female.txt (one given name of one or two words a line).
The lists say which names exist and go together, not how popular each was when: the orders of
popularity by time of birth are written below. Where the lists come from: docs/data-sources.md.
"""
import csv
import sys
import unicodedata
from collections import Counter, defaultdict

# Most popular first, by time of birth: before 1966, 1966 to 1995, after.
POPULAR = {
    "male": [
        "Hùng Sơn Bình Minh Thành Dũng Hải Long Thắng Tiến Hòa Quang Lợi Phúc Tài Thọ Đức Tâm "
        "Chiến Lâm Phú Vinh Ba Năm Sáu Hai Tư Bảy Tám Út Mạnh Thanh Hồng Nghĩa Khánh Quý Lộc "
        "Nam Xuân Hiền Việt Phước Kính Luận Chính Cường Thịnh",
        "Hùng Dũng Cường Tuấn Hải Sơn Nam Thắng Trung Minh Hiếu Đức Long Hoàng Tùng Huy Quân "
        "Thành Tú Quang Việt Kiên Hưng Toàn Phong Bình Tiến Tâm Vinh Phúc Duy Linh Hòa Mạnh "
        "Quyết Phương Tài Lâm Khánh An Thịnh Trường Chung Công Lộc Nghĩa Anh Vũ Đạt Giang",
        "Minh Huy Khang Bảo Khôi Phúc Anh Nam Khoa Đạt Long Quân Phát Thịnh Nguyên Khánh Hưng "
        "Đức Hiếu Duy Tùng Kiệt Tuấn Hoàng Lâm An Việt Đăng Trí Nhân Thiện Dũng Kiên Phong "
        "Thành Sơn Quang Hải Vinh Cường Tài Trung Toàn Thắng Bình Lộc Tú Vũ Quốc Hào Khải"],
    "female": [
        "Lan Hoa Hồng Nga Tuyết Mai Liên Cúc Huệ Loan Nhung Thanh Vân Bình Xuân Thu Lý Tâm "
        "Hiền Hạnh Yến Phượng Nguyệt Hương Ba Tư Sáu Bảy Chín Bé Gái Út Lành Thơm Mùi Nhàn "
        "Hợi Tý Minh Oanh Thảo Dung Phương Kim Sen Đào Ngọc Quế Thoa Khuyên",
        "Hương Hằng Hà Thủy Thúy Hiền Trang Thảo Linh Phương Nga Dung Huyền Nhung Oanh Thu "
        "Yến Ngọc Vân Hạnh Loan Lan Hoa Tuyết Hồng Mai Anh Liên Phượng Ngân Quỳnh Diệp "
        "Thanh Giang Tâm Trinh Hường Nguyệt Duyên Thùy Châu Minh Bình Hải Huệ Thơm Trâm Vy",
        "Linh Trang Anh Vy Nhi Ngân My Hân Châu Chi Thư Trâm Ngọc Quỳnh Như Thảo Uyên Khánh "
        "Diệp An Giang Nguyên Phương Mai Tiên Trúc Trân Nghi Hà Hương Huyền Yến Thy Vân Hiền "
        "Ly Nhung Thùy Minh Tú Đan Lam Khuê Duyên Quyên Trinh Băng Thương Ánh Hằng Nhiên"],
}
# Middle words whose share the generator sets, or that belong to a surname (Tôn Thất).
FIXED_MIDDLES = {"male": {"Văn", "Thất"}, "female": {"Thị"}}
# Surnames of peoples other than the Kinh, by people (facts of ethnography, not from the lists).
ETHNIC = {
    "Tày": "Nông Hoàng Lý Bế Ma Lương Hà Chu Triệu Đàm Lục Hứa La Mông",
    "Thái": "Lò Quàng Tòng Cà Lường Cầm Lù Mè Hà Vi Hoàng Lèo Bạc Điêu",
    "Mường": "Bùi Quách Đinh Hà Bạch Phạm Xa",
    "Nùng": "Nông Lương Vi Hoàng Lý Lục Triệu Hứa Lâm Mã",
    "Mông": "Giàng Vàng Sùng Lầu Thào Mùa Vừ Lý Hạng Cứ Hờ Chá Ly Tráng",
    "Dao": "Bàn Triệu Đặng Lý Phùng Chảo Tẩn Phàn",
    "Khmer": "Thạch Sơn Kim Danh Lâm Châu Kiên Lý Trà Tăng",
    "Hoa": "Trần Lý Lâm Huỳnh Trương Quách La Lưu Mã Ngô Lương Châu Tăng Vương Thái",
    "Gia Rai": "Rơ|Châm Siu Ksor Kpă Rah|Lan Nay Rmah",
    "Ê Đê": "Niê Ayun Mlô Kbuôr Êban Byă Ksơr",
    "Chăm": "Đàng Thành Kiều Lưu Quảng Bá Hán Thập Não",
}
ZIPF_SHARE = 0.8  # of a given name's weight that comes from its place in POPULAR


def clean(text):
    # The lists write U+00D0 (eth) where Vietnamese has U+0110.
    return unicodedata.normalize("NFC", text.replace("\u00d0", "\u0110")).strip()


def read_given(path):
    pairs, last, middle = set(), Counter(), Counter()
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            words = clean(line).split()
            if not 1 <= len(words) <= 2:
                continue
            last[words[-1]] += 1
            if len(words) == 2 and words[0] != words[1]:
                pairs.add((words[1], words[0]))
                middle[words[0]] += 1
    return pairs, last, middle


def weights(name, last, popular):
    total = sum(last.values())
    row = []
    for cohort in popular:
        names = cohort.split()
        norm = sum(1 / (i + 6) for i in range(len(names)))
        zipf = 1 / (names.index(name) + 6) / norm if name in names else 0
        row.append(max(1, round(60000 * (ZIPF_SHARE * zipf + (1 - ZIPF_SHARE) * last[name] / total))))
    return row


def emit_given(sex, path):
    pairs, last, middle = read_given(path)
    for cohort in POPULAR[sex]:
        for name in cohort.split():
            last[name] += 0
    for fixed in FIXED_MIDDLES[sex]:
        middle.pop(fixed, None)
    middles = [m for m, n in middle.most_common() if n >= 2]
    by_given = defaultdict(list)
    for given, word in sorted(pairs):
        if word in middles:
            by_given[given].append(middles.index(word))
    print(f"static const struct demo_word {sex}_middles[] = {{")
    emit([f'{{"{m}", {middle[m]}}}' for m in middles])
    flat, rows = [], []
    for name in sorted(last):
        w = weights(name, last, POPULAR[sex])
        rows.append(f'{{"{name}", {{{w[0]}, {w[1]}, {w[2]}}}, {len(flat)}, {len(by_given[name])}}}')
        flat += sorted(by_given[name])
    print(f"static const uint16_t {sex}_pairs[] = {{")
    emit([str(i) for i in flat])
    print(f"static const struct demo_given {sex}_given[] = {{")
    emit(rows)


def emit(items):
    line = "   "
    for item in items:
        if len(line) + len(item) + 2 > 98:
            print(line)
            line = "   "
        line += f" {item},"
    print(line)
    print("};")


def emit_surnames(path):
    shares = defaultdict(dict)
    with open(path, encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            name = clean(row["surname"])
            shares[name].setdefault(row["region"], float(row["weight_percent"]))
    rows = []
    for name in sorted(shares, key=lambda n: (-max(shares[n].values()), n)):
        w = [round(1000 * shares[name].get(region, 0)) for region in ("north", "central", "south")]
        rows.append(f'{{"{name}", {{{w[0]}, {w[1]}, {w[2]}}}}}')
    print("static const struct demo_surname surnames[] = {")
    emit(rows)
    print("static const struct demo_people peoples[] = {")
    emit([f'{{"{people}", "{names}"}}' for people, names in ETHNIC.items()])


def main():
    data = sys.argv[1] if len(sys.argv) > 1 else "../shared/data/vietnam"
    print("/* Made by scripts/make_names.py; do not edit. Origins: docs/data-sources.md. */")
    print("// clang-format off")
    emit_surnames(f"{data}/surnames.csv")
    for sex in ("male", "female"):
        emit_given(sex, f"{data}/given_names_{sex}.txt")
    print("// clang-format on")


main()
