/* Stands where the PostgreSQL driver will. */
#include "store/internal.h"

static enum ndc_err no_open(struct ndc_store_conn *conn, struct ndc_fault *fault)
{
    (void)conn;
    return ndc_fail(fault, NDC_EUNSUPPORTED, "db.open", "PostgreSQL is not built in yet");
}

const struct ndc_driver ndc_driver_postgres = {
    .kind = NDC_POSTGRES, .conn_bytes = sizeof(struct ndc_store_conn), .open = no_open};
