"""Commands on places, for redis_diff.py.

Distances that are stored are compared with a few units in the last place: Redis
takes those of the machine's mathematical library, vard its own.
"""
SETS = [b'g1', b'g2', b'g3']
OTHERS = [b'none', b'text', b'far']
LONGITUDES = [b'0', b'180', b'-180', b'13.361389', b'15.087269', b'-0.0001',
              b'179.99999999', b'1e-9']
LATITUDES = [b'0', b'85.05112878', b'-85.05112878', b'38.115556', b'37.502669',
             b'66.5', b'-80.5', b'84']
BAD = [b'180.1', b'-181', b'86', b'x', b'nan', b'inf', b'', b' 1', b'1e400']
UNITS = [b'm', b'km', b'ft', b'mi', b'M', b'Km']
SIZES = [b'0', b'0.5', b'10', b'100', b'250.5', b'1000', b'5000', b'20000',
         b'100000', b'500000', b'1e6', b'3000000', b'10000000', b'1e9', b'-1',
         b'x', b'inf', b'nan']


def place(rng):
    if rng.random() < 0.02:
        return [rng.choice(BAD), rng.choice(BAD + LATITUDES)]
    kind = rng.random()
    if kind < 0.2:
        return [rng.choice(LONGITUDES), rng.choice(LATITUDES)]
    if kind < 0.6:  # near each other
        return [b'%.9f' % (13 + rng.uniform(-1, 1)),
                b'%.9f' % (38 + rng.uniform(-1, 1))]
    return [b'%.9f' % rng.uniform(-180, 180), b'%.9f' % rng.uniform(-85, 85)]


def member(rng):
    return b'p%d' % rng.randint(0, 60)


def key(rng):
    return rng.choice(OTHERS if rng.random() < 0.08 else SETS)


def size(rng):
    return rng.choice(SIZES[:14]) if rng.random() < 0.96 else rng.choice(SIZES)


def unit(rng):
    return rng.choice(UNITS) if rng.random() < 0.98 else b'yd'


def add(rng):
    argv = [b'GEOADD', key(rng)] + [f for f, odds in (
        (b'NX', .1), (b'XX', .1), (b'CH', .3)) if rng.random() < odds]
    for _ in range(rng.choice([1, 1, 2, 8])):
        argv += place(rng) + [member(rng)]
    return argv


def options(rng, words):
    """Without ANY, which says nothing of an order, if sorting is left out."""
    out = [[w] for w in (b'WITHDIST', b'WITHHASH', b'WITHCOORD')
           if words and rng.random() < 0.25]
    if rng.random() < 0.5:
        out.append([rng.choice([b'ASC', b'DESC', b'asc'])])
    if rng.random() < 0.3:
        out.append([b'COUNT', rng.choice([b'1', b'2', b'3', b'10', b'1000',
                                          b'0', b'-1', b'x'])])
        if rng.random() < 0.3:
            out[-1].append(b'ANY')
    elif rng.random() < 0.03:
        out.append([b'ANY'])
    rng.shuffle(out)
    return [w for o in out for w in o]


def radius(rng):
    words = rng.random() < 0.6
    if rng.random() < 0.5:
        argv = [rng.choice([b'GEORADIUS', b'GEORADIUS_RO']), key(rng)] + \
            place(rng)
    else:
        argv = [rng.choice([b'GEORADIUSBYMEMBER', b'GEORADIUSBYMEMBER_RO']),
                key(rng), member(rng)]
    argv += [size(rng), unit(rng)] + options(rng, words)
    if rng.random() < (0.05 if words else 0.5):
        argv += [rng.choice([b'STORE', b'STORE', b'STOREDIST']), b'far']
    return argv


def search(rng):
    store = rng.random() < 0.3
    parts = [[b'FROMLONLAT'] + place(rng) if rng.random() < 0.5
             else [b'FROMMEMBER', member(rng)],
             [b'BYRADIUS', size(rng), unit(rng)] if rng.random() < 0.5
             else [b'BYBOX', size(rng), size(rng), unit(rng)]]
    if rng.random() < 0.02:
        parts.append([b'FROMMEMBER', member(rng)])
    if rng.random() < 0.02:
        parts.pop(rng.randrange(len(parts)))
    if store and rng.random() < 0.3:
        parts.append([b'STOREDIST'])
    rng.shuffle(parts)
    return ([b'GEOSEARCHSTORE', b'far'] if store else [b'GEOSEARCH']) + \
        [key(rng)] + [w for p in parts for w in p] + \
        options(rng, not store or rng.random() < 0.1)


def looks(rng):
    draw = rng.randrange(6)
    if draw == 0:
        return [b'GEOPOS', key(rng)] + [member(rng) for _ in
                                        range(rng.randrange(4))]
    if draw == 1:
        return [b'GEOHASH', key(rng)] + [member(rng) for _ in
                                         range(rng.randrange(4))]
    if draw == 2:
        return [b'GEODIST', key(rng), member(rng), member(rng)] + \
            [unit(rng)] * rng.randrange(2)
    if draw == 3:
        return [b'ZRANGE', b'far', b'0', b'-1', b'WITHSCORES']
    if draw == 4:
        return [b'ZADD', rng.choice(SETS),
                rng.choice([b'1', b'-5', b'3.7e15', b'1e18', b'1e300', b'inf',
                            b'4503599627370495']), member(rng)] \
            if rng.random() < 0.15 else [b'ZREM', key(rng), member(rng)]
    return [b'ZCARD', key(rng)] if rng.random() < 0.9 else \
        [b'DEL', rng.choice(SETS)]


def begin(rng):
    out = [[b'SET', b'text', b'hello']]
    if rng.random() < 0.7:
        argv = [b'GEOADD', b'g1']
        for i in range(rng.choice([20, 60, 400])):
            argv += [b'%.9f' % rng.uniform(-180, 180),
                     b'%.9f' % rng.uniform(-85, 85), b'p%d' % i]
        out.append(argv)
    return out


def command(rng):
    argv = rng.choice([add, add, radius, search, search, looks])(rng)
    if rng.random() < 0.01 and len(argv) > 1:
        argv.pop()
    elif rng.random() < 0.01:
        argv.append(rng.choice([b'x', b'WITHDIST', b'STOREDIST', b'COUNT']))
    return argv


def flat(reply):
    return [r for one in reply[1] for r in flat(one)] \
        if isinstance(reply[1], list) else [reply]


def near(redis, vard):
    try:
        x, y = float(redis[1]), float(vard[1])
    except (TypeError, ValueError):
        return False
    return redis[0] == vard[0] and abs(x - y) <= 1e-13 * abs(x)


def same(argv, redis, vard):
    """Of places at the same distance, COUNT takes any."""
    if b'COUNT' in argv and redis[0] == vard[0] == '*':
        return len(redis[1]) == len(vard[1])
    if argv[0] != b'ZRANGE' or redis[0] != '*' or vard[0] != '*':
        return False
    a, b = flat(redis), flat(vard)
    return len(a) == len(b) and all(
        x == y or near(x, y) for x, y in zip(a, b))
