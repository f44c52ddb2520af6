/* Files of the pages: read once, found by binary search, sent without a copy. */
#include "core/static.h"

#include "base/hash.h"
#include "sys/file.h"
#include "sys/log.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

enum { FILES_MAX = 4096, BYTES_MAX = 256 << 20, DEPTH_MAX = 8, PATH_MAX_BYTES = 1024 };
enum encoding { PLAIN, GZIP, BROTLI, ENCODINGS };

struct file {
    char *path; /* "/app.js" */
    const char *type;
    bool html, forever;
    struct ndc_str body[ENCODINGS];
    char etag[24];
};

struct ndc_static {
    struct file files[FILES_MAX];
    size_t n, bytes;
};

static const struct {
    const char *suffix, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".geojson", "application/geo+json"},
    {".map", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".webp", "image/webp"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".woff", "font/woff"},
    {".txt", "text/plain; charset=utf-8"},
    {".webmanifest", "application/manifest+json"},
    {".wasm", "application/wasm"},
};

static bool ends_with(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

static const char *type_of(const char *path)
{
    for (size_t i = 0; i < NDC_ARRAY_LEN(types); i++)
        if (ends_with(path, types[i].suffix)) return types[i].type;
    return "application/octet-stream";
}

/* "main-7ZP5JQ2K.js": a bundler's hash of the content, 8 or more upper-case or hex. */
static bool has_hash(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (!dot) return false;
    size_t upper = 0, hex = 0, n = 0;
    for (const char *p = dot - 1; p > path && *p != '-' && *p != '.' && *p != '/'; p--) {
        upper += (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        hex += (*p >= 'a' && *p <= 'f') || (*p >= '0' && *p <= '9');
        n++;
    }
    return n >= 8 && dot[-(ptrdiff_t)n - 1] != '/' && (upper == n || hex == n);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

static enum ndc_err read_file(struct ndc_static *set, const char *path,
                              struct ndc_str *out, struct ndc_fault *fault)
{
    struct ndc_buf buf;
    ndc_buf_init(&buf, BYTES_MAX - set->bytes);
    enum ndc_err err = ndc_file_read(&buf, path, fault);
    if (err != NDC_OK) {
        ndc_buf_free(&buf);
        return err;
    }
    if (!buf.ptr) ndc_buf_room(&buf, 1);
    set->bytes += buf.len;
    *out = ndc_buf_str(&buf); /* the set's now */
    return NDC_OK;
}

static enum ndc_err add_file(struct ndc_static *set, const char *disk, const char *path,
                             struct ndc_fault *fault)
{
    static const char *const suffixes[ENCODINGS] = {"", ".gz", ".br"};
    char name[PATH_MAX_BYTES + 8];
    if (ends_with(path, ".gz") || ends_with(path, ".br")) return NDC_OK;
    if (set->n == FILES_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "static.files", "web_dir: over %d files",
                        FILES_MAX);
    struct file *file = &set->files[set->n++];
    file->path = strdup(path);
    file->type = type_of(path);
    file->html = ends_with(path, ".html");
    file->forever = has_hash(path);
    for (int e = 0; e < ENCODINGS; e++) {
        snprintf(name, sizeof(name), "%s%s", disk, suffixes[e]);
        if (e != PLAIN && !ndc_file_exists(name)) continue;
        enum ndc_err err = read_file(set, name, &file->body[e], fault);
        if (err != NDC_OK) return err;
    }
    snprintf(file->etag, sizeof(file->etag), "\"%016llx\"",
             (unsigned long long)ndc_hash_str(file->body[PLAIN], 1));
    return NDC_OK;
}

static enum ndc_err load_folder(struct ndc_static *set, const char *disk,
                                const char *path, unsigned depth, struct ndc_fault *fault)
{
    char child_disk[PATH_MAX_BYTES], child[PATH_MAX_BYTES];
    struct stat st;
    struct dirent *entry;
    enum ndc_err err = NDC_OK;
    DIR *dir = opendir(disk);
    if (!dir) return ndc_fail_errno(fault, "static.read", "read", disk);
    while (err == NDC_OK && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.') continue;
        int a = snprintf(child_disk, sizeof(child_disk), "%s/%s", disk, entry->d_name);
        int b = snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
        if (a >= PATH_MAX_BYTES || b >= PATH_MAX_BYTES || stat(child_disk, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
            err = load_folder(set, child_disk, child, depth + 1, fault);
        else if (S_ISREG(st.st_mode))
            err = add_file(set, child_disk, child, fault);
    }
    closedir(dir);
    return err;
}

enum ndc_err ndc_static_load(struct ndc_static **out, const char *dir,
                             struct ndc_fault *fault)
{
    struct ndc_static *set = ndc_xcalloc(1, sizeof(*set));
    enum ndc_err err = NDC_OK;
    if (*dir && ndc_file_exists(dir)) err = load_folder(set, dir, "", 0, fault);
    qsort(set->files, set->n, sizeof(set->files[0]), by_path);
    if (err != NDC_OK) {
        ndc_static_free(set);
        set = NULL;
    }
    *out = set;
    return err;
}

void ndc_static_free(struct ndc_static *set)
{
    if (!set) return;
    for (size_t i = 0; i < set->n; i++) {
        free(set->files[i].path);
        for (int e = 0; e < ENCODINGS; e++)
            free((void *)(uintptr_t)set->files[i].body[e].ptr);
    }
    free(set);
}

size_t ndc_static_count(const struct ndc_static *set)
{
    return set->n;
}

static const struct file *find(const struct ndc_static *set, const char *path)
{
    struct file key = {.path = (char *)(uintptr_t)path};
    return bsearch(&key, set->files, set->n, sizeof(set->files[0]), by_path);
}

static bool accepts(struct ndc_str header, const char *coding)
{
    struct ndc_str part;
    while (header.ptr && ndc_str_split(&header, ',', &part)) {
        part = ndc_str_trim(part);
        size_t mark = ndc_str_find(part, ';');
        struct ndc_str name = ndc_str_trim(ndc_str_n(part.ptr, mark));
        struct ndc_str q = ndc_str_trim(ndc_str_from(part, mark + 1));
        double weight = 1;
        if (ndc_str_starts(q, NDC_STR("q=")) &&
            !ndc_str_to_f64(ndc_str_from(q, 2), &weight))
            weight = 0;
        if (ndc_str_ieq(name, ndc_str(coding))) return weight > 0;
    }
    return false;
}

/* A page that routes by itself: the nearest document at the path or above it, so that a
 * part of the site may be a bundle of its own. "/a/b" is answered by a/b.html, else by
 * a.html, else by index.html. `name` has room for the suffix. */
static const struct file *document_of(const struct ndc_static *set, char *name)
{
    for (size_t len = strlen(name); len > 0;) {
        memcpy(name + len, ".html", sizeof(".html"));
        const struct file *file = find(set, name);
        if (file) return file;
        while (len > 0 && name[--len] != '/') {
        }
    }
    return find(set, "/index.html");
}

static const struct file *choose(const struct ndc_static *set, struct ndc_str path)
{
    char name[PATH_MAX_BYTES + sizeof(".html")];
    if (path.len >= PATH_MAX_BYTES) return NULL;
    memcpy(name, path.ptr, path.len);
    name[path.len] = 0;
    const struct file *file = find(set, name);
    if (file) return file;
    const char *last = strrchr(name, '/');
    return last && !strchr(last, '.') ? document_of(set, name) : NULL;
}

bool ndc_static_answer(const struct ndc_static *set, struct ndc_http *x,
                       struct ndc_str path)
{
    static const char *const names[ENCODINGS] = {NULL, "gzip", "br"};
    const struct file *file = choose(set, path);
    if (!file) return false;
    struct ndc_str accept = ndc_http_header(x, "Accept-Encoding");
    int e = PLAIN;
    if (file->body[BROTLI].ptr && accepts(accept, "br"))
        e = BROTLI;
    else if (file->body[GZIP].ptr && accepts(accept, "gzip"))
        e = GZIP;
    x->html = file->html;
    x->content_type = file->type;
    x->cache_control = file->forever ? "public, max-age=31536000, immutable" : "no-cache";
    ndc_http_add_header(x, "ETag", ndc_str(file->etag));
    if (file->body[GZIP].ptr || file->body[BROTLI].ptr)
        ndc_http_add_header(x, "Vary", NDC_STR("Accept-Encoding"));
    struct ndc_str match = ndc_http_header(x, "If-None-Match");
    if (match.len && ndc_str_eq_c(match, file->etag)) {
        x->status = 304;
        x->content_type = NULL;
        x->fixed = NDC_STR("");
        return true;
    }
    if (e != PLAIN) ndc_http_add_header(x, "Content-Encoding", ndc_str(names[e]));
    x->status = 200;
    x->fixed = file->body[e];
    return true;
}
