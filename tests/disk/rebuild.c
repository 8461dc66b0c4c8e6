/*
 * disk_rebuild TAPE SEQ MODEL CUT PICK DIR: makes in DIR what a power cut
 * right after the record numbered SEQ leaves (image.h). MODEL: posix or
 * journal. CUT: its number, in the order of IMAGE_CUTS. PICK is taken modulo
 * what there is to pick from.
 *
 * disk_rebuild TAPE compare DIR: says where DIR is not what the tape amounts
 * to, and fails if there is such a place.
 *
 * disk_rebuild TAPE notes: the notes, each after its number.
 */
#include "base/num.h"
#include "image.h"
#include "tape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t number(const char *text)
{
    uint64_t n;
    if (!num_parse_u64(bytes_str(text), &n)) {
        fprintf(stderr, "disk_rebuild: %s is no number\n", text);
        exit(2);
    }
    return n;
}

static struct image *feed(const struct tape *t, const char *model,
                          uint64_t last)
{
    struct image *m =
        image_new(strcmp(model, "posix") == 0 ? IMAGE_POSIX : IMAGE_JOURNAL);
    for (size_t i = 0; i < t->count && t->events[i].r.seq <= last; i++)
        image_apply(m, &t->events[i]);
    return m;
}

static int rebuild(const struct tape *t, char **argv)
{
    struct image *m = feed(t, argv[3], number(argv[2]));
    struct image_variant v = {.cut = (enum image_cut)number(argv[4])};
    uint64_t choices = v.cut == IMAGE_TORN      ? image_last_sectors(m)
                       : v.cut == IMAGE_SECTORS ? UINT64_MAX
                                                : image_pending(m);
    if (v.cut >= IMAGE_CUT_COUNT)
        return 2;
    if (choices > 0)
        v.pick = number(argv[5]) % choices;
    image_build(m, &v, argv[6]);
    image_free(m);
    return 0;
}

static int compare(const struct tape *t, const char *dir)
{
    struct image *m = feed(t, "posix", UINT64_MAX);
    struct buf out = BUF_INIT;
    image_compare(m, dir, &out);
    printf("%.*s", (int)out.len, (const char *)out.data);
    int status = out.len > 0;
    buf_release(&out);
    image_free(m);
    return status;
}

static void print_notes(const struct tape *t)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct tape_event *e = &t->events[i];
        if (e->r.op == JOURNAL_NOTE)
            printf("%llu %.*s", (unsigned long long)e->r.seq, (int)e->data.len,
                   (const char *)e->data.data);
    }
}

int main(int argc, char **argv)
{
    struct tape t = TAPE_INIT;
    if (argc != 7 && argc != 4 && argc != 3) {
        fprintf(stderr, "usage: see tests/disk/rebuild.c\n");
        return 2;
    }
    tape_read(&t, argv[1]);
    tape_sort(&t);
    int status = 0;
    if (argc == 7)
        status = rebuild(&t, argv);
    else if (argc == 4)
        status = compare(&t, argv[3]);
    else
        print_notes(&t);
    tape_release(&t);
    return status;
}
