/*
 * lincheck: is a recorded history linearizable?
 *
 *     lincheck [-w] [-s STEPS] FILE...
 *
 * Reads the files (- is standard input) as one history in the format of
 * check/history.h. Without -w the search of check/lin.h; with -w the places
 * in the log are replayed first (check/witness.h), and the search follows for
 * the keys that this leaves undecided. -s limits the search, per key.
 *
 * Ends with 0: linearizable; 1: not; 2: wrong usage or file; 3: undecided.
 */
#include "check/lin.h"
#include "check/witness.h"

#include "base/alloc.h"
#include "base/num.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum status { LINEARIZABLE, NOT_LINEARIZABLE, WRONG_USE, UNDECIDED };

/* --- reading ------------------------------------------------------------ */

static bool read_lines(struct history *h, FILE *file, const char *name)
{
    char *line = NULL;
    size_t cap = 0;
    size_t line_no = 0;
    ssize_t n = 0;
    const char *why = NULL;
    while (why == NULL && (n = getline(&line, &cap, file)) > 0) {
        line_no++;
        if (history_read_line(h, bytes_of(line, (size_t)n), &why) < 0)
            fprintf(stderr, "%s:%zu: %s\n", name, line_no, why);
    }
    bool ok = why == NULL && ferror(file) == 0;
    if (ferror(file))
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
    mem_free(line);
    return ok;
}

static bool read_file(struct history *h, const char *name)
{
    if (strcmp(name, "-") == 0)
        return read_lines(h, stdin, "standard input");
    FILE *file = fopen(name, "r");
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
        return false;
    }
    bool ok = read_lines(h, file, name);
    (void)fclose(file);
    return ok;
}

/* --- checking ----------------------------------------------------------- */

static void print_text(const struct buf *text)
{
    (void)fwrite(text->data, 1, text->len, stdout);
}

static enum status search(const struct history *h,
                          const struct lin_options *options)
{
    struct lin_report r;
    lin_check(h, options, &r);
    print_text(&r.text);
    printf("searched: %zu operations on %zu keys, %" PRIu64 " steps, %zu keys "
           "not linearizable, %zu undecided\n",
           r.ops, r.keys, r.steps, r.keys_bad, r.keys_undecided);
    enum lin_verdict verdict = r.verdict;
    lin_report_release(&r);
    if (verdict == LIN_VIOLATION)
        return NOT_LINEARIZABLE;
    return verdict == LIN_UNDECIDED ? UNDECIDED : LINEARIZABLE;
}

static enum status replay(const struct history *h, struct lin_options *options)
{
    struct witness_report r;
    witness_check(h, &(struct witness_options){false}, &r);
    print_text(&r.text);
    printf("replayed: %zu operations, %zu keys left to the search\n", r.ops,
           r.keys_undecided);
    enum status status = r.ok ? LINEARIZABLE : NOT_LINEARIZABLE;
    if (r.ok && r.keys_undecided > 0) {
        options->only = r.undecided;
        status = search(h, options);
        options->only = NULL;
    }
    witness_report_release(&r);
    return status;
}

static int usage(void)
{
    fputs("usage: lincheck [-w] [-s STEPS] FILE...\n", stderr);
    return WRONG_USE;
}

int main(int argc, char **argv)
{
    static const char *const words[] = {"linearizable", "NOT linearizable", "",
                                        "undecided"};
    struct lin_options options = {0};
    bool witness = false;
    int option = 0;
    while ((option = getopt(argc, argv, "ws:")) != -1) {
        if (option == 'w')
            witness = true;
        else if (option != 's' ||
                 !num_parse_u64(bytes_str(optarg), &options.steps_max))
            return usage();
    }
    if (optind >= argc)
        return usage();

    struct history h;
    history_init(&h);
    enum status status = LINEARIZABLE;
    for (int i = optind; i < argc && status != WRONG_USE; i++) {
        if (!read_file(&h, argv[i]))
            status = WRONG_USE;
    }
    if (status != WRONG_USE) {
        status = witness ? replay(&h, &options) : search(&h, &options);
        puts(words[status]);
    }
    history_release(&h);
    return (int)status;
}
