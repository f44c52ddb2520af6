/* Databases for tests; see db.h. */
#include "tests/db.h"

#include "base/buf.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

char test_on_sqlite[] = "sqlite", test_on_postgres[] = "postgres";

static char folder[64];
static pid_t owner; /* the process that made the folder: forked children leave it */
static char bin[256];
static char pg_data[128];
static pid_t pg_pid;
static bool pg_absent, pg_sync;
static const char *pg_settings[8];
static size_t pg_settings_n;
static unsigned databases;

static void remove_all(void)
{
    if (!folder[0] || getpid() != owner) return;
    if (pg_pid > 0) {
        kill(pg_pid, SIGQUIT);
        waitpid(pg_pid, NULL, 0);
        pg_pid = 0;
    }
    struct ndc_fault fault = {0};
    if (ndc_file_remove_tree(folder, &fault)) printf("# %s\n", fault.message);
    folder[0] = '\0';
}

int test_db_teardown(void **state)
{
    (void)state;
    remove_all();
    return 0;
}

const char *test_db_folder(void)
{
    if (folder[0]) return folder;
    snprintf(folder, sizeof(folder), "/tmp/ndc-test-XXXXXX");
    if (!mkdtemp(folder)) {
        perror("mkdtemp");
        exit(1);
    }
    chmod(folder, 0755);
    owner = getpid();
    atexit(remove_all);
    return folder;
}

enum ndc_store_kind test_db_kind(void **state)
{
    return *state == test_on_postgres ? NDC_POSTGRES : NDC_SQLITE;
}

/* The newest /usr/lib/postgresql/N/bin. */
static bool find_bin(void)
{
    const char *given = getenv("NDC_TEST_POSTGRES_BIN");
    if (given) {
        snprintf(bin, sizeof(bin), "%s", given);
        return true;
    }
    DIR *dir = opendir("/usr/lib/postgresql");
    int64_t best = 0;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        int64_t version;
        if (ndc_str_to_i64(ndc_str(e->d_name), &version) && version > best) {
            char probe[128];
            snprintf(probe, sizeof(probe), "/usr/lib/postgresql/%lld/bin/initdb",
                     (long long)version);
            if (access(probe, X_OK) == 0) best = version;
        }
    }
    if (dir) closedir(dir);
    snprintf(bin, sizeof(bin), "/usr/lib/postgresql/%lld/bin", (long long)best);
    return best > 0;
}

/* In the child: becomes a user that PostgreSQL agrees to run as, runs the program. */
static void become(char *program, char *args[])
{
    args[0] = program; /* PostgreSQL finds its other programs beside this one */
    if (geteuid() == 0) {
        struct passwd *pw = getpwnam("postgres");
        if (!pw) pw = getpwnam("nobody");
        if (!pw || setgroups(0, NULL) || setgid(pw->pw_gid) || setuid(pw->pw_uid)) {
            _exit(126);
        }
    }
    /* if the test dies, so does its database */
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    char log[192];
    snprintf(log, sizeof(log), "%s/postgres.log", pg_data);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    int in = open("/dev/null", O_RDONLY);
    if (fd < 0 || in < 0 || chdir("/") != 0) _exit(125);
    dup2(in, 0);
    dup2(fd, 1);
    dup2(fd, 2);
    for (int i = 3; i < 256; i++)
        close(i);
    setpgid(0, 0);
    execv(program, args);
    _exit(127);
}

static pid_t spawn(const char *name, char *args[])
{
    char program[300];
    snprintf(program, sizeof(program), "%s/%s", bin, name);
    pid_t pid = fork();
    if (pid == 0) become(program, args);
    return pid;
}

static void show_log(void)
{
    char path[192];
    struct ndc_buf buf;
    struct ndc_fault fault = {0};
    snprintf(path, sizeof(path), "%s/postgres.log", pg_data);
    ndc_buf_init(&buf, 1 << 20);
    if (ndc_file_read(&buf, path, &fault) == NDC_OK) {
        printf("%.*s\n", NDC_STR_FMT(ndc_buf_str(&buf)));
    }
    ndc_buf_free(&buf);
}

static void run_sql(const char *conninfo, const char *sql)
{
    PGconn *c = PQconnectdb(conninfo);
    PGresult *r = PQexec(c, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK) {
        printf("# %s: %s\n", sql, PQerrorMessage(c));
        exit(1);
    }
    PQclear(r);
    PQfinish(c);
}

static void pg_command(const char *sql)
{
    char conninfo[224];
    snprintf(conninfo, sizeof(conninfo), "host=%s dbname=postgres user=ndc", pg_data);
    run_sql(conninfo, sql);
}

static bool start_once(void)
{
    char sockets[192];
    snprintf(sockets, sizeof(sockets), "unix_socket_directories=%s", pg_data);
    char data[] = "data";
    char path[192];
    snprintf(path, sizeof(path), "%s/%s", pg_data, data);
    char *args[64] = {"postgres",
                      "-D",
                      path,
                      "-c",
                      "listen_addresses=",
                      "-c",
                      sockets,
                      "-c",
                      pg_sync ? "fsync=on" : "fsync=off",
                      "-c",
                      "max_connections=80",
                      "-c",
                      "shared_buffers=128MB",
                      "-c",
                      "max_wal_size=2GB",
                      "-c",
                      "autovacuum=off",
                      "-c",
                      "log_min_messages=warning",
                      "-c",
                      "dynamic_shared_memory_type=posix",
                      NULL};
    size_t n = 0;
    while (args[n])
        n++;
    for (size_t i = 0; i < pg_settings_n; i++) {
        args[n++] = "-c";
        args[n++] = (char *)(uintptr_t)pg_settings[i];
    }
    pg_pid = spawn("postgres", args);
    char conninfo[224];
    snprintf(conninfo, sizeof(conninfo), "host=%s dbname=postgres user=ndc", pg_data);
    for (unsigned i = 0; i < 6000; i++) {
        if (PQping(conninfo) == PQPING_OK) return true;
        if (waitpid(pg_pid, NULL, WNOHANG) == pg_pid) return false;
        ndc_clock_sleep_ms(20);
    }
    return false;
}

/* After a kill the processes of before may still be leaving: the new one then refuses the
 * memory that they share, and is asked again. */
static void start(void)
{
    for (int i = 0; i < 100; i++) {
        if (start_once()) return;
        ndc_clock_sleep_ms(100);
    }
    printf("# PostgreSQL did not start\n");
    show_log();
    exit(1);
}

static bool start_first(void)
{
    if (pg_pid > 0) return true;
    if (pg_absent) return false;
    if (!find_bin()) {
        pg_absent = true;
        return false;
    }
    snprintf(pg_data, sizeof(pg_data), "%s/pg", test_db_folder());
    if (mkdir(pg_data, 0755) != 0) exit(1);
    struct passwd *pw = getpwnam("postgres");
    if (!pw) pw = getpwnam("nobody");
    if (geteuid() == 0 && (!pw || chown(pg_data, pw->pw_uid, pw->pw_gid) != 0)) exit(1);
    char path[192];
    snprintf(path, sizeof(path), "%s/data", pg_data);
    char *args[] = {
        "initdb",          "-D",        path, "-U", "ndc", "--auth=trust", "--locale=C",
        "--encoding=UTF8", "--no-sync", NULL};
    int status = 0;
    pid_t pid = spawn("initdb", args);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        printf("# initdb failed (%d)\n", status);
        show_log();
        exit(1);
    }
    start();
    return true;
}

void test_pg_kill(void)
{
    NDC_ASSERT(pg_pid > 0);
    /* its children notice that the postmaster is gone, and end; they hold the shared
     * memory until then, so the next start has to wait for them: kill the group */
    kill(-pg_pid, SIGKILL);
    kill(pg_pid, SIGKILL);
    waitpid(pg_pid, NULL, 0);
    ndc_clock_sleep_ms(50);
    pg_pid = 0;
}

void test_pg_restart(void)
{
    NDC_ASSERT(pg_pid == 0);
    char path[192];
    snprintf(path, sizeof(path), "%s/data/postmaster.pid", pg_data);
    unlink(path);
    start();
}

static int64_t others_connected(PGconn *c)
{
    int64_t n = -1;
    PGresult *r = PQexec(c, "SELECT count(*) FROM pg_stat_activity WHERE datname = "
                            "current_database() AND pid <> pg_backend_pid()");
    if (PQresultStatus(r) == PGRES_TUPLES_OK)
        ndc_str_to_i64(ndc_str(PQgetvalue(r, 0, 0)), &n);
    PQclear(r);
    return n;
}

void test_pg_left(const char *url)
{
    enum { PATIENCE_MS = 10000 };
    if (strncmp(url, "postgres:", 9) != 0) return;
    PGconn *c = PQconnectdb(url + 9);
    int64_t others = -1;
    for (int waited = 0; waited < PATIENCE_MS; waited++) {
        if ((others = others_connected(c)) <= 0) break;
        ndc_clock_sleep_ms(1);
    }
    PQfinish(c);
    if (others) fail_msg("%lld connections are left over", (long long)others);
}

void test_pg_setting(const char *setting)
{
    NDC_ASSERT(pg_settings_n < NDC_ARRAY_LEN(pg_settings));
    pg_settings[pg_settings_n++] = setting;
}

void test_pg_sync_on(void)
{
    if (!start_first() || pg_sync) return;
    kill(pg_pid, SIGINT);
    waitpid(pg_pid, NULL, 0);
    pg_sync = true;
    start();
}

const char *test_db_url(void **state)
{
    static char urls[256][224];
    NDC_ASSERT(databases < NDC_ARRAY_LEN(urls));
    char *url = urls[databases++];
    if (test_db_kind(state) == NDC_SQLITE) {
        if (getenv("NDC_TEST_SHARDS")) skip(); /* shards are on PostgreSQL */
        snprintf(url, sizeof(urls[0]), "sqlite:%s/test-%u.db", test_db_folder(),
                 databases);
        return url;
    }
    if (!start_first()) {
        printf("skipped: no PostgreSQL under /usr/lib/postgresql\n");
        skip();
    }
    char sql[64];
    snprintf(sql, sizeof(sql), "CREATE DATABASE test_%u", databases);
    pg_command(sql);
    snprintf(url, sizeof(urls[0]), "postgres:host=%s user=ndc dbname=test_%u", pg_data,
             databases);
    return url;
}

const char *test_db_fresh(const char *server)
{
    static char urls[64][320];
    static unsigned count;
    NDC_ASSERT(count < NDC_ARRAY_LEN(urls) && strncmp(server, "postgres:", 9) == 0);
    char name[64], sql[128], *url = urls[count++];
    snprintf(name, sizeof(name), "test_%ld_%u", (long)getpid(), count);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
    run_sql(server + 9, sql);
    snprintf(url, sizeof(urls[0]), "%s dbname=%s", server, name);
    return url;
}

struct ndc_store *test_db_open(void **state, const struct ndc_store_options *options)
{
    struct ndc_store *store;
    struct ndc_fault fault = {0};
    const char *url = test_db_url(state);
    assert_ok(ndc_store_open(&store, url, options, &fault), &fault);
    return store;
}
