/* Core's settings: the one place that names them, their defaults and what they do. */
#include "core/config.h"

const struct ndc_setting ndc_core_settings[] = {
    {"data_dir", NDC_SETTING_PATH, "data", NULL, 0, 0, "Storage",
     "Folder for databases, keys and temporary files; one ndc at a time uses it."},
    {"database", NDC_SETTING_TEXT, "sqlite", NULL, 0, 0, "Storage",
     "`sqlite` for a file in data_dir, or `sqlite:PATH`, or `postgres:CONNINFO` (libpq "
     "keywords or a URI).",
     true},
    {"audit_database", NDC_SETTING_TEXT, "sqlite", NULL, 0, 0, "Storage",
     "Database of the audit log, in the same forms.", true},
    {"audit_key", NDC_SETTING_PATH, "", NULL, 0, 0, "Storage",
     "File with the key that signs the audit log's tree heads; empty: audit.key in "
     "data_dir, made at first start."},

    {"listen", NDC_SETTING_TEXT, "127.0.0.1:8080", NULL, 0, 0, "HTTP",
     "ADDRESS:PORT or `unix:PATH` to serve on."},
    {"public_url", NDC_SETTING_TEXT, "", NULL, 0, 0, "HTTP",
     "What browsers type, when a proxy stands in front: `https://ndc.example.vn`. Turns "
     "on secure cookies when it starts with https."},
    {"tls_cert", NDC_SETTING_PATH, "", NULL, 0, 0, "HTTP",
     "PEM file with the certificate and its chain; with tls_key turns on TLS."},
    {"tls_key", NDC_SETTING_PATH, "", NULL, 0, 0, "HTTP", "PEM file with its key."},
    {"client_ca", NDC_SETTING_PATH, "", NULL, 0, 0, "HTTP",
     "PEM file with authorities whose client certificates are accepted."},
    {"client_cert", NDC_SETTING_CHOICE, "optional", "optional|required", 0, 0, "HTTP",
     "Whether every request needs a certificate of client_ca, or only those with an API "
     "key that is bound to one."},
    {"web_dir", NDC_SETTING_PATH, "web/dist", NULL, 0, 0, "HTTP",
     "Folder of the built console, read into memory at start; missing: no console."},
    {"trust_proxy", NDC_SETTING_BOOL, "no", NULL, 0, 0, "HTTP",
     "Believe the last address in X-Forwarded-For: only behind a proxy that sets it."},

    {"http_threads", NDC_SETTING_INT, "0", NULL, 0, 256, "Workers",
     "Threads that serve connections; 0: one per processor."},
    {"slow_threads", NDC_SETTING_INT, "0", NULL, 0, 256, "Workers",
     "Threads for requests over a millisecond; 0: two per processor, at least 4."},
    {"slow_queue", NDC_SETTING_INT, "1024", NULL, 1, 65536, "Workers",
     "Such requests waiting for a thread; one more is answered 503."},
    {"job_threads", NDC_SETTING_INT, "0", NULL, 0, 256, "Workers",
     "Threads for jobs; 0: one per processor."},
    {"password_threads", NDC_SETTING_INT, "1", NULL, 1, 16, "Workers",
     "Passwords checked at once; each takes 64 MiB and about a tenth of a second."},

    {"connections_max", NDC_SETTING_INT, "4096", NULL, 16, 1000000, "Limits",
     "Connections open at once."},
    {"connections_per_address_max", NDC_SETTING_INT, "1024", NULL, 1, 1000000, "Limits",
     "Connections open at once from one network address."},
    {"header_bytes_max", NDC_SETTING_BYTES, "32k", NULL, 4096, 1048576, "Limits",
     "Request line and headers together."},
    {"idle_timeout", NDC_SETTING_TIME, "60s", NULL, 1000, 3600000, "Limits",
     "A connection on which nothing moves is closed after this."},
    {"request_timeout", NDC_SETTING_TIME, "20s", NULL, 1000, 3600000, "Limits",
     "A request's headers must be complete within this."},
    {"body_rate_min", NDC_SETTING_BYTES, "1k", NULL, 1, 1073741824, "Limits",
     "Bytes a second below which a request's body is given up, after 30 s."},

    {"webhook_retry", NDC_SETTING_TIME, "5s", NULL, 10, 3600000, "Webhooks",
     "A failed delivery is tried again after this, then after twice as long, and so on "
     "up to an hour."},
    {"webhook_attempts", NDC_SETTING_INT, "12", NULL, 1, 100, "Webhooks",
     "After so many tries a delivery goes to the dead letters and the next one is sent."},
    {"webhook_timeout", NDC_SETTING_TIME, "10s", NULL, 100, 60000, "Webhooks",
     "An endpoint must have answered within this."},
    {"webhook_private", NDC_SETTING_BOOL, "no", NULL, 0, 0, "Webhooks",
     "Let endpoints be on loopback and private addresses and speak plain HTTP: for tests "
     "and closed networks."},

    {"session_idle", NDC_SETTING_TIME, "30m", NULL, 1000, 2592000000, "Sign-in",
     "A session unused for this long ends."},
    {"session_max", NDC_SETTING_TIME, "12h", NULL, 1000, 2592000000, "Sign-in",
     "A session ends after this, used or not."},

    {"weak_passwords", NDC_SETTING_BOOL, "no", NULL, 0, 0, "Sign-in",
     "Hash passwords at the least cost: for tests only."},

    {"log_level", NDC_SETTING_CHOICE, "info", "debug|info|warn|error", 0, 0, "Logs",
     "Least level that is written to standard error."},
    {"log_format", NDC_SETTING_CHOICE, "text", "text|json", 0, 0, "Logs",
     "Lines for people or for machines."},
    {"log_requests", NDC_SETTING_BOOL, "no", NULL, 0, 0, "Logs",
     "Write a line for every request (method, route, status, time; no personal data)."},

    {"platforms", NDC_SETTING_TEXT, "", NULL, 0, 0, "Platforms",
     "Codes of the platforms to run, separated by spaces; empty: all."},
    {"demo_people", NDC_SETTING_INT, "0", NULL, 0, 200000000, "Platforms",
     "Size of the demo nation to make and integrate at first start; 0: none."},
    {0}};
