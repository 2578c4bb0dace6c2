/* What the dynamic linker says of a file that is not what it should be ranges from "file too short" to SIGBUS, so the file's
 * own headers are read first. Then the linker, then the exported record, then the protocol itself: each later check may rely
 * on the earlier ones. */
#include "ssi/plugin.h"
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <skerry/capability.h>
#include <skerry/plugin.h>
#include "sim/quantity.h"
#include "ssi/protocols/protocols.h"

#define NAMES_MAX 64

static int refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(char *why, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(why, PROTOCOL_WHY_BYTES, format, list);
	va_end(list);
	return -1;
}

bool protocol_is_path(const char *name)
{
	const size_t length = strlen(name);
	return name[0] == '/' || !strncmp(name, "./", 2) || !strncmp(name, "../", 3) ||
	       (length > 3 && !strcmp(name + length - 3, ".so"));
}

/* ---- the file ---- */

#if defined __x86_64__
#define MACHINE_HERE EM_X86_64
#elif defined __aarch64__
#define MACHINE_HERE EM_AARCH64
#elif defined __riscv
#define MACHINE_HERE EM_RISCV
#else
#define MACHINE_HERE EM_NONE /* whatever it is, the dynamic linker judges it */
#endif

static const char *machine_name(unsigned machine)
{
	static const struct {
		unsigned machine;
		const char *name;
	} names[] = {{EM_X86_64, "x86-64"},  {EM_386, "32-bit x86"}, {EM_AARCH64, "AArch64"},
		     {EM_ARM, "32-bit ARM"}, {EM_RISCV, "RISC-V"},   {EM_PPC64, "POWER"},
		     {EM_S390, "S/390"}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].machine == machine)
			return names[i].name;
	return "another processor";
}

/* What is mapped must be in the file: to touch a page beyond its end is SIGBUS. */
static int check_segments(FILE *file, const Elf64_Ehdr *elf, uint64_t bytes, char *why)
{
	bool whole = elf->e_phentsize == sizeof(Elf64_Phdr) && !fseek(file, (long)elf->e_phoff, SEEK_SET);
	for (unsigned i = 0; i < elf->e_phnum && whole; i++) {
		Elf64_Phdr segment;
		whole = fread(&segment, sizeof segment, 1, file) == 1 && segment.p_offset <= bytes &&
			segment.p_filesz <= bytes - segment.p_offset;
	}
	return whole ? 0 : refuse(why, "this shared object is cut off or damaged; build it again");
}

static int check_elf(FILE *file, uint64_t bytes, char *why)
{
	Elf64_Ehdr elf = {0};
	const size_t got = fread(&elf, 1, sizeof elf, file);
	if (got < SELFMAG || memcmp(elf.e_ident, ELFMAG, SELFMAG))
		return refuse(why, "this is not a shared object; compile the protocol with cc -shared -fPIC "
				   "(\"skerry new protocol\" writes a build file that does)");
	if (got < sizeof elf)
		return refuse(why, "this shared object is cut off or damaged; build it again");
	if (elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_ident[EI_DATA] != ELFDATA2LSB ||
	    (MACHINE_HERE != EM_NONE && elf.e_machine != MACHINE_HERE))
		return refuse(why, "it is for another machine (%s, %s-bit, %s-endian); build it on this one",
			      machine_name(elf.e_machine), elf.e_ident[EI_CLASS] == ELFCLASS32 ? "32" : "64",
			      elf.e_ident[EI_DATA] == ELFDATA2MSB ? "big" : "little");
	if (elf.e_type != ET_DYN)
		return refuse(why, "this is %s, not a shared object; link it with cc -shared",
			      elf.e_type == ET_REL ? "an object file" : "a program");
	return check_segments(file, &elf, bytes, why);
}

static int check_file(const char *path, char *why)
{
	struct stat status;
	if (stat(path, &status))
		return errno == ENOENT
			       ? refuse(why, "there is no such file; build it first, or correct the path")
			       : refuse(why, "it cannot be read: %s", strerror(errno));
	if (!S_ISREG(status.st_mode))
		return refuse(why, "this is not a file; name the shared object itself");
	FILE *file = fopen(path, "rb");
	if (!file)
		return refuse(why, "it cannot be read: %s", strerror(errno));
	const int result = check_elf(file, (uint64_t)status.st_size, why);
	fclose(file);
	return result;
}

/* ---- what the dynamic linker says ---- */

/* "PATH: undefined symbol: NAME": names the symbol, and whose it should be. */
static int refuse_loading(char *why, const char *said, const char *path)
{
	static const char undefined[] = "undefined symbol: ";
	const char *symbol = said ? strstr(said, undefined) : NULL;
	char name[128];
	if (!symbol) {
		const size_t length = strlen(path);
		if (said && !strncmp(said, path, length) && !strncmp(said + length, ": ", 2))
			said += length + 2;
		return refuse(why, "it cannot be loaded: %s",
			      said ? said : "the dynamic linker says no more");
	}
	symbol += sizeof undefined - 1;
	snprintf(name, sizeof name, "%.*s", (int)strcspn(symbol, " ,\n"), symbol);
	const bool ours = !strncmp(name, "step_", 5) || !strncmp(name, "capability_", 11);
	return refuse(
		why,
		ours ? "it needs %s, which this Skerry does not have; build it against the headers of this "
		       "Skerry (pkg-config --cflags skerry)"
		     : "it needs %s, which nothing defines; link the file or library that does",
		name);
}

static int load(void **out, const char *path, char *why)
{
	char full[PATH_MAX];
	if (!realpath(path, full))
		return refuse(why, "it cannot be read: %s", strerror(errno));
	*out = dlopen(full, RTLD_NOW | RTLD_LOCAL);
	return *out ? 0 : refuse_loading(why, dlerror(), full);
}

/* ---- the record ---- */

static const char *const figure_names[STEP_PLUGIN_FIGURES] = {
#define NAME_OF_TYPE(T)      #T,
#define NAME_OF_MEMBER(S, m) #S "." #m,
	STEP_PLUGIN_TYPES(NAME_OF_TYPE) STEP_PLUGIN_MEMBERS(NAME_OF_MEMBER)};
static const uint32_t figures_here[STEP_PLUGIN_FIGURES] = {STEP_PLUGIN_TYPES(STEP_PLUGIN_SIZE)
								   STEP_PLUGIN_MEMBERS(STEP_PLUGIN_PLACE)};

static const char rebuild[] =
	"it was built against another Skerry: rebuild it against the headers of this one "
	"(pkg-config --cflags skerry)";

static int check_record(const struct step_plugin *record, char *why)
{
	if (!record)
		return refuse(why, "it exports no protocol; end its source with STEP_PLUGIN(NAME) from "
				   "<skerry/plugin.h>");
	if (record->magic != STEP_PLUGIN_MAGIC)
		return refuse(why, "its symbol " STEP_PLUGIN_SYMBOL " is not what STEP_PLUGIN(NAME) of "
				   "<skerry/plugin.h> makes; use that");
	if (record->abi != STEP_PLUGIN_ABI)
		return refuse(why, "%s; its ABI is %u, that of this Skerry %d", rebuild, record->abi,
			      STEP_PLUGIN_ABI);
	if (record->figures != STEP_PLUGIN_FIGURES)
		return refuse(why, "%s; its record has %u figures, that of this Skerry %d", rebuild,
			      record->figures, STEP_PLUGIN_FIGURES);
	for (unsigned i = 0; i < STEP_PLUGIN_FIGURES; i++)
		if (record->figure[i] != figures_here[i])
			return refuse(why, "%s; %s %s %u bytes%s there, %u here", rebuild, figure_names[i],
				      i < STEP_PLUGIN_SIZES ? "has" : "lies", record->figure[i],
				      i < STEP_PLUGIN_SIZES ? "" : " from the start", figures_here[i]);
	return 0;
}

/* ---- the protocol ---- */

static bool is_name(const char *name)
{
	const char *slash = name ? strchr(name, '/') : NULL;
	if (!slash || slash == name || !slash[1] || strlen(name) > 64)
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_/-") == strlen(name) &&
	       !strchr(slash + 1, '/');
}

static int check_machines(const struct step_protocol *p, char *why)
{
	if (p->machines < 2 || p->machines > STEP_MACHINES_MAX)
		return refuse(why,
			      "%s has %u machines; .machines counts machine 0, which is nobody, so 2 to %d",
			      p->name, p->machines, STEP_MACHINES_MAX);
	for (uint32_t m = 1; m < p->machines; m++) {
		const struct step_machine *d = &p->machine[m];
		if (!d->name || !d->state || !d->table || !d->fields || d->size < sizeof(struct step_head) ||
		    !d->states || d->states > 32)
			return refuse(why, "machine %u of %s is not complete; make it with STEP_MACHINE()", m,
				      p->name);
		if ((uint64_t)d->usable >> d->states || (uint64_t)d->rest >> d->states)
			return refuse(why,
				      "machine %s of %s: .usable or .rest names a state that does not exist",
				      d->name, p->name);
	}
	return 0;
}

static int check_protocol(const struct step_protocol *p, char *why)
{
	if (!p || !is_name(p->name))
		return refuse(why, "its protocol has no name; .name is FAMILY/NAME in small letters, e.g. "
				   "\"capability/star\"");
	if (!p->about || !p->assumes || !p->event)
		return refuse(why, "%s has no %s", p->name,
			      !p->about     ? ".about; say in one line what it does"
			      : !p->assumes ? ".assumes; say what it assumes of channels"
					    : ".event; write .event = step_events");
	if (p->events < E_PROTOCOL || p->events > 256)
		return refuse(why, "%s has %u events; write .events = EVENT_COUNT (%d to 256)", p->name,
			      p->events, E_PROTOCOL);
	if (check_machines(p, why))
		return -1;
	const char *wrong = step_protocol_check(p);
	return wrong ? refuse(why, "the tables of %s are wrong: %s", p->name, wrong) : 0;
}

/* ---- families ---- */

static bool has_field(const struct step_machine *d, const char *name, unsigned kind)
{
	for (const struct step_field *f = d->fields(); f->name; f++)
		if (!strcmp(f->name, name) && f->kind == kind)
			return true;
	return false;
}

/* Hosts know a protocol of this family by the numbers of its calls and by two fields. */
static int check_capability(const struct step_protocol *p, char *why)
{
#define CALL_NAME(name, klass, word) #name,
	static const char *const calls[] = {CAPABILITY_CALLS(CALL_NAME)};
	for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++)
		if (E_PROTOCOL + i >= p->events || strcmp(p->event[E_PROTOCOL + i].name, calls[i]))
			return refuse(why,
				      "%s is no protocol for capabilities: its events do not begin with "
				      "those of the "
				      "family; write EVENTS(E) CAPABILITY_CALLS(E) E(...)",
				      p->name);
	if (p->machines <= CAPABILITY_OP)
		return refuse(
			why,
			"%s is no protocol for capabilities: machine 1 is a capability, machine 2 a call",
			p->name);
	const struct step_machine *cap = &p->machine[CAPABILITY_CAP];
	if (!has_field(cap, "object", STEP_K_REF) || !has_field(cap, "word", STEP_K_WORD))
		return refuse(
			why,
			"%s is no protocol for capabilities: the fields of machine %s lack REF(object) or "
			"WORD(word)",
			p->name, cap->name);
	return 0;
}

static const char family_capability[] = "capability";

static bool is_of_family(const struct step_protocol *p, const char *family)
{
	const size_t length = strlen(family);
	return !strncmp(p->name, family, length) && p->name[length] == '/';
}

static int check_family(const struct step_protocol *p, const char *family, char *why)
{
	if (family && !is_of_family(p, family))
		return refuse(why, "this is %s, which is not of the family \"%s\"; name one of that family",
			      p->name, family);
	return is_of_family(p, family_capability) ? check_capability(p, why) : 0;
}

/* ---- by name or path ---- */

static int open_shared(const struct step_protocol **out, const char *path, const char *family, char *why)
{
	void *object;
	if (check_file(path, why) || load(&object, path, why))
		return -1;
	const struct step_plugin *record = dlsym(object, STEP_PLUGIN_SYMBOL);
	if (check_record(record, why) || check_protocol(record->protocol, why) ||
	    check_family(record->protocol, family, why)) {
		dlclose(object);
		return -1;
	}
	*out = record->protocol;
	return 0;
}

/* "did you mean", or all of the family. */
static int refuse_name(const char *name, const char *family, char *why)
{
	const char *names[NAMES_MAX] = {NULL};
	uint32_t count = 0;
	for (uint32_t i = 0; protocols[i] && count < NAMES_MAX - 1; i++)
		if (!family || is_of_family(protocols[i], family))
			names[count++] = protocols[i]->name + (family ? strlen(family) + 1 : 0);
	const char *nearest = sim_nearest_name(name, names);
	if (nearest)
		return refuse(why, "no such protocol; did you mean \"%s\"?", nearest);
	int used = snprintf(why, PROTOCOL_WHY_BYTES,
			    "no such protocol; give the path of a shared object, or one of");
	for (uint32_t i = 0; i < count && used < PROTOCOL_WHY_BYTES; i++)
		used += snprintf(why + used, (size_t)(PROTOCOL_WHY_BYTES - used), "%s %s", i ? "," : "",
				 names[i]);
	return -1;
}

int protocol_open(const struct step_protocol **out, const char *name, const char *family,
		  char why[PROTOCOL_WHY_BYTES])
{
	char full[80];
	if (protocol_is_path(name))
		return open_shared(out, name, family, why);
	snprintf(full, sizeof full, "%s%s%.64s", family && !strchr(name, '/') ? family : "",
		 family && !strchr(name, '/') ? "/" : "", name);
	const struct step_protocol *found = strlen(name) <= 64 ? protocol_find(full) : NULL;
	if (!found || (family && !is_of_family(found, family)))
		return refuse_name(name, family, why);
	*out = found;
	return 0;
}
