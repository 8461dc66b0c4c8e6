"""Commands on sorted sets, for redis_diff.py.

Members in a range of bytes are specified for equal scores only, so commands by
bytes go to a set of which all members have the same. Sizes are on both sides of
128 members and of 64 bytes, where Redis changes the form of a set.
"""
SETS = [b'z1', b'z2', b'z3', b'z4']
WORDS = b'words'  # all with the same score
OTHERS = [b'none', b'text', b'plain', WORDS]
SCORES = [b'0', b'1', b'-1', b'2', b'3.5', b'0.1', b'-0', b'inf', b'-inf',
          b'+inf', b'1e21', b'1e-5', b'0x10', b'1e300', b'-1e300',
          b'9007199254740993', b'123456789012345678', b'4.9e-324',
          b'1.7976931348623157e308', b'0.30000000000000004', b'100000000000000',
          b'1000000000000000', b'99999999999999999', b'1e17', b'-1.5e3', b'5.']
BAD = [b'', b'nan', b'abc', b'1e400', b' 1', b'1 ', b'1x', b'--1', b'1e-400',
       b'0x', b'infinit', b'NaN', b'1\x002']
INTEGERS = [b'0', b'1', b'2', b'3', b'-1', b'-2', b'-3', b'5', b'10', b'100',
            b'-100', b'200', b'9223372036854775807', b'-9223372036854775808',
            b'-9223372036854775807']
BAD_INTEGERS = [b'', b'x', b'1.5', b'9223372036854775808', b'+1', b' 1']
ENDS = [b'(0', b'(1', b'(-1', b'(inf', b'(-inf', b'(3.5', b'-INF', b'+Inf',
        b'Infinity', b'( 1', b' 1', b'(', b'']
WORD_ENDS = [b'-', b'+', b'[', b'(', b'[m1', b'(m1', b'[m5', b'(m5', b'[m99',
             b'[m', b'(z', b'[a', b'[m10', b'(m10', b'(m2\x00']
BAD_WORD_ENDS = [b'', b'm1', b'-a', b'+a', b'inf', b'*']


def member(rng):
    draw = rng.random()
    if draw < 0.6:
        return b'm%d' % rng.randint(0, 12)
    if draw < 0.9:
        return b'm%d' % rng.randint(0, 300)
    return rng.choice([b'', b'-5', b'12', b'007', b'\x00\xff', b'x' * 64,
                       b'y' * 65, b'z' * 300, b'\r\n', b'9' * 25])


def score(rng):
    if rng.random() < 0.02:
        return rng.choice(BAD)
    if rng.random() < 0.5:
        return rng.choice(SCORES)
    return rng.choice([b'%d' % rng.randint(-20, 20),
                       b'%.17g' % rng.uniform(-5, 5)])


def number(rng):
    return rng.choice(BAD_INTEGERS if rng.random() < 0.03 else INTEGERS)


def end(rng):
    return rng.choice(ENDS) if rng.random() < 0.4 else score(rng)


def word_end(rng):
    return rng.choice(BAD_WORD_ENDS if rng.random() < 0.04 else WORD_ENDS)


def key(rng):
    return rng.choice(OTHERS if rng.random() < 0.08 else SETS)


def source(rng):
    return rng.choice(SETS + SETS + SETS + OTHERS)


def limit(rng):
    return [b'LIMIT', number(rng), number(rng)]


def add(rng):
    flags = [f for f, odds in ((b'NX', .12), (b'XX', .12), (b'GT', .1),
                               (b'LT', .1), (b'CH', .3), (b'INCR', .1))
             if rng.random() < odds]
    pairs = rng.choice([1, 1, 1, 2, 3, 8])
    if rng.random() < 0.02:
        pairs = 150
    argv = [b'ZADD', key(rng)] + flags
    for _ in range(pairs):
        argv += [score(rng), member(rng)]
    return [b'none'] if argv[1] == WORDS else argv


def add_words(rng):
    argv = [b'ZADD', WORDS]
    for _ in range(rng.choice([1, 2, 5, 5, 140])):
        argv += [b'0', member(rng)]
    return argv


def ranges(rng):
    draw = rng.randrange(8)
    options = [[b'WITHSCORES'], limit(rng), [b'REV'], [b'WITHSCORES']]
    extra = [w for o in options if rng.random() < 0.25 for w in o]
    if draw == 0:
        return [b'ZRANGE', key(rng), number(rng), number(rng)] + extra
    if draw == 1:
        return [b'ZREVRANGE', key(rng), number(rng), number(rng)] + extra
    if draw == 2:
        return [b'ZRANGE', key(rng), end(rng), end(rng), b'BYSCORE'] + extra
    if draw == 3:
        return [rng.choice([b'ZRANGEBYSCORE', b'ZREVRANGEBYSCORE']), key(rng),
                end(rng), end(rng)] + extra
    if draw == 4:
        return [rng.choice([b'ZRANGEBYLEX', b'ZREVRANGEBYLEX']), WORDS,
                word_end(rng), word_end(rng)] + extra
    if draw == 5:
        return [b'ZRANGE', WORDS, word_end(rng), word_end(rng),
                b'BYLEX'] + extra
    if draw == 6:
        return [b'ZRANGESTORE', rng.choice(SETS), source(rng), number(rng),
                number(rng)] + [w for w in extra if w != b'WITHSCORES'
                                or rng.random() < .1]
    return [b'ZRANGESTORE', rng.choice(SETS), source(rng), end(rng), end(rng),
            b'BYSCORE'] + [w for w in extra if w != b'WITHSCORES']


def counts(rng):
    name = rng.choice([b'ZCOUNT', b'ZLEXCOUNT', b'ZREMRANGEBYSCORE',
                       b'ZREMRANGEBYRANK', b'ZREMRANGEBYLEX'])
    if name.endswith(b'RANK'):
        low = rng.randint(-15, 15)
        return [name, key(rng), b'%d' % low, b'%d' % (low + rng.randint(-2, 9))]
    if b'LEX' in name:
        return [name, WORDS, word_end(rng), word_end(rng)]
    if name.startswith(b'ZREM') and rng.random() < 0.8:
        return [name, key(rng), b'(1', rng.choice([b'2', b'1', b'3', b'(4'])]
    return [name, key(rng), end(rng), end(rng)]


def algebra(rng):
    name = rng.choice([b'ZUNION', b'ZINTER', b'ZDIFF', b'ZINTERCARD',
                       b'ZUNIONSTORE', b'ZINTERSTORE', b'ZDIFFSTORE'])
    count = rng.choice([1, 2, 2, 2, 3, 4])
    given = b'%d' % count if rng.random() < 0.95 else number(rng)
    argv = [name] + [rng.choice(SETS)] * name.endswith(b'STORE') + [given]
    kinds = SETS + [b'plain', b'none'] + [b'text'] * (rng.random() < 0.05)
    argv += [rng.choice(kinds) for _ in range(count)]
    if rng.random() < 0.3:
        argv += [b'WEIGHTS'] + [score(rng) for _ in range(count)]
    if rng.random() < 0.3:
        argv += [b'AGGREGATE', rng.choice([b'SUM', b'MIN', b'MAX', b'min',
                                           b'max', b'avg'])]
    if rng.random() < 0.3:
        argv.append(b'WITHSCORES')
    if rng.random() < 0.3 and name == b'ZINTERCARD':
        argv += [b'LIMIT', number(rng)]
    # Of two errors, Redis tells that of a key's type before that of options.
    if b'text' in argv:
        argv = argv[:3 + name.endswith(b'STORE') + count - 1]
        argv[1 + name.endswith(b'STORE')] = b'%d' % count
        argv = argv[:2 + name.endswith(b'STORE') + count]
    return argv


# What waits is told nil soon.
TIMES = [b'0.01', b'0.001', b'1e-2'] * 9 + [b'-1', b'x', b'1e400']


def waiting_pops(rng):
    if rng.random() < 0.5:
        return [rng.choice([b'BZPOPMIN', b'BZPOPMAX'])] + \
            [key(rng) for _ in range(rng.choice([1, 1, 2, 3]))] + \
            [rng.choice(TIMES)]
    argv = pops(rng)
    while argv[0] != b'ZMPOP':
        argv = pops(rng)
    return [b'BZMPOP', rng.choice(TIMES)] + argv[1:]


def pops(rng):
    draw = rng.randrange(5)
    if draw < 2:
        return [rng.choice([b'ZPOPMIN', b'ZPOPMAX']), key(rng)] + \
            [rng.choice([b'0', b'1', b'2', b'3', b'-1', b'x', b'150'])] * \
            rng.randrange(2)
    if draw < 4:
        count = rng.choice([1, 1, 2, 3])
        given = b'%d' % count if rng.random() < 0.9 else number(rng)
        return [b'ZMPOP', given] + [key(rng) for _ in range(count)] + \
            [rng.choice([b'MIN', b'MAX', b'min', b'mid'])] + \
            ([b'COUNT', rng.choice([b'0', b'1', b'2', b'4', b'x', b'-1'])]
             if rng.random() < 0.5 else [])
    return [b'ZREM', key(rng)] + [member(rng) for _ in
                                  range(rng.choice([1, 1, 3, 60]))]


def looks(rng):
    draw = rng.randrange(9)
    if draw == 0:
        return [b'ZSCORE', key(rng), member(rng)]
    if draw == 1:
        return [b'ZMSCORE', key(rng), member(rng), member(rng), member(rng)]
    if draw == 2:
        return [rng.choice([b'ZRANK', b'ZREVRANK']), key(rng), member(rng)]
    if draw == 3:
        return [b'ZCARD', key(rng)]
    if draw == 4:
        return [b'ZINCRBY', rng.choice(SETS), score(rng), member(rng)]
    if draw == 5:
        argv = [b'ZRANDMEMBER', key(rng)]
        if rng.random() < 0.8:
            argv.append(rng.choice([b'0', b'1', b'3', b'-3', b'-20', b'500',
                                    b'x', b'-9223372036854775808',
                                    b'9223372036854775807']))
            if argv[2] == b'9223372036854775807' or rng.random() < 0.5:
                argv.append(rng.choice([b'WITHSCORES', b'withscores', b'x']))
        return argv
    if draw == 6:
        argv = [b'ZSCAN', key(rng), rng.choice([b'0', b'0', b'0', b'0', b'x',
                                                b'-1', b'', b' 0'])]
        if rng.random() < 0.5:
            argv += [b'MATCH', rng.choice([b'*', b'm*', b'm1?', b'[a-m]1*',
                                           b'zz', b''])]
        if rng.random() < 0.7:
            argv += [b'COUNT', rng.choice([b'100000', b'1', b'5', b'0', b'x'])]
        return argv + [b'x'] * (rng.random() < 0.05)
    if draw == 7:
        return [rng.choice([b'GET', b'INCR', b'APPEND', b'STRLEN', b'TYPE',
                            b'EXISTS', b'SETNX', b'GETRANGE', b'TTL']),
                rng.choice(SETS)]
    return [b'DEL', rng.choice(SETS)] if rng.random() < 0.3 else \
        [b'EXISTS', rng.choice(SETS)]


def begin(rng):
    out = [[b'SET', b'text', b'hello'],
           [b'SADD', b'plain'] + [rng.choice([member(rng), b'%d' % i])
                                  for i in range(rng.choice([1, 8, 200]))]]
    if rng.random() < 0.5:
        argv = [b'ZADD', rng.choice(SETS)]
        for i in range(rng.choice([20, 127, 129, 400])):
            argv += [score(rng).replace(b'n', b'9'), b'm%d' % i]
        out.append(argv)
    return out


def command(rng):
    kind = rng.choice([add, add, add, add_words, ranges, ranges, counts,
                       algebra, algebra, pops, looks, looks, waiting_pops])
    argv = kind(rng)
    if argv[0] in (b'BZPOPMIN', b'BZPOPMAX'):
        return argv  # any other time may be a long one
    if rng.random() < 0.01 and len(argv) > 1:
        argv.pop()
    elif rng.random() < 0.01:
        argv.append(rng.choice([b'x', b'WITHSCORES', b'1', b'LIMIT']))
    if argv[0] in (b'ZRANK', b'ZREVRANK') and len(argv) > 3:
        argv.pop()  # WITHSCORE is of Redis 7.2
    return argv


def pairs_of(reply):
    items = reply[1]
    return sorted(zip([i[1] for i in items[::2]], [i[1] for i in items[1::2]]))


def same_scan(argv, redis, vard):
    """The order, and how much comes at once, are not specified."""
    if redis[0] != '*' or vard[0] != '*':
        return False
    first, second = redis[1][0][1], vard[1][0][1]
    if argv[2] == b'0' and first == b'0' and second == b'0':
        return pairs_of(redis[1][1]) == pairs_of(vard[1][1])
    return True


def same(argv, redis, vard):
    name = argv[0].upper()
    if name == b'ZSCAN':
        return same_scan(argv, redis, vard)
    if name != b'ZRANDMEMBER' or redis[0] != vard[0] or redis[0] not in '*$':
        return False
    if redis[0] == '$':
        return (redis[1] is None) == (vard[1] is None)
    if len(redis[1]) != len(vard[1]):
        return False
    if [i[0] for i in redis[1]] != [i[0] for i in vard[1]]:
        return False
    step = 2 if len(argv) == 4 and redis[1][0][0] != '*' else 1
    members = [repr(i) for i in vard[1][::step]]
    return argv[2].startswith(b'-') or len(set(members)) == len(members)
