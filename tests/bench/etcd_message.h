/*
 * The few protobuf messages of etcd's KV service that a load needs (see
 * etcd's rpc.proto): requests as gRPC sends them, and what matters of the
 * responses. Nothing is kept; lengths that do not fit are ERR_PROTOCOL.
 */
#ifndef BENCH_ETCD_MESSAGE_H
#define BENCH_ETCD_MESSAGE_H

#include "bench/bench.h"

/* "/etcdserverpb.KV/Put" and so on. */
const char *etcd_path(enum bench_op op);
/* Appends a gRPC message: flag, length, and the protobuf of the request. */
void etcd_request(struct buf *out, const struct bench_request *r);
/* Reads the gRPC message that answers `op`; 0 or ERR_PROTOCOL. */
MUST_USE int etcd_response(struct bytes message, enum bench_op op,
                           struct bench_reply *reply);

#endif
