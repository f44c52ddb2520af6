/* Runs the Node test of following over HTTP once on each kind of database, beside a
 * database to follow: test_http NODE SCRIPT NDC runs `NODE SCRIPT NDC DATABASE-URL
 * ORIGIN-URL`. */
#include "tests/registry/capture/target.h"

#include <sys/wait.h>
#include <unistd.h>

static char **arguments;

static void test_over_http(void **state)
{
    const char *url = test_db_kind(state) == NDC_POSTGRES ? test_db_url(state) : "";
    origin_new();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl(arguments[1], arguments[1], arguments[2], arguments[3], url, origin_url(),
              (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    origin_free();
    assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

int main(int argc, char **argv)
{
    test_pg_setting("wal_level=logical");
    test_pg_setting("max_replication_slots=20");
    const struct CMUnitTest tests[] = {TEST_ON_BOTH(test_over_http)};
    arguments = argv;
    return argc == 4 ? test_db_run(tests) : 2;
}
