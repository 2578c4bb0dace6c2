/* ssi/checker/checker_story.c - a step as a sentence: who does what, what changes, what is sent.
 *
 * From what the step noted. What a cell does inside its kernel is told by its machines' changes of state alone; a cell
 * that changes nothing and sends nothing is told only where it is all that happens. */
#include <stdio.h>
#include <stdlib.h>
#include <skerry/capability.h>
#include "ssi/checker/checker_script.h"

#define STORY_COLUMNS 104

/* ---- what a client does ---- */

/* The calls of family capability in words: before the capability, after it, and whether the word is a kernel. */
static const struct {
	const char *before, *after;
	bool to_kernel;
} capability_words[CAPABILITY_CALLS_END] = {
	[CAPABILITY_CREATE] = {"makes an object", "", false},
	[CAPABILITY_OBTAIN] = {"obtains a copy of ", "", false},
	[CAPABILITY_DELEGATE] = {"delegates ", " to kernel", true},
	[CAPABILITY_COPY] = {"copies ", "", false},
	[CAPABILITY_MINT] = {"mints from ", "", false},
	[CAPABILITY_MOVE] = {"moves ", " to kernel", true},
	[CAPABILITY_DELETE] = {"deletes ", "", false},
	[CAPABILITY_REVOKE] = {"revokes what came from ", "", false},
	[CAPABILITY_RETYPE] = {"retypes ", "", false},
	[CAPABILITY_QUERY] = {"asks what ", " is", false},
	[CAPABILITY_USE] = {"uses ", "", false},
	[CAPABILITY_RETIRE] = {"retires ", "", false},
};

static bool is_capability_call(const struct checker *c, unsigned event)
{
	return !strncmp(c->protocol->name, "capability/", 11) && event < CAPABILITY_CALLS_END &&
	       event >= E_PROTOCOL && !strncmp(checker_event_name(c, event), "C_", 2);
}

static void print_word(const struct checker *c, FILE *f, unsigned event, uint32_t word)
{
	switch ((enum step_kind)c->protocol->event[event].word) {
	case STEP_K_NODE:
		fprintf(f, ", to kernel %u", word);
		break;
	case STEP_K_WORD:
		fprintf(f, ", %u", word);
		break;
	case STEP_K_DATA:
		fprintf(f, ", data %u", word);
		break;
	default:
		break;
	}
}

static void print_call(const struct checker *c, FILE *f, const struct script_step *s)
{
	if (!is_capability_call(c, s->event)) {
		fprintf(f, "calls %s(", checker_event_name(c, s->event));
		checker_print_ref(c, f, s->arg);
		print_word(c, f, s->event, s->word);
		fprintf(f, ")");
		return;
	}
	fprintf(f, "%s", capability_words[s->event].before);
	if (s->event != CAPABILITY_CREATE)
		checker_print_ref(c, f, s->arg);
	fprintf(f, "%s", capability_words[s->event].after);
	if (capability_words[s->event].to_kernel)
		fprintf(f, " %u", s->word);
	else if (c->protocol->event[s->event].word == STEP_K_WORD)
		fprintf(f, " (%#x)", s->word);
	fprintf(f, " [%s]", checker_event_name(c, s->event));
}

void checker_story_what(const struct checker *c, struct checker_told *told)
{
	const struct script_step *s = told->step;
	told->what[0] = '\0';
	FILE *f = fmemopen(told->what, sizeof told->what, "w");
	if (!f)
		return;
	if (s->kind == SCRIPT_CALL)
		print_call(c, f, s);
	else
		checker_print_ref(c, f, s->kind == SCRIPT_TELL ? s->arg : s->at);
	fclose(f);
}

/* ---- who begins ---- */

static void print_start(const struct checker *c, FILE *f, const struct checker_told *t)
{
	const struct script_step *s = t->step;
	const char *event = checker_event_name(c, s->event);
	switch (s->kind) {
	case SCRIPT_CALL:
		fprintf(f, "its client%s %s", s->client ? " 1" : "", t->what);
		break;
	case SCRIPT_RECEIVE:
	case SCRIPT_LOSE:
		fprintf(f, s->kind == SCRIPT_LOSE ? "%s from kernel %u is lost" : "gets %s from kernel %u",
			event, s->from);
		if (t->sent_in && t->sent_in + 1 < t->number)
			fprintf(f, " (sent in %u)", t->sent_in);
		break;
	case SCRIPT_ANSWER:
		fprintf(f, "the kernel itself says %s to %s", s->event == E_LOCAL_OK ? "yes" : "no", t->what);
		break;
	case SCRIPT_TIMER:
		fprintf(f, "time is up for %s", t->what);
		break;
	case SCRIPT_TELL:
		checker_print_ref(c, f, s->at);
		fprintf(f, " tells %s", t->what);
		break;
	case SCRIPT_RESUME:
		fprintf(f, s->at.machine ? "what waited at %s goes on" : "what waited goes on", t->what);
		break;
	case SCRIPT_STOP:
	default:
		fprintf(f, "stops for ever");
		break;
	}
}

/* ---- what follows ---- */

struct teller {
	const struct checker *c;
	FILE *f;
	const struct checker_told *step;
	uint32_t kernel, told;
};

static void next_part(struct teller *t) { fprintf(t->f, "%s", t->told++ ? "; " : ": "); }

static bool same_slot(step_ref a, step_ref b)
{
	return a.node == b.node && a.machine == b.machine && a.index == b.index;
}

static void print_slot(struct teller *t, step_ref at)
{
	const struct step_machine *k = &t->c->protocol->machine[at.machine];
	if (at.index < t->c->slots[at.machine])
		fprintf(t->f, "%s %u.%u", k->name, (unsigned)at.node, (unsigned)at.index);
	else
		fprintf(t->f, "%s of kernel %u", k->name, (unsigned)at.node);
}

static bool changes(const struct checker_note *n) { return n->kind == NOTE_CELL && n->state != n->next; }

/* All states that a slot goes through in the step, where it first changes. */
static void print_changes(struct teller *t, uint32_t at)
{
	const struct checker_note *note = t->c->note, *first = &note[at];
	for (uint32_t i = 0; i < at; i++)
		if (changes(&note[i]) && same_slot(note[i].at, first->at))
			return;
	next_part(t);
	print_slot(t, first->at);
	fprintf(t->f, " %s", checker_state_name(t->c, first->at.machine, first->state));
	for (uint32_t i = at; i < t->c->notes; i++)
		if (changes(&note[i]) && same_slot(note[i].at, first->at))
			fprintf(t->f, " -> %s", checker_state_name(t->c, first->at.machine, note[i].next));
}

static const struct step_msg *message_of(const struct teller *t, const struct checker_note *n)
{
	return &t->c->channel[t->kernel][n->at.node][n->at.index];
}

/* The same event to several kernels is one part. */
static void print_send(struct teller *t, uint32_t at)
{
	const struct checker_note *note = t->c->note;
	const uint8_t event = message_of(t, &note[at])->event;
	uint32_t receivers = 0;
	for (uint32_t i = 0; i < t->c->notes; i++) {
		if (note[i].kind != NOTE_SEND || message_of(t, &note[i])->event != event)
			continue;
		if (i < at)
			return;
		if (!receivers++) {
			next_part(t);
			fprintf(t->f, "sends %s to kernel %u", checker_event_name(t->c, event),
				(unsigned)note[i].at.node);
		} else {
			fprintf(t->f, " and %u", (unsigned)note[i].at.node);
		}
	}
}

static void print_return(struct teller *t, const struct checker_note *n)
{
	const uint32_t call = t->step->called[n->at.node][n->at.index];
	next_part(t);
	fprintf(t->f, "%s ", checker_event_name(t->c, call));
	if (!is_capability_call(t->c, call))
		fprintf(t->f, "returns %u", n->result);
	else
		fprintf(t->f, n->result == CAPABILITY_OK ? "is done" : "fails");
}

static void print_stall(struct teller *t, const struct checker_note *n)
{
	next_part(t);
	fprintf(t->f, "%s waits, for ", checker_event_name(t->c, n->msg.event));
	step_ref at = n->at;
	if (at.machine && at.machine < t->c->protocol->machines) {
		print_slot(t, at);
		fprintf(t->f, " is %s", checker_state_name(t->c, at.machine, n->state));
	} else {
		fprintf(t->f, "there is no other place");
	}
}

static void print_parts(struct teller *t)
{
	const struct checker *c = t->c;
	for (uint32_t i = 0; i < c->notes; i++)
		if (changes(&c->note[i]))
			print_changes(t, i);
		else if (c->note[i].kind == NOTE_STALL)
			print_stall(t, &c->note[i]);
	for (uint32_t i = 0; i < c->notes; i++)
		if (c->note[i].kind == NOTE_SEND)
			print_send(t, i);
	for (uint32_t i = 0; i < c->notes; i++) {
		if (c->note[i].kind == NOTE_LOCAL) {
			next_part(t);
			print_slot(t, c->note[i].at);
			fprintf(t->f, " asks the kernel itself");
		} else if (c->note[i].kind == NOTE_TIMER) {
			next_part(t);
			print_slot(t, c->note[i].at);
			fprintf(t->f, " starts a timer");
		} else if (c->note[i].kind == NOTE_COMPLETE) {
			print_return(t, &c->note[i]);
		}
	}
}

/* Where nothing was told: the cell that left all as it was. */
static void print_idle(struct teller *t)
{
	for (uint32_t i = 0; i < t->c->notes && !t->told; i++) {
		const struct checker_note *n = &t->c->note[i];
		if (n->kind != NOTE_CELL)
			continue;
		next_part(t);
		print_slot(t, n->at);
		fprintf(t->f, " stays %s", checker_state_name(t->c, n->at.machine, n->state));
	}
}

/* Lines of at most so many columns; all but the first are indented. */
static void print_wrapped(FILE *f, const char *text, int indent)
{
	int column = indent;
	while (*text) {
		const int word = (int)strcspn(text, " ");
		if (column > indent && column + 1 + word > STORY_COLUMNS) {
			fprintf(f, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			fprintf(f, " ");
			column++;
		}
		fprintf(f, "%.*s", word, text);
		column += word;
		text += word + (text[word] == ' ');
	}
	fprintf(f, "\n");
}

void checker_story_step(const struct checker *c, FILE *f, const struct checker_told *told)
{
	char *text = NULL;
	size_t size = 0;
	struct teller t = {
		.c = c, .f = open_memstream(&text, &size), .step = told, .kernel = told->step->kernel};
	if (!t.f)
		return;
	print_start(c, t.f, told);
	print_parts(&t);
	print_idle(&t);
	if (!fclose(t.f)) {
		fprintf(f, "%3u  kernel %u  ", told->number, told->step->kernel);
		print_wrapped(f, text, 15);
	}
	free(text);
}

void checker_story_end(FILE *f, const char *why) { fprintf(f, "     ==> %s\n", why); }
