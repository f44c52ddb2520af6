/* A browser for tests: calls with its cookies, and what a person does in it. */
#ifndef NDC_TESTS_EID_BROWSER_H
#define NDC_TESTS_EID_BROWSER_H

#include "tests/eid/accounts/nation.h"
#include "tests/eid/accounts/soft_key.h"
#include "tests/server.h"

#include "base/json.h"
#include "platforms/eid/accounts.h"

/* A data centre with accounts and a nation of NATION people. */
struct centre {
    struct test_server s;
    struct ndc_eid *eid;
    char issuer[64];
};

enum { NATION = 8 };
/* 0 An, 1 Bình, 2 (dead), 3 An's child of ten, 4 a child of another, 5 a firm of An's, 6
 * one frozen, 7 one of thirteen. A fresh copy is served by each centre_start. */
extern struct citizen nation[NATION];

void centre_start(struct centre *c, void **state, const char *const *set);
void centre_stop(struct centre *c);

struct browser {
    const struct centre *c;
    char session[96], binding[96]; /* cookies: "ndc-eid=…"; empty: none */
    char id[64];                   /* of its interaction */
    char code[64];                 /* of the last problem */
    char retry_after[16];          /* of the last answer */
    const char *address;           /* X-Forwarded-For; NULL: none */
    struct json_object *last;      /* the last answer, or NULL; released by the next */
};

void browser_free(struct browser *b);
/* The status. `json` may be NULL: no body, and none is said to be there. */
int call(struct browser *b, const char *method, const char *path, const char *json);
int callf(struct browser *b, const char *method, const char *path, const char *format,
          ...) NDC_PRINTF(4, 5);
/* Of the last answer: "a.b" is member b of member a; "" if it is not there. */
const char *got(const struct browser *b, const char *path);
/* All of it, valid until the next call. */
const char *whole(const struct browser *b);
/* The member "methods" has the word. */
bool may_show(const struct browser *b, const char *method);

/* Begins a sign-in to the account's pages. */
void begin(struct browser *b);
/* Steps of the interaction: the status. */
int password(struct browser *b, const char *login, const char *text);
int step(struct browser *b, const char *name, const char *format, ...) NDC_PRINTF(3, 4);
/* Asks for a challenge and answers it. */
int passkey(struct browser *b, struct soft_key *key);
/* The challenge of a new question. */
void challenge_of(struct browser *b, char out[64]);

#define PASSWORD "gió đưa cành trúc la đà"
/* Opens the account of a row of the nation, with PASSWORD, in this browser. */
void open_account(struct browser *b, const struct citizen *who);
/* Adds a passkey to the account that is signed in. */
void add_passkey(struct browser *b, struct soft_key *key);
/* Adds an authenticator app; its secret (Base32). */
void add_totp(struct browser *b, char secret[64]);
/* The code of a secret, `steps` from now. */
void totp_code(const char *secret, int steps, char out[16]);
/* Signs in with the password alone; fails the test if that is not enough. */
void sign_in(struct browser *b, const struct citizen *who);

/* A client asks for a sign-in, with these members of /test/ask; the last answer is the
 * interaction. */
void ask(struct browser *b, const char *format, ...) NDC_PRINTF(2, 3);
void look_again(struct browser *b);
/* The client takes what came of it: the status. */
int take(struct browser *b);

/* Changes a row behind the server's back: time that has passed. */
void change(const struct centre *c, const char *sql);
int64_t count(const struct centre *c, const char *sql);
/* A call of the console's administrator, with purpose and legal basis; the status. *out
 * may be NULL; else the caller releases it. */
int console_call(const struct centre *c, const char *method, const char *path,
                 const char *json, struct json_object **out);
/* Entries of the audit log that accounts made with this action. */
int audited(const struct centre *c, const char *action);

#endif
