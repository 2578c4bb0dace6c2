/* cli/counterexample.h - a counter-example for users: its story, and the files that are kept of it.
 *
 * All three forms are made by replaying the script in the virtual engine, so what is printed has been seen to happen
 * again. Layer: cli. */
#ifndef SKERRY_CLI_COUNTEREXAMPLE_H
#define SKERRY_CLI_COUNTEREXAMPLE_H
#include "cli/folder.h"
#include "ssi/checker/script.h"

struct counterexample {
	char *story, *plantuml; /* owned */
	char *state;            /* where it ends; owned */
	bool again;             /* the replay had the same outcome */
};

/* Returns 0, or an exit code after a message. The caller passes *out to counterexample_fini() in any case. */
int counterexample_make(struct counterexample *out, const struct script *script,
			const struct step_protocol *protocol);
void counterexample_fini(struct counterexample *c);

/* Writes NAME.skr, NAME.puml and NAME.txt into the folder. Returns 0, or an exit code after a message. */
int counterexample_write(const struct counterexample *c, const struct script *script,
			 const struct step_protocol *protocol, const char *library, struct folder *folder,
			 const char *name);

#endif
