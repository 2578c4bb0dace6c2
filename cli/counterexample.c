#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/counterexample.h"
#include "cli/script_file.h"
#include "cli/text.h"
#include "ssi/checker/replay.h"

int counterexample_make(struct counterexample *out, const struct script *script,
			const struct step_protocol *protocol)
{
	struct replay_result result;
	size_t story_size = 0, plantuml_size = 0;
	*out = (struct counterexample){0};
	FILE *story = open_memstream(&out->story, &story_size);
	FILE *plantuml = open_memstream(&out->plantuml, &plantuml_size);
	if (!story || !plantuml)
		return cli_fail(CLI_INTERNAL, "there is not enough memory");
	const struct replay_options options = {.story = story, .plantuml = plantuml};
	const int failed = replay_run(script, protocol, &options, &result);
	fclose(story);
	fclose(plantuml);
	if (failed || result.misfit[0])
		return cli_fail(CLI_INTERNAL, "the counter-example cannot be replayed: %s",
				failed == -ENOMEM ? "there is not enough memory" : result.misfit);
	out->again = !strcmp(script->why, result.why) && !strcmp(script->state, result.state);
	out->state = result.state;
	result.state = NULL;
	replay_result_fini(&result);
	return 0;
}

void counterexample_fini(struct counterexample *c)
{
	free(c->story);
	free(c->plantuml);
	free(c->state);
	*c = (struct counterexample){0};
}

static int write_text(struct folder *folder, const char *name, const char *extension, const char *text)
{
	char file[128];
	snprintf(file, sizeof file, "%s.%s", name, extension);
	FILE *out = folder_open(folder, file);
	if (!out)
		return CLI_USAGE;
	fputs(text, out);
	return folder_close(folder, file, out) ? CLI_USAGE : 0;
}

int counterexample_write(const struct counterexample *c, const struct script *script,
			 const struct step_protocol *protocol, const char *library, struct folder *folder,
			 const char *name)
{
	char file[128];
	int code = write_text(folder, name, "txt", c->story);
	code = code ? code : write_text(folder, name, "puml", c->plantuml);
	snprintf(file, sizeof file, "%s.skr", name);
	FILE *out = code ? NULL : folder_open(folder, file);
	if (!out)
		return CLI_USAGE;
	json_t *json = script_json(script, protocol, library);
	code = text_json(out, json);
	json_decref(json);
	return folder_close(folder, file, out) || code ? CLI_USAGE : 0;
}
