/* The shared data dictionary: the table, and a hash table over its codes. The
 * classes are defaults from the lists of basic and sensitive personal data in force under
 * the personal data law and from what registers publish; whoever owns a datum may change
 * its class with a `classes:` entry in a rules file (docs/policy.md). */
#include "core/dictionary.h"

#include "base/hash.h"

#define F(id_, code_, entity_, kind_, sharing_, importance_, personal_, vi_, en_) \
    [id_] = {id_,                                                                 \
             #code_,                                                              \
             NDC_ENTITY_##entity_,                                                \
             NDC_VALUE_##kind_,                                                   \
             {NDC_SHARING_##sharing_, NDC_IMPORTANCE_##importance_,               \
              NDC_PERSONAL_##personal_},                                          \
             vi_,                                                                 \
             en_}

/* clang-format off: one field a row. */
static const struct ndc_field fields[NDC_FIELDS_MAX] = {
    F(0, person_id, PERSON, ID, SHARED, OTHER, BASIC, "Số định danh cá nhân",
      "Personal identification number"),
    F(1, old_id, PERSON, ID, SHARED, OTHER, BASIC, "Số chứng minh nhân dân 9 số",
      "Old 9-digit identity card number"),
    F(2, full_name, PERSON, NAME, SHARED, OTHER, BASIC, "Họ, chữ đệm và tên khai sinh",
      "Full name at birth"),
    F(3, other_name, PERSON, NAME, SHARED, OTHER, BASIC, "Tên gọi khác", "Other name"),
    F(4, sex, PERSON, SEX, SHARED, OTHER, BASIC, "Giới tính", "Sex"),
    F(5, birth_date, PERSON, DATE, SHARED, OTHER, BASIC, "Ngày, tháng, năm sinh",
      "Date of birth"),
    F(6, death_date, PERSON, DATE, SHARED, OTHER, BASIC, "Ngày, tháng, năm chết",
      "Date of death"),
    F(7, birth_place, PERSON, PLACE, SHARED, OTHER, BASIC, "Nơi sinh", "Place of birth"),
    F(8, origin_place, PERSON, PLACE, SHARED, OTHER, BASIC, "Quê quán",
      "Place of origin"),
    F(9, nationality, PERSON, COUNTRY, SHARED, OTHER, BASIC, "Quốc tịch", "Nationality"),
    F(10, ethnicity, PERSON, CODE, PRIVATE, OTHER, SENSITIVE, "Dân tộc", "Ethnicity"),
    F(11, religion, PERSON, CODE, PRIVATE, OTHER, SENSITIVE, "Tôn giáo", "Religion"),
    F(12, marital_status, PERSON, CODE, SHARED, OTHER, BASIC, "Tình trạng hôn nhân",
      "Marital status"),
    F(13, father_name, PERSON, NAME, SHARED, OTHER, BASIC, "Họ tên cha", "Father's name"),
    F(14, father_id, PERSON, ID, SHARED, OTHER, BASIC, "Số định danh của cha",
      "Father's personal number"),
    F(15, mother_name, PERSON, NAME, SHARED, OTHER, BASIC, "Họ tên mẹ", "Mother's name"),
    F(16, mother_id, PERSON, ID, SHARED, OTHER, BASIC, "Số định danh của mẹ",
      "Mother's personal number"),
    F(17, spouse_name, PERSON, NAME, SHARED, OTHER, BASIC, "Họ tên vợ hoặc chồng",
      "Spouse's name"),
    F(18, spouse_id, PERSON, ID, SHARED, OTHER, BASIC, "Số định danh của vợ hoặc chồng",
      "Spouse's personal number"),
    F(19, phone, PERSON, PHONE, SHARED, OTHER, BASIC, "Số điện thoại",
      "Telephone number"),
    F(20, email, PERSON, EMAIL, SHARED, OTHER, BASIC, "Thư điện tử", "E-mail address"),
    F(21, permanent_address, PERSON, ADDRESS, SHARED, OTHER, BASIC, "Nơi thường trú",
      "Permanent address"),
    F(22, current_address, PERSON, ADDRESS, SHARED, OTHER, BASIC, "Nơi ở hiện tại",
      "Current address"),
    F(23, household_no, PERSON, ID, SHARED, OTHER, BASIC, "Số hồ sơ hộ gia đình",
      "Household number"),
    F(24, household_role, PERSON, CODE, SHARED, OTHER, BASIC, "Quan hệ với chủ hộ",
      "Relation to the head of household"),
    F(25, occupation, PERSON, TEXT, SHARED, OTHER, BASIC, "Nghề nghiệp", "Occupation"),
    F(26, employer_name, PERSON, TEXT, SHARED, OTHER, BASIC, "Nơi làm việc", "Employer"),
    F(27, employer_id, PERSON, ID, SHARED, OTHER, BASIC, "Mã số nơi làm việc",
      "Employer's identifier"),
    F(28, education_level, PERSON, CODE, SHARED, OTHER, BASIC, "Trình độ học vấn",
      "Education level"),
    F(29, social_insurance_no, PERSON, ID, SHARED, OTHER, BASIC, "Mã số bảo hiểm xã hội",
      "Social insurance number"),
    F(30, health_insurance_no, PERSON, ID, SHARED, OTHER, BASIC, "Số thẻ bảo hiểm y tế",
      "Health insurance card number"),
    F(31, tax_code, PERSON, ID, SHARED, OTHER, BASIC, "Mã số thuế", "Tax code"),
    F(32, passport_no, PERSON, ID, SHARED, OTHER, BASIC, "Số hộ chiếu",
      "Passport number"),
    F(33, licence_no, PERSON, ID, SHARED, OTHER, BASIC, "Số giấy phép lái xe",
      "Driving licence number"),
    F(34, licence_class, PERSON, CODE, SHARED, OTHER, BASIC, "Hạng giấy phép lái xe",
      "Driving licence class"),
    F(35, bank_account, PERSON, ID, PRIVATE, IMPORTANT, SENSITIVE,
      "Số tài khoản ngân hàng", "Bank account number"),
    F(36, bank_code, PERSON, CODE, PRIVATE, OTHER, SENSITIVE, "Mã ngân hàng",
      "Bank code"),
    F(37, blood_type, PERSON, CODE, PRIVATE, OTHER, SENSITIVE, "Nhóm máu", "Blood type"),
    F(38, salary, PERSON, MONEY, PRIVATE, OTHER, SENSITIVE, "Tiền lương", "Salary"),
    F(39, conviction, PERSON, TEXT, PRIVATE, IMPORTANT, SENSITIVE, "Án tích",
      "Criminal record"),
    F(40, land_parcel_no, PERSON, ID, SHARED, OTHER, BASIC, "Số thửa đất",
      "Land parcel number"),
    F(41, vehicle_plate, PERSON, ID, SHARED, OTHER, BASIC, "Biển số xe",
      "Vehicle registration plate"),
    F(42, school_code, PERSON, CODE, SHARED, OTHER, BASIC, "Mã trường", "School code"),
    F(43, student_no, PERSON, ID, SHARED, OTHER, BASIC, "Mã học sinh, sinh viên",
      "Student number"),
    F(44, degree_no, PERSON, ID, SHARED, OTHER, BASIC, "Số hiệu văn bằng",
      "Degree number"),
    F(45, permit_no, PERSON, ID, SHARED, OTHER, BASIC, "Số giấy phép", "Permit number"),
    F(46, entry_date, PERSON, DATE, PRIVATE, OTHER, BASIC, "Ngày nhập cảnh",
      "Date of entry"),
    F(47, exit_date, PERSON, DATE, PRIVATE, OTHER, BASIC, "Ngày xuất cảnh",
      "Date of exit"),
    F(48, photo_ref, PERSON, REF, PRIVATE, IMPORTANT, BASIC, "Ảnh chân dung",
      "Portrait photograph"),
    F(49, status, PERSON, CODE, SHARED, OTHER, BASIC, "Tình trạng", "Status"),
    F(50, updated_at, PERSON, TIME, SHARED, OTHER, NONE, "Thời điểm cập nhật",
      "Time of last change"),
    F(128, org_id, ORGANISATION, ID, OPEN, OTHER, NONE, "Mã số doanh nghiệp, tổ chức",
      "Organisation identifier"),
    F(129, org_name, ORGANISATION, TEXT, OPEN, OTHER, NONE, "Tên tổ chức",
      "Organisation name"),
    F(130, org_short_name, ORGANISATION, TEXT, OPEN, OTHER, NONE, "Tên viết tắt",
      "Short name"),
    F(131, org_type, ORGANISATION, CODE, OPEN, OTHER, NONE, "Loại hình tổ chức",
      "Type of organisation"),
    F(132, org_status, ORGANISATION, CODE, OPEN, OTHER, NONE, "Tình trạng hoạt động",
      "Operating status"),
    F(133, founded_date, ORGANISATION, DATE, OPEN, OTHER, NONE, "Ngày thành lập",
      "Date of foundation"),
    F(134, closed_date, ORGANISATION, DATE, OPEN, OTHER, NONE, "Ngày chấm dứt hoạt động",
      "Date of closure"),
    F(135, head_address, ORGANISATION, ADDRESS, OPEN, OTHER, NONE, "Địa chỉ trụ sở chính",
      "Head office address"),
    F(136, legal_rep_name, ORGANISATION, NAME, OPEN, OTHER, BASIC,
      "Họ tên người đại diện theo pháp luật", "Legal representative's name"),
    F(137, legal_rep_id, ORGANISATION, ID, SHARED, OTHER, BASIC,
      "Số định danh người đại diện", "Legal representative's personal number"),
    F(138, org_phone, ORGANISATION, PHONE, OPEN, OTHER, NONE, "Số điện thoại",
      "Telephone number"),
    F(139, org_email, ORGANISATION, EMAIL, OPEN, OTHER, NONE, "Thư điện tử",
      "E-mail address"),
    F(140, industry_code, ORGANISATION, CODE, OPEN, OTHER, NONE, "Mã ngành kinh tế",
      "Industry code"),
    F(141, capital, ORGANISATION, MONEY, OPEN, OTHER, NONE, "Vốn điều lệ",
      "Charter capital"),
    F(142, employee_count, ORGANISATION, NUMBER, SHARED, OTHER, NONE, "Số lao động",
      "Number of employees"),
    F(143, org_updated_at, ORGANISATION, TIME, OPEN, OTHER, NONE, "Thời điểm cập nhật",
      "Time of last change"),
};
/* clang-format on */

enum { SLOTS = 1024 };

/* The code's slot: open addressing, at most 256 of 1024 in use. */
static size_t slot_of(struct ndc_str code)
{
    return ndc_hash_str(code, 7) & (SLOTS - 1);
}

/* Filled before main by the loader, so lookups need no lock. */
static uint16_t slots[SLOTS];

__attribute__((constructor)) static void fill_slots(void)
{
    for (size_t i = 0; i < SLOTS; i++)
        slots[i] = NDC_FIELD_NONE;
    for (unsigned id = 0; id < NDC_FIELDS_MAX; id++) {
        if (!fields[id].code) continue;
        size_t at = slot_of(ndc_str(fields[id].code));
        while (slots[at] != NDC_FIELD_NONE)
            at = (at + 1) & (SLOTS - 1);
        slots[at] = (uint16_t)id;
    }
}

const struct ndc_field *ndc_field_get(unsigned id)
{
    return id < NDC_FIELDS_MAX && fields[id].code ? &fields[id] : NULL;
}

const struct ndc_field *ndc_field_find(struct ndc_str code)
{
    for (size_t at = slot_of(code); slots[at] != NDC_FIELD_NONE;
         at = (at + 1) & (SLOTS - 1)) {
        if (ndc_str_eq_c(code, fields[slots[at]].code)) return &fields[slots[at]];
    }
    return NULL;
}

const char *ndc_field_nearest(struct ndc_str code)
{
    const char *names[NDC_FIELDS_MAX];
    size_t n = 0;
    for (unsigned id = 0; id < NDC_FIELDS_MAX; id++)
        if (fields[id].code) names[n++] = fields[id].code;
    return ndc_str_nearest(code, names, n);
}

static const char *const entity_names[] = {"person", "organisation"};
static const char *const kind_names[] = {"text",  "id",    "name",    "sex",     "date",
                                         "time",  "place", "address", "country", "phone",
                                         "email", "code",  "number",  "money",   "ref"};
static const char *const sharing_names[] = {"open", "shared", "private"};
static const char *const importance_names[] = {"other", "important", "core"};
static const char *const personal_names[] = {"none", "basic", "sensitive"};

static int find_word(struct ndc_str word, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ndc_str_eq_c(word, names[i])) return (int)i;
    return -1;
}

#define NAME_AND_PARSE(area, type, names)                        \
    const char *ndc_##area##_name(enum type value)               \
    {                                                            \
        NDC_ASSERT((size_t)value < NDC_ARRAY_LEN(names));        \
        return names[value];                                     \
    }                                                            \
    bool ndc_##area##_parse(struct ndc_str word, enum type *out) \
    {                                                            \
        int at = find_word(word, names, NDC_ARRAY_LEN(names));   \
        if (at >= 0) *out = (enum type)at;                       \
        return at >= 0;                                          \
    }

NAME_AND_PARSE(entity, ndc_entity, entity_names)
NAME_AND_PARSE(sharing, ndc_sharing, sharing_names)
NAME_AND_PARSE(importance, ndc_importance, importance_names)
NAME_AND_PARSE(personal, ndc_personal, personal_names)

const char *ndc_value_kind_name(enum ndc_value_kind kind)
{
    NDC_ASSERT((size_t)kind < NDC_ARRAY_LEN(kind_names));
    return kind_names[kind];
}

int ndc_field_set_next(const struct ndc_field_set *s, int after)
{
    unsigned from = (unsigned)(after + 1);
    for (unsigned word = from / 64; word < NDC_FIELDS_MAX / 64;
         word++, from = word * 64) {
        uint64_t bits = s->w[word] >> from % 64 << from % 64;
        if (bits) return (int)(word * 64 + (unsigned)__builtin_ctzll(bits));
    }
    return -1;
}

unsigned ndc_field_set_count(const struct ndc_field_set *s)
{
    unsigned n = 0;
    for (size_t i = 0; i < NDC_ARRAY_LEN(s->w); i++)
        n += (unsigned)__builtin_popcountll(s->w[i]);
    return n;
}

struct ndc_field_set ndc_field_set_entity(enum ndc_entity entity)
{
    struct ndc_field_set set = {0};
    for (unsigned id = 0; id < NDC_FIELDS_MAX; id++)
        if (fields[id].code && fields[id].entity == entity) ndc_field_set_add(&set, id);
    return set;
}
