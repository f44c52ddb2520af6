/* Things of the demo nation (things.h). Numbers of owners and pupils are as the database
 * has them, mistakes included, so some lead nowhere, as in life. */
#include "platforms/registry/demo/things.h"

#include "base/embed.h"
#include "base/hash.h"
#include "sys/file.h"

#include <math.h>
#include <stdio.h>

extern const struct ndc_embed ndc_demo_thing_declarations[];

enum { PATH_BYTES = 4096, PARCELS = 0, SCHOOLS, ENROLMENTS, FILES };

struct demo_things {
    FILE *files[FILES];
    struct ndc_dict schools;
    uint64_t enrolments;
};

static const char *const names[FILES] = {"parcels.csv", "schools.csv", "enrolments.csv"};
static const char *const heads[FILES] = {
    ("ma_thua,so_thua,to_ban_do,dien_tich_m2,loai_dat,dia_chi,ngay_cap,hinh_the,"
     "so_giay_to,ma_so_thue\n"),
    "ma_truong,ten_truong,cap_hoc\n",
    "ma_ghi_danh,cap_hoc,cap_nhat,so_dinh_danh,ma_truong\n"};

enum ndc_err demo_things_open(struct demo_things **out, const char *folder,
                              struct ndc_fault *fault)
{
    struct demo_things *t = *out = ndc_xcalloc(1, sizeof(*t));
    char path[PATH_BYTES];
    enum ndc_err err = ndc_file_mkdirs(folder, fault);
    ndc_dict_init(&t->schools);
    for (const struct ndc_embed *f = ndc_demo_thing_declarations; f->name && !err; f++) {
        snprintf(path, sizeof(path), "%s/%s", folder, f->name);
        err = ndc_file_write(path, ndc_str_n(f->bytes, f->len), 0640, fault);
    }
    for (int i = 0; i < FILES && !err; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        t->files[i] = fopen(path, "wb");
        if (!t->files[i] || fputs(heads[i], t->files[i]) < 0)
            err = ndc_fail_errno(fault, "io.open", "create", path);
    }
    return err;
}

/* One row of CSV, every cell quoted. */
static enum ndc_err put_row(struct demo_things *t, int file, const struct ndc_str *cells,
                            size_t n, struct ndc_fault *fault)
{
    struct ndc_buf row;
    ndc_buf_init(&row, 1 << 16);
    for (size_t i = 0; i < n; i++) {
        ndc_buf_add_c(&row, i ? ",\"" : "\"");
        for (size_t k = 0; k < cells[i].len; k++) {
            if (cells[i].ptr[k] == '"') ndc_buf_add_byte(&row, '"');
            ndc_buf_add_byte(&row, (uint8_t)cells[i].ptr[k]);
        }
        ndc_buf_add_byte(&row, '"');
    }
    ndc_buf_add_byte(&row, '\n');
    bool good = !row.failed && fwrite(row.ptr, 1, row.len, t->files[file]) == row.len;
    ndc_buf_free(&row);
    return good ? NDC_OK : ndc_fail_errno(fault, "io.write", "write", names[file]);
}

/* A rectangle of the parcel's area, twice as deep as it is wide, in metres. */
static struct ndc_str shape_of(struct ndc_str area, char *out, size_t size)
{
    double square_metres;
    if (!ndc_str_to_f64(area, &square_metres) || square_metres <= 0) return NDC_STR("");
    double width = sqrt(square_metres / 2);
    int n = snprintf(out, size, "POLYGON((0 0, %.1f 0, %.1f %.1f, 0 %.1f, 0 0))", width,
                     width, 2 * width, 2 * width);
    return ndc_str_n(out, (size_t)n);
}

static enum ndc_err take_parcel(struct demo_things *t, const struct ndc_str *f,
                                bool organisation, struct ndc_fault *fault)
{
    char shape[160], code[64];
    /* The columns of land.csv and land_organisations.csv, table.c. */
    unsigned place = organisation ? 4 : 5;
    int n = snprintf(code, sizeof(code), "T%.*s", NDC_STR_FMT(f[0]));
    const struct ndc_str cells[] = {ndc_str_n(code, (size_t)n),
                                    f[1],
                                    f[2],
                                    f[3],
                                    organisation ? NDC_STR("") : f[4],
                                    f[place],
                                    organisation ? f[8] : f[11],
                                    shape_of(f[3], shape, sizeof(shape)),
                                    organisation ? NDC_STR("") : f[8],
                                    organisation ? f[6] : NDC_STR("")};
    return put_row(t, PARCELS, cells, NDC_ARRAY_LEN(cells), fault);
}

static enum ndc_err take_pupil(struct demo_things *t, const struct ndc_str *f,
                               struct ndc_fault *fault)
{
    char code[24];
    struct ndc_str school = f[6];
    if (!school.len) return NDC_OK;
    uint32_t known = t->schools.count;
    if (ndc_dict_add(&t->schools, school) > known) {
        const struct ndc_str cells[] = {school, f[7], f[8]};
        NDC_TRY(put_row(t, SCHOOLS, cells, NDC_ARRAY_LEN(cells), fault));
    }
    int n =
        snprintf(code, sizeof(code), "GD%010llu", (unsigned long long)++t->enrolments);
    const struct ndc_str cells[] = {ndc_str_n(code, (size_t)n), f[8], f[14], f[4],
                                    school};
    return put_row(t, ENROLMENTS, cells, NDC_ARRAY_LEN(cells), fault);
}

enum ndc_err demo_things_take(struct demo_things *t, const struct ndc_demo_chunk *chunk,
                              struct ndc_fault *fault)
{
    const struct ndc_str *f = chunk->fields;
    enum ndc_err err = NDC_OK;
    for (size_t i = 0; i < chunk->row_count && !err;
         i++, f += chunk->table->column_count) {
        if (chunk->id == NDC_DEMO_LAND || chunk->id == NDC_DEMO_LAND_ORGANISATIONS)
            err = take_parcel(t, f, chunk->id == NDC_DEMO_LAND_ORGANISATIONS, fault);
        else if (chunk->id == NDC_DEMO_EDUCATION)
            err = take_pupil(t, f, fault);
    }
    return err;
}

enum ndc_err demo_things_close(struct demo_things *t, struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    if (!t) return NDC_OK;
    for (int i = 0; i < FILES; i++)
        if (t->files[i] && fclose(t->files[i]) != 0 && !err)
            err = ndc_fail_errno(fault, "io.write", "write", names[i]);
    ndc_dict_free(&t->schools);
    free(t);
    return err;
}
