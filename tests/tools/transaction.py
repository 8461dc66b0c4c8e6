"""Transactions as an application sends them with redis-py: by default, all in
one packet. None is executed, each is reported, and the connection is well
afterwards. Prints "redis-py: ok", or what went wrong.

    transaction.py PORT
"""
import sys

import redis


def check(good, what):
    if not good:
        sys.exit("redis-py: " + what)


def fails(action, *codes):
    try:
        result = action()
    except redis.ResponseError as error:
        check(any(c in str(error) for c in codes), f"failed with: {error}")
        return
    check(False, f"was answered: {result}")


def fill(pipe):
    return pipe.decrby("py:a", 10).incrby("py:b", 10).get("py:a")


def pipelined(r):
    fails(fill(r.pipeline()).execute, "no transactions yet")
    fails(r.pipeline().set("py:a", 1).execute, "no transactions yet")
    fails(lambda: fill(r.pipeline()).execute(raise_on_error=False),
          "no transactions yet")
    check(fill(r.pipeline(transaction=False)).execute() == [90, 10, b"90"],
          "a pipeline that is no transaction")
    r.mset({"py:a": 100, "py:b": 0})


def watched(r):
    with r.pipeline() as pipe:
        fails(lambda: pipe.watch("py:a"), "unknown command")
        pipe.multi()
        fails(fill(pipe).execute, "no transactions yet")
    fails(lambda: r.transaction(fill, "py:a"), "unknown command")


def by_hand(port):
    r = redis.Redis(port=port, single_connection_client=True)
    check(r.execute_command("MULTI") == b"OK", "MULTI")
    fails(lambda: r.set("py:a", 1), "no transactions yet")
    fails(lambda: r.execute_command("EXEC"), "no transactions yet")
    check(r.get("py:a") == b"100", "after EXEC")
    check(r.execute_command("MULTI") == b"OK", "MULTI again")
    fails(lambda: r.incr("py:a"), "no transactions yet")
    check(r.execute_command("DISCARD") == b"OK", "DISCARD")
    check(r.get("py:a") == b"100", "after DISCARD")


def main():
    port = int(sys.argv[1])
    r = redis.Redis(port=port)
    r.mset({"py:a": 100, "py:b": 0})
    for run in (pipelined, watched):
        run(r)
        check(r.mget("py:a", "py:b") == [b"100", b"0"], run.__name__)
    by_hand(port)
    check(r.mget("py:a", "py:b") == [b"100", b"0"], "in the end")
    print("redis-py: ok")


main()
