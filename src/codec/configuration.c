/*
 * Written and read member by member; what a record says is judged once, by
 * configuration_valid(), on both ways.
 *
 * How it fails: a record that this code cannot have written is ERR_CORRUPT.
 */
#include "codec/configuration.h"

#include <string.h>

#define MEMBER_FIXED_SIZE 30 /* before the texts */

_Static_assert(4 + 1 + 1 + 2 + 2 + 4 + 16 == MEMBER_FIXED_SIZE, "on disk");
_Static_assert(CONFIGURATION_ADDRESS_SIZE <= 256, "a length has one byte");
_Static_assert(CONFIGURATION_ZONE_SIZE <= 256, "a length has one byte");
_Static_assert(RAFT_NODES_MAX <= 32, "a bit for each member");

static bool is_printable(char c)
{
    return c > ' ' && c < 0x7f;
}

/* Printable up to its NUL, and zeros from there on. */
bool member_text_valid(const char *text, size_t size)
{
    size_t len = strnlen(text, size);
    ASSERT(size > 0);
    for (size_t i = 0; i < len; i++) {
        if (!is_printable(text[i]))
            return false;
    }
    for (size_t i = len; i < size; i++) {
        if (text[i] != '\0')
            return false;
    }
    return len < size;
}

bool member_set_text(char *field, size_t size, const char *text)
{
    ASSERT(field != NULL && text != NULL && size > 0);
    size_t len = strlen(text);
    if (len >= size)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_printable(text[i]))
            return false;
    }
    memset(field, 0, size);
    memcpy(field, text, len);
    return true;
}

static bool member_valid(const struct member *m)
{
    bool leaves = (m->roles & MEMBER_LEAVING) != 0;
    return m->id != NODE_NONE && (m->roles & ~MEMBER_ROLES) == 0 &&
           (!leaves || m->roles == MEMBER_LEAVING) && m->level_min > 0 &&
           m->level_min <= m->level_max && m->life <= CONFIGURATION_LIFE_MAX &&
           member_text_valid(m->peer_address, sizeof(m->peer_address)) &&
           member_text_valid(m->client_address, sizeof(m->client_address)) &&
           member_text_valid(m->zone, sizeof(m->zone));
}

size_t configuration_size(const struct configuration *c)
{
    size_t size = CONFIGURATION_HEAD_SIZE;
    ASSERT(c->count <= RAFT_NODES_MAX);
    for (uint32_t i = 0; i < c->count; i++) {
        const struct member *m = &c->members[i];
        size += MEMBER_FIXED_SIZE + 3 + strlen(m->peer_address) +
                strlen(m->client_address) + strlen(m->zone);
    }
    return size;
}

bool configuration_valid(const struct configuration *c)
{
    uint8_t roles = 0;
    ASSERT(c != NULL);
    if (c->level == 0 || c->count == 0 || c->count > RAFT_NODES_MAX)
        return false;
    for (uint32_t i = 0; i < c->count; i++) {
        const struct member *m = &c->members[i];
        if (!member_valid(m) || (i > 0 && c->members[i - 1].id >= m->id))
            return false;
        roles |= m->roles;
    }
    return (roles & MEMBER_VOTER) != 0 &&
           configuration_size(c) <= CONFIGURATION_SIZE_MAX;
}

void member_text_encode(const char *text, struct buf *out)
{
    struct bytes b = bytes_str(text);
    ASSERT(b.len <= UINT8_MAX);
    buf_u8(out, (uint8_t)b.len);
    buf_bytes(out, b);
}

void configuration_encode(const struct configuration *c, struct buf *out)
{
    ASSERT(configuration_valid(c));
    size_t begin = out->len;
    buf_u8(out, CONFIGURATION_VERSION);
    buf_u8(out, (uint8_t)c->count);
    buf_u16(out, c->level);
    for (uint32_t i = 0; i < c->count; i++) {
        const struct member *m = &c->members[i];
        buf_u32(out, m->id);
        buf_u8(out, m->roles);
        buf_u8(out, m->priority);
        buf_u16(out, m->level_min);
        buf_u16(out, m->level_max);
        buf_u32(out, m->life);
        buf_u64(out, m->directory.high);
        buf_u64(out, m->directory.low);
        member_text_encode(m->peer_address, out);
        member_text_encode(m->client_address, out);
        member_text_encode(m->zone, out);
    }
    ASSERT(out->len - begin == configuration_size(c));
}

/* A text that does not fit spoils the record: a NUL is not printable. */
bool member_text_decode(struct reader *r, char *out, size_t size)
{
    uint8_t len = reader_u8(r);
    struct bytes b = reader_bytes(r, len);
    ASSERT(size > 0 && out[0] == '\0');
    if (b.len >= size || (b.len > 0 && memchr(b.data, '\0', b.len) != NULL))
        return false;
    if (b.len > 0)
        memcpy(out, b.data, b.len);
    return true;
}

static bool get_member(struct reader *r, struct member *m)
{
    ASSERT(m->id == 0 && m->peer_address[0] == '\0'); /* zero before */
    m->id = reader_u32(r);
    m->roles = reader_u8(r);
    m->priority = reader_u8(r);
    m->level_min = reader_u16(r);
    m->level_max = reader_u16(r);
    m->life = reader_u32(r);
    m->directory.high = reader_u64(r);
    m->directory.low = reader_u64(r);
    return member_text_decode(r, m->peer_address, sizeof(m->peer_address)) &&
           member_text_decode(r, m->client_address,
                              sizeof(m->client_address)) &&
           member_text_decode(r, m->zone, sizeof(m->zone));
}

int configuration_decode(struct bytes b, struct configuration *out)
{
    ASSERT(out != NULL);
    struct reader r = reader_of(b);
    memset(out, 0, sizeof(*out));
    uint8_t version = reader_u8(&r);
    uint8_t count = reader_u8(&r);
    out->level = reader_u16(&r);
    if (version != CONFIGURATION_VERSION || count > RAFT_NODES_MAX)
        return ERR_CORRUPT;
    for (; out->count < count; out->count++) {
        if (!get_member(&r, &out->members[out->count]))
            return ERR_CORRUPT;
    }
    return reader_done(&r) && configuration_valid(out) ? 0 : ERR_CORRUPT;
}

struct member *configuration_member(struct configuration *c, node_id id)
{
    ASSERT(c->count <= RAFT_NODES_MAX);
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->members[i].id == id)
            return &c->members[i];
    }
    return NULL;
}

const struct member *configuration_find(const struct configuration *c,
                                        node_id id)
{
    ASSERT(c->count <= RAFT_NODES_MAX);
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->members[i].id == id)
            return &c->members[i];
    }
    return NULL;
}

/* Insertion keeps the ids ascending. */
void configuration_of(struct configuration *c, const node_id *ids,
                      uint32_t count)
{
    ASSERT(count > 0 && count <= RAFT_NODES_MAX);
    memset(c, 0, sizeof(*c));
    c->level = LEVEL_MIN;
    for (; c->count < count; c->count++) {
        uint32_t at = c->count;
        for (; at > 0 && c->members[at - 1].id > ids[c->count]; at--)
            c->members[at] = c->members[at - 1];
        c->members[at] = (struct member){.id = ids[c->count],
                                         .roles = MEMBER_VOTER,
                                         .priority = MEMBER_PRIORITY_USUAL,
                                         .level_min = LEVEL_MIN,
                                         .level_max = LEVEL_MIN};
    }
    ASSERT(configuration_valid(c));
}

void configuration_members(const struct configuration *c,
                           struct raft_members *out)
{
    ASSERT(configuration_valid(c));
    memset(out, 0, sizeof(*out));
    out->count = c->count;
    for (uint32_t i = 0; i < c->count; i++) {
        const struct member *m = &c->members[i];
        out->ids[i] = m->id;
        out->life[i] = m->life;
        if (m->roles & MEMBER_VOTER)
            out->voters |= UINT32_C(1) << i;
        if (m->roles & MEMBER_OUTGOING)
            out->outgoing |= UINT32_C(1) << i;
    }
    ASSERT(out->voters != 0);
}
