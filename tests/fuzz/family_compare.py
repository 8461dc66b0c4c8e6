"""Comparing and setting, for redis_diff.py --family compare.

Needs redis-server 8.4 or later. DELIFEQ is Valkey's alone (9.0), and CAS and CAD
are nobody's.
"""
import pools

VERSION = (8, 4)
VALUES = [b'', b'a', b'b', b'1', b'-7', b'007', b'3.5', b'\x00\r\n', b'v' * 44,
          b'w' * 45, b'x' * 300, b'y' * 20000, b'9223372036854775807']
# XXH3 of 64 bits of some of them, as DIGEST told.
DIGESTS = [b'2d06800538d394c2', b'e6c632b61e964e1f', b'E6C632B61E964E1F',
           b'38a7b6e4e6e2f3e1', b'0', b'', b'xyz', b'e6c632b61e964e1',
           b'e6c632b61e964e1f0', b'0x2d06800538d394', b'zzzzzzzzzzzzzzzz',
           b'0000000000000000', b'ffffffffffffffff']
WORDS = [b'NX', b'XX', b'GET', b'KEEPTTL', b'EX', b'IFEQ', b'FOO', b'PERSIST']
COUNTS = [b'1', b'2', b'2', b'2', b'3', b'0', b'-1', b'x', b'2147483647',
          b'2147483648', b'9223372036854775807', b'']
# k a key, v a value, C a comparison, N a number of keys, x an option of SET, t
# an expiry, and single words.
COMMANDS = '''set kv|set kv|set kvC|set kvC|set kvC|set kvCx|set kvCt|set kvxC
set kvCC|set kvtC|delex k|delex kC|delex kC|delex kC|delex kCx|delex kx|digest k
digest k|digest kk|msetex Nkv|msetex Nkvkv|msetex Nkvkv|msetex Nkvkvx
msetex Nkvkvt|msetex Nkvkvtx|msetex Nkvkvxx|msetex Nkvk|msetex NkvkvC|msetex Nkvt
mget kkk|get k|get k|ttl k|pttl k|expiretime k|hset kvv|append kv|incr k|del k
exists kk|type k|persist k|command:getkeys:msetex Nkvkv
command:getkeys:delex kC|set k|msetex N|digest |delex '''.replace(
    '\n', '|').split('|')


def argument(rng, kind):
    if kind == 'k':
        return rng.choice([b'a', b'b', b'c', b'd', b'', b'k\x00\xff'])
    if kind == 'v':
        return rng.choice(VALUES)
    if kind == 'N':
        return rng.choice(COUNTS)
    if kind == 'C':
        word = rng.choice([b'IFEQ', b'IFNE', b'IFDEQ', b'IFDNE', b'ifeq',
                           b'ifdne'])
        if rng.random() < 0.03:
            return [word]
        values = DIGESTS if b'd' in word.lower()[:3] else VALUES[:6]
        return [word, rng.choice(values if rng.random() < 0.9
                                 else VALUES + DIGESTS)]
    if kind == 'x':
        return rng.choice(WORDS)
    if kind == 't':
        return list(rng.choice([[b'EX', b'1000'], [b'px', b'1000000'],
                                [b'EXAT', b'4000000000'], [b'EX', b'0'],
                                [b'PXAT', b'4000000000000'], [b'EX', b'x'],
                                [b'EXAT', b'1'], [b'PX', b'-1'], [b'EX'],
                                [b'EX', b'9223372036854775807'],
                                [b'EX', b'10', b'PX', b'100']]))
    return None


def begin(rng):
    return [[b'SET', b'a', b'a'], [b'SET', b'b', b'', b'EX', b'5000'],
            [b'HSET', b'd', b'f', b'v']]


def is_strange(argv):
    """Redis 8.4 takes NX and XX behind a comparison, and makes of them what the
    combination gives, but not in front of one; vard neither. And it answers GET
    with a digest that is none twice."""
    words = [a.lower() for a in argv]
    at = [i for i in range(3, len(words)) if words[i][:2] == b'if']
    if words[0] != b'set' or not at:
        return False
    return b'nx' in words[at[0]:] or b'xx' in words[at[0]:] or \
        (b'get' in words[3:] and any(words[i][:3] == b'ifd' for i in at))


def command(rng):
    while True:
        argv = pools.command(rng, COMMANDS, argument)
        if not is_strange(argv):
            return argv


def same(argv, redis, vard):
    return False
