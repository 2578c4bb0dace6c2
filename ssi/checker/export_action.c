/* ssi/checker/export_action.c - what was learnt of an action, in Murphi. */
#include "ssi/checker/export_text.h"

const char *const export_op_name[] = {
	[EXPORT_TELL] = "TELL",
	[EXPORT_COMPLETE] = "COMPLETE",
	[EXPORT_ADD] = "ADD",
	[EXPORT_ADD_ONCE] = "ADD_ONCE",
	[EXPORT_ADD_OTHERS] = "ADD_OTHERS",
	[EXPORT_REPLACE] = "REPLACE",
	[EXPORT_REMOVE] = "REMOVE",
	[EXPORT_REMOVE_IF] = "REMOVE_IF",
	[EXPORT_SETTLE] = "SETTLE",
	[EXPORT_FANOUT] = "FANOUT",
	[EXPORT_STOP] = "STOP",
	[EXPORT_WAKE] = "WAKE",
	[EXPORT_CLEAR] = "CLEAR",
	[EXPORT_TAKE_LIST] = "TAKE_LIST",
	[EXPORT_FAULT] = NULL,
};

struct printer {
	const struct exporter *x;
	const struct step_machine *d;
	const struct export_action *action;
};

static void print_source(const struct printer *p, unsigned source)
{
	static const char *const names[] = {"",       "word_in", "here", "src_in",
					    "arg_in", "dest_in", "me",   "event_in"};
	const struct step_field *f = source < EXPORT_FIELD ? NULL : &p->d->fields()[source - EXPORT_FIELD];
	if (!f)
		fputs(names[source], p->x->out);
	else
		fprintf(p->x->out, "%s_in[%c_%s_%s]", f->kind == STEP_K_REF ? "ref" : "field",
			export_letter(f->kind), p->d->name, f->name);
}

static void print_word(const struct printer *p, const struct export_word *w)
{
	if (w->source == EXPORT_CONSTANT) {
		fprintf(p->x->out, "%u", w->constant);
		return;
	}
	fputs(w->node_of ? "node_of(" : "", p->x->out);
	print_source(p, w->source);
	fputs(w->node_of ? ")" : "", p->x->out);
}

static void print_ref(const struct printer *p, const struct export_ref *r)
{
	const struct exporter *x = p->x;
	if (r->source != EXPORT_CONSTANT) {
		print_source(p, r->source);
		return;
	}
	if (!r->machine || r->machine >= x->p->machines) {
		fputs("NOBODY", x->out);
		return;
	}
	fputs("ref(", x->out);
	print_word(p, &r->node);
	if (r->index == STEP_NEW || r->index == STEP_NAMED)
		fprintf(x->out, ", K_%s_%s)", r->index == STEP_NEW ? "NEW" : "NAMED",
			export_machine(x, r->machine)->name);
	else
		fprintf(x->out, ", K_SLOT + %u)", x->first_slot[r->machine] + r->index);
}

static void print_list(const struct printer *p, uint32_t field)
{
	fprintf(p->x->out, "l_%s_%s", p->d->name, p->d->fields()[field].name);
}

/* What an op has beside its kind, set before it; an op is 0 before. */
static void print_extra(const struct printer *p, const char *what, const struct export_ref *r)
{
	if (r->source == EXPORT_CONSTANT && !r->machine)
		return;
	fprintf(p->x->out, "op_%s[ops] := ", what);
	print_ref(p, r);
	fputs("; ", p->x->out);
}

static void print_list_op(const struct printer *p, const struct export_op *op)
{
	FILE *out = p->x->out;
	if (op->kind == EXPORT_TAKE_LIST) {
		fputs("op_other[ops] := ", out);
		print_list(p, op->other);
		fputs("; ", out);
	} else if (op->kind == EXPORT_FANOUT || op->kind == EXPORT_WAKE) {
		fprintf(out, "op_event[ops] := e_%s; ", p->x->p->event[op->event].name);
	}
	print_extra(p, "b", &op->b);
	fprintf(out, "ask(OP_%s, ", export_op_name[op->kind]);
	print_list(p, op->field);
	fputs(", ", out);
	print_ref(p, &op->a);
	fputs(");\n", out);
}

static void print_set(const struct printer *p, const struct export_op *op)
{
	const bool ref = op->kind == EXPORT_SET_REF;
	fprintf(p->x->out, "%s_out[%c_%s_%s] := ", ref ? "ref" : "field", ref ? 'f' : 'w', p->d->name,
		p->d->fields()[op->field].name);
	if (ref)
		print_ref(p, &op->a);
	else
		print_word(p, &op->word);
	fputs(";\n", p->x->out);
}

static void print_word_extra(const struct printer *p, const struct export_word *word)
{
	if (word->source == EXPORT_CONSTANT && !word->constant)
		return;
	fputs("op_word[ops] := ", p->x->out);
	print_word(p, word);
	fputs("; ", p->x->out);
}

static void print_tell(const struct printer *p, const struct export_op *op)
{
	FILE *out = p->x->out;
	print_extra(p, "b", &op->b);
	print_word_extra(p, &op->word);
	if (op->c.source != EXPORT_ME) {
		print_extra(p, "src", &op->c);
		fputs("op_for[ops] := true; ", out);
	}
	fputs("tell(", out);
	print_ref(p, &op->a);
	fputs(", ", out);
	if (op->event_source)
		print_source(p, op->event_source);
	else
		fprintf(out, "e_%s", p->x->p->event[op->event].name);
	fputs(");\n", out);
}

static void print_complete(const struct printer *p, const struct export_op *op)
{
	print_extra(p, "b", &op->b);
	print_word_extra(p, &op->word);
	fputs("ask(OP_COMPLETE, 0, ", p->x->out);
	print_ref(p, &op->a);
	fputs(");\n", p->x->out);
}

static void print_op(const struct printer *p, const struct export_op *op)
{
	FILE *out = p->x->out;
	switch (op->kind) {
	case EXPORT_TELL:
		return print_tell(p, op);
	case EXPORT_COMPLETE:
		return print_complete(p, op);
	case EXPORT_LOCAL:
		fputs("pending_out := ", out);
		print_word(p, &op->word);
		fputs(";\n", out);
		return;
	case EXPORT_TIMER:
		fputs("pending_out := PENDING_TIMER;\n", out);
		return;
	case EXPORT_FAULT:
		fputs("error \"a list has not what an action expects\";\n", out);
		return;
	case EXPORT_SET_REF:
	case EXPORT_SET_WORD:
		return print_set(p, op);
	default:
		return print_list_op(p, op);
	}
}

/* ---- which fields an action reads ---- */

static bool op_reads(const struct export_op *op, unsigned source)
{
	const struct export_ref *const ref[] = {&op->a, &op->b, &op->c};
	bool reads = op->word.source == source || op->event_source == source;
	for (uint32_t i = 0; i < 3; i++)
		reads = reads || ref[i]->source == source || ref[i]->node.source == source;
	return reads;
}

static bool ask_reads(const struct export_condition *c, unsigned source)
{
	const bool two = c->test == EXPORT_SAME || c->test == EXPORT_NEAR || c->test == EXPORT_NODE_IS;
	return c->a == source || (two && c->b == source);
}

static bool reads(const struct export_tree *tree, unsigned source)
{
	for (uint32_t i = 0; i < tree->count; i++) {
		const struct export_node *node = &tree->node[i];
		if (node->kind == EXPORT_ASK && ask_reads(&node->ask, source))
			return true;
		for (uint32_t k = 0; k < node->program.count; k++)
			if (op_reads(&node->program.op[k], source))
				return true;
	}
	return false;
}

/* It asks about lists, or changes its machine. */
static bool touches(const struct export_tree *tree)
{
	for (uint32_t i = 0; i < tree->count; i++) {
		const struct export_node *node = &tree->node[i];
		if (node->kind == EXPORT_ASK && node->ask.test >= EXPORT_ALONE &&
		    node->ask.test <= EXPORT_MEMBER)
			return true;
		for (uint32_t k = 0; k < node->program.count; k++)
			if (node->program.op[k].kind != EXPORT_TELL &&
			    node->program.op[k].kind != EXPORT_COMPLETE)
				return true;
	}
	return false;
}

/* ---- a tree ---- */

static void print_ask(const struct printer *p, const struct export_condition *c)
{
	FILE *out = p->x->out;
	switch ((enum export_test)c->test) {
	case EXPORT_ALONE:
	case EXPORT_EMPTY:
		fputs("count_in[", out);
		print_list(p, c->list);
		fprintf(out, "] = %d", c->test == EXPORT_ALONE);
		return;
	case EXPORT_MEMBER:
		fputs("list_find(here, slot, ", out);
		print_list(p, c->list);
		fputs(", ", out);
		print_source(p, c->a);
		fputs(") != LINKS", out);
		return;
	case EXPORT_NEAR:
	case EXPORT_NODE_IS:
		fputs(c->test == EXPORT_NEAR ? "node_of(" : "", out);
		print_source(p, c->a);
		fprintf(out, "%s = node_of(", c->test == EXPORT_NEAR ? ")" : "");
		print_source(p, c->b);
		fputs(")", out);
		return;
	case EXPORT_HERE:
		fputs("node_of(", out);
		print_source(p, c->a);
		fputs(") = here", out);
		return;
	default:
		print_source(p, c->a);
		fputs(" = ", out);
		if (c->test == EXPORT_SAME)
			print_source(p, c->b);
		else if (c->test == EXPORT_NOBODY)
			fputs("NOBODY", out);
		else
			fprintf(out, "%u", c->value);
	}
}

static bool is_nothing(const struct export_node *node)
{
	return node->kind == EXPORT_LEAF && !node->program.count;
}

static void print_node(const struct printer *p, uint32_t at, int indent)
{
	FILE *out = p->x->out;
	const struct export_node *node = &p->action->tree.node[at];
	if (node->kind == EXPORT_UNSEEN)
		fprintf(out, "%*serror \"%s of %s meets what the search did not meet\";\n", indent, "",
			p->action->name, p->d->name);
	for (uint32_t i = 0; node->kind == EXPORT_LEAF && i < node->program.count; i++) {
		fprintf(out, "%*s", indent, "");
		print_op(p, &node->program.op[i]);
	}
	if (node->kind != EXPORT_ASK)
		return;
	const char *word = "if";
	for (; node->kind == EXPORT_ASK; node = &p->action->tree.node[node->no], word = "elsif") {
		fprintf(out, "%*s%s ", indent, "", word);
		print_ask(p, &node->ask);
		fputs(" then\n", out);
		print_node(p, node->yes, indent + 2);
	}
	if (!is_nothing(node)) {
		fprintf(out, "%*selse\n", indent, "");
		print_node(p, (uint32_t)(node - p->action->tree.node), indent + 2);
	}
	fprintf(out, "%*send;\n", indent, "");
}

void export_print_action(const struct exporter *x, const struct export_action *action)
{
	const struct printer printer = {x, export_machine(x, action->machine), action}, *p = &printer;
	const struct step_field *f = p->d->fields();
	bool slot = touches(&action->tree);
	for (uint32_t i = 0; f[i].name; i++)
		slot = slot || reads(&action->tree, EXPORT_FIELD + i);
	fprintf(x->out, "procedure a_%s_%s", p->d->name, action->name);
	if (action->number)
		fprintf(x->out, "_%u", action->number + 1);
	fputs("();\nbegin\n", x->out);
	if (slot)
		fputs("  need_slot();\n", x->out);
	print_node(p, 0, 2);
	fputs("end;\n\n", x->out);
}
