"""Sets, for redis_diff.py --family set.

Half of the pipelines begin with sets too large to be packed; all have keys of
another type, too. Members have no order, but those of integers as long as there
are few.
"""
WORDS = [b'a', b'b', b'c', b'', b'\x00\r\n', b'f' * 64, b'g' * 65, b'h' * 600,
         b'01', b'+1', b'-0', b' 1', b'1.0', b'9223372036854775808',
         b'-9223372036854775809']
NUMBERS = [b'0', b'1', b'-1', b'2', b'10', b'-7', b'9223372036854775807',
           b'-9223372036854775808']
COUNTS = [b'0', b'1', b'2', b'5', b'1000', b'-1', b'-5', b'-30', b'x', b'',
          b'9223372036854775807', b'-9223372036854775808', b'1.5']
NUMKEYS = [b'0', b'1', b'2', b'2', b'3', b'x', b'', b'-1', b'100']
OPTIONS = [[], [], [], [b'COUNT', b'1000'], [b'COUNT', b'1'], [b'COUNT', b'0'],
           [b'COUNT', b'x'], [b'MATCH', b'*'], [b'MATCH', b'[ab1]*'],
           [b'MATCH', b'*1', b'COUNT', b'5000'], [b'MATCH'], [b'FOO', b'1'],
           [b'count', b'77', b'match', b'?'], [b'TYPE', b'set']]
LIMITS = [[], [], [b'LIMIT', b'0'], [b'LIMIT', b'2'], [b'limit', b'100'],
          [b'LIMIT', b'-1'], [b'LIMIT', b'x'], [b'LIMIT'], [b'FOO', b'1'],
          [b'LIMIT', b'1', b'LIMIT', b'5']]
# k a key of a set, j a key of integers, d one where results go, m a member, i
# an integer, n a count, N a number of keys, l the options of SINTERCARD, c a
# cursor, o the options of SSCAN.
COMMANDS = """sadd km|sadd kmm|sadd kmmm|sadd ji|sadd jii|sadd jiii|sadd jm
srem km|srem kmm|srem ji|srem jii|sismember km|sismember ji|smismember km
smismember kmmi|smembers k|smembers j|smembers j|smembers d|scard k|scard j
smove kkm|smove jji|smove kji|smove kkm
srandmember k|srandmember j|srandmember kn|srandmember jn|srandmember knn
sinter k|sinter kk|sinter jj|sinter kjk|sunion k|sunion kk|sunion jj
sunion kjk|sdiff k|sdiff kk|sdiff jj|sdiff kjk|sdiff kkkkk|sinterstore dkk
sinterstore djj|sinterstore kkk|sunionstore dkk|sunionstore djjj
sunionstore jjj|sdiffstore dkk|sdiffstore djj|sdiffstore kkk|sintercard Nkl
sintercard Nkkl|sintercard Nkjl|sintercard Nkkkl|sscan kc|sscan kco|sscan jco
del k|del j|type k|exists d|ttl d|expire ki|persist k|get k|append km|set dm
strlen k|incr k|getset dm|setnx km|sadd |sadd k|sinter |sinterstore d|sscan k
sismember k|smove kk|sintercard N""".replace('\n', '|').split('|')


pending = []  # commands that belong together


def integer(rng):
    return rng.choice(NUMBERS) if rng.random() < 0.3 \
        else b'%d' % rng.randrange(-50, 600)


def member(rng):
    if rng.random() < 0.5:
        return rng.choice(WORDS)
    return integer(rng) if rng.random() < 0.3 else b'm%d' % rng.randrange(400)


def arguments(rng, kind):
    if kind == 'k':
        return [rng.choices([b's1', b's2', b's3', b'n1', b'str', b'none'],
                            [8, 8, 3, 2, 1, 1])[0]]
    if kind == 'j':
        return [rng.choices([b'n1', b'n2', b'n3', b's1'], [6, 6, 3, 1])[0]]
    if kind == 'd':
        return [rng.choice([b'd1', b'd2', b's3', b'n3'])]
    if kind == 'm':
        return [member(rng)]
    if kind == 'i':
        return [integer(rng)]
    if kind == 'c':
        return [rng.choice([b'0'] * 8 + [b'+0', b'x', b'', b' 0'])]
    return list(rng.choice({'n': [[n] for n in COUNTS], 'o': OPTIONS,
                            'N': [[n] for n in NUMKEYS], 'l': LIMITS}[kind]))


def popping(rng):
    """A set of its own: what is left after a random removal is not compared."""
    kind = rng.choice('mi')
    members = [arguments(rng, kind)[0] for _ in range(rng.randrange(1, 30))]
    counts = rng.choice([[], [], *([n] for n in COUNTS), [b'1', b'2']])
    return [[b'SADD', b'p'] + members, [b'SPOP', b'p'] + counts,
            [b'SCARD', b'p'], [b'SPOP', b'p', b'1000'], [b'EXISTS', b'p'],
            [b'SPOP', b'p'] + counts]


def command(rng):
    if not pending and rng.random() < 0.1:
        pending.extend(popping(rng))
    if pending:
        return pending.pop(0)
    name, _, kinds = rng.choice(COMMANDS).strip().partition(' ')
    argv = [name.encode()]
    for kind in kinds:
        argv += arguments(rng, kind)
    if name == 'expire':
        argv[2] = rng.choice([b'100', b'-1', b'0', b'1000'])
    if rng.random() < 0.02:
        argv.append(rng.choice(WORDS))
    return argv


def begin(rng):
    pending.clear()
    found = [[b'SET', b'str', rng.choice(WORDS)]]
    if rng.random() < 0.5:
        for key in (b's1', b's2'):
            found.append([b'SADD', key] + [
                b'm%d' % i for i in range(rng.choice([100, 300, 600]))])
        for key in (b'n1', b'n2'):
            found.append([b'SADD', key] + [
                b'%d' % (i * 3) for i in range(rng.choice([30, 300, 510, 600]))])
    return found


def same_scan(cursor, redis, vard):
    """Two scans that are not at their end have seen something else, and so have
    two that go on from a cursor that nobody has given."""
    if redis[0] != '*' or vard[0] != '*':
        return False
    (at, found), (ours_at, ours) = redis[1], vard[1]
    if at[1] != b'0' or ours_at[1] != b'0' or cursor.strip(b'+0') != b'':
        return found[0] == ours[0]
    return sorted(found[1]) == sorted(ours[1])


def shape(reply):
    """Kinds and numbers, without what the strings have."""
    kind, value = reply
    return (kind, [shape(v) for v in value]) if isinstance(value, list) \
        else (kind, value is None)


def same(argv, redis, vard):
    name = argv[0].lower()
    if name == b'sscan':
        return len(argv) > 2 and same_scan(argv[2], redis, vard)
    if name in (b'srandmember', b'spop'):
        return shape(redis) == shape(vard)
    ordered = redis[0] == vard[0] and redis[0] in '*~'
    return ordered and name in (b'smembers', b'sinter', b'sunion', b'sdiff') \
        and sorted(redis[1]) == sorted(vard[1])
