/* bench/peer.h - what others offer for the same work, each as its users would use it at its best.
 *
 * Every peer carries the frames of bench/frame.h between the same two threads at the same places: `rtt` a request and
 * a reply by a link each way, `stream` frames one way through 1,024 slots. A peer's file is built only if its header
 * is there (BENCH_WITH_...); its comment says what its rows do not show. Layer: bench. */
#ifndef SKERRY_BENCH_PEER_H
#define SKERRY_BENCH_PEER_H
#include "bench/pair.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_PEER_SLOTS       1024
#define BENCH_PEER_ROUND_TRIPS 256  /* in a sample, where a round trip takes less than a microsecond */
#define BENCH_PEER_FRAMES      8192 /* in a sample, a multiple of the slots */

extern const struct bench_ways bench_ck_rtt, bench_ck_stream;
extern const struct bench_ways bench_dpdk_rtt, bench_dpdk_stream;
extern const struct bench_ways bench_boost_rtt, bench_boost_stream;
extern const struct bench_ways bench_urcu_rtt, bench_urcu_stream;
extern const struct bench_ways bench_pipe_rtt, bench_pipe_stream;
extern const struct bench_ways bench_futex_rtt, bench_futex_stream;

#ifdef __cplusplus
}
#endif
#endif
