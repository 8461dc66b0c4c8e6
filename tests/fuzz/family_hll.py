"""HyperLogLog: the bytes of the values are compared, too."""
import pools

COMMANDS = '''pfadd kE|pfadd kEE|pfadd kM|pfadd kM|pfadd k|pfcount k|pfcount k
pfcount kk|pfcount kkk|pfmerge k|pfmerge kk|pfmerge kkk|pfmerge kk|get k|get k
strlen k|del k|set kH|set kH|set kv|set XD|pfcount X|pfadd XE|pfmerge kX|expire kt|ttl k|exists kk|pfcount
pfmerge|pfadd|getdel k
command:getkeys:pfmerge kk'''.replace('\n', '|').split('|')
SPARSE = b'HYLL\x01\x00\x00\x00' + bytes(7) + b'\x80'
DENSE = b'HYLL' + bytes(11) + b'\x80'


def crafted(rng):
    """Values that are ones, or nearly."""
    runs = b''
    left = 16384
    while left > 0:
        kind = rng.randrange(3)
        n = min(left, rng.choice([1, 2, 3, 4, 64, 65, 1000, 16384]))
        if kind == 0:
            n = min(n, 64)
            runs += bytes([n - 1])
        elif kind == 1:
            runs += bytes([0x40 | (n - 1) >> 8, (n - 1) & 255])
        else:
            n = min(n, 4)
            runs += bytes([0x80 | rng.randrange(32) << 2 | (n - 1)])
        left -= n
    return rng.choice([
        SPARSE + runs, SPARSE + runs, SPARSE + runs, SPARSE + b'\x7f\xff',
        DENSE + bytes(12288), DENSE + rng.randbytes(12288),
        DENSE + b'\x41\x10\x04' * 4096, DENSE + bytes(12287),
        DENSE + bytes(12289), b'HYLL\x02' + SPARSE[5:] + b'\x7f\xff',
        b'hyll' + SPARSE[4:] + b'\x7f\xff', SPARSE[:15], b'HYLL', b''])


def damaged(rng):
    """What Redis may change before it comes across the damage, so these have
    a key of their own, to which single elements are added."""
    whole = crafted(rng)
    while whole[:16] != SPARSE or len(whole) < 18:
        whole = crafted(rng)
    return rng.choice([whole + b'\x00', SPARSE, SPARSE + b'\x7f\xfe',
                       SPARSE + b'\x83' * 4095, SPARSE + b'\x00' * 16300])


def argument(rng, kind):
    if kind == 'X':
        return b'x'
    if kind == 'D':
        return damaged(rng)
    if kind == 'k':
        return rng.choice([b'a', b'b', b'c', b'd', b'', b'k\x00\xff'])
    if kind == 'E':
        return b'%d' % rng.randrange(rng.choice([5, 1000, 10**6]))
    if kind == 'M':
        first = rng.randrange(10**6)
        return [b'%d' % n for n in
                range(first, first + rng.choice([10, 100, 1000, 3000]))]
    if kind == 'H':
        return crafted(rng)
    return None


def begin(rng):
    return [[b'PFADD', b'a'] + [b'%d' % n for n in range(rng.randrange(2000))],
            [b'HSET', b'd', b'f', b'v']]


def command(rng):
    return pools.command(rng, COMMANDS, argument)


def without_count(value):
    if not isinstance(value, bytes) or value[:4] != b'HYLL':
        return value
    return value[:8] + value[16:]


def is_damaged(value):
    """A sparse one whose registers are not 16,384 in number."""
    if not isinstance(value, bytes) or value[:5] != b'HYLL\x01':
        return False
    at, left = 16, 16384
    while at < len(value):
        byte = value[at]
        long = 0x40 <= byte < 0x80
        if long and at + 1 == len(value):
            return True
        left -= (byte & 3) + 1 if byte >= 0x80 else \
            ((byte & 63) << 8 | value[at + 1]) + 1 if long else byte + 1
        at += 2 if long else 1
    return left != 0


def same(argv, redis, vard):
    """Redis keeps what PFCOUNT has computed in the value, and what PFADD has
    added before it came across damage."""
    return argv[0].lower() in (b'get', b'getdel', b'set') and \
        (without_count(redis[1]) == without_count(vard[1]) or
         is_damaged(vard[1]))
