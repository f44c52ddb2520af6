/* Signed tree heads: RFC 9162 TreeHeadDataV2 (no extensions) under Ed25519. */
#include "core/audit_internal.h"

static void put_be64(uint8_t *out, uint64_t v)
{
    for (size_t i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

void ndc_audit_head_bytes(uint8_t out[static NDC_AUDIT_HEAD_BYTES],
                          const struct ndc_audit_head *head)
{
    put_be64(out, (uint64_t)head->time_ms);
    put_be64(out + 8, head->size);
    out[16] = NDC_AUDIT_HASH_BYTES;
    memcpy(out + 17, head->root, NDC_AUDIT_HASH_BYTES);
    out[49] = out[50] = 0; /* length of the extensions */
}

void ndc_audit_head_sign(struct ndc_audit_head *head, const struct ndc_sign_key *key)
{
    uint8_t bytes[NDC_AUDIT_HEAD_BYTES];
    ndc_audit_head_bytes(bytes, head);
    ndc_sign(head->signature, key, ndc_str_n((char *)bytes, sizeof(bytes)));
}

bool ndc_audit_head_check(const struct ndc_audit_head *head,
                          const struct ndc_sign_key *key)
{
    uint8_t bytes[NDC_AUDIT_HEAD_BYTES];
    ndc_audit_head_bytes(bytes, head);
    return ndc_sign_verify(
        key, ndc_str_n((char *)bytes, sizeof(bytes)),
        ndc_str_n((const char *)head->signature, sizeof(head->signature)));
}

static void write_hex(struct ndc_json *j, const char *key, const uint8_t *bytes, size_t n)
{
    char hex[2 * NDC_AUDIT_SIGNATURE_BYTES];
    NDC_ASSERT(2 * n <= sizeof(hex));
    for (size_t i = 0; i < n; i++) {
        hex[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    ndc_json_kv_str(j, key, ndc_str_n(hex, 2 * n));
}

void ndc_audit_head_write(struct ndc_json *j, const struct ndc_audit_head *head)
{
    ndc_json_object(j);
    ndc_json_kv_u64(j, "size", head->size);
    ndc_json_kv_i64(j, "time_ms", head->time_ms);
    write_hex(j, "root", head->root, sizeof(head->root));
    write_hex(j, "signature", head->signature, sizeof(head->signature));
    ndc_json_end(j);
}

bool ndc_audit_head_parse(struct ndc_audit_head *out, struct json_object *o)
{
    int64_t size = ndc_json_get_i64(o, "size", -1);
    out->time_ms = ndc_json_get_i64(o, "time_ms", -1);
    struct ndc_str signature = ndc_json_get_str(o, "signature");
    struct ndc_merkle_hash root, half[2];
    if (size < 0 || out->time_ms < 0 || signature.len != 128) return false;
    if (!ndc_merkle_from_hex(&root, ndc_json_get_str(o, "root")) ||
        !ndc_merkle_from_hex(&half[0], ndc_str_n(signature.ptr, 64)) ||
        !ndc_merkle_from_hex(&half[1], ndc_str_n(signature.ptr + 64, 64)))
        return false;
    out->size = (uint64_t)size;
    memcpy(out->root, root.b, sizeof(out->root));
    memcpy(out->signature, half, sizeof(out->signature));
    return true;
}
