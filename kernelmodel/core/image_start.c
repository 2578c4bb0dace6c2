/* kernelmodel/core/image_start.c - the beginning of a program that skerry-cc links: running it boots it.
 *
 * The file is a shared object that `skerry boot` loads, once a root task. Run by itself it has no interpreter, so that the
 * system jumps here before anything is relocated: this code uses no data that would need it, calls no library, and
 * replaces itself by `skerry boot PROGRAM -- ARGUMENTS`. skerry is the variable SKERRY's, or the one that skerry-cc found,
 * or the first in PATH.
 *
 * Compiled by skerry-cc, not into Skerry; SKERRY_BESIDE is a path as a string. */
#include <stddef.h>

#define EXPORTED __attribute__((visibility("default")))
#define HIDDEN   __attribute__((visibility("hidden"), used))

/* What core_image_open() looks for; another layout is another number. */
EXPORTED extern const unsigned skerry_image_version;
const unsigned skerry_image_version = 1;

enum { SYS_WRITE = 1, SYS_EXECVE = 59, SYS_READLINK = 89, SYS_EXIT = 231 };
enum { PATH_BYTES = 4096, ARGUMENTS_MAX = 4096, EXIT_NOT_FOUND = 127 };

static long system_call(long number, long a, long b, long c)
{
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

static const char *variable(char **environment, const char *name)
{
	for (; *environment; environment++) {
		const char *at = *environment, *n = name;
		while (*n && *at == *n)
			at++, n++;
		if (!*n && *at == '=')
			return at + 1;
	}
	return NULL;
}

static void try_path(const char **arguments, char **environment)
{
	char path[PATH_BYTES];
	const char *from = variable(environment, "PATH");
	while (from && *from) {
		const char *name = "/skerry";
		size_t n = 0;
		for (; *from && *from != ':'; from++)
			if (n < PATH_BYTES - 16)
				path[n++] = *from;
		for (; *name; name++)
			path[n++] = *name;
		path[n] = 0;
		from += *from == ':';
		system_call(SYS_EXECVE, (long)path, (long)arguments, (long)environment);
	}
}

HIDDEN void skerry_image_boot(long *stack)
{
	static const char missing[] = "no program \"skerry\" was found; name it: SKERRY=/path/of/skerry\n";
	char self[PATH_BYTES];
	static const char skerry[] = "skerry", boot[] = "boot", dashes[] = "--", link[] = "/proc/self/exe";
	static const char beside[] = SKERRY_BESIDE;
	const char *arguments[ARGUMENTS_MAX + 8];
	const long count = stack[0] < ARGUMENTS_MAX ? stack[0] : ARGUMENTS_MAX;
	char **given = (char **)(stack + 1), **environment = given + stack[0] + 1;
	const char *named = variable(environment, "SKERRY");
	const long length = system_call(SYS_READLINK, (long)link, (long)self, PATH_BYTES - 1);
	size_t n = 0;
	self[length > 0 ? length : 0] = 0;
	arguments[n++] = skerry;
	arguments[n++] = boot;
	arguments[n++] = self;
	arguments[n++] = dashes;
	for (long i = 1; i < count; i++)
		arguments[n++] = given[i];
	arguments[n] = NULL;
	if (named)
		system_call(SYS_EXECVE, (long)named, (long)arguments, (long)environment);
	system_call(SYS_EXECVE, (long)beside, (long)arguments, (long)environment);
	try_path(arguments, environment);
	system_call(SYS_WRITE, 2, (long)missing, sizeof missing - 1);
	for (;;)
		system_call(SYS_EXIT, EXIT_NOT_FOUND, 0, 0);
}

__asm__(".text\n"
	".globl skerry_image_start\n"
	".hidden skerry_image_start\n"
	"skerry_image_start:\n"
	"	xorl	%ebp, %ebp\n"
	"	movq	%rsp, %rdi\n"
	"	andq	$-16, %rsp\n"
	"	call	skerry_image_boot\n"
	"	hlt\n");
