/* wal2json's messages: one pass over the bytes. The plugin writes no spaces and a fixed
 * order; any order and spaces are taken. */
#include "platforms/registry/capture/wal2json.h"

#include "base/date.h"
#include "base/jsonrow.h"
#include "base/utf8.h"
#include "store/replication.h"

enum { MEMBERS_MAX = 16, SCRATCH_BYTES_MAX = 1 << 20, COLUMN_MEMBERS_MAX = 8 };

struct cursor {
    const char *p, *end;
};

void ndc_wal2json_init(struct ndc_wal2json *m)
{
    memset(m, 0, sizeof(*m));
    ndc_buf_init(&m->scratch, SCRATCH_BYTES_MAX);
}

void ndc_wal2json_free(struct ndc_wal2json *m)
{
    ndc_buf_free(&m->scratch);
}

static enum ndc_err bad(struct ndc_fault *fault, const char *what)
{
    return ndc_fail(fault, NDC_EINPUT, "capture.message",
                    "the source's PostgreSQL sent a change that is not understood: %s",
                    what);
}

static void skip_space(struct cursor *c)
{
    while (c->p < c->end &&
           (*c->p == ' ' || *c->p == '\t' || *c->p == '\r' || *c->p == '\n'))
        c->p++;
}

static bool take(struct cursor *c, char byte)
{
    skip_space(c);
    if (c->p == c->end || *c->p != byte) return false;
    c->p++;
    return true;
}

/* A string with its quotes. A control character in it would break the row that it becomes
 * part of. */
static bool take_string(struct cursor *c, struct ndc_str *raw)
{
    skip_space(c);
    const char *from = c->p;
    if (c->p == c->end || *c->p++ != '"') return false;
    while (c->p < c->end && *c->p != '"') {
        if ((unsigned char)*c->p < 0x20) return false;
        if (*c->p == '\\' && ++c->p == c->end) return false;
        c->p++;
    }
    if (c->p == c->end) return false;
    c->p++;
    *raw = ndc_str_n(from, (size_t)(c->p - from));
    return true;
}

/* A string, a number or a word; a nested value is none of a column's. */
static bool take_scalar(struct cursor *c, struct ndc_str *raw)
{
    skip_space(c);
    if (c->p < c->end && *c->p == '"') return take_string(c, raw);
    const char *from = c->p;
    while (c->p < c->end &&
           ((*c->p >= '0' && *c->p <= '9') || (*c->p >= 'a' && *c->p <= 'z') ||
            *c->p == '-' || *c->p == '+' || *c->p == '.' || *c->p == 'E'))
        c->p++;
    *raw = ndc_str_n(from, (size_t)(c->p - from));
    return raw->len > 0;
}

/* A string's text: in place, or unescaped into the scratch, which has room already, so
 * that what was put there before does not move. */
static bool text_of(struct ndc_wal2json *m, struct ndc_str raw, struct ndc_str *out)
{
    struct ndc_str inner = ndc_str_n(raw.ptr + 1, raw.len - 2);
    if (!memchr(inner.ptr, '\\', inner.len)) {
        *out = inner;
        return true;
    }
    size_t from = m->scratch.len;
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    for (size_t i = 0; i < inner.len; i++) {
        const char *at;
        if (inner.ptr[i] != '\\') {
            ndc_buf_add_byte(&m->scratch, inner.ptr[i]);
        } else if (++i < inner.len && (at = strchr(plain, inner.ptr[i])) && *at) {
            ndc_buf_add_byte(&m->scratch, meant[at - plain]);
        } else {
            return false; /* \u in a name: wal2json writes it for control characters only
                           */
        }
    }
    *out = ndc_str_n(m->scratch.ptr + from, m->scratch.len - from);
    return !m->scratch.failed;
}

static bool take_column(struct ndc_wal2json *m, struct cursor *c,
                        struct ndc_wal2json_column *out)
{
    bool named = false, valued = false;
    if (!take(c, '{')) return false;
    for (unsigned i = 0; i < COLUMN_MEMBERS_MAX; i++) {
        struct ndc_str key, value;
        if (!take_string(c, &key) || !take(c, ':') || !take_scalar(c, &value))
            return false;
        if (ndc_str_eq(key, NDC_STR("\"name\"")) && value.ptr[0] == '"') {
            if (named || !text_of(m, value, &out->name)) return false;
            named = true;
        } else if (ndc_str_eq(key, NDC_STR("\"value\""))) {
            if (valued) return false;
            out->value = value;
            valued = true;
        }
        if (take(c, '}')) return named && valued;
        if (!take(c, ',')) return false;
    }
    return false;
}

static bool take_columns(struct ndc_wal2json *m, struct cursor *c,
                         struct ndc_wal2json_row *row)
{
    row->count = 0;
    if (!take(c, '[')) return false;
    if (take(c, ']')) return true;
    do {
        if (row->count == NDC_WAL2JSON_COLUMNS_MAX) return false;
        if (!take_column(m, c, &row->columns[row->count])) return false;
        row->count++;
    } while (take(c, ','));
    return take(c, ']');
}

static bool action_of(struct ndc_str raw, enum ndc_wal2json_action *out)
{
    static const char letters[] = "BCIUDT";
    if (raw.len != 3) return false;
    const char *at = strchr(letters, raw.ptr[1]);
    *out = at && *at ? (enum ndc_wal2json_action)(at - letters) : NDC_WAL2JSON_OTHER;
    return true;
}

/* "2026-07-01 08:30:00.123456+00" */
static int64_t time_of(struct ndc_str s)
{
    char text[48];
    int64_t ms;
    if (s.len < 19 || s.len > 40) return 0;
    memcpy(text, s.ptr, s.len);
    text[10] = 'T';
    size_t len = s.len;
    if (len > 3 && (text[len - 3] == '+' || text[len - 3] == '-')) {
        memcpy(text + len, ":00", 3);
        len += 3;
    }
    return ndc_time_parse(ndc_str_n(text, len), &ms) ? ms : 0;
}

static bool take_member(struct ndc_wal2json *m, struct cursor *c, struct ndc_str key,
                        bool *acted)
{
    struct ndc_str raw, text;
    if (ndc_str_eq(key, NDC_STR("\"columns\""))) return take_columns(m, c, &m->columns);
    if (ndc_str_eq(key, NDC_STR("\"identity\""))) return take_columns(m, c, &m->identity);
    if (!take_scalar(c, &raw)) return false;
    if (raw.ptr[0] != '"') return true; /* xid, a message's transactional */
    if (ndc_str_eq(key, NDC_STR("\"action\""))) {
        *acted = true;
        return action_of(raw, &m->action);
    }
    text = ndc_str_n(raw.ptr + 1, raw.len - 2);
    if (ndc_str_eq(key, NDC_STR("\"lsn\""))) return ndc_lsn_parse(text, &m->lsn);
    if (ndc_str_eq(key, NDC_STR("\"nextlsn\""))) return ndc_lsn_parse(text, &m->nextlsn);
    if (ndc_str_eq(key, NDC_STR("\"timestamp\""))) m->commit_ms = time_of(text);
    if (ndc_str_eq(key, NDC_STR("\"schema\""))) return text_of(m, raw, &m->schema);
    if (ndc_str_eq(key, NDC_STR("\"table\""))) return text_of(m, raw, &m->table);
    return true;
}

enum ndc_err ndc_wal2json_parse(struct ndc_wal2json *m, struct ndc_str text,
                                struct ndc_fault *fault)
{
    struct cursor c = {text.ptr, text.ptr + text.len};
    bool acted = false;
    m->lsn = m->nextlsn = 0;
    m->commit_ms = 0;
    m->schema = m->table = NDC_STR_NULL;
    m->columns.count = m->identity.count = 0;
    ndc_buf_reset(&m->scratch);
    /* Unescaping never grows a text: the scratch never moves under its names. */
    size_t room = NDC_MIN(text.len, (size_t)SCRATCH_BYTES_MAX);
    if (memchr(text.ptr, '\\', text.len) && !ndc_buf_room(&m->scratch, room))
        return bad(fault, "its names are too long");
    if (!ndc_utf8_valid(text)) return bad(fault, "it is not valid UTF-8");
    if (!take(&c, '{')) return bad(fault, "it is no JSON object");
    for (unsigned i = 0; i < MEMBERS_MAX; i++) {
        struct ndc_str key;
        if (!take_string(&c, &key) || !take(&c, ':') || !take_member(m, &c, key, &acted))
            return bad(fault, "a member of another form than wal2json's version 2");
        if (take(&c, '}')) break;
        if (!take(&c, ',')) return bad(fault, "it ends too early");
    }
    skip_space(&c);
    if (c.p != c.end) return bad(fault, "there is text after it");
    return acted ? NDC_OK : bad(fault, "it has no action");
}

const struct ndc_str *ndc_wal2json_find(const struct ndc_wal2json_row *row,
                                        struct ndc_str name)
{
    for (size_t i = 0; i < row->count; i++)
        if (ndc_str_eq(row->columns[i].name, name)) return &row->columns[i].value;
    return NULL;
}
