/* Accounts in the database: found by what a person types, made, ended. */
#include "platforms/eid/accounts.h"

#include "core/mask.h"
#include "platforms/eid/provider/logout.h"
#include "sys/clock.h"

enum { USER_NAME_MAX = 32 };

#define COLUMNS                                                                     \
    "account, kind, state, level, entity, number, name, birth_date, phone, email, " \
    "guardian, user_name, proof, created_ms, changed_ms"

static struct ndc_str keep(struct ndc_arena *arena, struct ndc_rows *rows,
                           unsigned column)
{
    struct ndc_str s = ndc_rows_text(rows, column);
    return s.ptr ? ndc_arena_str(arena, s) : NDC_STR("");
}

static void read_columns(struct ndc_arena *arena, struct ndc_rows *rows,
                         struct eid_account *out)
{
    *out = (struct eid_account){
        .account = keep(arena, rows, 0),
        .kind = keep(arena, rows, 1),
        .state = keep(arena, rows, 2),
        .level = (int)ndc_rows_i64(rows, 3),
        .entity = (uint64_t)ndc_rows_i64(rows, 4),
        .number = keep(arena, rows, 5),
        .name = keep(arena, rows, 6),
        .birth_date = keep(arena, rows, 7),
        .phone = keep(arena, rows, 8),
        .email = keep(arena, rows, 9),
        .guardian = keep(arena, rows, 10),
        .user_name = keep(arena, rows, 11),
        .proof = keep(arena, rows, 12),
        .created_ms = ndc_rows_i64(rows, 13),
        .changed_ms = ndc_rows_i64(rows, 14),
    };
}

static enum ndc_err read_one(struct ndc_arena *arena, struct ndc_rows *rows,
                             struct eid_account *out, struct ndc_fault *fault)
{
    *out = (struct eid_account){.account = NDC_STR_NULL};
    if (ndc_rows_next(rows)) read_columns(arena, rows, out);
    return ndc_rows_end(rows, fault);
}

/* ---- what a person types ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct ndc_str lower(struct ndc_arena *arena, const char *kind, struct ndc_str s)
{
    char text[EID_LOGIN_MAX + 1];
    size_t n = NDC_MIN(s.len, (size_t)EID_LOGIN_MAX);
    for (size_t i = 0; i < n; i++)
        text[i] = s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? (char)(s.ptr[i] + 32) : s.ptr[i];
    return ndc_arena_printf(arena, "%s:%.*s", kind, (int)n, text);
}

/* Digits with an optional + before and a dash within, spaces and dots left out. */
static size_t compact(char out[static 20], struct ndc_str s, bool *plus, bool *dash)
{
    size_t n = 0;
    *plus = *dash = false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == ' ' || c == '.') continue;
        if (c == '+' && n == 0 && !*plus) {
            *plus = true;
        } else if (c == '-' && n > 0) {
            *dash |= n == 10;
        } else if (is_digit(c) && n < 19) {
            out[n++] = c;
        } else {
            return 0;
        }
    }
    out[n] = 0;
    return n;
}

static size_t read_digits(struct ndc_arena *arena, const char *d, size_t n, bool plus,
                          bool dash, struct ndc_str out[static 2])
{
    size_t count = 0;
    if (n == 13 && dash)
        out[count++] = ndc_arena_printf(arena, "org:%.10s-%s", d, d + 10);
    if (n == 12 && !plus) out[count++] = ndc_arena_printf(arena, "id:%s", d);
    if (n == 10 && !plus) out[count++] = ndc_arena_printf(arena, "org:%s", d);
    if (plus && n >= 8 && n <= 15) out[count++] = ndc_arena_printf(arena, "phone:+%s", d);
    if (!plus && d[0] == '0' && (n == 10 || n == 11))
        out[count++] = ndc_arena_printf(arena, "phone:+84%s", d + 1);
    return count;
}

size_t eid_login_read(struct ndc_arena *arena, struct ndc_str typed,
                      struct ndc_str out[static 2])
{
    char digits[20];
    bool plus, dash;
    typed = ndc_str_trim(typed);
    if (typed.len == 0 || typed.len > EID_LOGIN_MAX) return 0;
    for (size_t i = 0; i < typed.len; i++)
        if ((unsigned char)typed.ptr[i] < ' ') return 0;
    if (memchr(typed.ptr, '@', typed.len)) {
        out[0] = lower(arena, "email", typed);
        return 1;
    }
    size_t n = compact(digits, typed, &plus, &dash);
    if (n) return read_digits(arena, digits, n, plus, dash, out);
    if (typed.len > USER_NAME_MAX) return 0;
    out[0] = lower(arena, "user", typed);
    return 1;
}

enum ndc_err eid_account_of_login(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                  struct ndc_str typed, struct eid_account *out,
                                  struct ndc_fault *fault)
{
    struct ndc_str logins[2];
    size_t n = eid_login_read(arena, typed, logins);
    enum ndc_err err = NDC_OK;
    *out = (struct eid_account){.account = NDC_STR_NULL};
    for (size_t i = 0; i < n && !err && !out->account.ptr; i++)
        err = read_one(arena,
                       ndc_sql_query(conn,
                                     "SELECT " COLUMNS
                                     " FROM eid_account WHERE account = (SELECT "
                                     "account FROM eid_login WHERE login = $1)",
                                     NDC_ARGS(ndc_text(logins[i]))),
                       out, fault);
    return err;
}

enum ndc_err eid_account_of_entity(struct ndc_store_conn *conn, struct ndc_arena *arena,
                                   uint64_t entity, struct eid_account *out,
                                   struct ndc_fault *fault)
{
    return read_one(arena,
                    ndc_sql_query(conn,
                                  "SELECT " COLUMNS
                                  " FROM eid_account WHERE entity = $1 AND entity > 0",
                                  NDC_ARGS(ndc_int((int64_t)entity))),
                    out, fault);
}

enum ndc_err eid_account_row(struct ndc_store_conn *conn, struct ndc_arena *arena,
                             struct ndc_str account, struct eid_account *out,
                             struct ndc_fault *fault)
{
    enum ndc_err err = read_one(
        arena,
        ndc_sql_query(conn, "SELECT " COLUMNS " FROM eid_account WHERE account = $1",
                      NDC_ARGS(ndc_text(account))),
        out, fault);
    if (!err && !out->account.ptr)
        err = ndc_fail(fault, NDC_ENOTFOUND, "eid.account", "there is no such account");
    return err;
}

enum ndc_err eid_account_read(struct ndc_eid *eid, struct ndc_arena *arena,
                              struct ndc_str account, struct eid_account *out,
                              struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    NDC_TRY(ndc_store_take(eid->store, NDC_READ, &conn, fault));
    enum ndc_err err = eid_account_row(conn, arena, account, out, fault);
    ndc_store_give(conn);
    return err;
}

/* ---- making one ---- */

enum ndc_err eid_login_insert(struct ndc_store_conn *conn, struct ndc_str account,
                              const char *kind, struct ndc_str value,
                              struct ndc_fault *fault)
{
    struct ndc_buf login;
    if (!value.len) return NDC_OK;
    ndc_buf_init(&login, EID_LOGIN_MAX + 16);
    ndc_buf_printf(&login, "%s:%.*s", kind, NDC_STR_FMT(value));
    /* A phone or an address that somebody signs in with already stays theirs: nobody
     * learns of it here, and it is kept as a contact only. */
    enum ndc_err err = ndc_sql_exec(
        conn,
        "INSERT INTO eid_login (login, account) VALUES ($1, "
        "$2) ON CONFLICT (login) DO NOTHING",
        NDC_ARGS(ndc_text(ndc_buf_str(&login)), ndc_text(account)), NULL, fault);
    ndc_buf_free(&login);
    return err;
}

static enum ndc_err insert_logins(struct ndc_store_conn *conn,
                                  const struct eid_account *a, struct ndc_fault *fault)
{
    bool organisation = ndc_str_eq_c(a->kind, "organisation");
    NDC_TRY(eid_login_insert(conn, a->account, organisation ? "org" : "id", a->number,
                             fault));
    NDC_TRY(eid_login_insert(conn, a->account, "phone", a->phone, fault));
    NDC_TRY(eid_login_insert(conn, a->account, "email", a->email, fault));
    return eid_login_insert(conn, a->account, "user", a->user_name, fault);
}

static enum ndc_err check_free(struct ndc_store_conn *conn, const struct eid_account *a,
                               struct ndc_fault *fault)
{
    int64_t n = 0;
    NDC_TRY(ndc_sql_i64(conn, &n,
                        "SELECT (SELECT count(*) FROM eid_account WHERE entity = $1 AND "
                        "entity > 0) + (SELECT count(*) FROM eid_account WHERE user_name "
                        "= $2 AND user_name <> '') + (SELECT count(*) FROM eid_account "
                        "WHERE number = $3 AND number <> '' AND kind = $4)",
                        NDC_ARGS(ndc_int((int64_t)a->entity), ndc_text(a->user_name),
                                 ndc_text(a->number), ndc_text(a->kind)),
                        fault));
    if (!n) return NDC_OK;
    return ndc_fail(fault, NDC_ECONFLICT, "eid.exists",
                    "there is an account already: sign in, or have it reset at a desk");
}

enum ndc_err eid_account_insert(struct ndc_store_conn *conn, const struct eid_account *a,
                                struct ndc_fault *fault)
{
    NDC_TRY(check_free(conn, a, fault));
    NDC_TRY(ndc_sql_exec(
        conn,
        "INSERT INTO eid_account (" COLUMNS
        ", reason) VALUES ($1, $2, 'active', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
        "$13, $13, '')",
        NDC_ARGS(ndc_text(a->account), ndc_text(a->kind), ndc_int(a->level),
                 ndc_int((int64_t)a->entity), ndc_text(a->number), ndc_text(a->name),
                 ndc_text(a->birth_date), ndc_text(a->phone), ndc_text(a->email),
                 ndc_text(a->guardian), ndc_text(a->user_name), ndc_text(a->proof),
                 ndc_int(a->created_ms)),
        NULL, fault));
    return insert_logins(conn, a, fault);
}

/* ---- ending ---- */

enum ndc_err eid_sessions_end(struct ndc_store_conn *conn, struct ndc_str account,
                              struct ndc_str keep_sid, struct ndc_fault *fault)
{
    struct ndc_str sids[EID_SESSIONS_MAX];
    char text[EID_SESSIONS_MAX][EID_SID_LEN + 1];
    size_t n = 0;
    struct ndc_rows *rows = ndc_sql_query(
        conn, "SELECT sid FROM eid_session WHERE account = $1 AND sid <> $2",
        NDC_ARGS(ndc_text(account), ndc_text(keep_sid.ptr ? keep_sid : NDC_STR(""))));
    while (n < EID_SESSIONS_MAX && ndc_rows_next(rows)) {
        struct ndc_str sid = ndc_rows_text(rows, 0);
        size_t len = NDC_MIN(sid.len, (size_t)EID_SID_LEN);
        memcpy(text[n], sid.ptr, len);
        sids[n] = ndc_str_n(text[n], len);
        n++;
    }
    NDC_TRY(ndc_rows_end(rows, fault));
    for (size_t i = 0; i < n; i++) {
        NDC_TRY(eid_logout_due(conn, sids[i], fault));
        NDC_TRY(eid_grants_end(conn, account, NDC_STR_NULL, sids[i], fault));
        NDC_TRY(ndc_sql_exec(conn, "DELETE FROM eid_session WHERE sid = $1",
                             NDC_ARGS(ndc_text(sids[i])), NULL, fault));
    }
    return NDC_OK;
}

enum ndc_err eid_account_set_state(struct ndc_store_conn *conn, struct ndc_str account,
                                   const char *from, const char *state,
                                   struct ndc_str reason, bool *changed,
                                   struct ndc_fault *fault)
{
    int64_t n = 0;
    NDC_TRY(
        ndc_sql_exec(conn,
                     "UPDATE eid_account SET state = $2, reason = $3, changed_ms = "
                     "$4 WHERE account = $1 AND ($5 = '' OR state = $5) AND state <> "
                     "$2",
                     NDC_ARGS(ndc_text(account), ndc_textz(state), ndc_text(reason),
                              ndc_int(ndc_clock_wall_ms()), ndc_textz(from ? from : "")),
                     &n, fault));
    if (changed) *changed = n > 0;
    if (!n || strcmp(state, "active") == 0) return NDC_OK;
    NDC_TRY(eid_sessions_end(conn, account, NDC_STR_NULL, fault));
    return eid_grants_end(conn, account, NDC_STR_NULL, NDC_STR_NULL, fault);
}

enum ndc_err eid_account_check(const struct eid_account *a, struct ndc_fault *fault)
{
    if (ndc_str_eq_c(a->state, "active")) return NDC_OK;
    if (ndc_str_eq_c(a->state, "frozen"))
        return ndc_fail(fault, NDC_EDENIED, "eid.frozen",
                        "the account is frozen; an enrolment desk can thaw it");
    return ndc_fail(fault, NDC_EDENIED, "eid.ended", "the account has ended");
}

/* ---- masks ---- */

static struct ndc_str masked(struct ndc_arena *arena, enum ndc_mask mask,
                             struct ndc_str value)
{
    struct ndc_buf buf;
    ndc_buf_init(&buf, 1024);
    ndc_mask_apply(&buf, mask, value);
    struct ndc_str out = ndc_arena_str(arena, ndc_buf_str(&buf));
    ndc_buf_free(&buf);
    return out;
}

struct ndc_str eid_number_masked(struct ndc_arena *arena, struct ndc_str number)
{
    return masked(arena, NDC_MASK_LAST4, number);
}

struct ndc_str eid_name_masked(struct ndc_arena *arena, struct ndc_str name)
{
    return masked(arena, NDC_MASK_INITIALS, name);
}
