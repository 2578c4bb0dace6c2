/* USDT probes stand in the program's own file as notes of the section .note.stapsdt, where tracers look for them too.
 * Counting them there, instead of believing the source, finds what a strip or a build without them took away. */
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/doctor.h"

struct image {
	const unsigned char *base;
	size_t bytes;
};

/* Bytes at an offset of the file, or NULL if they are not all there. */
static const void *at(const struct image *image, uint64_t offset, uint64_t bytes)
{
	if (offset > image->bytes || bytes > image->bytes - offset)
		return NULL;
	return image->base + offset;
}

static int count_notes(const struct image *image, uint64_t offset, uint64_t bytes)
{
	int count = 0;
	uint64_t end = offset + bytes;
	while (offset < end) {
		const Elf64_Nhdr *note = at(image, offset, sizeof *note);
		if (!note)
			break;
		const char *name = at(image, offset + sizeof *note, note->n_namesz);
		count += name && note->n_namesz == sizeof "stapsdt" &&
			 !memcmp(name, "stapsdt", sizeof "stapsdt");
		offset +=
			sizeof *note + ((note->n_namesz + 3ull) & ~3ull) + ((note->n_descsz + 3ull) & ~3ull);
	}
	return count;
}

static int count_in_image(const struct image *image)
{
	const Elf64_Ehdr *head = at(image, 0, sizeof *head);
	if (!head || memcmp(head->e_ident, ELFMAG, SELFMAG) || head->e_ident[EI_CLASS] != ELFCLASS64)
		return -1;
	const Elf64_Shdr *section = at(image, head->e_shoff, head->e_shnum * sizeof *section);
	if (!section || head->e_shstrndx >= head->e_shnum)
		return -1;
	const Elf64_Shdr *names = &section[head->e_shstrndx];
	int count = 0;
	for (unsigned i = 0; i < head->e_shnum; i++) {
		static const char wanted[] = ".note.stapsdt";
		const char *name = at(image, names->sh_offset + section[i].sh_name, sizeof wanted);
		if (name && !memcmp(name, wanted, sizeof wanted))
			count += count_notes(image, section[i].sh_offset, section[i].sh_size);
	}
	return count;
}

int doctor_count_probes(void)
{
	struct stat about;
	int count = -1, file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -1;
	if (!fstat(file, &about) && about.st_size > 0) {
		struct image image = {.bytes = (size_t)about.st_size};
		void *base = mmap(NULL, image.bytes, PROT_READ, MAP_PRIVATE, file, 0);
		if (base != MAP_FAILED) {
			image.base = base;
			count = count_in_image(&image);
			munmap(base, image.bytes);
		}
	}
	close(file);
	return count;
}
