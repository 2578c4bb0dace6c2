/* cli/doctor.h - skerry doctor: what its parts share. A fact is a name, a value, and what follows from it. Layer: cli. */
#ifndef SKERRY_CLI_DOCTOR_H
#define SKERRY_CLI_DOCTOR_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum doctor_state {
	DOCTOR_FINE,
	DOCTOR_NOTE,   /* worth a look */
	DOCTOR_BROKEN, /* skerry cannot work properly */
};

struct doctor {
	json_t *facts; /* array: name, state, value, meaning */
	json_t *host;  /* object: what native runs get, in numbers; null if the host cannot be read */
	uint32_t notes, broken;
};

/* Adds a fact; texts are copied. */
void doctor_fact(struct doctor *d, enum doctor_state state, const char *name, const char *meaning,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The first line of a small file without its newline; false: there is none. */
bool doctor_first_line(const char *path, char *out, size_t size);

/* CPUs, quota, memory, clock, counters: what native runs get here. */
void doctor_look_at_native(struct doctor *d);

/* USDT probes that are compiled into this program (places, not names); -1: the program's file cannot be read. */
int doctor_count_probes(void);

#endif
