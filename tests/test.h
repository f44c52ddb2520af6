/* What every cmocka test includes, in the order cmocka asks for. */
#ifndef NDC_TESTS_TEST_H
#define NDC_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

/* Where other people's test data lies, or NULL (the test then calls skip()). */
static inline const char *test_data_dir(void)
{
    const char *dir = getenv("NDC_TEST_DATA");
    if (!dir || !*dir) dir = "../shared/data";
    static char probe[4096];
    snprintf(probe, sizeof(probe), "%s/README.md", dir);
    FILE *f = fopen(probe, "r");
    if (!f) {
        printf("skipped: no ../shared/data\n");
        return NULL;
    }
    fclose(f);
    return dir;
}

#define assert_str_eq(s, lit)                                                           \
    do {                                                                                \
        struct ndc_str str_ = (s);                                                      \
        if (!ndc_str_eq_c(str_, lit))                                                   \
            fail_msg("\"%.*s\" is not \"%s\"", NDC_STR_FMT(str_), (const char *)(lit)); \
    } while (0)

#endif
