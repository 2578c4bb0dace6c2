/* The rows of the peers, and what our rings do better. A peer that was not there when this was built is skipped. */
#include <stddef.h>
#include "bench/peer.h"

/* Unused where every peer is there. */
__attribute__((unused)) static const char *skip_absent(const struct bench_row *row) { return row->parameter; }

/* clang-format off */
#define RTT(peer, ways)                                                                                      \
	{.name = "peer/" peer "/rtt", .against = {{"times_ring", "ring/rtt", .over = true}}, BENCH_PAIR(ways)}
#define STREAM(peer, ways)                                                                                   \
	{.name = "peer/" peer "/stream_1024",                                                                \
	 .against = {{"times_ring", "ring/stream_1024", .over = true, .goal_min = 2}}, BENCH_PAIR(ways)}
#define ABSENT(peer, header, package)                                                                        \
	{.name = "peer/" peer "/rtt", .skip = skip_absent,                                                   \
	 .parameter = header " was not there when this was built (Debian: " package ")"},                    \
	{.name = "peer/" peer "/stream_1024", .skip = skip_absent,                                           \
	 .parameter = header " was not there when this was built (Debian: " package ")"}

const struct bench_row bench_peer_rows[] = {
#ifdef BENCH_WITH_CK
	RTT("ck_ring", bench_ck_rtt), STREAM("ck_ring", bench_ck_stream),
#else
	ABSENT("ck_ring", "<ck_ring.h>", "libck-dev"),
#endif
#ifdef BENCH_WITH_DPDK
	RTT("dpdk_ring", bench_dpdk_rtt), STREAM("dpdk_ring", bench_dpdk_stream),
#else
	ABSENT("dpdk_ring", "<rte_ring_peek_zc.h>", "libdpdk-dev"),
#endif
#ifdef BENCH_WITH_BOOST
	RTT("boost_spsc", bench_boost_rtt), STREAM("boost_spsc", bench_boost_stream),
#else
	ABSENT("boost_spsc", "<boost/lockfree/spsc_queue.hpp>", "libboost-dev"),
#endif
#ifdef BENCH_WITH_URCU
	RTT("urcu_wfcqueue", bench_urcu_rtt), STREAM("urcu_wfcqueue", bench_urcu_stream),
#else
	ABSENT("urcu_wfcqueue", "<urcu/wfcqueue.h>", "liburcu-dev"),
#endif
	RTT("pipe", bench_pipe_rtt), STREAM("pipe", bench_pipe_stream),
	RTT("futex", bench_futex_rtt), STREAM("futex", bench_futex_stream),
	{.name = NULL},
};
/* clang-format on */
