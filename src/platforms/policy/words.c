/* Words for people, Vietnamese and English, in one place. */
#include "platforms/policy/words.h"

#define TEXT(vi_, en_)              \
    {                               \
        {"" vi_, sizeof(vi_) - 1},  \
        {                           \
            "" en_, sizeof(en_) - 1 \
        }                           \
    }

struct policy_text policy_kind_text(enum ndc_policy_kind kind)
{
    static const struct policy_text texts[NDC_POLICY_KIND_COUNT] = {
        TEXT("người chưa đăng nhập", "someone not signed in"),
        TEXT("công dân", "a citizen"),
        TEXT("người đại diện tổ chức", "a representative of an organisation"),
        TEXT("cán bộ, công chức", "an official"),
        TEXT("hệ thống thông tin của cơ quan", "an agency's information system"),
        TEXT("nhân viên vận hành trung tâm dữ liệu", "an operator of the data centre"),
        TEXT("nền tảng của trung tâm dữ liệu", "a platform of the data centre")};
    return texts[kind];
}

struct policy_text policy_action_text(enum ndc_policy_action action)
{
    static const struct policy_text texts[NDC_POLICY_ACTION_COUNT] = {
        TEXT("đọc một chủ thể", "to read one subject"),
        TEXT("tìm kiếm", "to search"),
        TEXT("đối chiếu", "to match"),
        TEXT("đọc hàng loạt hoặc xuất tệp", "to read in bulk or export"),
        TEXT("sửa đổi", "to change"),
        TEXT("thống kê", "to count")};
    return texts[action];
}

const char *policy_kind_name(int i)
{
    return ndc_policy_kind_name((enum ndc_policy_kind)i);
}

const char *policy_action_name(int i)
{
    return ndc_policy_action_name((enum ndc_policy_action)i);
}

const char *policy_entity_name(int i)
{
    return ndc_entity_name((enum ndc_entity)i);
}

const char *policy_consent_name(int i)
{
    return ndc_policy_consent_name((enum ndc_policy_consent)i);
}

static const char *const why_codes[] = {
    "permitted", "no_purpose", "unknown_purpose", "caller", "action",
    "entity",    "basis",      "consent",         "rule",   "nothing"};

const char *policy_why_code(enum policy_why why)
{
    return why_codes[why];
}

struct policy_text policy_why_text(enum policy_why why)
{
    static const struct policy_text texts[] = {
        TEXT("Không quy tắc nào cho xem trường này", "No rule lets this field be seen"),
        TEXT("Chưa nêu mục đích truy cập (NDC-Purpose)",
             "No purpose was stated (NDC-Purpose)"),
        TEXT("Mục đích không có trong danh mục", "The purpose is not in the register"),
        TEXT("Mục đích này không dành cho bên yêu cầu",
             "The purpose is not for this kind of caller"),
        TEXT("Mục đích này không cho phép thao tác",
             "The purpose does not allow this action"),
        TEXT("Mục đích này không áp dụng cho loại đối tượng",
             "The purpose does not apply to this kind of entity"),
        TEXT("Mục đích này phải kèm căn cứ pháp lý (NDC-Legal-Basis)",
             "The purpose needs a legal basis to be stated (NDC-Legal-Basis)"),
        TEXT("Mục đích này cần sự đồng ý của chủ thể dữ liệu",
             "The purpose needs the data subject's consent"),
        TEXT("Quy tắc từ chối", "A rule denies it"),
        TEXT("Không quy tắc nào cho xem bất kỳ trường nào được yêu cầu",
             "No rule lets any of the requested fields be seen")};
    return texts[why];
}

struct policy_text policy_beyond_text(void)
{
    static const struct policy_text text =
        TEXT("Trường này nằm ngoài phạm vi của mục đích",
             "The field is outside what the purpose covers");
    return text;
}

void policy_write_text(struct ndc_json *j, const char *key, struct policy_text text)
{
    if (key) ndc_json_key(j, key);
    ndc_json_object(j);
    ndc_json_kv_str(j, "vi", text.vi);
    ndc_json_kv_str(j, "en", text.en);
    ndc_json_end(j);
}

struct policy_text policy_field_title(const struct ndc_field *field)
{
    return (struct policy_text){ndc_str(field->title_vi), ndc_str(field->title_en)};
}
