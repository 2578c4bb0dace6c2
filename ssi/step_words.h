/* ssi/step_words.h - data for hosts in which a word that names data is the data itself, the same in a message and in a machine.
 *
 * Functions of struct step_host. Thread rule: pure. Layer: ssi. */
#ifndef SKERRY_SSI_STEP_WORDS_H
#define SKERRY_SSI_STEP_WORDS_H
#include <skerry/protocol.h>

static inline uint32_t step_words_out(struct step_node *n, uint32_t data)
{
	(void)n;
	return data;
}
static inline uint32_t step_words_in(struct step_node *n, const struct step_msg *m)
{
	(void)n;
	return m->word;
}
/* What is new is 0. */
static inline uint32_t step_words_new(struct step_node *n, step_ref name)
{
	(void)n, (void)name;
	return 0;
}
static inline void step_words_drop(struct step_node *n, uint32_t data) { (void)n, (void)data; }

#endif
