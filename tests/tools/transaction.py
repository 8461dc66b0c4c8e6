"""Transactions as an application sends them with redis-py: by default, all in
one packet. Prints "redis-py: ok", or what went wrong.

    transaction.py PORT
"""
import sys

import redis


def check(good, what):
    if not good:
        sys.exit("redis-py: " + what)


def fails(action, kind, *codes):
    try:
        result = action()
    except kind as error:
        check(not codes or any(c in str(error) for c in codes),
              f"failed with: {error}")
        return
    check(False, f"was answered: {result}")


def fill(pipe):
    return pipe.decrby("py:a", 10).incrby("py:b", 10).get("py:a")


def pipelined(r):
    check(fill(r.pipeline()).execute() == [90, 10, b"90"], "a pipeline")
    fails(lambda: fill(r.pipeline()).lpush("py:a", 1).execute(),
          redis.ResponseError, "WRONGTYPE")
    check(r.mget("py:a", "py:b") == [b"80", b"20"], "the others go on")
    fails(lambda: r.pipeline().set("py:a", 1).execute_command("NOSUCH")
          .execute(), redis.ResponseError, "EXECABORT", "unknown command")
    check(r.get("py:a") == b"80", "an aborted one")
    check(r.pipeline().get("py:a").execute() == [b"80"], "one that only reads")
    check(fill(r.pipeline(transaction=False)).execute() == [70, 30, b"70"],
          "a pipeline that is no transaction")


def watched(r):
    with r.pipeline() as pipe:
        pipe.watch("py:a")
        value = int(pipe.get("py:a"))
        pipe.multi()
        pipe.set("py:a", value + 1)
        check(pipe.execute() == [True], "watched")
        pipe.watch("py:a")
        r.incr("py:a")
        pipe.multi()
        pipe.set("py:a", 0)
        fails(pipe.execute, redis.WatchError)
    check(r.transaction(lambda p: p.multi() or p.incr("py:a"), "py:a") == [73],
          "transaction()")


def by_hand(port):
    r = redis.Redis(port=port, single_connection_client=True)
    check(r.execute_command("MULTI") == b"OK", "MULTI")
    check(r.execute_command("INCR", "py:a") == b"QUEUED", "INCR")
    check(r.execute_command("EXEC") == [74], "EXEC")
    check(r.execute_command("MULTI") == b"OK", "MULTI again")
    check(r.execute_command("INCR", "py:a") == b"QUEUED", "INCR again")
    check(r.execute_command("DISCARD") == b"OK", "DISCARD")
    check(r.get("py:a") == b"74", "after DISCARD")


def main():
    port = int(sys.argv[1])
    r = redis.Redis(port=port)
    r.mset({"py:a": 100, "py:b": 0})
    for run in (pipelined, watched):
        run(r)
    by_hand(port)
    print("redis-py: ok")


main()
