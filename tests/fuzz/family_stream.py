"""Streams, for redis_diff.py --family stream.

Ids are given, because two clocks make others; `~` cuts where each server likes,
so it is used with a length that no stream has.
"""
IDS = [b'0', b'0-0', b'0-1', b'1', b'1-1', b'1-2', b'2-0', b'2-*', b'3-*',
       b'5-5', b'007-01', b'+8-1', b'x', b'', b'-', b'-1', b'1-', b'1-x',
       b'18446744073709551615-18446744073709551615', b'18446744073709551616',
       b'18446744073709551615', b'1-18446744073709551615']
BOUNDS = IDS + [b'-', b'-', b'-', b'+', b'+', b'+', b'(0-0', b'(1-1', b'(2',
                b'(5-5', b'(', b'(-', b'(+', b'((1',
                b'(18446744073709551615-18446744073709551615']
COUNTS = [b'0', b'1', b'2', b'3', b'100', b'-1', b'x', b'', b'1.5',
          b'9223372036854775807', b'-9223372036854775808']
VALUES = [b'', b'v', b'1', b'\x00\r\n', b'w' * 70, b'y' * 254, b'z' * 255,
          b'x' * 1100, b'b' * 40000]
TRIMS = [[], [], [], [], [b'MAXLEN', b'2'], [b'MAXLEN', b'=', b'3'],
         [b'MAXLEN', b'~', b'1000'], [b'MAXLEN', b'0'], [b'MAXLEN', b'-1'],
         [b'MAXLEN', b'x'], [b'MAXLEN'], [b'MINID', b'2'], [b'MINID', b'1-2'],
         [b'MINID', b'=', b'0'], [b'MINID', b'x'], [b'maxlen', b'~', b'0', b'LIMIT'],
         [b'MAXLEN', b'5', b'LIMIT', b'3'], [b'LIMIT', b'3'], [b'LIMIT', b'0'],
         [b'MAXLEN', b'~', b'1000', b'LIMIT', b'5'], [b'NOMKSTREAM'],
         [b'MAXLEN', b'~', b'1000', b'LIMIT', b'-5'],
         [b'MAXLEN', b'3', b'MINID', b'3'], [b'NOMKSTREAM', b'MAXLEN', b'2'],
         [b'MAXLEN', b'4', b'NOMKSTREAM'], [b'FOO'], [b'MAXLEN', b'=']]
SETTINGS = [[], [], [b'ENTRIESADDED', b'100'], [b'ENTRIESADDED', b'0'],
            [b'ENTRIESADDED', b'-1'], [b'MAXDELETEDID', b'1-1'],
            [b'MAXDELETEDID', b'0-0'], [b'ENTRIESADDED'], [b'FOO', b'1'],
            [b'entriesadded', b'7', b'maxdeletedid', b'3-3']]
READS = [[], [], [], [], [], [], [], [b'COUNT', b'1'], [b'COUNT', b'0'], [b'COUNT', b'-3'],
         [b'COUNT', b'x'], [b'BLOCK', b'3'], [b'BLOCK', b'x'], [b'BLOCK', b'-1'], [b'NOACK'],
         [b'GROUP', b'g', b'c'], [b'FOO'], [b'COUNT']]
# k a key, i an id of a new entry, b a bound, r an id to read after, c COUNT and
# a number, v a value, t options of XADD and XTRIM, s of XSETID, o of XREAD, S the
# word STREAMS.
COMMANDS = """xadd knvv|xadd knvv|xadd knvvvv|xadd ktivv|xadd ktivv|xadd kiv
xadd kivvv|xlen k|xrange kbb|xrange kbb|xrange kbbc|xrevrange kbb|xrevrange kbbc
xdel ki|xdel kiii|xtrim kt|xsetid ki|xsetid kis|xread oSkr|xread oSkkrr|xread Skkr
xread oSkkkrrr|del k|type k|exists k|get k|append kv|set kv|strlen k
xadd k|xread Sk|xrange kb|xlen |xdel k|xtrim k""".replace('\n', '|').split('|')


def arguments(rng, kind):
    if kind == 'k':
        return [rng.choices([b's1', b's2', b's3', b'str', b'none'],
                            [6, 4, 2, 1, 1])[0]]
    if kind == 'n':  # mostly greater than those before
        return [b'%d-%d' % (rng.randrange(1, 9), rng.randrange(1, 40))]
    if kind == 'c':
        return [b'COUNT', rng.choice(COUNTS)]
    if kind == 'S':
        return [b'STREAMS']
    if kind == 'r':
        return [rng.choice(IDS + [b'$', b'0', b'0', b'0-0', b'>'])]
    return list(rng.choice({'i': [[i] for i in IDS], 'b': [[b] for b in BOUNDS],
                            'v': [[v] for v in VALUES], 't': TRIMS,
                            's': SETTINGS, 'o': READS}[kind]))


def begin(rng):
    """Half of the pipelines begin with a stream of more than a page."""
    if rng.random() < 0.5:
        return [[b'SET', b'str', b'text']]
    count = rng.choice([90, 600])
    return [[b'SET', b'str', b'text']] + \
        [[b'XADD', b's1', b'1-%d' % i, b'field', b'value %d' % i]
         for i in range(1, count)]


def command(rng):
    name, _, kinds = rng.choice(COMMANDS).strip().partition(' ')
    argv = [name.encode()]
    for kind in kinds:
        argv += arguments(rng, kind)
    return argv


def same(argv, redis, vard):
    return False
