/* kernelmodel/io_port.c - x86's I/O ports: ranges are issued once, and used through the host's callbacks.
 *
 * Source: seL4 16.0 manual, section 8.2. */
#include "kernelmodel/kernel_internal.h"

#define PORT_MASK 0xffff

/* ---- which ports are issued ---- */

static int is_issued(struct km_kernel *k, unsigned port)
{
	return ((uint8_t *)km_at(k, k->io_ports))[port / 8] >> port % 8 & 1;
}

static void mark(struct km_kernel *k, unsigned first, unsigned last, int issued)
{
	uint8_t *bits = km_at(k, k->io_ports);
	for (unsigned port = first; port <= last; port++)
		bits[port / 8] =
			(uint8_t)((bits[port / 8] & ~(1u << port % 8)) | (unsigned)issued << port % 8);
}

static int is_free(struct km_kernel *k, unsigned first, unsigned last)
{
	for (unsigned port = first; port <= last; port++)
		if (is_issued(k, port))
			return 0;
	return 1;
}

static unsigned first_of(struct km_cap cap) { return cap.word & PORT_MASK; }
static unsigned last_of(struct km_cap cap) { return cap.word >> 16 & PORT_MASK; }

void km_io_port_deleted(struct km_kernel *k, struct km_cap cap) { mark(k, first_of(cap), last_of(cap), 0); }

/* ---- IOPortControl ---- */

struct issue {
	unsigned first, last;
	struct km_slot *into;
};

static enum km_status decode_issue(struct km_kernel *k, const struct km_request *r, struct issue *out)
{
	if (r->label != X86IOPortControlIssue)
		return km_fail(k, seL4_IllegalOperation);
	if (r->length < 4 || k->extra[0] == NULL)
		return km_fail(k, seL4_TruncatedMessage);
	out->first = km_argument(r, 0) & PORT_MASK;
	out->last = km_argument(r, 1) & PORT_MASK;
	if (out->last < out->first)
		return km_fail_argument(k, 1);
	if (!is_free(k, out->first, out->last))
		return km_fail(k, seL4_RevokeFirst);
	km_word depth = km_argument(r, 3);
	enum km_status status = km_lookup_target(k, 0, k->extra[0]->cap, km_argument(r, 2),
						 depth > 64 ? 65 : (unsigned)depth, &out->into);
	return status != KM_OK ? status : km_ensure_empty(k, out->into);
}

enum km_status km_io_port_control_invoke(struct km_kernel *k, const struct km_request *r)
{
	struct issue issue;
	enum km_status status = decode_issue(k, r, &issue);
	if (status != KM_OK)
		return status;
	struct km_cap cap = {.type = KM_CAP_IO_PORT, .word = issue.first | (km_word)issue.last << 16};
	mark(k, issue.first, issue.last, 1);
	km_tree_insert(k, cap, r->slot, issue.into);
	return KM_OK;
}

/* ---- IOPort ---- */

/* Bytes of a port operation and its direction, by label; 0: no port operation. */
static unsigned width_of(unsigned label, int *is_out)
{
	*is_out = label == X86IOPortOut8 || label == X86IOPortOut16 || label == X86IOPortOut32;
	switch (label) {
	case X86IOPortIn8:
	case X86IOPortOut8:
		return 1;
	case X86IOPortIn16:
	case X86IOPortOut16:
		return 2;
	case X86IOPortIn32:
	case X86IOPortOut32:
		return 4;
	default:
		return 0;
	}
}

static uint32_t all_ones(unsigned width) { return UINT32_MAX >> (32 - 8 * width); }

static void port_out(struct km_kernel *k, unsigned port, unsigned width, km_word value)
{
	if (k->host.port_out != NULL)
		k->host.port_out(k->host.context, (uint16_t)port, width, (uint32_t)value & all_ones(width));
}

static uint32_t port_in(struct km_kernel *k, unsigned port, unsigned width)
{
	if (k->host.port_in == NULL)
		return all_ones(width);
	return k->host.port_in(k->host.context, (uint16_t)port, width) & all_ones(width);
}

enum km_status km_io_port_invoke(struct km_kernel *k, const struct km_request *r)
{
	int is_out;
	unsigned width = width_of(r->label, &is_out);
	if (width == 0)
		return km_fail(k, seL4_IllegalOperation);
	if (r->length < (is_out ? 2u : 1u))
		return km_fail(k, seL4_TruncatedMessage);
	unsigned port = km_argument(r, 0) & PORT_MASK;
	if (port < first_of(r->cap) || port + width - 1 > last_of(r->cap))
		return km_fail(k, seL4_IllegalOperation);
	if (is_out) {
		port_out(k, port, width, km_argument(r, 1));
	} else {
		km_word value = port_in(k, port, width);
		km_reply_words(k, r, 1, &value);
	}
	return KM_OK;
}
