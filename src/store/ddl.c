/* One schema text for both databases: a pass over the tokens of a script that changes the
 * few words whose spelling or meaning differs. Text in quotes and comments is left alone.
 */
#include "store/internal.h"

struct scan {
    struct ndc_buf *out;
    const char *p;
    enum ndc_store_kind kind;
    struct ndc_str last; /* the last word or sign, for what depends on context */
};

static bool word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || (unsigned char)c >= 0x80;
}

static bool is(struct ndc_str word, const char *what)
{
    return ndc_str_ieq(word, ndc_str(what));
}

/* Passes over blanks and returns the word there, without moving. */
static struct ndc_str peek_word(const char *p, const char **end)
{
    while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')
        p++;
    const char *start = p;
    while (word_byte(*p))
        p++;
    *end = p;
    return ndc_str_n(start, (size_t)(p - start));
}

static void quoted(struct scan *s)
{
    char quote = *s->p;
    const char *start = s->p++;
    while (*s->p && *s->p != quote)
        s->p++; /* a doubled quote starts another piece */
    if (*s->p) s->p++;
    s->last = ndc_str_n(start, (size_t)(s->p - start));
    ndc_buf_add_str(s->out, s->last);
}

static void line_comment(struct scan *s)
{
    const char *end = strchr(s->p, '\n');
    if (!end) end = s->p + strlen(s->p);
    struct ndc_str line = ndc_str_n(s->p, (size_t)(end - s->p));
    struct ndc_str mark =
        s->kind == NDC_SQLITE ? NDC_STR("--sqlite ") : NDC_STR("--postgres ");
    if (ndc_str_starts(line, mark)) {
        ndc_buf_add_byte(s->out, ' ');
        ndc_buf_add_str(s->out, ndc_str_from(line, mark.len));
    }
    s->p = end;
}

static void block_comment(struct scan *s)
{
    const char *end = strstr(s->p + 2, "*/");
    s->p = end ? end + 2 : s->p + strlen(s->p);
    ndc_buf_add_byte(s->out, ' ');
}

static void word(struct scan *s)
{
    const char *end, *end2;
    struct ndc_str w = peek_word(s->p, &end);
    struct ndc_str next = peek_word(end, &end2);
    s->p = end;
    if (s->kind == NDC_SQLITE) {
        const char *end3;
        if (is(w, "BYTEA")) {
            ndc_buf_add_c(s->out, "BLOB");
        } else if (is(w, "DOUBLE") && is(next, "PRECISION")) {
            ndc_buf_add_c(s->out, "REAL");
            s->p = end2;
        } else if (is(w, "BIGINT") && is(next, "PRIMARY") &&
                   is(peek_word(end2, &end3), "KEY")) {
            ndc_buf_add_c(s->out, "INTEGER");
        } else {
            ndc_buf_add_str(s->out, w);
        }
    } else {
        ndc_buf_add_str(s->out, w);
        /* a column's type, not CAST(x AS TEXT) and not a column's name */
        if (is(w, "TEXT") && !is(s->last, "AS") && s->last.len > 0 &&
            (word_byte(s->last.ptr[0]) || s->last.ptr[0] == '"') &&
            !is(next, "COLLATE")) {
            ndc_buf_add_c(s->out, " COLLATE \"C\"");
        }
    }
    s->last = w;
}

void ndc_ddl_translate(struct ndc_buf *out, const char *sql, enum ndc_store_kind kind)
{
    struct scan s = {.out = out, .p = sql, .kind = kind};
    while (*s.p) {
        if (*s.p == '\'' || *s.p == '"') {
            quoted(&s);
        } else if (s.p[0] == '-' && s.p[1] == '-') {
            line_comment(&s);
        } else if (s.p[0] == '/' && s.p[1] == '*') {
            block_comment(&s);
        } else if (word_byte(*s.p)) {
            word(&s);
        } else {
            if (*s.p != ' ' && *s.p != '\n' && *s.p != '\t' && *s.p != '\r') {
                s.last = ndc_str_n(s.p, 1);
            }
            ndc_buf_add_byte(out, *s.p++);
        }
    }
    ndc_buf_add_byte(out, '\0');
}

void ndc_ddl_identifier(struct ndc_buf *out, const char *name)
{
    ndc_buf_add_byte(out, '"');
    for (; *name; name++) {
        if (*name == '"') ndc_buf_add_byte(out, '"');
        ndc_buf_add_byte(out, *name);
    }
    ndc_buf_add_byte(out, '"');
}
