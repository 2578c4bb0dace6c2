/* tests/sel4/main.c - the conformance suite as a program of its own: built by skerry-cc, run by `skerry boot`.
 *
 * Arguments: --only ID (or the beginning of one), --list, --native (time is the host's). The exit code is 1 if a case
 * failed. */
#include "tests/sel4/harness.h"
#include <stdio.h>
#include <string.h>
#include <sel4platsupport/bootinfo.h>

int main(int argc, char **argv)
{
	struct harness_options options = {.hooks = 1, .is_virtual = 1};
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--list")) {
			options.list = 1;
		} else if (!strcmp(argv[i], "--native")) {
			options.is_virtual = 0;
		} else if (!strcmp(argv[i], "--only") && i + 1 < argc) {
			options.only = argv[++i];
		} else {
			fprintf(stderr, "sel4 suite: '%s' is no option: --list, --native, --only ID\n",
				argv[i]);
			return 2;
		}
	}
	return harness_run(platsupport_get_bootinfo(), &options) ? 1 : 0;
}
