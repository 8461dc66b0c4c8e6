"""Transactions, for redis_diff.py --family multi.

Half of the commands are about transactions, so most pipelines have several, with
errors of all kinds in them: unknown commands and wrong numbers of arguments while
they are queued, wrong types and numbers when they are executed. Watched keys are
written by the same connection in between. The replies of the commands inside have
an order, so they are compared byte by byte.
"""
KEYS = [b'a', b'b', b'l', b's', b'h', b'z', b'', b'none']
# k a key, v a value, i an integer, d a database, w a word.
COMMANDS = """set kv|set kv|get k|get k|incr k|incrby ki|append kv|strlen k
getrange kii|setrange kiv|del k|del kk|exists kk|mset kvkv|msetnx kvkv|mget kk
lpush lv|rpush lvv|lpop l|rpop l|lrange lii|llen k|sadd si|srem si|scard s
hset hvv|hget hv|hdel hv|hlen h|zadd ziv|zscore zv|zcard z|zrem zv|type k
expire ki|persist k|ttl k|getdel k|getset kv|rename kk|renamenx kk|copy kk
setnx kv|set kvw|lpush kv|sadd ki|hset kvv|incrbyfloat kj|dbsize |flushdb
ping |ping v|echo v|select d|select d|get |set k|nosuch kv|lrange k|zadd zvv
client v|client w|auth v|exists |time k|command v|getex k|touch kk
lset lii|linsert lwvv|bitcount k|setbit kii|client getname|client setname|
hello v|blpop x|sismember si|zrange zii""".replace('\n', '|').split('|')
WORDS = [b'NX', b'XX', b'KEEPTTL', b'BEFORE', b'AFTER', b'what', b'']
VALUES = [b'', b'0', b'1', b'12', b'-5', b'abc', b'x' * 45, b'1.5',
          b'9223372036854775807', b'z' * 300]
INTS = [b'0', b'1', b'2', b'-1', b'100', b'7', b'x', b'']
DBS = [b'0', b'0', b'1', b'15', b'16', b'-1', b'x']
LISTS = {'j': [b'1', b'2.5', b'-3'], 'k': KEYS, 'v': VALUES, 'i': INTS,
         'd': DBS, 'w': WORDS, 'l': [b'l'], 's': [b's'], 'h': [b'h'], 'z': [b'z']}
ABOUT = [[b'MULTI']] * 8 + [[b'EXEC']] * 9 + [
    [b'DISCARD'], [b'UNWATCH'], [b'DISCARD', b'x'],
    [b'WATCH'], [b'RESET']]
FIXED = {'client getname': [b'client', b'getname'],
         'client setname': [b'client', b'setname', b'me'],
         'command v': [b'command', b'nosuch'],
         'client v': [b'client', b'nosuch'],
         'client w': [b'client', b'getname', b'x'],
         'auth v': [b'auth', b'x', b'y', b'z'],
         'hello v': [b'hello', b'x'],
         'time k': [b'time', b'x'],
         'blpop x': [b'getset']}


def command(rng):
    what = rng.random()
    if what < 0.35:
        return list(rng.choice(ABOUT))
    if what < 0.45:
        return [b'WATCH'] + rng.sample(KEYS, rng.randrange(1, 3))
    line = rng.choice(COMMANDS).strip()
    if line in FIXED:
        return list(FIXED[line])
    name, _, kinds = line.partition(' ')
    return [name.encode()] + [rng.choice(LISTS[kind]) for kind in kinds]


def begin(rng):
    return [[b'SET', b'a', b'5'], [b'RPUSH', b'l', b'x', b'y'],
            [b'SADD', b's', b'1', b'2'], [b'HSET', b'h', b'f', b'v'],
            [b'ZADD', b'z', b'1', b'm']]


def same(argv, redis, vard):
    return redis == vard
