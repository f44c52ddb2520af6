/* Following a source: what state it is in, and start, stop and a new snapshot. Nothing
 * here is personal: positions, sizes, names of files. */
#include "platforms/registry/capture/capture.h"
#include "platforms/registry/serve/http.h"

static enum ndc_err not_followed(struct ndc_str source, struct ndc_fault *fault)
{
    return ndc_fail_at(fault, NDC_ENOTFOUND, "capture.not_followed", "source", 0,
                       "source \"%.*s\" is not followed",
                       (int)NDC_MIN(source.len, (size_t)NDC_SOURCE_ID_MAX), source.ptr);
}

static void write_slot(struct ndc_json *j, const struct ndc_capture_status *s)
{
    ndc_json_key(j, "slot");
    if (!s->slot_known) {
        ndc_json_null(j);
        return;
    }
    ndc_json_object(j);
    ndc_json_kv_c(j, "name", s->slot);
    ndc_json_kv_c(j, "wal_status", s->wal_status);
    ndc_json_kv_u64(j, "lag_bytes", s->lag_bytes);
    ndc_json_kv_u64(j, "retained_bytes", s->retained_bytes);
    ndc_json_key(j, "safe_bytes");
    if (s->safe_bytes < 0)
        ndc_json_null(j);
    else
        ndc_json_i64(j, s->safe_bytes);
    ndc_json_end(j);
}

static void write_files(struct ndc_json *j, const struct ndc_capture_status *s)
{
    ndc_json_key(j, "files");
    if (s->slot_known || (!s->file[0] && !s->files_taken)) {
        ndc_json_null(j);
        return;
    }
    ndc_json_object(j);
    ndc_json_kv_c(j, "file", s->file);
    ndc_json_kv_u64(j, "bytes", s->file_bytes);
    ndc_json_kv_u64(j, "done", s->file_at);
    ndc_json_kv_u64(j, "taken", s->files_taken);
    ndc_json_kv_u64(j, "waiting", s->files_waiting);
    ndc_json_end(j);
}

enum ndc_err ndc_registry_get_capture(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    struct ndc_capture_status s;
    struct ndc_str source = ndc_request_param(req, "source");
    struct ndc_capture *capture = ndc_registry_of(req)->capture;
    if (!capture || !ndc_capture_status(capture, source, &s))
        return not_followed(source, fault);
    ndc_json_object(j);
    ndc_json_kv_str(j, "source", source);
    ndc_json_kv_c(j, "state", ndc_capture_state_name(s.state));
    ndc_time_kv(j, "since", s.state_ms);
    ndc_json_kv_str(j, "code", s.code[0] ? ndc_str(s.code) : NDC_STR_NULL);
    ndc_json_kv_str(j, "reason", s.reason[0] ? ndc_str(s.reason) : NDC_STR_NULL);
    ndc_json_kv_str(j, "note", s.note[0] ? ndc_str(s.note) : NDC_STR_NULL);
    ndc_json_kv_bool(j, "caught_up", s.caught_up);
    ndc_time_kv(j, "caught_up_at", s.caught_up_ms);
    ndc_time_kv(j, "changed_at", s.change_ms);
    ndc_json_kv_u64(j, "changes", s.changes);
    ndc_json_kv_u64(j, "late", s.late);
    ndc_json_kv_u64(j, "quarantined", s.quarantined);
    ndc_json_kv_u64(j, "snapshots", s.snapshots);
    ndc_json_kv_u64(j, "losses", s.losses);
    write_slot(j, &s);
    write_files(j, &s);
    ndc_json_end(j);
    return NDC_OK;
}

enum ndc_err ndc_registry_post_capture(struct ndc_request *req, struct ndc_fault *fault)
{
    struct json_object *body;
    enum ndc_capture_action action = NDC_CAPTURE_START;
    struct ndc_str source = ndc_request_param(req, "source");
    struct ndc_capture *capture = ndc_registry_of(req)->capture;
    NDC_TRY(ndc_request_json(req, &body, fault));
    struct ndc_str word = ndc_json_get_str(body, "action");
    if (!capture) return not_followed(source, fault);
    if (ndc_str_eq(word, NDC_STR("stop"))) action = NDC_CAPTURE_STOP;
    if (ndc_str_eq(word, NDC_STR("snapshot"))) action = NDC_CAPTURE_NEW_SNAPSHOT;
    NDC_TRY(ndc_capture_act(capture, source, action, fault));
    ndc_json_object(&req->json);
    ndc_json_kv_str(&req->json, "source", source);
    ndc_json_end(&req->json);
    return NDC_OK;
}
