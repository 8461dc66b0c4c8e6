"""Keys of any type, for redis_diff.py --family keys.

The database is small, so that one call of SCAN tells all of it. Sets are of
integers, which have an order.
"""
KEYS = [b'a', b'b', b'c', b'd', b's', b'', b'\x00\xff', b'none']
PATTERNS = [b'*', b'a', b'?', b'[a-c]', b'[^a]', b'', b'**', b'\\a', b'x*',
            b'[', b'*\xff', b'a*b']
DBS = [b'0', b'1', b'2', b'15', b'16', b'-1', b'x', b'', b'2147483648',
       b'9223372036854775808', b'01']
# k a key, p a pattern, d a database, c a cursor, o options of SCAN, q options
# of COPY, w a word of OBJECT, v a value, i an integer.
COMMANDS = """set kv|set kv|sadd kii|sadd kii|append kv|del k|expire ki|ttl k
persist k|rename kk|rename kk|renamenx kk|renamenx kk|copy kk|copy kkq|copy kkq
move kd|move kd|select d|swapdb dd|swapdb dd|scan c|scan co|scan co|keys p|keys p|type k|exists kk
object wk|object wk|object w|object wkk|get k|smembers k|scard k|strlen k
touch kk|unlink kk|dbsize |flushdb |rename k|copy k|move k|keys |scan
randomkey v|incr k|getdel k|spop ki""".replace('\n', '|').split('|')
OPTIONS = [[b'COUNT', b'1000'], [b'COUNT', b'0'], [b'COUNT', b'x'],
           [b'MATCH', b'[ab]'], [b'MATCH', b'*', b'COUNT', b'500'],
           [b'TYPE', b'string', b'COUNT', b'100'],
           [b'COUNT', b'100', b'TYPE', b'SET'], [b'TYPE', b'nosuch'],
           [b'TYPE'], [b'MATCH'], [b'FOO', b'1'],
           [b'count', b'77', b'match', b'?', b'type', b'hash']]
COPIES = [[b'REPLACE'], [b'replace', b'DB', b'1'], [b'DB', b'0'],
          [b'DB', b'16'], [b'DB', b'x'], [b'DB'], [b'FOO'],
          [b'DB', b'1', b'DB', b'2'], [b'DB', b'2', b'REPLACE', b'REPLACE']]
WORDS = [b'encoding', b'ENCODING', b'freq', b'help', b'what', b'']
VALUES = [b'', b'0', b'12', b'-5', b'007', b'abc', b'x' * 44, b'x' * 45,
          b'9223372036854775807', b'9223372036854775808', b'y' * 20000]


def arguments(rng, kind):
    one = {'k': KEYS, 'p': PATTERNS, 'd': DBS, 'w': WORDS, 'v': VALUES,
           'c': [b'0', b'0', b'0', b'0', b'+0', b'x', b'', b' 0'],
           'i': [b'1', b'2', b'3', b'100', b'1000']}
    if kind in one:
        return [rng.choice(one[kind])]
    return list(rng.choice(OPTIONS if kind == 'o' else COPIES))


def command(rng):
    name, _, kinds = rng.choice(COMMANDS).strip().partition(' ')
    argv = [name.encode()]
    for kind in kinds:
        argv += arguments(rng, kind)
    if name == 'expire':
        argv[2] = rng.choice([b'100', b'-1', b'0', b'1000'])
    if name == 'spop':
        argv[2] = b'1000'
    return argv


def begin(rng):
    return [[b'SADD', b's', b'1', b'2', b'3'], [b'SET', b'a', b'v']]


def same(argv, redis, vard):
    name = argv[0].lower()
    if name == b'object' and argv[1:2] in ([b'encoding'], [b'ENCODING']):
        # Strings that were changed in place are "raw" in Redis.
        return redis[1] == b'raw' and vard[1] in (b'int', b'embstr')
    ordered = redis[0] == vard[0] and redis[0] in '*~'
    if name == b'scan' and ordered:
        return redis[1][0] == vard[1][0] and \
            sorted(redis[1][1][1]) == sorted(vard[1][1][1])
    return ordered and name in (b'keys', b'smembers', b'spop') and \
        sorted(redis[1]) == sorted(vard[1])
