"""Consumer groups of streams, for redis_diff.py --family group.

Ids are given. What tells of time, how long something is idle and when it was
seen, is compared without the numbers.
"""
import re

IDS = [b'0', b'0-0', b'1', b'1-1', b'1-2', b'1-3', b'2-0', b'2-1', b'2-5', b'3-1',
       b'5-5', b'9-9', b'x', b'', b'-1']
READS = [[], [], [], [], [b'COUNT', b'1'], [b'COUNT', b'2'], [b'COUNT', b'0'],
         [b'COUNT', b'-3'], [b'COUNT', b'x'], [b'NOACK'], [b'NOACK', b'COUNT', b'2'],
         [b'BLOCK', b'3'], [b'BLOCK', b'x'], [b'BLOCK', b'-1'], [b'FOO'], [b'COUNT']]
CREATES = [[], [], [], [b'MKSTREAM'], [b'ENTRIESREAD', b'2'], [b'FOO'],
           [b'ENTRIESREAD', b'-1'], [b'ENTRIESREAD', b'-2'], [b'ENTRIESREAD'],
           [b'mkstream', b'entriesread', b'0'], [b'ENTRIESREAD', b'x']]
CLAIMS = [[], [], [], [b'JUSTID'], [b'FORCE'], [b'FORCE', b'JUSTID'],
          [b'RETRYCOUNT', b'3'], [b'RETRYCOUNT', b'-1'], [b'RETRYCOUNT', b'x'],
          [b'IDLE', b'0'], [b'IDLE', b'x'], [b'IDLE'], [b'TIME', b'1'],
          [b'TIME', b'x'], [b'LASTID', b'2-2'], [b'LASTID', b'x'], [b'FOO'],
          [b'force', b'retrycount', b'0'], [b'FORCE', b'LASTID', b'1-2', b'JUSTID']]
AUTOS = [[], [], [b'JUSTID'], [b'COUNT', b'1'], [b'COUNT', b'2', b'JUSTID'],
         [b'COUNT', b'0'], [b'COUNT', b'x'], [b'COUNT', b'-1'], [b'COUNT'], [b'FOO']]
RANGES = [[b'-', b'+', b'10'], [b'-', b'+', b'1'], [b'1-1', b'2', b'5'],
          [b'(1-1', b'(3', b'5'], [b'-', b'+', b'0'], [b'-', b'+', b'-5'],
          [b'-', b'+', b'x'], [b'x', b'+', b'3'], [b'-', b'+'], [b'+', b'-', b'4']]
BOUNDS = [b'-', b'0', b'0-0', b'1-1', b'(1-1', b'2', b'+', b'x', b'(', b'9-9']
# k a key, g a group, c a consumer, i an id, n the id of a new entry, r an id to
# read after, m a minimal time to be idle, and the rest as above.
COMMANDS = """xadd kn|xadd kn|xadd kn|xdel ki|xdel ki|xtrim kt|xack kgi|xack kgii
xgroup:create kgIC|xgroup:create kgIC|xgroup:setid kgI|xgroup:setid kgIC
xgroup:destroy kg|xgroup:createconsumer kgc|xgroup:delconsumer kgc|xgroup:foo k
xreadgroup GoSkr|xreadgroup GoSkr|xreadgroup GoSkr|xreadgroup GoSkr|xreadgroup oSkr
xreadgroup GoSkkrr|xreadgroup oGSkr|xreadgroup GSkkr|xpending kg|xpending kg|xpending kgR|xpending kgRc
xpending kgjR|xclaim kgcmi|xclaim kgcmiiL|xclaim kgcmL|xautoclaim kgcmbA
xautoclaim kgcmbA|xinfo:stream k|xinfo:stream kF|xinfo:groups k|xinfo:consumers kg
xgroup:help |xinfo:help |xinfo:foo k|del k|xsetid ki|xlen k|xinfo:stream kFN
xgroup:create kg|xack kg|xpending k|xclaim kgc|xinfo:groups |xgroup |xinfo """.replace(
    '\n', '|').split('|')


def arguments(rng, kind):
    if kind == 'k':
        return [rng.choices([b's1', b's2', b'str', b'none'], [10, 5, 1, 1])[0]]
    if kind == 'g':
        return [rng.choices([b'g1', b'g2', b'', b'nog'], [8, 4, 1, 1])[0]]
    if kind == 'c':
        return [rng.choice([b'c1', b'c1', b'c2', b'c2', b'c3', b'', b'c\x00'])]
    if kind == 'G':
        return [b'GROUP'] + arguments(rng, 'g') + arguments(rng, 'c')
    if kind == 'S':
        return [b'STREAMS']
    if kind == 'F':
        return [b'FULL']
    if kind == 'n':
        return [b'%d-%d' % (rng.randrange(1, 4), rng.randrange(1, 30)), b'f', b'v']
    if kind == 'r':
        return [rng.choice(IDS + [b'>'] * 12 + [b'0'] * 5 + [b'$'])]
    if kind == 'm':
        return [rng.choice([b'0'] * 6 + [b'1000000', b'-5', b'x'])]
    if kind == 'b':
        return [rng.choice(BOUNDS)]
    if kind == 'N':
        return [b'COUNT', rng.choice([b'0', b'1', b'3', b'x'])]
    if kind == 'I':
        return [rng.choice(IDS + [b'$'] * 5)]
    return list(rng.choice({'i': [[i] for i in IDS], 'o': READS, 'C': CREATES,
                            'L': CLAIMS, 'A': AUTOS, 'R': RANGES,
                            'j': [[b'IDLE', b'0'], [b'IDLE', b'1000000'],
                                  [b'IDLE', b'x'], [b'FOO', b'1']],
                            't': [[b'MAXLEN', b'3'], [b'MINID', b'2'],
                                  [b'MAXLEN', b'0']]}[kind]))


def begin(rng):
    count = rng.choice([0, 3, 3, 10, 150])
    return [[b'SET', b'str', b'text'], [b'XGROUP', b'CREATE', b's1', b'g1',
                                        b'0', b'MKSTREAM'],
            [b'XGROUP', b'CREATE', b's2', b'g1', b'$', b'MKSTREAM']] + \
        [[b'XADD', b's1', b'1-%d' % (i + 1), b'f', b'v'] for i in range(count)]


def command(rng):
    name, _, kinds = rng.choice(COMMANDS).partition(' ')
    argv = [n.encode() for n in name.split(':')]
    for kind in kinds:
        argv += arguments(rng, kind)
    return argv


def without_times(argv, reply):
    """Numbers that are times, or follow the name of one."""
    kind, value = reply
    if not isinstance(value, list):
        return reply
    found = [without_times(argv, v) for v in value]
    pending = len(found) == 4 and found[0][0] == '$' and found[2][0] == ':'
    owned = len(found) == 3 and found[0][0] == '$' and found[1][0] == ':'
    if pending or owned:
        found[2 if pending else 1] = 'time'
    for i in range(1, len(found)):
        if found[i - 1] in (('$', b'idle'), ('$', b'seen-time')):
            found[i] = 'time'
        if found[i - 1] in (('$', b'radix-tree-keys'),
                            ('$', b'radix-tree-nodes')):
            found[i] = 'nodes'
    return (kind, found)


def same(argv, redis, vard):
    return re.match(rb'(?i)xpending|xinfo', argv[0]) is not None and \
        without_times(argv, redis) == without_times(argv, vard)
