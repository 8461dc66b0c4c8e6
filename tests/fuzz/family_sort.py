"""Random commands with SORT and SORT_RO, for redis_diff.py --family sort.

Where Redis leaves the order open, replies are compared without it: sets that
are not sorted, and what has the same weight. Nothing of that is stored. No number is beyond the
range of a double: from then on, Redis 7.0.15 refuses whatever it is to sort,
because it does not reset errno.
"""

LISTS = [b'l', b'm', b'n', b'long']
SETS = [b's', b'ints', b'words']
ZSETS = [b'z', b'y']
KEYS = LISTS + SETS + ZSETS
NUMBERS = [b'0', b'1', b'2', b'3', b'5', b'10', b'-1', b'-2', b'100', b'7.5',
           b'-3.25', b'1e3', b'9223372036854775807', b'-9223372036854775808',
           b'1e-5', b'1e17', b'123456789012345678', b'inf', b'-inf', b'007']
WORDS = [b'a', b'b', b'B', b'aa', b'ab', b'', b'abc', b'zz', b'1', b'10', b'2',
         b'\xff', b'hello world', b'x' * 70, b' 3', b'3 ', b'nan', b'0x10', b'-', b'+4']
LIMITS = [b'0', b'1', b'2', b'3', b'5', b'10', b'1000', b'-1', b'-2',
          b'9223372036854775807', b'-9223372036854775808', b'x', b'',
          b'9223372036854775808']
BY = [b'w_*', b'w_*', b'w_*', b'h_*->w', b'h_*->w', b'nosort', b'nosort', b'*',
      b'w_', b'', b'#', b'h_*->', b'h_*->none', b'w_*->w', b'*->w', b'h_*',
      b'w_\x00*', b'->*', b'w_*x->y->z']
GETS = [b'#', b'#', b'o_*', b'o_*', b'h_*->w', b'h_*->v', b'w_*', b'none_*',
        b'o_', b'*', b'', b'h_*->', b'h_*', b's*', b'#x', b'o_*->w', b'#\x00x']
STORES = [b'd', b'd', b'l', b's', b'z', b'str']
WRONG = [b'ASCX', b'STOR', b'', b'1', b'LIMIT', b'GET', b'BY', b'STORE']


def member(rng):
    return rng.choice(NUMBERS[:10]) if rng.random() < 0.8 \
        else rng.choice(NUMBERS + WORDS)


def sort(rng):
    key = rng.choice(KEYS) if rng.random() < 0.97 else \
        rng.choice([b'str', b'h_1', b'none', b''])
    out = [rng.choice([b'SORT', b'SORT', b'sort', b'SORT_RO']), key]
    options = []
    by = rng.choice(BY) if rng.random() < 0.5 else None
    if by is not None:
        options.append([rng.choice([b'BY', b'by']), by])
    limit = rng.random() < 0.3
    if limit:
        options.append([b'LIMIT', rng.choice(LIMITS[:7]), rng.choice(LIMITS[:9])]
                       if rng.random() < 0.8 else
                       [b'limit', rng.choice(LIMITS), rng.choice(LIMITS)])
    options += [[b'GET', rng.choice(GETS)]
                for _ in range(rng.choice([0, 0, 0, 1, 1, 2, 3]))]
    if rng.random() < 0.5:
        options.append([rng.choice([b'ASC', b'DESC', b'desc'])])
    alpha = rng.random() < 0.5
    if alpha:
        options.append([rng.choice([b'ALPHA', b'alpha'])])
    starred = by is not None and b'*' in by.split(b'\x00')[0]
    open_order = starred and alpha and (key not in LISTS or limit)
    if rng.random() < 0.2 and not open_order:
        options.append([b'STORE', rng.choice(STORES)])
    rng.shuffle(options)
    if rng.random() < 0.02:
        options.append([rng.choice(WRONG)])
    return out + sum(options, [])


def some(rng, make):
    return [make(rng) for _ in range(rng.choice([1, 2, 3, 6]))]


def score(rng):
    return b'%d' % rng.randint(-5, 5)


def pairs(rng):
    out = []
    for _ in range(rng.choice([1, 2, 5])):
        out += [score(rng), member(rng)]
    return out


MAKERS = [
    (40, sort),
    (4, lambda r: [b'RPUSH', r.choice(LISTS)] + some(r, member)),
    (4, lambda r: [b'SADD', r.choice(SETS)] + some(r, member)),
    (4, lambda r: [b'ZADD', r.choice(ZSETS)] + pairs(r)),
    (1, lambda r: [b'DEL', r.choice(KEYS + [b'd', b'str'])]),
    (4, lambda r: [b'SET', b'w_' + member(r), member(r)]),
    (3, lambda r: [b'SET', b'o_' + member(r), r.choice(WORDS)]),
    (3, lambda r: [b'HSET', b'h_' + member(r), r.choice([b'w', b'v']),
                   member(r)]),
    (1, lambda r: [b'DEL', b'w_' + member(r)]),
    (3, lambda r: [b'LRANGE', r.choice(STORES[:1] + [b'l']), b'0', b'-1']),
    (1, lambda r: [b'TYPE', r.choice(STORES)]),
    (1, lambda r: [b'LTRIM', b'l', b'0', b'20']),
    (1, lambda r: [b'SORT']),
]


def begin(rng):
    out = [[b'SET', b'str', b'a string']]
    for i in range(0, 8):
        out.append([b'SET', b'w_%d' % i, b'%d' % rng.randint(-9, 9)])
        out.append([b'SET', b'o_%d' % i, rng.choice(WORDS)])
        out.append([b'HSET', b'h_%d' % i, b'w', b'%d' % rng.randint(-9, 9),
                    b'v', rng.choice(WORDS + [b'v' * 600])])
    out.append([b'RPUSH', b'l'] + [b'%d' % rng.randint(0, 9)
                                   for _ in range(10)])
    out.append([b'SADD', b'ints'] + [b'%d' % rng.randint(-30, 30)
                                     for _ in range(8)])
    if rng.random() < 0.3:
        out.append([b'RPUSH', b'long'] + [b'%d' % rng.randint(-99, 99)
                                          for _ in range(2000)])
    return out


def command(rng):
    make = rng.choices([m for _, m in MAKERS], [w for w, _ in MAKERS])[0]
    return make(rng)


def argument(argv, word):
    for i in range(2, len(argv) - 1):
        if argv[i].lower() == word:
            return argv[i + 1]
    return None


def same(argv, redis, vard):
    """Replies to a SORT whose order, or part of it, Redis leaves open."""
    if argv[0].lower() not in (b'sort', b'sort_ro') or redis[0] != '*' or \
            vard[0] != '*' or len(redis[1]) != len(vard[1]):
        return False
    lower = [a.lower() for a in argv[2:]]
    by = argument(argv, b'by')
    starred = by is not None and b'*' in by.split(b'\x00')[0]
    unsorted = by is not None and not starred and argv[1] in SETS
    tied = starred and b'alpha' in lower and \
        (argv[1] not in LISTS or b'limit' in lower)
    if not unsorted and not tied:
        return False
    return b'limit' in lower or sorted(map(repr, redis[1])) == \
        sorted(map(repr, vard[1]))
