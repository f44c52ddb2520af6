/* Geometries: their form is checked, the text is kept. Seven types; a type says how deep
 * its lists of points nest. */
#include "base/json.h"
#include "platforms/registry/normalise/normalise.h"

enum { DEPTH_MAX = 4, COLLECTED_MAX = 1000, TYPES = 6 };

static const struct {
    const char *wkt, *json;
    unsigned depth; /* of lists around a point */
} types[TYPES] = {
    {"POINT", "Point", 0},
    {"LINESTRING", "LineString", 1},
    {"POLYGON", "Polygon", 2},
    {"MULTIPOINT", "MultiPoint", 1},
    {"MULTILINESTRING", "MultiLineString", 2},
    {"MULTIPOLYGON", "MultiPolygon", 3},
};

/* ---- WKT ---- */

static void skip_spaces(struct ndc_str *s)
{
    while (s->len && (s->ptr[0] == ' ' || s->ptr[0] == '\t'))
        *s = ndc_str_from(*s, 1);
}

static bool take(struct ndc_str *s, char c)
{
    skip_spaces(s);
    if (!s->len || s->ptr[0] != c) return false;
    *s = ndc_str_from(*s, 1);
    return true;
}

static struct ndc_str take_word(struct ndc_str *s)
{
    size_t n = 0;
    skip_spaces(s);
    while (n < s->len && ((s->ptr[n] >= 'A' && s->ptr[n] <= 'Z') ||
                          (s->ptr[n] >= 'a' && s->ptr[n] <= 'z')))
        n++;
    struct ndc_str word = ndc_str_n(s->ptr, n);
    *s = ndc_str_from(*s, n);
    return word;
}

static bool take_number(struct ndc_str *s)
{
    size_t n = 0;
    double value;
    skip_spaces(s);
    while (n < s->len && (strchr("0123456789.+-eE", s->ptr[n]) && s->ptr[n]))
        n++;
    bool good = n && ndc_str_to_f64(ndc_str_n(s->ptr, n), &value);
    *s = ndc_str_from(*s, n);
    return good;
}

static bool take_point(struct ndc_str *s)
{
    bool x = take_number(s), y = x && take_number(s);
    if (!y) return false;
    skip_spaces(s);
    bool more = s->len && s->ptr[0] != ',' && s->ptr[0] != ')';
    return !more || take_number(s);
}

/* "(" items ")", where items at depth 0 are one point. */
static bool take_list(struct ndc_str *s, unsigned depth, bool points_alone)
{
    if (depth > DEPTH_MAX || !take(s, '(')) return false;
    do {
        bool bare = depth <= 1;
        if (depth == 1 && points_alone) { /* of MULTIPOINT: with or without brackets */
            skip_spaces(s);
            bare = !(s->len && s->ptr[0] == '(');
        }
        if (bare ? !take_point(s) : !take_list(s, depth - 1, false)) return false;
    } while (depth > 0 && take(s, ','));
    return take(s, ')');
}

static int find_type(struct ndc_str word, bool wkt)
{
    for (int i = 0; i < TYPES; i++)
        if (wkt ? ndc_str_ieq(word, ndc_str(types[i].wkt))
                : ndc_str_eq_c(word, types[i].json))
            return i;
    return -1;
}

static bool is_empty(struct ndc_str *s)
{
    struct ndc_str rest = *s;
    if (!ndc_str_ieq(take_word(&rest), NDC_STR("EMPTY"))) return false;
    *s = rest;
    return true;
}

/* A geometry, or in `inside` a collection's member. */
static bool take_wkt(struct ndc_str *s, bool inside)
{
    struct ndc_str word = take_word(s), dimension = *s;
    struct ndc_str z = take_word(&dimension);
    if (ndc_str_ieq(z, NDC_STR("Z")) || ndc_str_ieq(z, NDC_STR("M"))) *s = dimension;
    if (!inside && ndc_str_ieq(word, NDC_STR("GEOMETRYCOLLECTION"))) {
        unsigned n = 0;
        if (is_empty(s)) return true;
        if (!take(s, '(')) return false;
        do {
            if (++n > COLLECTED_MAX || !take_wkt(s, true)) return false;
        } while (take(s, ','));
        return take(s, ')');
    }
    int type = find_type(word, true);
    if (type < 0) return false;
    bool points_alone = strcmp(types[type].wkt, "MULTIPOINT") == 0;
    return is_empty(s) || take_list(s, types[type].depth, points_alone);
}

static bool is_wkt(struct ndc_str s)
{
    if (s.len > 5 && ndc_str_ieq(ndc_str_n(s.ptr, 5), NDC_STR("SRID="))) {
        int64_t srid;
        size_t end = ndc_str_find(s, ';');
        if (end >= s.len || !ndc_str_to_i64(ndc_str_n(s.ptr + 5, end - 5), &srid))
            return false;
        s = ndc_str_from(s, end + 1);
    }
    if (!take_wkt(&s, false)) return false;
    return ndc_str_trim(s).len == 0;
}

/* ---- GeoJSON ---- */

static bool is_position(struct json_object *o)
{
    size_t n = json_object_is_type(o, json_type_array) ? json_object_array_length(o) : 0;
    for (size_t i = 0; i < n; i++) {
        struct json_object *x = json_object_array_get_idx(o, i);
        if (!json_object_is_type(x, json_type_double) &&
            !json_object_is_type(x, json_type_int))
            return false;
    }
    return n == 2 || n == 3;
}

static bool is_nested(struct json_object *o, unsigned depth)
{
    if (depth == 0) return is_position(o);
    if (!json_object_is_type(o, json_type_array)) return false;
    for (size_t i = 0; i < json_object_array_length(o); i++)
        if (!is_nested(json_object_array_get_idx(o, i), depth - 1)) return false;
    return true;
}

static bool is_geojson_object(struct json_object *o, bool inside)
{
    struct ndc_str name = ndc_json_get_str(o, "type");
    if (!inside && ndc_str_eq_c(name, "GeometryCollection")) {
        struct json_object *list = ndc_json_get(o, "geometries");
        if (!json_object_is_type(list, json_type_array)) return false;
        for (size_t i = 0; i < json_object_array_length(list); i++)
            if (!is_geojson_object(json_object_array_get_idx(list, i), true))
                return false;
        return true;
    }
    int type = find_type(name, false);
    struct json_object *coordinates = ndc_json_get(o, "coordinates");
    return type >= 0 && coordinates && is_nested(coordinates, types[type].depth);
}

bool ndc_norm_geometry(struct ndc_str text)
{
    text = ndc_str_trim(text);
    if (!text.len) return false;
    if (text.ptr[0] != '{') return is_wkt(text);
    struct json_object *o = NULL;
    struct ndc_fault ignored = {0};
    bool good =
        ndc_json_parse(&o, text, &ignored) == NDC_OK && is_geojson_object(o, false);
    json_object_put(o);
    return good;
}
