/* skerry/plugin.h - a protocol as a shared object, which Skerry takes in place of one of its own.
 *
 * A file that defines a protocol says once, at its end,
 *
 *     STEP_PLUGIN(capability_star);
 *
 * and is compiled with the flags of `pkg-config --cflags skerry` and -fPIC -shared. Then every command takes the path of
 * the shared object where it takes the name of a protocol: `skerry check ./star.so`, `--set protocols.capability=./star.so`.
 *
 * What is exported is a record that says against which headers the object was compiled. Skerry compares it with its own
 * before it looks at the protocol: what was compiled against other headers is refused, not misread.
 *
 * STEP_PLUGIN_ABI goes up whenever the meaning of these headers changes and no size does; sizes and offsets are compared
 * besides. Layer: public. The record is immutable; it and the protocol live as long as the program. */
#ifndef SKERRY_PLUGIN_H
#define SKERRY_PLUGIN_H
#include <skerry/protocol.h>

#define STEP_PLUGIN_MAGIC                                                                                    \
	0x6e69676c7079726bull /* "kryplgin" in a hexdump: a symbol of this name by chance is not it */
#define STEP_PLUGIN_ABI    1
#define STEP_PLUGIN_SYMBOL "skerry_plugin"

/* What both sides must see alike: the size of each type, */
#define STEP_PLUGIN_TYPES(T)                                                                                 \
	T(step_ref)                                                                                          \
	T(struct step_msg)                                                                                   \
	T(struct step_event)                                                                                 \
	T(struct step_head)                                                                                  \
	T(struct step_list)                                                                                  \
	T(struct step_link)                                                                                  \
	T(struct step_field)                                                                                 \
	T(struct step_cell)                                                                                  \
	T(struct step_machine)                                                                               \
	T(struct step_promise)                                                                               \
	T(struct step_protocol)                                                                              \
	T(struct step_host)                                                                                  \
	T(struct step_pool)                                                                                  \
	T(struct step_parked)                                                                                \
	T(struct step_node)                                                                                  \
	T(struct step_world)                                                                                 \
	T(struct step_also)                                                                                  \
	T(struct step_unreached)                                                                             \
	T(struct step_shadow)                                                                                \
	T(struct step_model)

/* and the place of each member that a protocol's code touches by itself or through the inline functions. */
#define STEP_PLUGIN_MEMBERS(M)                                                                               \
	M(struct step_msg, event)                                                                            \
	M(struct step_msg, word)                                                                             \
	M(struct step_msg, to)                                                                               \
	M(struct step_msg, from)                                                                             \
	M(struct step_msg, arg)                                                                              \
	M(struct step_head, state)                                                                           \
	M(struct step_head, pending)                                                                         \
	M(struct step_list, first)                                                                           \
	M(struct step_list, count)                                                                           \
	M(struct step_list, fan)                                                                             \
	M(struct step_link, member)                                                                          \
	M(struct step_link, next)                                                                            \
	M(struct step_protocol, machine)                                                                     \
	M(struct step_host, complete)                                                                        \
	M(struct step_host, data_out)                                                                        \
	M(struct step_host, data_in)                                                                         \
	M(struct step_host, data_new)                                                                        \
	M(struct step_host, data_drop)                                                                       \
	M(struct step_node, id)                                                                              \
	M(struct step_node, nodes)                                                                           \
	M(struct step_node, protocol)                                                                        \
	M(struct step_node, host)                                                                            \
	M(struct step_node, pool)                                                                            \
	M(struct step_node, link)                                                                            \
	M(struct step_node, me)                                                                              \
	M(struct step_world, node)                                                                           \
	M(struct step_world, call)                                                                           \
	M(struct step_world, ghost)                                                                          \
	M(struct step_world, shadow)                                                                         \
	M(struct step_world, shadow_size)

#define STEP_PLUGIN_SIZE(T)     sizeof(T),
#define STEP_PLUGIN_PLACE(S, m) offsetof(S, m),
#define STEP_PLUGIN_ONE(T)      +1
#define STEP_PLUGIN_ONE2(S, m)  +1
enum {
	STEP_PLUGIN_SIZES = 0 STEP_PLUGIN_TYPES(STEP_PLUGIN_ONE),
	STEP_PLUGIN_PLACES = 0 STEP_PLUGIN_MEMBERS(STEP_PLUGIN_ONE2),
	STEP_PLUGIN_FIGURES = STEP_PLUGIN_SIZES + STEP_PLUGIN_PLACES
};

/* The first two members never change, so that any Skerry can read the ABI number of any object. */
struct step_plugin {
	uint64_t magic;
	uint32_t abi, figures;
	const struct step_protocol *protocol;
	uint32_t figure[STEP_PLUGIN_FIGURES]; /* sizes, then places */
};

/* clang-format off */
#define STEP_PLUGIN(name)                                                                                    \
	extern const struct step_plugin skerry_plugin;                                                       \
	__attribute__((visibility("default"), used)) const struct step_plugin skerry_plugin = {              \
		STEP_PLUGIN_MAGIC, STEP_PLUGIN_ABI, STEP_PLUGIN_FIGURES, &(name),                            \
		{STEP_PLUGIN_TYPES(STEP_PLUGIN_SIZE) STEP_PLUGIN_MEMBERS(STEP_PLUGIN_PLACE)}}
/* clang-format on */

#endif
