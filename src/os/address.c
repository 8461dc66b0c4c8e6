/*
 * Addresses from text and to text. Numbers are tried first, so that the usual
 * case needs no name server.
 *
 * How it fails: ERR_INVALID for text that has not the form of an address,
 * ERR_NOT_FOUND for a name that is not known, or cannot be looked up now.
 * Writing cannot fail: what is not known is "?".
 */
#include "base/hostport.h"
#include "base/num.h"
#include "os/socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define HOST_MAX 255

static struct address of_ip4(struct in_addr ip, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    in.sin_addr = ip;
    struct address a = {.len = sizeof(in)};
    memcpy(&a.sa, &in, sizeof(in));
    return a;
}

static struct address of_ip6(const struct in6_addr *ip, uint16_t port)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6,
                              .sin6_port = htons(port)};
    in.sin6_addr = *ip;
    struct address a = {.len = sizeof(in)};
    memcpy(&a.sa, &in, sizeof(in));
    return a;
}

static struct sockaddr_in ip4_of(const struct address *a)
{
    struct sockaddr_in in;
    ASSERT(a->sa.ss_family == AF_INET);
    memcpy(&in, &a->sa, sizeof(in));
    return in;
}

static struct sockaddr_in6 ip6_of(const struct address *a)
{
    struct sockaddr_in6 in;
    ASSERT(a->sa.ss_family == AF_INET6);
    memcpy(&in, &a->sa, sizeof(in));
    return in;
}

/* Asks getaddrinfo for the host; the nth of what it finds. */
static int ask_system(const char *host, uint16_t port, int flags, uint32_t nth,
                      struct address *out)
{
    char service[NUM_TEXT_MAX];
    num_format_i64(port, service);
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV | flags};
    struct addrinfo *found = NULL;
    uint32_t count = 0;
    if (getaddrinfo(host, service, &hints, &found) != 0 || found == NULL)
        return ERR_NOT_FOUND;
    for (const struct addrinfo *i = found; i != NULL; i = i->ai_next)
        count++;
    const struct addrinfo *chosen = found;
    for (nth %= count; nth > 0; nth--)
        chosen = chosen->ai_next;
    ASSERT(chosen->ai_addrlen <= sizeof(out->sa));
    *out = (struct address){.len = chosen->ai_addrlen};
    memcpy(&out->sa, chosen->ai_addr, chosen->ai_addrlen);
    freeaddrinfo(found);
    return 0;
}

/* The host as text; false: it is none. */
static bool host_text(struct bytes host, char out[HOST_MAX + 1])
{
    if (host.len == 0 || host.len > HOST_MAX ||
        memchr(host.data, '\0', host.len) != NULL)
        return false;
    memcpy(out, host.data, host.len);
    out[host.len] = '\0';
    return true;
}

/* ERR_NOT_FOUND: it is a name. */
static int number_of(const char *host, uint16_t port, struct address *out)
{
    struct in_addr ip4 = {.s_addr = htonl(INADDR_ANY)};
    struct in6_addr ip6 = IN6ADDR_ANY_INIT;
    if (strcmp(host, "*") == 0 || inet_pton(AF_INET, host, &ip4) == 1)
        *out = of_ip4(ip4, port);
    else if (strcmp(host, "::*") == 0 || inet_pton(AF_INET6, host, &ip6) == 1)
        *out = of_ip6(&ip6, port);
    else /* a number with a zone */
        return ask_system(host, port, AI_NUMERICHOST, 0, out);
    return 0;
}

int address_host(struct bytes host, uint16_t port, struct address *out)
{
    char text[HOST_MAX + 1];
    ASSERT(out != NULL);
    if (!host_text(host, text))
        return ERR_INVALID;
    if (number_of(text, port, out) == 0)
        return 0;
    return ask_system(text, port, 0, 0, out);
}

int address_parse(struct bytes text, struct address *out)
{
    ASSERT(out != NULL);
    struct bytes host;
    uint16_t port;
    if (!hostport_split(text, &host, &port))
        return ERR_INVALID;
    return address_host(host, port, out);
}

int address_number(struct bytes text, struct address *out)
{
    char host_copy[HOST_MAX + 1];
    struct bytes host;
    uint16_t port;
    ASSERT(out != NULL);
    if (!hostport_split(text, &host, &port) || !host_text(host, host_copy))
        return ERR_INVALID;
    return number_of(host_copy, port, out);
}

int address_look_up(struct bytes text, uint32_t nth, struct address *out)
{
    char host_copy[HOST_MAX + 1];
    struct bytes host;
    uint16_t port;
    ASSERT(out != NULL);
    if (!hostport_split(text, &host, &port) || !host_text(host, host_copy))
        return ERR_INVALID;
    return ask_system(host_copy, port, 0, nth, out);
}

size_t address_format(const struct address *a, char out[ADDRESS_TEXT_MAX])
{
    ASSERT(a != NULL);
    char host[NI_MAXHOST] = "?";
    const struct sockaddr *sa = (const struct sockaddr *)&a->sa;
    int n;
    if (a->len == 0) {
        n = snprintf(out, ADDRESS_TEXT_MAX, "?");
    } else if (sa->sa_family == AF_UNIX) {
        n = snprintf(out, ADDRESS_TEXT_MAX, "unix:");
    } else {
        /* Fails only for families that are not made here. */
        (void)getnameinfo(sa, a->len, host, 64, NULL, 0, NI_NUMERICHOST);
        n = (int)hostport_join(bytes_str(host), address_port(a), out,
                               ADDRESS_TEXT_MAX);
    }
    ASSERT(n > 0 && n < ADDRESS_TEXT_MAX);
    return (size_t)n;
}

uint16_t address_port(const struct address *a)
{
    ASSERT(a != NULL);
    if (a->len > 0 && a->sa.ss_family == AF_INET)
        return ntohs(ip4_of(a).sin_port);
    if (a->len > 0 && a->sa.ss_family == AF_INET6)
        return ntohs(ip6_of(a).sin6_port);
    return 0;
}

bool address_is_loopback(const struct address *a)
{
    ASSERT(a != NULL);
    if (a->len == 0)
        return false;
    if (a->sa.ss_family == AF_UNIX)
        return true;
    if (a->sa.ss_family == AF_INET)
        return ntohl(ip4_of(a).sin_addr.s_addr) >> 24 == 127;
    if (a->sa.ss_family != AF_INET6)
        return false;
    struct in6_addr ip = ip6_of(a).sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(&ip) ||
           (IN6_IS_ADDR_V4MAPPED(&ip) && ip.s6_addr[12] == 127);
}

bool address_eq(const struct address *a, const struct address *b)
{
    if (a->len != b->len || a->sa.ss_family != b->sa.ss_family)
        return false;
    if (a->len == 0)
        return true;
    if (address_port(a) != address_port(b))
        return false;
    if (a->sa.ss_family == AF_INET)
        return ip4_of(a).sin_addr.s_addr == ip4_of(b).sin_addr.s_addr;
    if (a->sa.ss_family == AF_INET6) {
        struct sockaddr_in6 x = ip6_of(a);
        struct sockaddr_in6 y = ip6_of(b);
        return memcmp(&x.sin6_addr, &y.sin6_addr, sizeof(x.sin6_addr)) == 0 &&
               x.sin6_scope_id == y.sin6_scope_id;
    }
    return memcmp(&a->sa, &b->sa, a->len) == 0;
}

static bool host_of(const struct address *a, struct in6_addr *out)
{
    memset(out, 0, sizeof(*out));
    if (a->len > 0 && a->sa.ss_family == AF_INET6) {
        *out = ip6_of(a).sin6_addr;
        return true;
    }
    if (a->len == 0 || a->sa.ss_family != AF_INET)
        return false;
    struct in_addr ip = ip4_of(a).sin_addr;
    out->s6_addr[10] = out->s6_addr[11] = 0xff;
    memcpy(&out->s6_addr[12], &ip, sizeof(ip));
    return true;
}

bool address_same_host(const struct address *a, const struct address *b)
{
    struct in6_addr x, y;
    ASSERT(a != NULL && b != NULL);
    if (!host_of(a, &x) || !host_of(b, &y))
        return false;
    return memcmp(&x, &y, sizeof(x)) == 0 ||
           (address_is_loopback(a) && address_is_loopback(b));
}
