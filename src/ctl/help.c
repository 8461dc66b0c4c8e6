/*
 * The help, made of the table of commands.
 *
 * How it fails: it does not; whether it could be written, main() looks.
 */
#include "ctl/command.h"

#define USAGE                                                                  \
    "usage: vardctl [--cluster HOST:PORT,... | --config FILE]\n"               \
    "               [--password TEXT] [--timeout SECONDS]\n"                   \
    "               COMMAND [ARGUMENT ...]\n\n"

static const char end[] =
    "\nvardctl help COMMAND, or vardctl COMMAND --help, has more about one.\n"
    "\nThe cluster is taken from --cluster, else from a node's configuration,\n"
    "else from VARD_CLUSTER, else it is " CTL_DEFAULT_CLUSTER ". One node that "
    "is\n"
    "up is enough: it names the others. The password is taken from "
    "--password,\n"
    "else from the configuration, else from VARD_PASSWORD.\n\n"
    "Exit status: 0 done; 1 no (no such key, another value, serving but not\n"
    "healthy, not in time); 2 usage; 3 not executed: no node could do it, or\n"
    "requests are not served; 4 unknown: no answer, it may have been "
    "executed;\n"
    "5 refused with an error.\n";

void help_print(FILE *out)
{
    fputs(USAGE, out);
    for (const struct ctl_command *i = ctl_commands; i->name != NULL; i++)
        fprintf(out, "  %-9s %-19s %s\n", i->name, i->brief, i->doc);
    fputs(end, out);
}

void help_print_one(FILE *out, const struct ctl_command *command)
{
    const char *usage =
        command->usage != NULL ? command->usage : command->brief;
    ASSERT(command->name != NULL);
    fprintf(out, "usage: vardctl [OPTION ...] %s%s%s\n\n%s: %s.\n",
            command->name, usage[0] != '\0' ? " " : "", usage, command->name,
            command->doc);
    if (command->more != NULL)
        fprintf(out, "\n%s", command->more);
    fputs("\nOptions before the command, and exit statuses: vardctl help\n",
          out);
}
