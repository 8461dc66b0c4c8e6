"""DUMP and RESTORE, for redis_diff.py --family dump.

The payloads that are sent are those that redis-server gave when this was
written, forms of older versions, and damaged ones; but none that ends too early,
for Redis reads on in the footer then, where vard refuses it. What DUMP gives differs in
form, so what was restored is looked at by the commands of its type; that each
side takes what the other gives, tcl/tests/dump.tcl shows.
"""
import struct
from pathlib import Path

KEYS = [b'a', b'b', b'c', b'']
OPTIONS = [[b'REPLACE'], [b'replace'], [b'ABSTTL'], [b'REPLACE', b'ABSTTL'],
           [b'IDLETIME', b'5'], [b'IDLETIME', b'-1'], [b'IDLETIME', b'x'],
           [b'IDLETIME'], [b'FREQ', b'5'], [b'FREQ', b'256'], [b'FREQ', b'-1'],
           [b'FREQ', b'x'], [b'FREQ'], [b'FREQ', b'1', b'IDLETIME', b'1'],
           [b'IDLETIME', b'1', b'FREQ', b'1'], [b'FREQ', b'1', b'FREQ', b'9'],
           [b'FOO'], [b'REPLACE', b'REPLACE'], [b'']]
TTLS = [b'0', b'0', b'0', b'0', b'0', b'100000', b'-1', b'x', b'',
        b'9223372036854775807', b'9223372036854775808', b'1']
# w: any word; others ask for what is there.
LOOKS = """get k|strlen k|lrange k 0 -1|smembers k|zrange k 0 -1 withscores
hgetall k|xrange k - +|type k|exists k|llen k|scard k|hlen k|zcard k|xlen k
object encoding k|pttl k|persist k|del k|dump none|xinfo stream k
xinfo groups k|dump|restore k|restore k 0""".replace('\n', '|').split('|')


def crc64(data):
    crc = 0
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc


def table():
    poly = int(format(0xad93d23594c935a9, '064b')[::-1], 2)
    rows = []
    for i in range(256):
        for _ in range(8):
            i = (i >> 1) ^ (poly if i & 1 else 0)
        rows.append(i)
    return rows


TABLE = table()
VALUES = [p.read_bytes() for p in
          sorted(Path(__file__).with_name('corpus').glob('rdb/*'))
          if p.stat().st_size < 700]
# Redis 7.0 does not know these types.
VALUES = [v for v in VALUES if v and v[0] < 20]
PLAIN = [b'\x00\x05hello', b'\x00\xc0\x07', b'\x01\x02\x01a\x01b',
         b'\x02\x02\x01a\x01b', b'\x02\x02\x011\x012',
         b'\x04\x01\x01f\x01v', b'\x05\x01\x01m' + struct.pack('<d', 1.5)]


def seal(value, version=9):
    value += struct.pack('<H', version)
    return value + struct.pack('<Q', crc64(value))


def payload(rng):
    value = rng.choice(VALUES + PLAIN * 3)
    damage = rng.random()
    if damage < 0.75:
        return seal(value, rng.choice([6, 7, 8, 9, 9, 9, 10]))
    if damage < 0.8:
        return seal(value, rng.choice([81, 79, 300, 65535]))
    if damage < 0.9:
        return seal(bytes([rng.choice([6, 7, 8, 26, 200, 255])]) + value[1:])
    whole = bytearray(seal(value))
    whole[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
    return rng.choice([bytes(whole), whole[:rng.randrange(12)], b''])


def command(rng):
    if rng.random() < 0.5:
        argv = [b'RESTORE', rng.choice(KEYS), rng.choice(TTLS), payload(rng)]
        for _ in range(rng.choice([0, 0, 1, 1, 2])):
            argv += rng.choice(OPTIONS)
        if argv[2] == b'100000' and b'ABSTTL' in argv:
            argv[2] = b'4000000000000'
        if argv[2] == b'1' and b'ABSTTL' not in argv:
            argv[2] = b'200000'
        return argv
    key = rng.choice(KEYS)
    return [key if w == 'k' else w.encode()
            for w in rng.choice(LOOKS).strip().split()]


def begin(_):
    return []


def same(argv, redis, vard):
    name = argv[0].lower()
    if name == b'restore' and redis[0] == '-' and vard[0] == '-':
        # What is wrong in the arguments is answered first here.
        return redis[1].startswith(b'BUSYKEY')
    if name == b'object':
        return redis[1] == b'raw' and vard[1] in (b'int', b'embstr')
    if name == b'xinfo' and argv[1] == b'stream':
        return without_trees(redis[1]) == without_trees(vard[1])
    return redis[0] == vard[0] and redis[0] in '*~%' and \
        name in (b'smembers', b'hgetall') and \
        sorted(redis[1]) == sorted(vard[1])


def without_trees(items):
    names = [name for _, name in items[::2]]
    return [(n, v) for n, v in zip(names, items[1::2])
            if not n.startswith(b'radix-tree')]
