/*
 * The crash report runs inside a signal handler, perhaps with a broken heap or
 * at the end of the stack. It therefore has a stack of its own and calls only
 * write(2) and backtrace_symbols_fd; one call of backtrace loads the unwinder
 * beforehand. The handler is reset on entry, so a crash within the report ends
 * the process.
 *
 * The descriptor is hidden state, the only one in src/: a handler has no
 * argument that could carry it.
 *
 * How it fails: a handler or a stack that cannot be installed is an assertion.
 * What the report cannot write is given up: there is no other place for it.
 */
#include "os/signal.h"

#include <execinfo.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAMES_MAX 64
#define STACK_SIZE ((size_t)64 * 1024)

static volatile sig_atomic_t crash_fd = 2;

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static const char *name_of(int number)
{
    switch (number) {
    case SIGSEGV:
        return "SIGSEGV";
    case SIGBUS:
        return "SIGBUS";
    case SIGFPE:
        return "SIGFPE";
    case SIGILL:
        return "SIGILL";
    case SIGABRT:
        return "SIGABRT";
    default:
        return "?";
    }
}

static void put(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n <= 0)
            return; /* there is no other place to report it */
        text += n;
        len -= (size_t)n;
    }
}

static void put_hex(int fd, uintptr_t v)
{
    char text[2 + 2 * sizeof(v) + 1] = "0x";
    for (size_t i = 0; i < 2 * sizeof(v); i++)
        text[2 + i] =
            "0123456789abcdef"[(v >> (4 * (2 * sizeof(v) - 1 - i))) & 15];
    text[sizeof(text) - 1] = '\0';
    put(fd, text);
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    UNUSED(context);
    int fd = crash_fd;
    put(fd, "\n=== vard crash report: begin ===\nversion " VARD_VERSION
            ", signal ");
    put(fd, name_of(number));
    if (number == SIGSEGV || number == SIGBUS) {
        put(fd, ", address ");
        put_hex(fd, (uintptr_t)info->si_addr);
    }
    put(fd, "\nstack:\n");
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    if (count > 0)
        backtrace_symbols_fd(frames, count, fd);
    put(fd, "=== vard crash report: end ===\n");
    (void)raise(number); /* the default action, by SA_RESETHAND */
}

void signal_ignore(void)
{
    struct sigaction action = {.sa_flags = 0};
    action.sa_handler = SIG_IGN;
    int err = sigaction(SIGPIPE, &action, NULL);
    ASSERT(err == 0);
    err = sigaction(SIGHUP, &action, NULL);
    ASSERT(err == 0);
    err = sigaction(SIGXFSZ, &action, NULL); /* the write fails instead */
    ASSERT(err == 0);
}

/* Makes a stack for handlers, unless there is one. It is never freed. */
static void use_own_stack(void)
{
    stack_t stack;
    int err = sigaltstack(NULL, &stack);
    ASSERT(err == 0);
    if ((stack.ss_flags & SS_DISABLE) == 0)
        return;
    void *p = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT(p != MAP_FAILED);
    stack = (stack_t){.ss_sp = p, .ss_size = STACK_SIZE};
    err = sigaltstack(&stack, NULL);
    ASSERT(err == 0);
}

void signal_crash_report(int fd)
{
    ASSERT(fd >= 0);
    crash_fd = fd;
    void *frame;
    (void)backtrace(&frame, 1);
    use_own_stack();
    struct sigaction action = {
        .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_NODEFER | SA_ONSTACK)};
    action.sa_sigaction = on_crash;
    for (size_t i = 0; i < ARRAY_LEN(crash_signals); i++) {
        int err = sigaction(crash_signals[i], &action, NULL);
        ASSERT(err == 0);
    }
}
