/* sim/probes.h - places at which a tracer may look into a run: USDT probes of the provider `skerry`.
 *
 *   SIM_PROBE_DEFINE(cell);                          in one file: the probe's semaphore
 *   if (SIM_PROBE_ON(cell))                          false until a tracer attaches: a load and a branch
 *           SIM_PROBE(cell, n->id, event, name);     up to 12 words; strings are pointers
 *
 * A probe is a nop in the code and a note in the file that names its place and where its arguments lie; perf, bpftrace,
 * gdb and systemtap find it by name. The tracer raises the semaphore while it looks, so what arguments cost to compute
 * is paid only then. Without <sys/sdt.h> (Debian: systemtap-sdt-dev) at build time there are no probes and no code.
 *
 * The probes there are, with their arguments, stand in docs/howto/profile-a-protocol.md.
 * Layer: sim. It needs no symbol of sim's library, so the step interpreter may use it too. */
#ifndef SKERRY_SIM_PROBES_H
#define SKERRY_SIM_PROBES_H

/* Of a function that only computes arguments: it stays out of the way. */
#define SIM_PROBE_ASIDE __attribute__((noinline, cold))

#ifdef __has_include
#if __has_include(<sys/sdt.h>)
#define SIM_PROBES 1
#endif
#endif

#ifdef SIM_PROBES
/* sys/sdt.h then puts the semaphore's address into the note, and counts the arguments itself. */
#define _SDT_HAS_SEMAPHORES 1
#define SDT_USE_VARIADIC    1
/* Registers and constants alone: perf does not read an argument whose address has an index. */
#define STAP_SDT_ARG_CONSTRAINT nr
#include <sys/sdt.h>
/* Volatile, because somebody outside of the program changes it. Its name is sys/sdt.h's. */
#define SIM_PROBE_DECLARE(name)                                                                              \
	extern volatile unsigned short skerry_##name##_semaphore __attribute__((visibility("hidden")))
#define SIM_PROBE_DEFINE(name)                                                                               \
	SIM_PROBE_DECLARE(name);                                                                             \
	volatile unsigned short skerry_##name##_semaphore __attribute__((section(".probes"), used))
#define SIM_PROBE_ON(name)   __builtin_expect(skerry_##name##_semaphore != 0, 0)
#define SIM_PROBE(name, ...) STAP_PROBEV(skerry, name, __VA_ARGS__)
#else
#define SIM_PROBE_DECLARE(name) struct sim_probe_##name /* lets the line end in a semicolon */
#define SIM_PROBE_DEFINE(name)  SIM_PROBE_DECLARE(name)
#define SIM_PROBE_ON(name)      0
#define SIM_PROBE(name, ...)    sim_probe_none(0, __VA_ARGS__)
static inline void sim_probe_none(int none, ...) { (void)none; }
#endif

#endif
