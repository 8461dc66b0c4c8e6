"""Random commands on lists, for redis_diff.py --family list.

Keys have few names and elements few values, so that most commands find
something; some pipelines begin with a list of thousands of elements, others
with long elements.
"""

KEYS = [b'l', b'm', b'n', b'', b'missing']
ELEMENTS = [b'a', b'b', b'c', b'', b'1', b'-1', b'007', b'hello world',
            b'\x00\xff', b'x' * 64, b'y' * 1024, b'z' * 1025, b'w' * 20000]
NUMBERS = [b'0', b'1', b'2', b'3', b'-1', b'-2', b'-3', b'5', b'10', b'-10',
           b'100', b'-100', b'1000', b'-1000', b'3000', b'-3000',
           b'9223372036854775807', b'-9223372036854775808',
           b'-9223372036854775807', b'9223372036854775808']
WRONG = [b'', b'x', b'1.5', b' 1', b'01', b'+1', b'-0', b'nan', b'LEFT']
ENDS = [b'LEFT', b'RIGHT', b'left', b'Right']


def key(rng):
    return b's' if rng.random() < 0.02 else rng.choice(KEYS[:3]) \
        if rng.random() < 0.9 else rng.choice(KEYS)


def number(rng):
    if rng.random() < 0.03:
        return rng.choice(WRONG)
    if rng.random() < 0.6:
        return rng.choice(NUMBERS)
    return b'%d' % rng.randint(-4000, 4000)


def element(rng):
    if rng.random() < 0.85:
        return rng.choice(ELEMENTS[:8])
    return rng.choice(ELEMENTS)


def end(rng):
    return rng.choice(WRONG) if rng.random() < 0.03 else rng.choice(ENDS)


def some(rng, make):
    return [make(rng) for _ in range(rng.choice([1, 1, 1, 2, 3, 10]))]


def lpos(rng):
    out = [b'LPOS', key(rng), element(rng)]
    for word in (b'RANK', b'COUNT', b'MAXLEN'):
        if rng.random() < 0.4:
            n = number(rng)
            if word == b'RANK' and n == b'-9223372036854775808':
                n = b'-1'  # there Redis 7.0.15 overflows (src/cmd/README.md)
            out += [word, n]
    return out


# What waits is told nil soon.
TIMES = [b'0.01', b'0.001', b'1e-2'] * 9 + [b'-1', b'x', b'1e400']


def mpop(rng):
    keys = some(rng, key)
    count = b'%d' % len(keys) if rng.random() < 0.95 else number(rng)
    out = [b'LMPOP', count] + keys + [end(rng)]
    return out + [b'COUNT', number(rng)] if rng.random() < 0.5 else out


def bpop(rng):
    word = rng.choice([b'BLPOP', b'BRPOP'])
    return [word] + some(rng, key) + [rng.choice(TIMES)]


def bmove(rng):
    if rng.random() < 0.3:
        return [b'BRPOPLPUSH', key(rng), key(rng), rng.choice(TIMES)]
    return [b'BLMOVE', key(rng), key(rng), end(rng), end(rng),
            rng.choice(TIMES)]


MAKERS = [
    (12, lambda r: [b'LPUSH', key(r)] + some(r, element)),
    (12, lambda r: [b'RPUSH', key(r)] + some(r, element)),
    (2, lambda r: [b'LPUSHX', key(r)] + some(r, element)),
    (2, lambda r: [b'RPUSHX', key(r)] + some(r, element)),
    (4, lambda r: [b'LPOP', key(r)]),
    (4, lambda r: [b'RPOP', key(r)]),
    (2, lambda r: [b'LPOP', key(r), number(r)]),
    (2, lambda r: [b'RPOP', key(r), number(r)]),
    (3, lambda r: [b'LLEN', key(r)]),
    (6, lambda r: [b'LRANGE', key(r), number(r), number(r)]),
    (5, lambda r: [b'LINDEX', key(r), number(r)]),
    (5, lambda r: [b'LSET', key(r), number(r), element(r)]),
    (5, lambda r: [b'LINSERT', key(r), r.choice([b'BEFORE', b'after', b'AT']),
                   element(r), element(r)]),
    (5, lambda r: [b'LREM', key(r), number(r), element(r)]),
    (3, lambda r: [b'LTRIM', key(r), number(r), number(r)]),
    (6, lpos),
    (4, lambda r: [b'LMOVE', key(r), key(r), end(r), end(r)]),
    (3, lambda r: [b'RPOPLPUSH', key(r), key(r)]),
    (4, mpop),
    (2, bpop),
    (2, bmove),
    (2, lambda r: [b'BLMPOP', r.choice(TIMES)] + mpop(r)[1:]),
    (1, lambda r: [b'DEL', key(r)]),
    (1, lambda r: [b'TYPE', key(r)]),
    (1, lambda r: [b'EXISTS', key(r), key(r)]),
    (1, lambda r: [b'SET', b's', element(r)]),
    (1, lambda r: [b'GET', key(r)]),
    (1, lambda r: [b'APPEND', key(r), b'']),
    (1, lambda r: [b'EXPIRE', key(r), b'100000']),
    (1, lambda r: [b'PERSIST', key(r)]),
]


def begin(rng):
    out = [[b'SET', b's', b'a string']]
    if rng.random() < 0.3:
        many = [b'%d' % rng.randint(0, 50) for _ in range(3000)]
        out += [[b'RPUSH', b'l'] + many[:1500], [b'RPUSH', b'l'] + many[1500:]]
    if rng.random() < 0.2:
        out.append([b'RPUSH', b'm'] + [rng.choice(ELEMENTS[9:])
                                       for _ in range(20)])
    return out


def command(rng):
    make = rng.choices([m for _, m in MAKERS], [w for w, _ in MAKERS])[0]
    out = make(rng)
    if out[0] in (b'BLPOP', b'BRPOP'):
        return out  # any other time may be a long one
    if rng.random() < 0.02:
        out.append(rng.choice(WRONG))
    elif rng.random() < 0.02:
        out.pop()
    return out


def same(argv, redis, vard):
    return False
