#include "workloads/trace_scan.h"
#include <errno.h>
#include <string.h>

bool trace_slice_is(struct trace_slice slice, const char *text)
{
	return slice.bytes == strlen(text) && !memcmp(slice.at, text, slice.bytes);
}

bool trace_slice_starts(struct trace_slice slice, const char *text)
{
	size_t bytes = strlen(text);

	return slice.bytes >= bytes && !memcmp(slice.at, text, bytes);
}

bool trace_slice_has(struct trace_slice slice, const char *text)
{
	return slice.bytes && memmem(slice.at, slice.bytes, text, strlen(text));
}

static struct trace_slice from(struct trace_slice slice, size_t skip)
{
	return (struct trace_slice){slice.at + skip, slice.bytes - skip};
}

static struct trace_slice trim(struct trace_slice slice)
{
	while (slice.bytes && (slice.at[0] == ' ' || slice.at[0] == '\t'))
		slice = from(slice, 1);
	while (slice.bytes && (slice.at[slice.bytes - 1] == ' ' || slice.at[slice.bytes - 1] == '\r'))
		slice.bytes--;
	return slice;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

bool trace_scan_flag(struct trace_slice slice, const char *flag)
{
	size_t bytes = strlen(flag);
	const char *at = slice.at, *end = slice.at + slice.bytes;

	while (at && (size_t)(end - at) >= bytes) {
		at = memmem(at, (size_t)(end - at), flag, bytes);
		if (!at)
			return false;
		if ((at == slice.at || !is_word(at[-1])) && (at + bytes == end || !is_word(at[bytes])))
			return true;
		at++;
	}
	return false;
}

static int digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

bool trace_scan_number(struct trace_slice slice, int64_t *out)
{
	size_t at = 0;
	uint64_t value = 0;
	bool minus = slice.bytes && slice.at[0] == '-';
	int base = 10, digits = 0;

	at += minus;
	if (slice.bytes - at > 2 && slice.at[at] == '0' && (slice.at[at + 1] | 32) == 'x') {
		base = 16;
		at += 2;
	} else if (slice.bytes - at > 1 && slice.at[at] == '0') {
		base = 8;
	}
	for (; at < slice.bytes && digit_value(slice.at[at]) < base; at++, digits++)
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit_value(slice.at[at]), &value))
			return false;
	*out = (int64_t)(minus ? 0 - value : value);
	return digits > 0;
}

/* Length of the string literal that starts at `at`, quotes included, or 0 if it does not end. */
static size_t string_bytes(struct trace_slice slice)
{
	for (size_t i = 1; i < slice.bytes; i++) {
		if (slice.at[i] == '\\')
			i++;
		else if (slice.at[i] == '"')
			return i + 1;
	}
	return 0;
}

bool trace_scan_field(struct trace_slice slice, const char *key, int64_t *out)
{
	size_t bytes = strlen(key);

	for (size_t i = 0; i + bytes <= slice.bytes; i++) {
		if (slice.at[i] == '"') {
			size_t skip = string_bytes(from(slice, i));

			if (!skip)
				return false;
			i += skip - 1;
		} else if (!memcmp(slice.at + i, key, bytes) && (!i || !is_word(slice.at[i - 1]))) {
			return trace_scan_number(from(slice, i + bytes), out);
		}
	}
	return false;
}

/* Length of the note "<...>" that starts here, brackets included, or 0. Paths come with their '<' and '>'
 * escaped; notes of sockets hold "->", notes of devices another "<...>". */
static size_t note_bytes(struct trace_slice slice)
{
	bool path = slice.bytes > 1 && slice.at[1] == '/';
	unsigned depth = 0;

	for (size_t i = 0; i < slice.bytes; i++) {
		if (slice.at[i] == '<')
			depth++;
		if (slice.at[i] == '>' && (path || slice.at[i - 1] != '-') && !--depth)
			return i + 1;
	}
	return 0;
}

bool trace_scan_descriptor(struct trace_slice slice, int64_t *fd, struct trace_slice *note)
{
	size_t at = 0;

	*note = (struct trace_slice){NULL, 0};
	if (trace_slice_starts(slice, "AT_FDCWD")) {
		*fd = -100;
		at = 8;
	} else {
		if (!trace_scan_number(slice, fd))
			return false;
		while (at < slice.bytes && (is_digit(slice.at[at]) || slice.at[at] == '-'))
			at++;
	}
	if (at < slice.bytes && slice.at[at] == '<') {
		struct trace_slice rest = from(slice, at);
		size_t bytes = note_bytes(rest);

		if (!bytes)
			return false;
		*note = (struct trace_slice){rest.at + 1, bytes - 2};
		if (trace_slice_starts(from(rest, bytes), "(deleted)"))
			note->bytes += 1 + strlen("(deleted)");
	}
	return true;
}

/* One escape behind a backslash; returns the bytes it takes, 0 if it is none. */
static size_t unescape(struct trace_slice slice, char *out)
{
	static const char letters[] = "n\nt\tr\rv\vf\fa\ab\be\033\"\"\\\\''";
	unsigned value = 0;
	size_t i = 0;

	if (!slice.bytes)
		return 0;
	if (slice.at[0] == 'x') {
		for (i = 1; i < slice.bytes && i < 3 && digit_value(slice.at[i]) < 16; i++)
			value = value * 16 + (unsigned)digit_value(slice.at[i]);
		*out = (char)value;
		return i > 1 ? i : 0;
	}
	for (; i < slice.bytes && i < 3 && digit_value(slice.at[i]) < 8; i++)
		value = value * 8 + (unsigned)digit_value(slice.at[i]);
	if (i) {
		*out = (char)value;
		return i;
	}
	for (const char *at = letters; *at; at += 2)
		if (*at == slice.at[0]) {
			*out = at[1];
			return 1;
		}
	return 0;
}

/* Copies up to `end` ('"', or 0 for the whole slice); *used is what was read. */
static enum trace_string unescape_all(struct trace_slice slice, char end, char *out, size_t *bytes,
				      size_t *used)
{
	size_t n = 0, i = 0;

	while (i < slice.bytes && !(end && slice.at[i] == end)) {
		char c = slice.at[i++];

		if (c == '\\') {
			size_t skip = unescape(from(slice, i), &c);

			if (!skip)
				return TRACE_STRING_NONE;
			i += skip;
		}
		if (n == TRACE_PATH_BYTES)
			return TRACE_STRING_LONG;
		if (!c)
			return TRACE_STRING_NONE;
		out[n++] = c;
	}
	out[n] = 0;
	*bytes = n;
	*used = i;
	return TRACE_STRING_WHOLE;
}

enum trace_string trace_scan_string(struct trace_slice slice, char out[TRACE_PATH_BYTES + 1], size_t *bytes)
{
	enum trace_string kind;
	size_t used;

	out[0] = 0;
	*bytes = 0;
	if (!slice.bytes || slice.at[0] != '"')
		return TRACE_STRING_NONE;
	kind = unescape_all(from(slice, 1), '"', out, bytes, &used);
	if (kind == TRACE_STRING_WHOLE && used + 1 == slice.bytes)
		return TRACE_STRING_NONE;
	if (kind == TRACE_STRING_WHOLE && trace_slice_starts(from(slice, used + 2), "..."))
		return TRACE_STRING_CUT;
	return kind;
}

enum trace_string trace_scan_note(struct trace_slice slice, char out[TRACE_PATH_BYTES + 1], size_t *bytes,
				  bool *deleted)
{
	static const char *const endings[] = {">(deleted)", " (deleted)"};
	size_t used;

	*deleted = false;
	out[0] = 0;
	*bytes = 0;
	for (int i = 0; i < 2; i++) {
		size_t n = strlen(endings[i]);

		if (slice.bytes > n && !memcmp(slice.at + slice.bytes - n, endings[i], n)) {
			slice.bytes -= n;
			*deleted = true;
			break;
		}
	}
	if (!slice.bytes || slice.at[0] != '/')
		return TRACE_STRING_NONE;
	return unescape_all(slice, 0, out, bytes, &used);
}

/* clang-format off */
static const struct { const char *name; int number; } errors[] = {
	{"EPERM", EPERM}, {"ENOENT", ENOENT}, {"ESRCH", ESRCH}, {"EINTR", EINTR}, {"EIO", EIO}, {"ENXIO", ENXIO},
	{"E2BIG", E2BIG}, {"ENOEXEC", ENOEXEC}, {"EBADF", EBADF}, {"ECHILD", ECHILD}, {"EAGAIN", EAGAIN},
	{"ENOMEM", ENOMEM}, {"EACCES", EACCES}, {"EFAULT", EFAULT}, {"EBUSY", EBUSY}, {"EEXIST", EEXIST},
	{"EXDEV", EXDEV}, {"ENODEV", ENODEV}, {"ENOTDIR", ENOTDIR}, {"EISDIR", EISDIR}, {"EINVAL", EINVAL},
	{"ENFILE", ENFILE}, {"EMFILE", EMFILE}, {"ENOTTY", ENOTTY}, {"ETXTBSY", ETXTBSY}, {"EFBIG", EFBIG},
	{"ENOSPC", ENOSPC}, {"ESPIPE", ESPIPE}, {"EROFS", EROFS}, {"EMLINK", EMLINK}, {"EPIPE", EPIPE},
	{"ENAMETOOLONG", ENAMETOOLONG}, {"ENOSYS", ENOSYS}, {"ENOTEMPTY", ENOTEMPTY}, {"ELOOP", ELOOP},
	{"ENODATA", ENODATA}, {"EOVERFLOW", EOVERFLOW}, {"EOPNOTSUPP", EOPNOTSUPP}, {"ENOTSUP", ENOTSUP},
	{"ESTALE", ESTALE}, {"EDQUOT", EDQUOT},
};
/* clang-format on */

static int error_number(struct trace_slice slice)
{
	size_t bytes = 0;

	while (bytes < slice.bytes && is_word(slice.at[bytes]))
		bytes++;
	slice.bytes = bytes;
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (trace_slice_is(slice, errors[i].name))
			return errors[i].number;
	return 0;
}

static const char *scan_result(struct trace_slice text, struct trace_call *out)
{
	int64_t value;

	text = trim(text);
	if (!trace_slice_starts(text, "="))
		return "there is no result";
	text = trim(from(text, 1));
	if (trace_slice_starts(text, "?")) {
		out->outcome = TRACE_UNTOLD;
		return NULL;
	}
	if (!trace_scan_descriptor(text, &value, &out->note))
		return "the result is not a number";
	out->value = value;
	if (value != -1 || !trace_slice_starts(text, "-1 E"))
		return NULL;
	out->outcome = TRACE_FAILED;
	out->error = error_number(from(text, 3));
	return NULL;
}

/* Skips one string, note or bracket; returns the bytes skipped, 0 if it does not end. */
static size_t skip_one(struct trace_slice slice, char before, unsigned *depth)
{
	switch (slice.at[0]) {
	case '"':
		return string_bytes(slice);
	case '<':
		/* Behind a number or AT_FDCWD it is a note; "1<<CAP_CHOWN" is arithmetic. */
		if (trace_slice_starts(slice, "<<"))
			return 2;
		return is_word(before) ? note_bytes(slice) : 1;
	case '(':
	case '[':
	case '{':
		++*depth;
		return 1;
	case ')':
	case ']':
	case '}':
		--*depth;
		return 1;
	case '/':
		if (trace_slice_starts(slice, "/*")) {
			const char *end = memmem(slice.at, slice.bytes, "*/", 2);

			return end ? (size_t)(end - slice.at) + 2 : 0;
		}
	}
	return 1;
}

const char *trace_scan_call(struct trace_slice name, struct trace_slice rest, struct trace_call *out)
{
	unsigned depth = 1;
	size_t start = 0, i = 0;

	*out = (struct trace_call){.name = name};
	while (i < rest.bytes) {
		size_t skip;
		bool comma = depth == 1 && rest.at[i] == ',';

		if (comma || (depth == 1 && rest.at[i] == ')')) {
			struct trace_slice one = trim((struct trace_slice){rest.at + start, i - start});

			if (one.bytes && out->arguments < TRACE_ARGUMENTS)
				out->argument[out->arguments++] = one;
			start = i + 1;
		}
		skip = skip_one(from(rest, i), i ? rest.at[i - 1] : ' ', &depth);
		if (!skip)
			return "a string or a bracket does not end";
		i += skip;
		if (!depth)
			return scan_result(from(rest, i), out);
	}
	return "the line ends in the middle of the call";
}

/* Takes "1234 ", "[pid 1234] " and time stamps off the front. */
static bool scan_prefix(struct trace_slice *text, struct trace_line *out)
{
	int64_t pid;
	bool bracket = trace_slice_starts(*text, "[pid ");
	struct trace_slice rest = bracket ? trim(from(*text, 5)) : *text;
	size_t digits = 0;

	while (digits < rest.bytes && is_digit(rest.at[digits]))
		digits++;
	if (digits && digits < rest.bytes && rest.at[digits] == (bracket ? ']' : ' ')) {
		struct trace_slice number = {rest.at, digits};

		/* A leading zero would mean octal; no process has such a number. */
		if (rest.at[0] == '0' || !trace_scan_number(number, &pid) || pid <= 0 || pid > INT32_MAX)
			return false;
		out->has_pid = true;
		out->pid = (uint64_t)pid;
		*text = trim(from(rest, digits + 1));
	} else if (bracket) {
		return false;
	}
	digits = 0;
	while (digits < text->bytes && (is_digit(text->at[digits]) || strchr(":.+", text->at[digits])))
		if (!text->at[digits++])
			return false;
	if (digits && digits < text->bytes && text->at[digits] == ' ' && !trace_slice_starts(*text, "+++"))
		*text = trim(from(*text, digits));
	return true;
}

static const char *scan_mark(struct trace_slice text, struct trace_line *out)
{
	if (trace_slice_starts(text, "+++ exited") || trace_slice_starts(text, "+++ killed"))
		out->kind = TRACE_LINE_EXITED;
	else if (trace_slice_starts(text, "+++ superseded"))
		out->kind = TRACE_LINE_SUPERSEDED;
	else
		return "not a line of strace";
	return text.bytes > 13 && !memcmp(text.at + text.bytes - 3, "+++", 3) ? NULL : "the line is cut off";
}

static const char *scan_resumed(struct trace_slice text, struct trace_line *out)
{
	static const char word[] = " resumed>";
	const char *end = memmem(text.at, text.bytes, word, sizeof word - 1);

	if (!end)
		return "not a line of strace";
	out->kind = TRACE_LINE_RESUMED;
	out->name = trim((struct trace_slice){text.at + 4, (size_t)(end - text.at) - 4});
	out->rest = from(text, (size_t)(end - text.at) + sizeof word - 1);
	return NULL;
}

const char *trace_scan_line(struct trace_slice text, struct trace_line *out)
{
	static const char unfinished[] = "<unfinished ...>";
	size_t name = 0;

	*out = (struct trace_line){.kind = TRACE_LINE_NOISE};
	text = trim(text);
	if (!text.bytes || text.at[0] == '#' || trace_slice_starts(text, "strace: "))
		return NULL;
	if (memchr(text.at, 0, text.bytes) || !scan_prefix(&text, out))
		return "not a line of strace";
	if (trace_slice_starts(text, "---"))
		return NULL;
	if (trace_slice_starts(text, "+++"))
		return scan_mark(text, out);
	if (trace_slice_starts(text, "<... "))
		return scan_resumed(text, out);
	while (name < text.bytes && (is_word(text.at[name]) || text.at[name] == '?'))
		name++;
	if (!name || name == text.bytes || text.at[name] != '(')
		return "not a line of strace";
	out->name = (struct trace_slice){text.at, name};
	out->rest = from(text, name + 1);
	out->kind = TRACE_LINE_CALL;
	if (out->rest.bytes >= sizeof unfinished - 1 &&
	    !memcmp(text.at + text.bytes - (sizeof unfinished - 1), unfinished, sizeof unfinished - 1)) {
		out->kind = TRACE_LINE_UNFINISHED;
		out->rest.bytes -= sizeof unfinished - 1;
	}
	return NULL;
}
