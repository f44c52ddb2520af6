/* Problem details. Titles say in the reader's language what kind of thing went wrong; the
 * detail is the fault's own sentence. */
#include "core/problem.h"

#include "sys/log.h"

struct title {
    const char *code, *vi, *en;
};

/* By code first, then by kind of error. */
static const struct title titles[] = {
    {"auth.required", "Cần đăng nhập", "Sign in first"},
    {"auth.failed", "Tên đăng nhập hoặc mật khẩu không đúng",
     "The user name or password is not right"},
    {"auth.throttled", "Thử đăng nhập quá nhiều lần, hãy đợi rồi thử lại",
     "Too many attempts to sign in: wait, then try again"},
    {"auth.csrf", "Yêu cầu không đến từ trang của hệ thống",
     "The request does not come from our own pages"},
    {"auth.key", "Khoá API không hợp lệ hoặc đã bị thu hồi",
     "The API key is not valid or was revoked"},
    {"auth.certificate", "Thiếu chứng thư máy khách, hoặc không đúng chứng thư của khoá",
     "The client certificate is missing, or is not the one of the key"},
    {"auth.must_change", "Hãy đổi mật khẩu được cấp trước khi làm việc khác",
     "Change the password that you were given first"},
    {"auth.permission", "Tài khoản không có quyền này",
     "The account lacks the permission for this"},
    {"purpose.missing", "Thiếu mục đích truy cập dữ liệu cá nhân",
     "The purpose of reading personal data is missing"},
    {"purpose.basis", "Thiếu căn cứ pháp lý", "The legal basis is missing"},
    {"audit.failed", "Không ghi được nhật ký nên từ chối truy cập",
     "Access refused, because it could not be logged"},
    {"http.not_found", "Không có địa chỉ này", "There is no such address"},
    {"http.method", "Địa chỉ này không nhận phương thức đó",
     "The address does not take this method"},
    {"http.type", "Kiểu nội dung không được nhận", "The content type is not taken"},
    {"request.unknown", "Có trường không được biết", "There is an unknown member"},
    {"request.missing", "Thiếu trường bắt buộc", "A required member is missing"},
    {"request.type", "Giá trị sai kiểu", "A value has the wrong type"},
    {"request.choice", "Giá trị không nằm trong danh sách",
     "A value is not one of those allowed"},
    {"request.range", "Giá trị nằm ngoài khoảng cho phép", "A value is out of range"},
    {"request.query", "Tham số truy vấn không hợp lệ", "The query is not valid"},
    {"json.syntax", "JSON không hợp lệ", "The body is not valid JSON"},
    {"password.short", "Mật khẩu quá ngắn", "The password is too short"},
    {"password.common", "Mật khẩu quá phổ biến", "The password is too common"},
    {"password.wrong", "Mật khẩu hiện tại không đúng",
     "The current password is not right"},
    {"user.exists", "Tên đăng nhập đã có", "There is such a user already"},
    {"user.unknown", "Không có người dùng này", "There is no such user"},
    {"user.name", "Tên đăng nhập không hợp lệ", "The user name is not valid"},
    {"user.role", "Vai trò không tồn tại", "There is no such role"},
    {"user.agency", "Cơ quan không tồn tại", "There is no such agency"},
    {"auth.beyond", "Không thể cấp quyền mà mình không có",
     "You cannot give or take rights that you do not have"},
    {"role.name", "Mã vai trò không hợp lệ", "The role's name is not valid"},
    {"role.permission", "Quyền không tồn tại", "There is no such permission"},
    {"role.builtin", "Vai trò có sẵn của hệ thống, không sửa được",
     "The role is built in and cannot be changed"},
    {"role.in_use", "Vai trò đang được dùng", "The role is in use"},
    {"role.unknown", "Không có vai trò này", "There is no such role"},
    {"key.unknown", "Không có khoá API này", "There is no such API key"},
    {"certificate.syntax", "Không đọc được chứng thư", "The certificate cannot be read"},
    {"certificate.thumbprint", "Dấu vân của chứng thư không hợp lệ",
     "The certificate's thumbprint is not valid"},
    {"job.unknown", "Không có công việc này", "There is no such job"},
    {"job.finished", "Công việc đã kết thúc", "The job has ended"},
    {"eid.signed_out", "Cần đăng nhập tài khoản định danh", "Sign in with your e-ID"},
    {"eid.fresh", "Hãy đăng nhập lại để thay đổi cách đăng nhập",
     "Sign in again to change how you sign in"},
    {"eid.interaction", "Lần đăng nhập này đã kết thúc hoặc thuộc trình duyệt khác",
     "This sign-in is over, or another browser's"},
    {"eid.interaction_changed", "Có yêu cầu khác xen vào, hãy thử lại",
     "Another request came between: try again"},
    {"eid.level", "Tài khoản chưa đạt mức độ định danh được yêu cầu",
     "The account does not reach the level that is asked"},
    {"eid.other_account", "Phải là tài khoản đã bắt đầu yêu cầu này",
     "This must be the account that began it"},
    {"eid.frozen", "Tài khoản đang bị khóa", "The account is frozen"},
    {"eid.ended", "Tài khoản đã chấm dứt", "The account has ended"},
    {"eid.dead", "Cơ sở dữ liệu ghi nhận người này đã mất",
     "The national database says that this person has died"},
    {"eid.no_match", "Thông tin không khớp với cơ sở dữ liệu quốc gia",
     "The details do not match the national database"},
    {"eid.no_registry", "Chưa tra cứu được cơ sở dữ liệu quốc gia",
     "The national database cannot be asked now"},
    {"eid.under_age", "Chưa đủ 14 tuổi: cha mẹ mở tài khoản",
     "Under 14: through a parent"},
    {"eid.age", "Không đúng độ tuổi", "Not of the age for this"},
    {"eid.guardian", "Cơ sở dữ liệu không ghi bạn là cha mẹ của trẻ",
     "The national database does not have you as the parent"},
    {"eid.representative", "Bạn không phải người đại diện theo pháp luật",
     "You are not the legal representative"},
    {"eid.exists", "Đã có tài khoản", "There is an account already"},
    {"eid.account", "Không có tài khoản này", "There is no such account"},
    {"eid.own_account", "Cán bộ khác phải làm việc này cho tài khoản của bạn",
     "Another official must do this for your own account"},
    {"eid.state", "Trạng thái tài khoản không cho phép",
     "The account's state does not allow it"},
    {"eid.totp_used", "Mã này đã được dùng, hãy đợi mã tiếp theo",
     "This code was used already: wait for the next"},
    {"eid.code", "Mã không đúng", "The code is not right"},
    {"eid.authenticator", "Không có cách đăng nhập này",
     "There is no such way to sign in"},
    {"eid.last_authenticator", "Đây là cách đăng nhập cuối cùng",
     "This is the last way in"},
    {"eid.authenticators", "Đã có quá nhiều cách đăng nhập",
     "There are too many ways to sign in"},
    {"eid.session", "Không có phiên này", "There is no such session"},
    {"eid.consent", "Chưa đồng ý hoặc đã rút lại",
     "Nothing was given, or it is withdrawn"},
    {"eid.no_user", "Tài khoản chưa gắn với người dùng hệ thống",
     "The account is not bound to a user of the console"},
    {"eid.client", "Không có dịch vụ này trong tài khoản của bạn",
     "There is no such service of yours"},
    {"eid.clients", "Đã đăng ký quá nhiều dịch vụ", "Too many services are registered"},
    {"eid.client_secret", "Dịch vụ này không dùng mã bí mật",
     "This service has no secret"},
    {"invalid_redirect_uri", "Địa chỉ quay về không hợp lệ",
     "An address to come back to is not valid"},
    {"invalid_client_metadata", "Thông tin đăng ký dịch vụ không hợp lệ",
     "What is said of the service is not valid"},
    {"eid.phone", "Số điện thoại không hợp lệ", "This is no telephone number"},
    {"eid.email", "Thư điện tử không hợp lệ", "This is no e-mail address"},
    {"webauthn.counter", "Khóa truy cập có dấu hiệu bị sao chép",
     "The passkey seems to have been copied"},
    {"server.busy", "Máy chủ đang bận, hãy thử lại", "The server is busy: try again"},
};

static const struct title kinds[NDC_ERR_COUNT] = {
    [NDC_EINPUT] = {"", "Yêu cầu không hợp lệ", "The request is not valid"},
    [NDC_EAUTH] = {"", "Cần đăng nhập", "Sign in first"},
    [NDC_EDENIED] = {"", "Không được phép", "Not allowed"},
    [NDC_ENOTFOUND] = {"", "Không tìm thấy", "Not found"},
    [NDC_ECONFLICT] = {"", "Trạng thái hiện tại không cho phép",
                       "The present state does not allow it"},
    [NDC_ETOOBIG] = {"", "Quá lớn", "Too large"},
    [NDC_EBUSY] = {"", "Đang bận, hãy thử lại sau", "Busy: try again later"},
    [NDC_ECANCELED] = {"", "Đã huỷ", "Canceled"},
    [NDC_EIO] = {"", "Lỗi của hệ thống", "A failure of the system"},
    [NDC_EDB] = {"", "Cơ sở dữ liệu không phục vụ được", "The database cannot serve now"},
    [NDC_EUNSUPPORTED] = {"", "Không được hỗ trợ", "Not supported"},
    [NDC_EINTERNAL] = {"", "Lỗi của hệ thống", "A failure of the system"},
};

const char *ndc_problem_title(const struct ndc_fault *fault, enum ndc_lang lang)
{
    const struct title *title = &kinds[fault->err];
    for (size_t i = 0; i < NDC_ARRAY_LEN(titles); i++)
        if (strcmp(titles[i].code, fault->code) == 0) title = &titles[i];
    const char *text = lang == NDC_LANG_EN ? title->en : title->vi;
    return text ? text : "";
}

void ndc_problem_write(struct ndc_http *x, const struct ndc_fault *fault,
                       enum ndc_lang lang, const char *area)
{
    struct ndc_fault known = *fault;
    struct ndc_json j;
    if (known.err == NDC_OK) {
        known.err = NDC_EINTERNAL;
        memcpy(known.code, "internal", sizeof("internal"));
    }
    int status = ndc_fault_status(&known);
    bool ours = status == 500;
    if (status >= 500)
        ndc_log(status == 503 ? NDC_LOG_WARN : NDC_LOG_ERROR, area, "request %s: %s: %s",
                x->id, known.code, known.message);
    ndc_buf_reset(&x->out);
    x->fixed = NDC_STR_NULL;
    x->source.next = NULL;
    x->html = false;
    x->cache_control = NULL;
    x->status = status;
    x->content_type = "application/problem+json";
    ndc_json_init(&j, &x->out);
    ndc_json_object(&j);
    ndc_json_kv_c(&j, "type", "about:blank");
    ndc_json_kv_c(&j, "title", ndc_problem_title(&known, lang));
    ndc_json_kv_i64(&j, "status", status);
    ndc_json_kv_c(&j, "code", known.code[0] ? known.code : ndc_err_name(known.err));
    /* Our own defects may quote SQL or paths: those go to the log alone. */
    ndc_json_kv_c(&j, "detail", ours ? ndc_problem_title(&known, lang) : known.message);
    if (known.field[0]) ndc_json_kv_c(&j, "field", known.field);
    if (known.line) ndc_json_kv_u64(&j, "line", known.line);
    ndc_json_kv_c(&j, "request_id", x->id);
    ndc_json_end(&j);
}

/* "vi-VN,vi;q=0.9,en;q=0.8": q of the first tag whose language is `lang`, in 1/1000; -1
 * if there is none. */
static int quality(struct ndc_str header, const char *lang)
{
    struct ndc_str part;
    while (header.ptr && ndc_str_split(&header, ',', &part)) {
        struct ndc_str tag = ndc_str_trim(part);
        size_t mark = ndc_str_find(tag, ';');
        struct ndc_str params = ndc_str_from(tag, mark + 1);
        tag = ndc_str_trim(ndc_str_n(tag.ptr, mark));
        if (tag.len < 2 || !ndc_str_ieq(ndc_str_n(tag.ptr, 2), ndc_str(lang)) ||
            (tag.len > 2 && tag.ptr[2] != '-'))
            continue;
        double q = 1;
        params = ndc_str_trim(params);
        if (ndc_str_starts(params, NDC_STR("q=")) &&
            !ndc_str_to_f64(ndc_str_from(params, 2), &q))
            q = 0;
        return (int)(q * 1000);
    }
    return -1;
}

enum ndc_lang ndc_lang_choose(struct ndc_str accept)
{
    if (!accept.len) return NDC_LANG_VI;
    int en = quality(accept, "en"), vi = quality(accept, "vi");
    return en > vi && en > 0 ? NDC_LANG_EN : NDC_LANG_VI;
}
