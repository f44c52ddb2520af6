/* The statement cache of a connection: by the text of the SQL, least recently used out.
 * By text and not by address, since some SQL is made at run time in reused memory. */
#include "base/hash.h"
#include "store/internal.h"

static void unlink_use(struct ndc_stmt_cache *cache, struct ndc_stmt *stmt)
{
    if (stmt->newer)
        stmt->newer->older = stmt->older;
    else
        cache->newest = stmt->older;
    if (stmt->older)
        stmt->older->newer = stmt->newer;
    else
        cache->oldest = stmt->newer;
    stmt->newer = stmt->older = NULL;
}

static void link_newest(struct ndc_stmt_cache *cache, struct ndc_stmt *stmt)
{
    stmt->older = cache->newest;
    stmt->newer = NULL;
    if (cache->newest) cache->newest->newer = stmt;
    cache->newest = stmt;
    if (!cache->oldest) cache->oldest = stmt;
}

struct ndc_stmt *ndc_stmt_find(struct ndc_stmt_cache *cache, const char *sql,
                               uint64_t *hash)
{
    *hash = ndc_hash64(sql, strlen(sql), 0);
    struct ndc_stmt *s = cache->slots[*hash % NDC_STMT_SLOTS];
    while (s && (s->busy || s->hash != *hash || strcmp(s->sql, sql) != 0))
        s = s->chain;
    if (s && s != cache->newest) {
        unlink_use(cache, s);
        link_newest(cache, s);
    }
    return s;
}

void ndc_stmt_remove(struct ndc_stmt_cache *cache, struct ndc_stmt *stmt)
{
    struct ndc_stmt **at = &cache->slots[stmt->hash % NDC_STMT_SLOTS];
    while (*at != stmt)
        at = &(*at)->chain;
    *at = stmt->chain;
    unlink_use(cache, stmt);
    cache->count--;
    stmt->cached = false;
}

struct ndc_stmt *ndc_stmt_insert(struct ndc_stmt_cache *cache, struct ndc_stmt *stmt,
                                 const char *sql, uint64_t hash)
{
    struct ndc_stmt *out = NULL;
    size_t size = strlen(sql) + 1;
    stmt->sql = ndc_xmalloc(size);
    memcpy(stmt->sql, sql, size);
    stmt->hash = hash;
    stmt->cached = true;
    if (cache->count >= NDC_STMT_CACHED_MAX) {
        out = cache->oldest;
        while (out && out->busy)
            out = out->newer;
        if (out) ndc_stmt_remove(cache, out);
    }
    stmt->chain = cache->slots[hash % NDC_STMT_SLOTS];
    cache->slots[hash % NDC_STMT_SLOTS] = stmt;
    link_newest(cache, stmt);
    cache->count++;
    return out;
}
