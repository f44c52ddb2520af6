/* Merkle trees: the vectors every Certificate Transparency log is checked with, and every
 * proof of every small tree. */
#include "tests/test.h"

#include "crypto/merkle.h"

static const char *const inputs[8] = {"",
                                      "00",
                                      "10",
                                      "2021",
                                      "3031",
                                      "40414243",
                                      "5051525354555657",
                                      "606162636465666768696a6b6c6d6e6f"};

static const char *const roots[9] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

enum { LEAVES = 70 };

struct tree {
    struct ndc_merkle_hasher *h;
    struct ndc_merkle_hash leaves[LEAVES];
    struct ndc_merkle_hash roots[LEAVES + 1];
};

static bool subtree(void *ctx, unsigned level, uint64_t index,
                    struct ndc_merkle_hash *out)
{
    struct tree *t = ctx;
    if (level == 0) {
        *out = t->leaves[index];
        return true;
    }
    struct ndc_merkle_hash l, r;
    if (!subtree(ctx, level - 1, 2 * index, &l)) return false;
    if (!subtree(ctx, level - 1, 2 * index + 1, &r)) return false;
    *out = ndc_merkle_node(t->h, &l, &r);
    return true;
}

static void build(struct tree *t)
{
    struct ndc_merkle_frontier f = {0};
    t->h = ndc_merkle_hasher_new();
    t->roots[0] = ndc_merkle_root(&f, t->h);
    for (size_t i = 0; i < LEAVES; i++) {
        char data[16];
        size_t n = 0;
        if (i < 8) {
            for (const char *hex = inputs[i]; hex[2 * n]; n++)
                data[n] = (char)strtol((char[]){hex[2 * n], hex[2 * n + 1], 0}, NULL, 16);
        } else {
            n = (size_t)snprintf(data, sizeof(data), "leaf %zu", i);
        }
        t->leaves[i] = ndc_merkle_leaf(t->h, ndc_str_n(data, n));
        ndc_merkle_append(&f, t->h, &t->leaves[i]);
        t->roots[i + 1] = ndc_merkle_root(&f, t->h);
    }
}

static void assert_hex(const struct ndc_merkle_hash *hash, const char *hex)
{
    char text[65];
    struct ndc_merkle_hash back;
    ndc_merkle_to_hex(text, hash);
    assert_string_equal(text, hex);
    assert_true(ndc_merkle_from_hex(&back, ndc_str(hex)));
    assert_true(ndc_merkle_eq(&back, hash));
}

static void test_known_roots(void **state)
{
    (void)state;
    struct tree t;
    build(&t);
    for (size_t n = 0; n <= 8; n++)
        assert_hex(&t.roots[n], roots[n]);
    struct ndc_merkle_source src = {subtree, &t};
    for (size_t n = 0; n <= LEAVES; n++) {
        struct ndc_merkle_hash root;
        assert_true(ndc_merkle_root_at(&root, &src, t.h, n));
        assert_true(ndc_merkle_eq(&root, &t.roots[n]));
    }
    ndc_merkle_hasher_free(t.h);
}

static void test_known_proofs(void **state)
{
    (void)state;
    static const char *const one[3] = {
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"};
    static const char *const six_eight[3] = {
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"};
    struct tree t;
    build(&t);
    struct ndc_merkle_source src = {subtree, &t};
    struct ndc_merkle_hash path[NDC_MERKLE_PROOF_MAX];
    size_t n;
    assert_true(ndc_merkle_prove_inclusion(path, &n, &src, t.h, 0, 8));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_hex(&path[i], one[i]);
    assert_true(ndc_merkle_prove_consistency(path, &n, &src, t.h, 1, 8));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_hex(&path[i], one[i]);
    assert_true(ndc_merkle_prove_consistency(path, &n, &src, t.h, 6, 8));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_hex(&path[i], six_eight[i]);
    assert_true(ndc_merkle_prove_consistency(path, &n, &src, t.h, 2, 5));
    assert_int_equal(n, 2);
    assert_hex(&path[0], one[1]);
    assert_hex(&path[1],
               "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b");
    ndc_merkle_hasher_free(t.h);
}

/* Every proof of every tree up to LEAVES holds, and none with a bit, an index, a size or
 * a length changed. */
static void test_inclusion_proofs(void **state)
{
    (void)state;
    struct tree t;
    build(&t);
    struct ndc_merkle_source src = {subtree, &t};
    struct ndc_merkle_hash path[NDC_MERKLE_PROOF_MAX];
    size_t n;
    for (uint64_t size = 1; size <= LEAVES; size++) {
        for (uint64_t i = 0; i < size; i++) {
            const struct ndc_merkle_hash *leaf = &t.leaves[i], *root = &t.roots[size];
            assert_true(ndc_merkle_prove_inclusion(path, &n, &src, t.h, i, size));
            assert_true(ndc_merkle_verify_inclusion(t.h, leaf, i, size, path, n, root));
            assert_false(
                ndc_merkle_verify_inclusion(t.h, leaf, size, size, path, n, root));
            if (n == 0) continue;
            assert_false(
                ndc_merkle_verify_inclusion(t.h, leaf, i ^ 1, size, path, n, root));
            assert_false(
                ndc_merkle_verify_inclusion(t.h, leaf, i, size, path, n - 1, root));
            path[i % n].b[size % 32] ^= 1;
            assert_false(ndc_merkle_verify_inclusion(t.h, leaf, i, size, path, n, root));
        }
    }
    assert_false(ndc_merkle_prove_inclusion(path, &n, &src, t.h, 5, 5));
    ndc_merkle_hasher_free(t.h);
}

static void test_consistency_proofs(void **state)
{
    (void)state;
    struct tree t;
    build(&t);
    struct ndc_merkle_source src = {subtree, &t};
    struct ndc_merkle_hash path[NDC_MERKLE_PROOF_MAX];
    size_t n;
    for (uint64_t b = 1; b <= LEAVES; b++) {
        for (uint64_t a = 1; a <= b; a++) {
            const struct ndc_merkle_hash *ra = &t.roots[a], *rb = &t.roots[b];
            assert_true(ndc_merkle_prove_consistency(path, &n, &src, t.h, a, b));
            assert_true(ndc_merkle_verify_consistency(t.h, a, b, ra, rb, path, n));
            if (a == b) continue;
            assert_false(
                ndc_merkle_verify_consistency(t.h, a, b, &t.roots[a - 1], rb, path, n));
            assert_false(ndc_merkle_verify_consistency(t.h, a, b, ra, ra, path, n));
            assert_false(ndc_merkle_verify_consistency(t.h, a, b, ra, rb, path, n - 1));
            path[a % n].b[b % 32] ^= 0x80;
            assert_false(ndc_merkle_verify_consistency(t.h, a, b, ra, rb, path, n));
        }
    }
    assert_false(ndc_merkle_prove_consistency(path, &n, &src, t.h, 0, 5));
    assert_false(ndc_merkle_prove_consistency(path, &n, &src, t.h, 6, 5));
    ndc_merkle_hasher_free(t.h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_roots),
                                       cmocka_unit_test(test_known_proofs),
                                       cmocka_unit_test(test_inclusion_proofs),
                                       cmocka_unit_test(test_consistency_proofs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
