/* Signatures, verifications and encryptions: OpenSSL alone with one prepared context
 * (what `openssl speed` measures) and tokens of 400 bytes of claims in turns with it;
 * then all else, on one thread and on two, by the clock (op/s) and by processor time of
 * one thread (op/cpu_s), which a busy machine changes little. usage: jose_bench [SECONDS
 * each, default 1]; prints `name value unit`. */
#include "crypto/jwe.h"
#include "crypto/jws.h"
#include "sys/clock.h"
#include "sys/thread.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <time.h>

enum { CLAIMS = 400, THREADS = 2, ROUND = 64 };

static double seconds = 1.0;

struct work {
    struct ndc_jwk *key;
    const char *name;
    struct ndc_str payload, token;
    void (*once)(const struct work *w, struct ndc_buf *out, struct ndc_arena *arena);
    _Atomic uint64_t done, cpu_ns;
};

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- one operation each ---- */

static void sign(const struct work *w, struct ndc_buf *out, struct ndc_arena *arena)
{
    (void)arena;
    NDC_ASSERT(ndc_jws_sign(out, w->key, "at+jwt", w->payload, NULL) == NDC_OK);
}

static void verify(const struct work *w, struct ndc_buf *out, struct ndc_arena *arena)
{
    struct ndc_jws jws;
    (void)out;
    NDC_ASSERT(ndc_jws_parse(&jws, arena, w->token, NULL) == NDC_OK);
    NDC_ASSERT(ndc_jws_verify(&jws, w->key, NULL) == NDC_OK);
    ndc_jws_free(&jws);
}

/* A DPoP proof: the header's key is read, used once and forgotten. */
static void prove(const struct work *w, struct ndc_buf *out, struct ndc_arena *arena)
{
    struct ndc_jws jws;
    struct ndc_jwk *key;
    (void)out;
    NDC_ASSERT(ndc_jws_parse(&jws, arena, w->token, NULL) == NDC_OK);
    NDC_ASSERT(ndc_jws_header_jwk(&key, &jws, NULL) == NDC_OK);
    NDC_ASSERT(ndc_jws_verify(&jws, key, NULL) == NDC_OK);
    ndc_jwk_unref(key);
    ndc_jws_free(&jws);
}

static void encrypt(const struct work *w, struct ndc_buf *out, struct ndc_arena *arena)
{
    (void)arena;
    NDC_ASSERT(ndc_jwe_encrypt(out, w->key, "A256GCM", "JWT", w->payload, NULL) ==
               NDC_OK);
}

static void decrypt(const struct work *w, struct ndc_buf *out, struct ndc_arena *arena)
{
    (void)arena;
    NDC_ASSERT(ndc_jwe_decrypt(out, w->key, w->token, NULL) == NDC_OK);
}

/* ---- OpenSSL alone, and ours in turns with it ---- */

struct raw {
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *sign, *verify;
    unsigned char hash[32], sig[80];
    size_t len;
};

static void raw_once(struct raw *r, bool verifying)
{
    size_t len = sizeof(r->sig);
    if (verifying) {
        NDC_ASSERT(EVP_PKEY_verify(r->verify, r->sig, r->len, r->hash, sizeof(r->hash)) ==
                   1);
    } else {
        NDC_ASSERT(EVP_PKEY_sign(r->sign, r->sig, &len, r->hash, sizeof(r->hash)) == 1);
        r->len = len;
    }
}

static void compare(struct raw *r, const struct work *w, bool verifying)
{
    struct ndc_buf out;
    struct ndc_arena arena;
    int64_t raw_ns = 0, ours_ns = 0;
    uint64_t n = 0;
    const char *what = verifying ? "verify" : "sign";
    ndc_buf_init(&out, 1 << 16);
    ndc_arena_init(&arena, 1 << 20);
    do {
        int64_t from = cpu_ns();
        for (int i = 0; i < ROUND; i++)
            raw_once(r, verifying);
        int64_t middle = cpu_ns();
        for (int i = 0; i < ROUND; i++) {
            ndc_buf_reset(&out);
            ndc_arena_reset(&arena);
            w->once(w, &out, &arena);
        }
        ours_ns += cpu_ns() - middle;
        raw_ns += middle - from;
        n += ROUND;
    } while ((double)(raw_ns + ours_ns) < 4 * seconds * 1e9);
    printf("jose_raw_es256_%s %.0f op/cpu_s\n", what, (double)n * 1e9 / (double)raw_ns);
    printf("jose_es256_%s_beside %.0f op/cpu_s\n", what,
           (double)n * 1e9 / (double)ours_ns);
    printf("jose_es256_%s_of_raw %.1f %%\n", what,
           100.0 * (double)raw_ns / (double)ours_ns);
    ndc_buf_free(&out);
    ndc_arena_free(&arena);
}

static void compare_es256(struct ndc_str payload)
{
    struct raw r = {.pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), .hash = {1}};
    struct work w = {.payload = payload, .once = sign};
    struct ndc_buf token;
    r.sign = EVP_PKEY_CTX_new_from_pkey(NULL, r.pkey, NULL);
    r.verify = EVP_PKEY_CTX_new_from_pkey(NULL, r.pkey, NULL);
    NDC_ASSERT(EVP_PKEY_sign_init(r.sign) == 1 && EVP_PKEY_verify_init(r.verify) == 1);
    NDC_ASSERT(ndc_jwk_generate(&w.key, "ES256", NULL) == NDC_OK);
    ndc_buf_init(&token, 1 << 14);
    NDC_ASSERT(ndc_jws_sign(&token, w.key, "at+jwt", payload, NULL) == NDC_OK);
    compare(&r, &w, false);
    w.once = verify;
    w.token = ndc_buf_str(&token);
    compare(&r, &w, true);
    ndc_buf_free(&token);
    ndc_jwk_unref(w.key);
    EVP_PKEY_CTX_free(r.sign);
    EVP_PKEY_CTX_free(r.verify);
    EVP_PKEY_free(r.pkey);
}

/* ---- ours ---- */

static void run_thread(void *arg, size_t i)
{
    struct work *w = arg;
    struct ndc_buf out;
    struct ndc_arena arena;
    uint64_t n = 0;
    int64_t end = ndc_clock_mono_ns() + (int64_t)(seconds * 1e9), from = cpu_ns();
    (void)i;
    ndc_buf_init(&out, 1 << 16);
    ndc_arena_init(&arena, 1 << 20);
    do {
        for (int k = 0; k < 8; k++) {
            ndc_buf_reset(&out);
            ndc_arena_reset(&arena);
            w->once(w, &out, &arena);
            n++;
        }
    } while (ndc_clock_mono_ns() < end);
    w->done += n;
    w->cpu_ns += (uint64_t)(cpu_ns() - from);
    ndc_buf_free(&out);
    ndc_arena_free(&arena);
}

static void run(struct work *w, const char *what, unsigned threads)
{
    w->done = w->cpu_ns = 0;
    int64_t start = ndc_clock_mono_ns();
    ndc_parallel_for(threads, threads, run_thread, w);
    double took = (double)(ndc_clock_mono_ns() - start) / 1e9;
    const char *on = threads > 1 ? "_2_threads" : "";
    printf("jose_%s_%s%s %.0f op/s\n", w->name, what, on, (double)w->done / took);
    printf("jose_%s_%s%s_cpu %.0f op/cpu_s\n", w->name, what, on,
           (double)w->done * 1e9 / (double)w->cpu_ns);
    fflush(stdout);
}

static void run_both(struct work *w, const char *what)
{
    run(w, what, 1);
    run(w, what, THREADS);
}

static void bench_signatures(const char *alg, const char *name, struct ndc_str payload)
{
    struct ndc_buf token;
    struct work w = {.name = name, .payload = payload, .once = sign};
    NDC_ASSERT(ndc_jwk_generate(&w.key, alg, NULL) == NDC_OK);
    run_both(&w, "sign");
    ndc_buf_init(&token, 1 << 14);
    NDC_ASSERT(ndc_jws_sign(&token, w.key, "at+jwt", payload, NULL) == NDC_OK);
    w.token = ndc_buf_str(&token);
    w.once = verify;
    run_both(&w, "verify");
    ndc_buf_free(&token);
    ndc_jwk_unref(w.key);
}

static void bench_dpop(const char *alg, const char *name)
{
    struct ndc_buf token, members;
    struct ndc_json j;
    struct work w = {.name = name, .once = prove};
    NDC_ASSERT(ndc_jwk_generate(&w.key, alg, NULL) == NDC_OK);
    ndc_buf_init(&token, 1 << 14);
    ndc_buf_init(&members, 1 << 14);
    ndc_buf_add_c(&members, "\"jwk\":");
    ndc_json_init(&j, &members);
    ndc_jwk_public_write(&j, w.key);
    NDC_ASSERT(ndc_jws_sign_header(&token, w.key, "dpop+jwt", ndc_buf_str(&members),
                                   NDC_STR("{\"htm\":\"POST\",\"htu\":\"https://eid.gov."
                                           "vn/eid/token\",\"iat\":1,\"jti\":\"x\"}"),
                                   NULL) == NDC_OK);
    w.token = ndc_buf_str(&token);
    run_both(&w, "dpop");
    ndc_buf_free(&token);
    ndc_buf_free(&members);
    ndc_jwk_unref(w.key);
}

static void bench_encryption(const char *alg, const char *crv, const char *name,
                             struct ndc_str payload)
{
    struct ndc_buf token;
    struct work w = {.name = name, .payload = payload, .once = encrypt};
    NDC_ASSERT(ndc_jwk_generate_on(&w.key, alg, crv, NULL) == NDC_OK);
    run_both(&w, "encrypt");
    ndc_buf_init(&token, 1 << 14);
    NDC_ASSERT(ndc_jwe_encrypt(&token, w.key, "A256GCM", "JWT", payload, NULL) == NDC_OK);
    w.token = ndc_buf_str(&token);
    w.once = decrypt;
    run_both(&w, "decrypt");
    ndc_buf_free(&token);
    ndc_jwk_unref(w.key);
}

int main(int argc, char **argv)
{
    char claims[CLAIMS];
    if (argc > 1 && (!ndc_str_to_f64(ndc_str(argv[1]), &seconds) || seconds <= 0)) {
        fprintf(stderr, "usage: jose_bench [SECONDS]\n");
        return 2;
    }
    memset(claims, 'c', sizeof(claims));
    memcpy(claims, "{\"sub\":\"", 8);
    memcpy(claims + CLAIMS - 2, "\"}", 2);
    struct ndc_str payload = ndc_str_n(claims, sizeof(claims));
    compare_es256(payload);
    bench_signatures("ES256", "es256", payload);
    bench_signatures("EdDSA", "eddsa", payload);
    bench_signatures("RS256", "rs256", payload);
    bench_signatures("PS256", "ps256", payload);
    bench_signatures("HS256", "hs256", payload);
    bench_dpop("ES256", "es256");
    bench_dpop("EdDSA", "eddsa");
    bench_encryption("ECDH-ES+A256KW", NULL, "ecdh_p256", payload);
    bench_encryption("ECDH-ES+A256KW", "X25519", "ecdh_x25519", payload);
    bench_encryption("RSA-OAEP-256", NULL, "rsa_oaep_256", payload);
    bench_encryption("A256KW", NULL, "a256kw", payload);
    return 0;
}
