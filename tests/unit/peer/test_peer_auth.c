/*
 * Proofs: what each of them depends on; and what a HELLO is refused for.
 * (Through the links: test_peer.c and test_peer_hostile.c.)
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "codec/greeting.h"
#include "net/crypto.h"
#include "peer/peer_auth.h"

#include <stdio.h>

static uint8_t hello[HELLO_SIZE];
static uint8_t welcome[HELLO_SIZE];

static bool valid(const char *secret, enum peer_proof_role role,
                  const struct proof *proof)
{
    return peer_proof_valid(bytes_str(secret), role,
                            bytes_of(hello, HELLO_SIZE),
                            bytes_of(welcome, HELLO_SIZE), proof);
}

static void test_proof_depends_on_all(void **state)
{
    UNUSED(state);
    struct proof proof;
    memset(hello, 1, sizeof(hello));
    memset(welcome, 2, sizeof(welcome));
    peer_proof_make(BYTES_LIT("secret"), PEER_PROOF_DIALER,
                    bytes_of(hello, HELLO_SIZE), bytes_of(welcome, HELLO_SIZE),
                    &proof);
    assert_true(valid("secret", PEER_PROOF_DIALER, &proof));
    assert_false(valid("secret", PEER_PROOF_ACCEPTOR, &proof));
    assert_false(valid("Secret", PEER_PROOF_DIALER, &proof));
    for (size_t i = 0; i < HELLO_SIZE; i++) {
        hello[i] ^= 0x80;
        assert_false(valid("secret", PEER_PROOF_DIALER, &proof));
        hello[i] ^= 0x80;
        welcome[i] ^= 1;
        assert_false(valid("secret", PEER_PROOF_DIALER, &proof));
        welcome[i] ^= 1;
    }
    for (size_t i = 0; i < PROOF_SIZE; i++) {
        proof.mac[i] ^= 1;
        assert_false(valid("secret", PEER_PROOF_DIALER, &proof));
        proof.mac[i] ^= 1;
    }
    assert_true(valid("secret", PEER_PROOF_DIALER, &proof));
}

/* Nodes of other versions must come to the same. */
static void test_proof_is_as_documented(void **state)
{
    static const char *const labels[] = {
        [PEER_PROOF_DIALER] = "vard peer proof v1 dialer",
        [PEER_PROOF_ACCEPTOR] = "vard peer proof v1 acceptor"};
    UNUSED(state);
    memset(hello, 1, sizeof(hello));
    memset(welcome, 2, sizeof(welcome));
    for (size_t role = 0; role < ARRAY_LEN(labels); role++) {
        struct buf said = BUF_INIT;
        struct proof proof;
        uint8_t mac[PROOF_SIZE];
        buf_append(&said, labels[role], strlen(labels[role]) + 1);
        buf_append(&said, hello, HELLO_SIZE);
        buf_append(&said, welcome, HELLO_SIZE);
        crypto_hmac_sha256(BYTES_LIT("secret"), buf_view(&said), mac);
        peer_proof_make(BYTES_LIT("secret"), (enum peer_proof_role)role,
                        bytes_of(hello, HELLO_SIZE),
                        bytes_of(welcome, HELLO_SIZE), &proof);
        assert_memory_equal(proof.mac, mac, PROOF_SIZE);
        buf_release(&said);
    }
}

/* A greeting's proof covers the handshake and its body, and is no proof of the
 * other side: what was sent cannot be sent back. */
static void test_greeting_is_as_documented(void **state)
{
    static const char *const labels[] = {
        [PEER_PROOF_DIALER] = "vard peer greeting v1 dialer",
        [PEER_PROOF_ACCEPTOR] = "vard peer greeting v1 acceptor"};
    static uint8_t body[GREETING_BODY_SIZE];
    UNUSED(state);
    memset(hello, 1, sizeof(hello));
    memset(welcome, 2, sizeof(welcome));
    memset(body, 3, sizeof(body));
    for (size_t role = 0; role < ARRAY_LEN(labels); role++) {
        struct peer_talk talk = {(enum peer_proof_role)role,
                                 bytes_of(hello, HELLO_SIZE),
                                 bytes_of(welcome, HELLO_SIZE)};
        struct buf said = BUF_INIT;
        struct proof proof;
        uint8_t mac[PROOF_SIZE];
        buf_append(&said, labels[role], strlen(labels[role]) + 1);
        buf_append(&said, hello, HELLO_SIZE);
        buf_append(&said, welcome, HELLO_SIZE);
        buf_append(&said, body, sizeof(body));
        crypto_hmac_sha256(BYTES_LIT("secret"), buf_view(&said), mac);
        struct bytes b = bytes_of(body, sizeof(body));
        peer_greeting_seal(BYTES_LIT("secret"), &talk, b, &proof);
        assert_memory_equal(proof.mac, mac, PROOF_SIZE);
        assert_true(peer_greeting_valid(BYTES_LIT("secret"), &talk, b, &proof));
        assert_false(
            peer_greeting_valid(BYTES_LIT("Secret"), &talk, b, &proof));
        talk.role = 1 - talk.role;
        assert_false(
            peer_greeting_valid(BYTES_LIT("secret"), &talk, b, &proof));
        buf_release(&said);
    }
}

static void test_hello_checked(void **state)
{
    UNUSED(state);
    const struct peer_identity us = {
        .cluster_id = 9, .self = 1, .incarnation = 4, .secured = true};
    const struct hello good = {.version_min = 0,
                               .version_max = 200,
                               .cluster_id = 9,
                               .from = 2,
                               .to = 1,
                               .from_incarnation = 1,
                               .secured = true};
    char why[PEER_WHY_MAX];
    assert_int_equal(peer_hello_check(&us, &good, why), 0);
    struct hello h = good;
    h.to_incarnation = 4;
    assert_int_equal(peer_hello_check(&us, &h, why), 0);
    h.to_incarnation = 3;
    assert_int_equal(peer_hello_check(&us, &h, why), ERR_MISMATCH);
    assert_string_equal(why, "speaks to incarnation 3 of us, this is 4");
    h = good;
    h.secured = false;
    assert_int_equal(peer_hello_check(&us, &h, why), ERR_AUTH);
    h = good;
    h.version_max = 0;
    assert_int_equal(peer_hello_check(&us, &h, why), ERR_PROTOCOL);
    assert_non_null(strstr(why, "versions 0 to 0"));
    h.version_min = h.version_max = 1; /* before the beat */
    assert_int_equal(peer_hello_check(&us, &h, why), ERR_PROTOCOL);
    assert_non_null(strstr(why, "versions 1 to 1"));
    h = good;
    h.version_min = PROTOCOL_VERSION + 1;
    assert_int_equal(peer_hello_check(&us, &h, why), ERR_PROTOCOL);
    h = good;
    h.cluster_id = 8;
    assert_int_equal(peer_hello_check(&us, &h, why), ERR_MISMATCH);
    assert_non_null(strstr(why, "belongs to another cluster"));
    h = good;
    h.to = 3;
    assert_int_equal(peer_hello_check(&us, &h, why), ERR_MISMATCH);
    assert_non_null(strstr(why, "looks for member 3"));
    h = good;
    h.from = 1;
    assert_int_equal(peer_hello_check(&us, &h, why), ERR_MISMATCH);
    assert_non_null(strstr(why, "which is this node"));
}

/* Each refusal, word for word: an operator may have to correct something. */
static void test_refusals(void **state)
{
    static const struct peer_identity us = {
        .cluster_id = 0xab, .self = 1, .incarnation = 44, .secured = true};
    static const struct {
        struct hello differs; /* where it is not 0 */
        const char *why;
    } rows[] = {
        {{.version_min = 100, .version_max = 200},
         "speaks versions 100 to 200 of the peer protocol, we speak "},
        {{.version_max = 1},
         "speaks versions 0 to 1 of the peer protocol, we speak "},
        {{.cluster_id = 0xcd},
         "it belongs to another cluster (ours 00000000000000ab, theirs "
         "00000000000000cd): was one of them begun anew?"},
        {{.to = 3},
         "looks for member 3, but this is member 1: do the addresses agree?"},
        {{.from = 1}, "says it is member 1, which is this node"},
        {{.to_incarnation = 43}, "speaks to incarnation 43 of us, this is 44"},
        {{.to_incarnation = 45}, "speaks to incarnation 45 of us, this is 44"},
        {{.secured = true}, "peer-secret is set on our side only"},
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct hello *d = &rows[i].differs;
        char why[PEER_WHY_MAX], expected[PEER_WHY_MAX];
        struct hello h = {
            .version_min = d->version_min,
            .version_max = d->version_max > 0 ? d->version_max : 200,
            .cluster_id = d->cluster_id > 0 ? d->cluster_id : 0xab,
            .from = d->from > 0 ? d->from : 2,
            .to = d->to > 0 ? d->to : 1,
            .from_incarnation = 7,
            .to_incarnation = d->to_incarnation,
            .secured = !d->secured,
        };
        assert_true(peer_hello_check(&us, &h, why) < 0);
        if (rows[i].why[0] == 's' && strstr(rows[i].why, "versions") != NULL)
            snprintf(expected, sizeof(expected), "%s%u", rows[i].why,
                     PROTOCOL_VERSION);
        else
            snprintf(expected, sizeof(expected), "%s", rows[i].why);
        assert_string_equal(why, expected);
    }
    struct peer_identity open = us;
    char why[PEER_WHY_MAX];
    open.secured = false;
    const struct hello closed = {.version_max = 200,
                                 .cluster_id = 0xab,
                                 .from = 2,
                                 .to = 1,
                                 .from_incarnation = 7,
                                 .secured = true};
    assert_int_equal(peer_hello_check(&open, &closed, why), ERR_AUTH);
    assert_string_equal(why, "peer-secret is set on the other side only");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proof_depends_on_all),
        cmocka_unit_test(test_proof_is_as_documented),
        cmocka_unit_test(test_greeting_is_as_documented),
        cmocka_unit_test(test_hello_checked),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
