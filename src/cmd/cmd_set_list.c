/*
 * Lists of members (cmd_set.h).
 *
 * How it fails: with an error reply, for what is too long to be told at once.
 */
#include "cmd/cmd_set.h"

#define LENGTH_SIZE MEMBER_LIST_HEAD

void set_close_changed(struct object *o, bool changed)
{
    ASSERT(o->type == VALUE_SET);
    if (changed) {
        set_settle(o);
        object_save(o);
    }
    object_close(o);
}

void member_list_init(struct member_list *l, size_t bytes_max)
{
    ASSERT(bytes_max <= UINT32_MAX);
    *l = (struct member_list){.bytes_max = bytes_max};
}

void member_list_release(struct member_list *l)
{
    ASSERT(l->bytes.len <= l->bytes_max);
    buf_release(&l->bytes);
}

bool member_list_add(void *user, struct bytes member)
{
    struct member_list *l = user;
    ASSERT(!l->over);
    size_t left = l->bytes_max - MIN(l->bytes.len, l->bytes_max);
    if (member.len + LENGTH_SIZE > left) {
        l->over = true;
        return false;
    }
    buf_u32(&l->bytes, (uint32_t)member.len);
    buf_bytes(&l->bytes, member);
    l->count++;
    return true;
}

bool member_list_next(const struct member_list *l, size_t *at,
                      struct bytes *member)
{
    uint32_t len = 0;
    if (*at == l->bytes.len)
        return false;
    ASSERT(l->bytes.len - *at >= LENGTH_SIZE);
    memcpy(&len, l->bytes.data + *at, sizeof(len));
    ASSERT(l->bytes.len - *at - LENGTH_SIZE >= len);
    *member = bytes_of(l->bytes.data + *at + LENGTH_SIZE, len);
    *at += LENGTH_SIZE + len;
    return true;
}

void reply_member_list(struct cmd_call *c, const struct member_list *l,
                       bool as_set)
{
    struct bytes member;
    size_t at = 0;
    ASSERT(l->count <= l->bytes.len / LENGTH_SIZE);
    if (l->over) {
        resp_error(c->out, "ERR reply too large, use SSCAN");
        return;
    }
    if (as_set)
        resp_set(c->out, (size_t)l->count);
    else
        resp_array(c->out, (size_t)l->count);
    while (member_list_next(l, &at, &member))
        resp_bulk(c->out, member);
}
