/* Reasons: codes, criteria and words for people. */
#include "platforms/registry/normalise/reason.h"

#define R(id, code_, criterion_, vi_, en_) \
    [NDC_NORM_##id] = {code_, NDC_NORM_##criterion_, vi_, en_}

/* clang-format off: one reason a pair of lines. */
static const struct ndc_norm_reason_info reasons[NDC_NORM_REASON_COUNT] = {
    R(OK, "ok", CORRECT, "Hợp lệ", "Valid"),
    R(MISSING, "missing", COMPLETE, "Thiếu giá trị", "No value"),
    R(TOO_LONG, "too_long", CLEAN, "Giá trị quá dài", "Too long"),
    R(BAD_CHARACTERS, "characters", CLEAN, "Có ký tự không hợp lệ hoặc sai bảng mã",
      "Characters that do not belong here, or the wrong encoding"),
    R(NAME_DIGITS, "name.digits", CLEAN, "Họ tên có chữ số", "Digits in a name"),
    R(NAME_NO_LETTERS, "name.no_letters", CORRECT, "Họ tên không có chữ cái",
      "A name without letters"),
    R(NAME_PLACEHOLDER, "name.placeholder", CORRECT, "Họ tên giả, điền cho có",
      "A made-up name"),
    R(DATE_FORM, "date.form", CLEAN, "Không đọc được ngày",
      "Not a date in any known form"),
    R(DATE_IMPOSSIBLE, "date.impossible", CORRECT, "Ngày không có trong lịch",
      "No such day in the calendar"),
    R(DATE_ORDER, "date.order", CLEAN, "Ngày và tháng bị đảo so với khai báo",
      "Day and month are the other way round than declared"),
    R(DATE_FUTURE, "date.future", CORRECT, "Ngày ở tương lai", "A date in the future"),
    R(DATE_TOO_OLD, "date.too_old", CORRECT, "Ngày quá xa trong quá khứ",
      "A date too long ago"),
    R(DATE_AMBIGUOUS, "date.ambiguous", CLEAN, "Không rõ đâu là ngày, đâu là tháng",
      "Day and month could be either way round"),
    R(ID_LENGTH, "id.length", CORRECT, "Số định danh sai độ dài",
      "The number has the wrong length"),
    R(ID_CHARACTERS, "id.characters", CLEAN, "Số định danh có ký tự khác chữ số",
      "The number has characters other than digits"),
    R(ID_PROVINCE, "id.province", CORRECT, "Mã tỉnh trong số định danh không tồn tại",
      "The number's province code does not exist"),
    R(ID_CENTURY, "id.century", CORRECT, "Năm sinh trong số định danh ở tương lai",
      "The number's birth year is in the future"),
    R(ID_SEX_MISMATCH, "id.sex", CORRECT, "Giới tính khác với số định danh",
      "The sex differs from the number's"),
    R(ID_YEAR_MISMATCH, "id.birth_year", CORRECT, "Năm sinh khác với số định danh",
      "The birth year differs from the number's"),
    R(ID_REPEATED, "id.repeated", CORRECT,
      "Số giả: một chữ số lặp lại hoặc dãy liên tiếp",
      "A made-up number: one digit repeated or a run"),
    R(INSURANCE_FORM, "insurance.form", CORRECT, "Số bảo hiểm sai cấu trúc",
      "Not the form of an insurance number"),
    R(TAX_CHECK_DIGIT, "tax.check_digit", CORRECT, "Mã số thuế sai chữ số kiểm tra",
      "The tax code's check digit is wrong"),
    R(TAX_FORM, "tax.form", CORRECT, "Mã số thuế sai cấu trúc",
      "Not the form of a tax code"),
    R(PLATE_FORM, "plate.form", CORRECT, "Biển số xe sai cấu trúc",
      "Not the form of a vehicle plate"),
    R(PASSPORT_FORM, "passport.form", CORRECT, "Số hộ chiếu sai cấu trúc",
      "Not the form of a passport number"),
    R(PHONE_FORM, "phone.form", CORRECT, "Số điện thoại sai cấu trúc",
      "Not the form of a telephone number"),
    R(PHONE_PREFIX, "phone.prefix", CORRECT, "Đầu số điện thoại không tồn tại",
      "No such network or area code"),
    R(EMAIL_FORM, "email.form", CORRECT, "Địa chỉ thư điện tử sai cấu trúc",
      "Not an e-mail address"),
    R(SEX_UNKNOWN, "sex.unknown", CLEAN, "Không rõ giới tính",
      "Not a known way to write a sex"),
    R(ADDRESS_NO_UNIT, "address.no_unit", CORRECT, "Không nhận ra đơn vị hành chính nào",
      "No administrative unit recognised"),
    R(ADDRESS_CONFLICT, "address.conflict", CORRECT, "Đơn vị hành chính không thuộc nhau",
      "The units named do not belong together"),
    R(UNIT_UNKNOWN, "unit.unknown", CORRECT, "Đơn vị hành chính không tồn tại",
      "No administrative unit of that name or code"),
    R(GEOMETRY_FORM, "geometry.form", CORRECT, "Không phải hình dạng WKT hoặc GeoJSON",
      "Neither WKT nor GeoJSON"),
};
/* clang-format on */

const struct ndc_norm_reason_info *ndc_norm_reason_info(enum ndc_norm_reason reason)
{
    NDC_ASSERT(reason < NDC_NORM_REASON_COUNT);
    return &reasons[reason];
}

bool ndc_norm_reason_find(struct ndc_str code, enum ndc_norm_reason *out)
{
    for (int i = 0; i < NDC_NORM_REASON_COUNT; i++) {
        if (!ndc_str_eq_c(code, reasons[i].code)) continue;
        *out = (enum ndc_norm_reason)i;
        return true;
    }
    return false;
}
