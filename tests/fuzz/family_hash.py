"""Hashes, for redis_diff.py --family hash.

Half of the pipelines begin with hashes too large to be packed, whose fields
have no order; all have keys of other types, too.
"""
NAMES = [b'a', b'b', b'c', b'd', b'', b'\x00\r\n', b'f' * 64, b'g' * 65,
         b'h' * 600, b'1', b'-7']
VALUES = [b'', b'0', b'1', b'-1', b'10', b'007', b'-0', b'+5', b' 7', b'7 ',
          b'3.5', b'-2.25', b'1e3', b'1e400', b'nan', b'inf', b'-inf', b'0x1A',
          b'abc', b'\x00\x01\xff', b'9223372036854775807', b'1e4932',
          b'-9223372036854775808', b'9223372036854775808', b'v' * 64,
          b'w' * 65, b'x' * 512, b'y' * 513, b'z' * 40000]
NUMBERS = [b'1', b'-1', b'0', b'1000', b'x', b'', b'1.5', b'-9223372036854775808',
           b'9223372036854775807', b'9223372036854775808']
FLOATS = [b'1', b'-1', b'0.1', b'1e3', b'x', b'', b'inf', b'-inf', b'nan',
          b'1e4932', b'-1e-30', b'0x10', b'3.0e5']
COUNTS = [b'0', b'1', b'2', b'5', b'1000', b'-1', b'-5', b'-30', b'x', b'',
          b'9223372036854775807', b'-9223372036854775808', b'1.5']
OPTIONS = [[], [], [], [b'COUNT', b'1000'], [b'COUNT', b'1'], [b'COUNT', b'0'],
           [b'COUNT', b'x'], [b'MATCH', b'*'], [b'MATCH', b'[ab1]*'],
           [b'MATCH', b'*1', b'COUNT', b'5000'], [b'MATCH'], [b'FOO', b'1'],
           [b'count', b'77', b'match', b'?']]
# k a key, f a field, v a value, i an integer, d a float, n a count, w the
# word WITHVALUES, c a cursor, o the options of HSCAN.
COMMANDS = """hset kfv|hset kfvfv|hset kfvfvfv|hset kfvf|hset kfv|hset kfv
hsetnx kfv|hmset kfv|hmset kfvfv|hmset kfvf|hget kf|hget kf|hmget kf|hmget kfff
hgetall k|hkeys k|hvals k|hlen k|hexists kf|hdel kf|hdel kfff|hstrlen kf
hincrby kfi|hincrby kfi|hincrbyfloat kfd|hincrbyfloat kfd|hrandfield k
hrandfield kn|hrandfield knw|hrandfield knv|hscan kc|hscan kco|hscan kco
del k|type k|exists k|get k|append kv|set kv|strlen k|incr k|getset kv|setnx kv
hset |hget k|hgetall |hdel k|hscan k""".replace('\n', '|').split('|')


def field(rng):
    return rng.choice(NAMES) if rng.random() < 0.7 \
        else b'n%d' % rng.randrange(400)


def arguments(rng, kind):
    if kind == 'k':
        return [rng.choices([b'h1', b'h2', b'h3', b's', b'none'],
                            [6, 6, 2, 1, 1])[0]]
    if kind == 'f':
        return [field(rng)]
    if kind == 'c':
        return [rng.choice([b'0'] * 8 + [b'+0', b'x', b'', b' 0'])]
    if kind == 'w':
        return [b'WITHVALUES']
    return list(rng.choice({'v': [[v] for v in VALUES],
                            'i': [[n] for n in NUMBERS],
                            'd': [[n] for n in FLOATS],
                            'n': [[n] for n in COUNTS], 'o': OPTIONS}[kind]))


def command(rng):
    name, _, kinds = rng.choice(COMMANDS).strip().partition(' ')
    argv = [name.encode()]
    for kind in kinds:
        argv += arguments(rng, kind)
    if rng.random() < 0.02:
        argv.append(rng.choice(VALUES))
    return argv


def begin(rng):
    found = [[b'SET', b's', rng.choice(VALUES)]]
    if rng.random() < 0.5:
        for key in (b'h1', b'h2'):
            argv = [b'HSET', key]
            for i in range(rng.choice([100, 300, 520])):
                argv += [b'n%d' % i, rng.choice(VALUES[:20])]
            found.append(argv)
    return found


def pairs(flat):
    return sorted(zip(flat[::2], flat[1::2]))


def shape(reply):
    """Kinds and numbers, without what the strings have."""
    kind, value = reply
    return (kind, [shape(v) for v in value]) if isinstance(value, list) \
        else (kind, value is None)


def same_scan(cursor, redis, vard):
    """Two scans that are not at their end have seen something else, and so have
    two that go on from a cursor that nobody has given."""
    if redis[0] != '*' or vard[0] != '*':
        return False
    (at, found), (ours_at, ours) = redis[1], vard[1]
    if at[1] != b'0' or ours_at[1] != b'0' or cursor.strip(b'+0') != b'':
        return found[0] == ours[0] and len(ours[1]) % 2 == 0
    return pairs(found[1]) == pairs(ours[1])


def same(argv, redis, vard):
    name = argv[0].lower()
    if name == b'hgetall' and redis[0] == vard[0] and redis[0] in '*%':
        return pairs(redis[1]) == pairs(vard[1])
    if name in (b'hkeys', b'hvals') and redis[0] == vard[0] == '*':
        return sorted(redis[1]) == sorted(vard[1])
    if name == b'hscan':
        return len(argv) > 2 and same_scan(argv[2], redis, vard)
    return name == b'hrandfield' and shape(redis) == shape(vard)
