/* Runs a Node test of the registry's routes once on each kind of database:
 * test_http NODE SCRIPT NDC runs `NODE SCRIPT NDC DATABASE-URL`, which prints TAP. */
#include "tests/db.h"

#include <sys/wait.h>
#include <unistd.h>

static char **arguments;

static void test_over_http(void **state)
{
    const char *url = test_db_kind(state) == NDC_POSTGRES ? test_db_url(state) : "";
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl(arguments[1], arguments[1], arguments[2], arguments[3], url, (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {TEST_ON_BOTH(test_over_http)};
    arguments = argv;
    return argc == 4 ? test_db_run(tests) : 2;
}
