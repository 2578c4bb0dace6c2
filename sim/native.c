/* sim/native.c - threads, their loops, and what they send; see sim/native.h. */
#include "sim/native.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include "sim/doorbell.h"
#include "sim/engine_internal.h"
#include "sim/native_internal.h"
#include "sim/qsbr.h"
#include "sim/ticks.h"

#define DRAIN_MOST     32    /* frames of one channel in a row */
#define SPIN_POLLS     16384 /* a CPU of its own: empty polls, about 1 ms, between two yields to a neighbour */
#define SHARED_POLLS   100   /* a shared CPU: empty polls, then */
#define SHARED_YIELDS  10    /* yields, then sleep */
#define SLEEP_MOST_NS  100000000
#define WATCH_LEAST_NS 1000000 /* the end is looked for after an eighth of the time so far, within these */
#define WATCH_MOST_NS  25000000

/* ---- frames that are on their way out ---- */

/* What sim_engine_post() has handed out is complete when the engine is called again. */
static inline void complete_pending(struct native_process *p)
{
	if (!p->pending)
		return;
	sim_channel_publish(p->pending);
	p->pending = NULL;
	struct native_thread *to = p->native->process[p->pending_to].thread;
	if (to != p->thread)
		sim_doorbell_ring(&to->bell);
}

void native_flush(struct sim_native *n, uint32_t src) { complete_pending(&n->process[src]); }

static void outbox_grow(struct native_outbox *o)
{
	const uint32_t room = o->room ? o->room * 2 : 16;
	struct sim_frame *bigger = aligned_alloc(64, room * sizeof *bigger);
	SIM_CHECK(bigger != NULL);
	for (uint32_t i = o->head; i != o->tail; i++)
		memcpy(&bigger[i & (room - 1)], &o->frame[i & (o->room - 1)], sizeof *bigger);
	free(o->frame);
	o->frame = bigger;
	o->room = room;
}

static struct sim_frame *outbox_put(struct native_process *p, uint32_t to)
{
	struct native_outbox *o = &p->outbox[to];
	struct native_thread *t = p->thread;
	if (o->tail - o->head == o->room)
		outbox_grow(o);
	if (o->head == o->tail)
		p->waiting[p->waiting_count++] = to;
	t->waited++;
	if (++t->outbox_frames > t->outbox_most)
		t->outbox_most = t->outbox_frames;
	return &o->frame[o->tail++ & (o->room - 1)];
}

/* Sends what found no credit, as far as there is credit now. True: something went. */
static bool outbox_flush(struct native_process *p, uint32_t to)
{
	struct native_outbox *o = &p->outbox[to];
	bool moved = false;
	while (o->head != o->tail) {
		const struct sim_frame *from = &o->frame[o->head & (o->room - 1)];
		struct sim_frame *frame = sim_channel_reserve(p->out[to], (enum sim_class)from->klass);
		if (!frame)
			break;
		frame->stamp = from->stamp;
		memcpy(frame->payload, from->payload, sizeof frame->payload);
		sim_channel_publish(p->out[to]);
		o->head++;
		p->thread->outbox_frames--;
		moved = true;
	}
	if (moved && p->native->process[to].thread != p->thread)
		sim_doorbell_ring(&p->native->process[to].thread->bell);
	return moved;
}

static bool outboxes_flush(struct native_process *p)
{
	bool moved = false;
	for (uint32_t i = 0; i < p->waiting_count;) {
		const uint32_t to = p->waiting[i];
		moved |= outbox_flush(p, to);
		if (p->outbox[to].head == p->outbox[to].tail)
			p->waiting[i] = p->waiting[--p->waiting_count];
		else
			i++;
	}
	return moved;
}

static void *timer_post(struct native_process *p, uint64_t time)
{
	struct native_thread *t = p->thread;
	uint32_t slot = t->timer_free;
	if (slot) {
		t->timer_free = t->timer[slot].next;
	} else {
		if (t->timer_used == t->timer_room) {
			t->timer_room = t->timer_room ? t->timer_room * 2 : 256;
			t->timer = realloc(t->timer, t->timer_room * sizeof *t->timer);
			SIM_CHECK(t->timer != NULL);
			t->timer_used += !t->timer_used; /* slot 0 means none */
		}
		slot = t->timer_used++;
	}
	t->timer[slot] = (struct native_timer){.process = p->id};
	engine_heap_push(&t->due,
			 (struct engine_key){.time = time, .source = t->timer_sequence++, .slot = slot});
	t->posted++;
	return t->timer[slot].payload;
}

void *native_post(struct sim_native *n, uint32_t src, uint32_t dst, uint64_t time, unsigned klass)
{
	struct native_process *p = &n->process[src];
	SIM_CHECK(src < n->processes && dst < n->processes && klass < SIM_CLASSES);
	complete_pending(p);
	if (src == dst)
		return timer_post(p, time);
	struct sim_channel *out = sim_load_acquire(&p->routed[dst]) ? p->out[dst] : native_route(n, src, dst);
	struct sim_frame *frame = NULL;
	p->thread->posted++;
	p->thread->frames++;
	if (p->outbox[dst].head == p->outbox[dst].tail)
		frame = sim_channel_reserve(out, (enum sim_class)klass);
	if (frame) {
		p->pending = out;
		p->pending_to = dst;
	} else {
		frame = outbox_put(p, dst);
		frame->klass = (uint8_t)klass;
	}
	frame->stamp = sim_ticks() + n->config.latency;
	return frame->payload;
}

/* ---- taking what arrives ---- */

static inline void tell(struct native_thread *t, enum sim_native_doing doing)
{
	const struct sim_native_config *config = &t->native->config;
	if (__builtin_expect(!config->watch, 1) || t->doing == doing)
		return;
	t->doing = (uint8_t)doing;
	config->watch(config->watch_context, t->number, doing);
}

/* An event was found: the thread is not idle. */
static inline void found_work(struct native_thread *t)
{
	sim_store_relaxed(&t->idle, 0);
	tell(t, SIM_NATIVE_WORKS);
}

static void run_handler(struct native_process *p, const struct sim_event *event)
{
	const struct sim_engine_config *config = p->native->engine_config;
	struct native_thread *t = p->thread;
	if (config->tap)
		config->tap(config->tap_context, 0, event);
	config->handler(config->context, p->native->engine, event);
	complete_pending(p);
	t->handled++;
}

static void take_frame(struct native_process *p, const struct native_input *in, const struct sim_frame *frame,
		       uint64_t now)
{
	struct sim_native *n = p->native;
	const uint64_t left = frame->stamp - n->config.latency;
	struct sim_event event = {.time = now - n->origin,
				  .src = in->from,
				  .dst = p->id,
				  .seq = now > left ? (uint32_t)(now - left) : 0};
	memcpy(event.payload, frame->payload, sizeof event.payload);
	run_handler(p, &event);
	sim_channel_done(in->channel);
}

static bool poll_inputs(struct native_thread *t)
{
	const struct native_inputs *inputs = atomic_load_explicit(&t->inputs, memory_order_acquire); /* (I) */
	bool any = false;
	for (uint32_t i = 0; inputs && i < inputs->count; i++) {
		const struct native_input *in = &inputs->input[i];
		uint64_t now = sim_ticks();
		const struct sim_frame *frame;
		for (int k = 0; k < DRAIN_MOST && (frame = sim_channel_receive(in->channel, now)) != NULL;
		     k++) {
			if (!any)
				found_work(t);
			any = true;
			take_frame(&t->native->process[in->to], in, frame, now);
			now = sim_ticks();
		}
	}
	return any;
}

static bool run_timers(struct native_thread *t)
{
	struct sim_native *n = t->native;
	bool any = false;
	for (int k = 0; k < DRAIN_MOST && t->due.count; k++) {
		const uint64_t now = sim_ticks() - n->origin;
		if (t->due.key[0].time > now || t->outbox_frames > SIM_NATIVE_OUTBOX_LIMIT)
			break;
		const struct engine_key key = engine_heap_pop(&t->due);
		struct native_process *p = &n->process[t->timer[key.slot].process];
		struct sim_event event = {.time = key.time, .src = p->id, .dst = p->id};
		memcpy(event.payload, t->timer[key.slot].payload, sizeof event.payload);
		t->timer[key.slot].next = t->timer_free;
		t->timer_free = key.slot;
		found_work(t);
		any = true;
		run_handler(p, &event);
	}
	return any;
}

static bool flush_outboxes(struct native_thread *t)
{
	bool any = false;
	for (uint32_t i = t->first; t->outbox_frames && i < t->last; i++)
		any |= outboxes_flush(&t->native->process[i]);
	return any;
}

/* ---- waiting ---- */

/* What the watcher reads, before the flag that says that it counts. */
static void say_idle(struct native_thread *t)
{
	if (t->due.count || t->outbox_frames || sim_load_relaxed(&t->idle))
		return;
	sim_store_relaxed(&t->said_posted, t->posted);
	sim_store_relaxed(&t->said_handled, t->handled);
	sim_store_release(&t->idle, 1); /* (S) pairs with (W) in all_idle() */
}

/* Nanoseconds until the next event of the thread is due or the next frame may be seen; 0: now. */
static uint64_t time_to_sleep(struct native_thread *t)
{
	const struct native_inputs *inputs = atomic_load_explicit(&t->inputs, memory_order_acquire); /* (I) */
	const uint64_t now = sim_ticks();
	uint64_t wake = UINT64_MAX, due;
	for (uint32_t i = 0; inputs && i < inputs->count; i++)
		if (sim_channel_has(inputs->input[i].channel, &due)) {
			if (due <= now)
				return 0;
			wake = due < wake ? due : wake;
		}
	if (t->due.count && t->due.key[0].time + t->native->origin < wake)
		wake = t->due.key[0].time + t->native->origin;
	if (t->outbox_frames)
		return 1000; /* credit rings no bell */
	if (wake == UINT64_MAX)
		return SLEEP_MOST_NS;
	const uint64_t ns = wake > now ? sim_ps_of_cycles(&sim_ticks_open()->clock, wake - now) / 1000 : 0;
	return ns < SLEEP_MOST_NS ? ns : SLEEP_MOST_NS;
}

static void go_to_sleep(struct native_thread *t)
{
	sim_doorbell_arm(&t->bell);
	const uint64_t ns = t->native->stop_flag ? 0 : time_to_sleep(t);
	if (!ns) {
		sim_doorbell_disarm(&t->bell);
		return;
	}
	sim_qsbr_offline();
	sim_doorbell_wait(&t->bell, ns);
	sim_qsbr_online();
	t->sleeps++;
}

static void wait_a_little(struct native_thread *t, uint32_t empty)
{
	t->empty_polls++;
	if (!t->bell.sleeps) {
		sim_poll_gap();
		if (empty % SPIN_POLLS == 0) {
			sched_yield();
			t->yields++;
		}
	} else if (empty <= SHARED_POLLS) {
		sim_poll_gap();
	} else if (empty <= SHARED_POLLS + SHARED_YIELDS) {
		sched_yield();
		t->yields++;
	} else {
		go_to_sleep(t);
	}
}

/* ---- a thread ---- */

static void settle_in(struct native_thread *t)
{
	const struct sim_native_config *config = &t->native->config;
	char name[16], cpu[12] = "";
	if (config->host && config->placement) {
		const struct sim_host_cpu *where = &config->host->cpu[config->placement->cpu[t->number]];
		t->unpinned = sim_host_pin(where) != 0;
		snprintf(cpu, sizeof cpu, "/cpu%u", where->number % 10000);
	}
	if (t->last - t->first == 1)
		snprintf(name, sizeof name, "c%u%s", t->first, cpu);
	else
		snprintf(name, sizeof name, "c%u-%u%s", t->first, t->last - 1, cpu);
	pthread_setname_np(pthread_self(), name);
}

static void *thread_main(void *argument)
{
	struct native_thread *t = argument;
	struct sim_native *n = t->native;
	struct rusage usage;
	uint32_t empty = 0;
	settle_in(t);
	sim_qsbr_register();
	if (n->config.prepare)
		n->config.prepare(n->config.prepare_context, t->number);
	pthread_barrier_wait(&n->ready);
	pthread_barrier_wait(&n->go);
	if (n->config.watch)
		n->config.watch(n->config.watch_context, t->number, SIM_NATIVE_BEGINS);
	while (!atomic_load_explicit(&n->stop_flag, memory_order_relaxed)) {
		bool worked = poll_inputs(t);
		worked |= run_timers(t);
		worked |= flush_outboxes(t);
		sim_qsbr_quiescent();
		if (worked) {
			empty = 0;
			continue;
		}
		tell(t, SIM_NATIVE_IDLES);
		say_idle(t);
		wait_a_little(t, ++empty);
	}
	tell(t, SIM_NATIVE_ENDS);
	sim_qsbr_unregister();
	if (!getrusage(RUSAGE_THREAD, &usage))
		t->switches = (uint64_t)usage.ru_nivcsw;
	return NULL;
}

/* ---- the thread that watches ---- */

static bool all_idle(struct sim_native *n, uint64_t *posted, uint64_t *handled)
{
	*posted = *handled = 0;
	for (uint32_t i = 0; i < n->config.threads; i++) {
		struct native_thread *t = &n->thread[i];
		if (!sim_load_acquire(&t->idle)) /* (W) pairs with (S) in say_idle() */
			return false;
		*posted += sim_load_relaxed(&t->said_posted);
		*handled += sim_load_relaxed(&t->said_handled);
	}
	return true;
}

static bool is_over(struct sim_native *n)
{
	uint64_t posted, handled, again_posted, again_handled;
	return all_idle(n, &posted, &handled) && all_idle(n, &again_posted, &again_handled) &&
	       handled == again_posted && posted == again_posted && handled == again_handled;
}

static void start(struct sim_native *n)
{
	for (uint32_t i = 0; i < n->config.threads; i++)
		SIM_CHECK(pthread_create(&n->thread[i].pthread, NULL, thread_main, &n->thread[i]) == 0);
	pthread_barrier_wait(&n->ready);
	n->origin = sim_ticks();
	n->started = true;
	pthread_barrier_wait(&n->go);
}

void native_stop(struct sim_native *n) { atomic_store_explicit(&n->stop_flag, true, memory_order_relaxed); }

void native_halt(struct sim_native *n)
{
	if (!n->started || n->joined)
		return;
	native_stop(n);
	for (uint32_t i = 0; i < n->config.threads; i++) {
		sim_doorbell_ring(&n->thread[i].bell);
		pthread_join(n->thread[i].pthread, NULL);
	}
	n->joined = true;
	sim_qsbr_drain();
}

/* Each look takes a CPU from a thread that has one of its own, so it is rare in a run that is long. */
static void watch_later(struct sim_native *n)
{
	const uint64_t eighth = native_now(n) / 8000;
	struct timespec time = {.tv_nsec = WATCH_LEAST_NS};
	if (eighth > WATCH_LEAST_NS)
		time.tv_nsec = eighth < WATCH_MOST_NS ? (long)eighth : WATCH_MOST_NS;
	nanosleep(&time, NULL);
	n->looks++;
}

enum sim_engine_end native_run(struct sim_native *n, sim_ps until)
{
	const struct sim_clock *clock = &sim_ticks_open()->clock;
	if (n->joined)
		return n->end;
	if (!n->started)
		start(n);
	for (;;) {
		if (atomic_load_explicit(&n->stop_flag, memory_order_relaxed)) {
			native_halt(n);
			return n->end = SIM_ENGINE_STOPPED;
		}
		if (is_over(n)) {
			native_halt(n);
			return n->end = SIM_ENGINE_EMPTY;
		}
		if (until != SIM_PS_NEVER && sim_ps_of_cycles(clock, sim_ticks() - n->origin) >= until)
			return SIM_ENGINE_UNTIL;
		watch_later(n);
	}
}

uint64_t native_now(const struct sim_native *n)
{
	if (!n->started)
		return 0;
	return sim_ps_of_cycles(&sim_ticks_open()->clock, sim_ticks() - n->origin);
}
