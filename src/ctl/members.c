/*
 * The answer is pairs of a name and a value; the members are a list of lists
 * of such pairs. Names that are not known are skipped, so that a newer node may
 * say more.
 *
 * How it fails: an answer that does not end where it should is refused as a
 * whole.
 */
#include "ctl/members.h"

#include "base/num.h"
#include "client/info.h"
#include "codec/configuration.h"

#include <stdio.h>
#include <string.h>

static void copy(char *out, size_t size, struct bytes text)
{
    snprintf(out, size, "%.*s", (int)MIN(text.len, size - 1),
             text.len == 0 ? "" : (const char *)text.data);
}

static uint64_t number_of(struct bytes text)
{
    uint64_t n = 0;
    return num_parse_u64(text, &n) ? n : 0;
}

static bool is(struct bytes line, const char *text)
{
    return bytes_eq(line, bytes_str(text));
}

/* What follows the "[" of a list, with all that is in it. */
static bool skip_list(struct bytes *text)
{
    struct bytes line;
    for (int depth = 1; depth > 0;) {
        if (!info_line(text, &line))
            return false;
        depth += is(line, "[") - is(line, "]");
    }
    return true;
}

static void take_field(struct member_row *r, struct bytes name,
                       struct bytes value)
{
    if (is(name, "id"))
        r->id = number_of(value);
    else if (is(name, "priority"))
        r->priority = number_of(value);
    else if (is(name, "life"))
        r->life = number_of(value);
    else if (is(name, "role"))
        copy(r->role, sizeof(r->role), value);
    else if (is(name, "peer-address"))
        copy(r->peer, sizeof(r->peer), value);
    else if (is(name, "client-address"))
        copy(r->client, sizeof(r->client), value);
    else if (is(name, "desired"))
        copy(r->desired, sizeof(r->desired), value);
    else if (is(name, "why"))
        copy(r->why, sizeof(r->why), value);
}

/* Up to the "]" of this member. */
static bool take_member(struct bytes *text, struct member_row *r)
{
    struct bytes name, value;
    *r = (struct member_row){.priority = MEMBER_PRIORITY_USUAL};
    for (;;) {
        if (!info_line(text, &name))
            return false;
        if (is(name, "]"))
            return true;
        if (!info_line(text, &value))
            return false;
        if (!is(value, "["))
            take_field(r, name, value);
        else if (!skip_list(text))
            return false;
    }
}

static bool take_members(struct bytes *text, struct members_view *out)
{
    struct bytes line;
    while (info_line(text, &line)) {
        if (is(line, "]"))
            return true;
        if (!is(line, "[") || out->count == ARRAY_LEN(out->rows) ||
            !take_member(text, &out->rows[out->count]))
            return false;
        out->count++;
    }
    return false;
}

bool members_read(struct bytes text, struct members_view *out)
{
    struct bytes name, value;
    *out = (struct members_view){0};
    while (info_line(&text, &name)) {
        if (!info_line(&text, &value))
            return false;
        bool list = is(value, "[");
        if (list && is(name, "members")) {
            if (!take_members(&text, out))
                return false;
        } else if (list) {
            if (!skip_list(&text))
                return false;
        } else if (is(name, "entry")) {
            out->entry = number_of(value);
        } else if (is(name, "done")) {
            out->done = number_of(value) == 1;
        } else if (is(name, "next")) {
            copy(out->next, sizeof(out->next), value);
        } else if (is(name, "waits")) {
            copy(out->waits, sizeof(out->waits), value);
        }
    }
    return out->count > 0;
}

const struct member_row *members_find(const struct members_view *m, uint64_t id)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->rows[i].id == id)
            return &m->rows[i];
    }
    return NULL;
}

size_t members_voters(const struct members_view *m)
{
    size_t voters = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct member_row *r = &m->rows[i];
        const char *role = r->desired[0] != '\0' ? r->desired : r->role;
        voters += strncmp(role, "voter", 5) == 0;
    }
    return voters;
}

size_t members_bear(size_t voters)
{
    return voters > 0 ? (voters - 1) / 2 : 0;
}
