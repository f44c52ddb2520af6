/* Jobs over HTTP. Whoever started a job may watch and cancel it; others need core.jobs.
 */
#include "core/jobs_http.h"

#include "core/app.h"
#include "core/topics.h"
#include "sys/clock.h"

#include <stdio.h>

enum { JSON_BYTES_MAX = 1 << 20, TOPIC_MAX = 64 };

static void write_rate(struct ndc_json *j, const struct ndc_job_info *job)
{
    int64_t end = job->finished_ms ? job->finished_ms : ndc_clock_wall_ms();
    double s = (double)(end - job->started_ms) * 1e-3;
    bool known = job->started_ms && s > 0.2 && job->done > 0;
    double rate = known ? (double)job->done / s : 0;
    ndc_json_key(j, "rate");
    if (known)
        ndc_json_f64(j, (double)(int64_t)(rate * 10) / 10);
    else
        ndc_json_null(j);
    ndc_json_key(j, "remaining_s");
    if (known && job->state == NDC_JOB_RUNNING && job->total > job->done)
        ndc_json_i64(j, (int64_t)((double)(job->total - job->done) / rate) + 1);
    else
        ndc_json_null(j);
}

void ndc_job_write(struct ndc_json *j, const struct ndc_job_info *job)
{
    ndc_json_object(j);
    ndc_json_kv_str(j, "id", job->id);
    ndc_json_kv_str(j, "platform", job->platform);
    ndc_json_kv_str(j, "kind", job->kind);
    ndc_json_kv_c(j, "state", ndc_job_state_name(job->state));
    ndc_json_kv_str(j, "phase", job->phase);
    ndc_json_kv_i64(j, "done", job->done);
    ndc_json_kv_i64(j, "total", job->total);
    ndc_json_kv_str(j, "unit", job->unit);
    write_rate(j, job);
    ndc_json_kv_time(j, "created_at", job->created_ms);
    ndc_json_kv_time(j, "started_at", job->started_ms);
    ndc_json_kv_time(j, "finished_at", job->finished_ms);
    ndc_json_kv_str(j, "principal", job->principal);
    ndc_json_kv_i64(j, "attempts", job->attempts);
    ndc_json_kv_bool(j, "cancel_requested", job->cancel_requested);
    ndc_json_kv_str(j, "error", job->error.len ? job->error : NDC_STR_NULL);
    ndc_json_kv_str(j, "error_code",
                    job->error_code.len ? job->error_code : NDC_STR_NULL);
    ndc_json_key(j, "result");
    if (job->result.len)
        ndc_json_raw(j, job->result);
    else
        ndc_json_null(j);
    ndc_json_end(j);
}

static bool has_ended(const struct ndc_job_info *job)
{
    return job->state != NDC_JOB_QUEUED && job->state != NDC_JOB_RUNNING;
}

void ndc_jobs_tell(void *arg, const struct ndc_job_info *job)
{
    struct ndc_topics *topics = ndc_app_topics(arg);
    struct ndc_buf text;
    struct ndc_json j;
    char name[TOPIC_MAX];
    ndc_buf_init(&text, JSON_BYTES_MAX);
    ndc_json_init(&j, &text);
    ndc_job_write(&j, job);
    /* An event is one line; a result may have been stored with breaks in it. */
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\n' || text.ptr[i] == '\r') text.ptr[i] = ' ';
    int n = snprintf(name, sizeof(name), "job:%.*s", NDC_STR_FMT(job->id));
    struct ndc_str topic = ndc_str_n(name, NDC_MIN((size_t)n, sizeof(name) - 1));
    if (topics && !text.failed) {
        if (has_ended(job))
            ndc_topic_finish(topics, topic, NULL, ndc_buf_str(&text));
        else
            ndc_topic_publish(topics, topic, NULL, ndc_buf_str(&text));
        ndc_topic_publish(topics, NDC_STR("jobs"), NULL, ndc_buf_str(&text));
    }
    ndc_buf_free(&text);
}

static enum ndc_err find_job(struct ndc_request *req, struct ndc_job_info *job,
                             struct ndc_fault *fault)
{
    enum ndc_err err = ndc_job_get(ndc_app_jobs(req->app), req->arena,
                                   ndc_request_param(req, "id"), job, fault);
    if (err != NDC_OK) return err;
    if (ndc_str_eq(job->principal, req->principal->id) ||
        ndc_principal_may(req->principal, "core.jobs"))
        return NDC_OK;
    return ndc_fail(fault, NDC_EDENIED, "auth.permission",
                    "this needs the permission core.jobs, or to have started the job");
}

static enum ndc_err get_job(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_job_info job;
    enum ndc_err err = find_job(req, &job, fault);
    if (err == NDC_OK) ndc_job_write(&req->json, &job);
    return err;
}

static enum ndc_err watch_job(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_job_info job;
    struct ndc_buf text;
    struct ndc_json j;
    enum ndc_err err = find_job(req, &job, fault);
    if (err != NDC_OK) return err;
    struct ndc_str name = ndc_arena_printf(req->arena, "job:%.*s", NDC_STR_FMT(job.id));
    struct ndc_topic *topic = ndc_topic_get(ndc_app_topics(req->app), name);
    ndc_request_events(req, topic, NDC_STR(""));
    /* Read again now that we hear of every change: none falls between. */
    err = ndc_job_get(ndc_app_jobs(req->app), req->arena, job.id, &job, fault);
    if (err != NDC_OK) return err;
    ndc_buf_init(&text, JSON_BYTES_MAX);
    ndc_json_init(&j, &text);
    ndc_job_write(&j, &job);
    ndc_request_events_first(req, ndc_buf_str(&text), has_ended(&job));
    ndc_buf_free(&text);
    return NDC_OK;
}

static enum ndc_err cancel_job(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_job_info job;
    struct ndc_jobs *jobs = ndc_app_jobs(req->app);
    enum ndc_err err = find_job(req, &job, fault);
    if (err == NDC_OK) err = ndc_job_cancel(jobs, job.id, fault);
    if (err == NDC_OK) err = ndc_job_get(jobs, req->arena, job.id, &job, fault);
    if (err != NDC_OK) return err;
    ndc_request_audit(req, "job.cancel", NDC_STR(""), NULL);
    ndc_job_write(&req->json, &job);
    return NDC_OK;
}

static enum ndc_err list_jobs(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_job_info *jobs;
    struct ndc_json *j = &req->json;
    size_t n;
    struct ndc_str platform = ndc_request_query(req, "platform");
    struct ndc_str before = ndc_request_query(req, "before");
    struct ndc_str state = ndc_request_query(req, "state");
    enum ndc_err err = ndc_job_list(
        ndc_app_jobs(req->app), req->arena, platform.ptr ? platform : NDC_STR(""),
        before.ptr ? before : NDC_STR(""),
        (size_t)ndc_request_query_i64(req, "limit", 100), &jobs, &n, fault);
    if (err != NDC_OK) return err;
    ndc_json_object(j);
    ndc_json_key(j, "jobs");
    ndc_json_array(j);
    for (size_t i = 0; i < n; i++)
        if (!state.ptr || ndc_str_eq_c(state, ndc_job_state_name(jobs[i].state)))
            ndc_job_write(j, &jobs[i]);
    ndc_json_end(j);
    ndc_json_end(j);
    return NDC_OK;
}

#define JOB                                                                          \
    "{id:string,platform:string,kind:string,state:(queued|running|succeeded|failed|" \
    "canceled),phase:string|null,done:int,total:int,unit:string|null,"               \
    "rate:number|null,remaining_s:int|null,created_at:time|null,"                    \
    "started_at:time|null,finished_at:time|null,principal:string,attempts:int,"      \
    "cancel_requested:bool,error:string|null,error_code:string|null,result:any}"

const struct ndc_route ndc_jobs_routes[] = {
    {.method = "GET",
     .path = "/api/jobs",
     .permission = "core.jobs",
     .flags = NDC_ROUTE_SLOW,
     .handler = list_jobs,
     .query = "{platform?:string,state?:(queued|running|succeeded|failed|canceled),"
              "before?:string,limit?:int[1..1000]=100}",
     .response = "{jobs:[" JOB "]}",
     .summary = "Jobs, newest first",
     .tag = "Jobs"},
    {.method = "GET",
     .path = "/api/jobs/{id}",
     .flags = NDC_ROUTE_SLOW,
     .handler = get_job,
     .response = JOB,
     .summary = "A job: how far it is, how fast it goes, how it ended",
     .tag = "Jobs"},
    {.method = "GET",
     .path = "/api/jobs/{id}/events",
     .flags = NDC_ROUTE_SLOW,
     .handler = watch_job,
     .response_type = "text/event-stream",
     .summary = "The same, live, as server-sent events until the job ends",
     .tag = "Jobs"},
    {.method = "POST",
     .path = "/api/jobs/{id}/cancel",
     .flags = NDC_ROUTE_SLOW,
     .handler = cancel_job,
     .response = JOB,
     .summary = "Ask a job to stop",
     .tag = "Jobs"},
};
