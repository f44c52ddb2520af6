/* Runs a fuzz target over every file of its corpus: what `make test` does with it, with
 * any compiler. usage: replay CORPUS_DIR; prints TAP. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { INPUT_MAX = 1 << 20 };

static int replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) return 0;
    uint8_t *bytes = malloc(INPUT_MAX);
    size_t n = bytes ? fread(bytes, 1, INPUT_MAX, f) : 0;
    fclose(f);
    /* An exact copy, so that a sanitizer sees a read past the end. */
    uint8_t *exact = malloc(n ? n : 1);
    if (exact && bytes) {
        memcpy(exact, bytes, n);
        LLVMFuzzerTestOneInput(exact, n);
    }
    free(exact);
    free(bytes);
    return 1;
}

int main(int argc, char **argv)
{
    int count = 0, failed = 0;
    DIR *dir = argc > 1 ? opendir(argv[1]) : NULL;
    if (!dir) {
        fprintf(stderr, "usage: %s CORPUS_DIR\n", argv[0]);
        return 2;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        char path[4096];
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof(path), "%s/%s", argv[1], e->d_name);
        if (!replay(path)) failed++;
        count++;
    }
    closedir(dir);
    printf("1..1\n%s 1 - %d inputs\n", failed || !count ? "not ok" : "ok", count);
    return failed || !count;
}
