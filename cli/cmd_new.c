/* skerry new: the folder of a protocol, to begin with.
 *
 * What is written are the embedded files of workloads/templates/FAMILY/, a protocol named "skeleton" that is built and
 * checked by the tests as it stands; the word is replaced by the name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/folder.h"
#include "cli/options.h"
#include "cli/text.h"
#include "ssi/plugin.h"
#include "workloads/embedded.h"

#define WORD           "skeleton"
#define NAME_BYTES_MAX 32

static const char examples[] = "  skerry new protocol lease                 the folder lease, with lease.c\n"
			       "  skerry new protocol lease --out src/lease\n"
			       "  cd lease && make test\n";

/* What a file, a symbol of C and the name of a protocol may have in common. */
static int check_name(const char *name, const char *family)
{
	const struct step_protocol *there;
	char why[PROTOCOL_WHY_BYTES];
	const size_t length = strlen(name);
	if (!length || length > NAME_BYTES_MAX || name[0] < 'a' || name[0] > 'z' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != length)
		return cli_fail(
			CLI_USAGE,
			"new protocol \"%.64s\": a name has 1 to %d small letters, digits and \"_\", and "
			"begins with a letter; write, e.g., skerry new protocol lease",
			name, NAME_BYTES_MAX);
	if (!protocol_open(&there, name, family, why))
		return cli_fail(CLI_USAGE, "new protocol %s: %s comes with Skerry; choose another name", name,
				there->name);
	return 0;
}

/* Said here, because what folder.h says of a place that cannot be written is meant for records of runs. */
static int check_place(const char *out)
{
	char parent[PATH_MAX];
	struct stat status;
	const char *slash = strrchr(out, '/');
	if (!stat(out, &status))
		return cli_fail(CLI_USAGE,
				"%s: it exists already; remove it, or choose another place with --out DIR",
				out);
	snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - out) : 1, slash ? out : ".");
	if (!access(slash == out ? "/" : parent, W_OK))
		return 0;
	return cli_fail(CLI_USAGE, "%s cannot be written: %s: %s; choose another place with --out DIR", out,
			slash == out ? "/" : parent, strerror(errno));
}

/* ---- files ---- */

/* With the name in place of the word. */
static void write_replaced(FILE *out, const char *text, const char *name)
{
	for (const char *at; (at = strstr(text, WORD)); text = at + strlen(WORD)) {
		fwrite(text, 1, (size_t)(at - text), out);
		fputs(name, out);
	}
	fputs(text, out);
}

/* A template must not look like a file of this project to those who look for README.md or .gitignore. */
static void file_name(char *out, size_t size, const char *template, const char *name)
{
	const char *at = strstr(template, WORD);
	if (!strcmp(template, "README"))
		snprintf(out, size, "README.md");
	else if (!strcmp(template, "gitignore"))
		snprintf(out, size, ".gitignore");
	else if (at)
		snprintf(out, size, "%.*s%s%s", (int)(at - template), template, name, at + strlen(WORD));
	else
		snprintf(out, size, "%s", template);
}

static int write_file(struct folder *folder, const struct embedded_file *template, const char *base,
		      const char *name)
{
	char file[128];
	file_name(file, sizeof file, base, name);
	FILE *out = folder_open(folder, file);
	if (!out)
		return CLI_INTERNAL;
	write_replaced(out, template->text, name);
	return folder_close(folder, file, out) ? CLI_INTERNAL : 0;
}

static int write_folder(struct folder *folder, const char *family, const char *name)
{
	char prefix[64];
	int code = 0;
	snprintf(prefix, sizeof prefix, "templates/%s/", family);
	for (const struct embedded_file *file = embedded_files; file->name && !code; file++)
		if (!strncmp(file->name, prefix, strlen(prefix)))
			code = write_file(folder, file, file->name + strlen(prefix), name);
	if (!code)
		code = folder_commit(folder);
	if (code)
		folder_abandon(folder);
	return code;
}

static void say_what_is_next(const char *out, const char *family, const char *name)
{
	printf("%s/ holds the protocol %s/%s: read README.md there, then %s.c. To build and check it:\n  cd ",
	       out, family, name, name);
	text_shell_word(stdout, out);
	printf(" && make test\n");
}

int cmd_new(int argc, char **argv)
{
	static struct option_list arguments;
	static const char *const families[] = {"capability", NULL};
	const char *family = families[0], *out = NULL;
	struct folder folder;
	const struct cli_option options[] = {
		{"family", OPTION_TEXT, &family, "capability", "what it is a protocol for", 0, families},
		{"out", OPTION_TEXT, &out, "DIR", "the folder that is made; default: the name", 0, NULL}};
	const struct command_line command = {.name = "new",
					     .arguments = "protocol NAME",
					     .about = "write a protocol's folder to begin with",
					     .examples = examples,
					     .arguments_min = 2,
					     .arguments_max = 2,
					     .option = options,
					     .options = 2};
	int code = options_read(&command, argc, argv, &arguments);
	if (code >= 0)
		return code;
	if (strcmp(arguments.item[0], "protocol"))
		return cli_fail(CLI_USAGE,
				"new: \"%.64s\" is nothing that can be made; write skerry new protocol NAME",
				arguments.item[0]);
	const char *name = arguments.item[1];
	code = check_name(name, family);
	if (!code)
		code = check_place(out ? out : name);
	if (!code)
		code = folder_begin(&folder, out ? out : name, name);
	if (!code)
		code = write_folder(&folder, family, name);
	if (!code)
		say_what_is_next(out ? out : name, family, name);
	return code;
}
