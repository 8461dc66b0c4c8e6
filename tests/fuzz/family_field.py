"""Fields of hashes that expire, for redis_diff.py --family field.

Needs redis-server 8.0 or later (Valkey 9 knows the commands but HGETDEL, with
other texts of errors). Times are far away, or in the past; in some pipelines
there are some of a few milliseconds, with pauses.
"""
import family_hash
import redis_diff

VERSION = (8, 0)
FIELDS = [b'a', b'b', b'c', b'd', b'e', b'', b'\x00\r\n', b'f' * 65]
VALUES = [b'', b'1', b'-7', b'3.5', b'abc', b'v' * 65, b'y' * 600]
# Numbers of seconds and milliseconds, relative and absolute.
TIMES = {'t': [b'0', b'-1', b'x', b'',
               b'9223372036854775807', b'70368744177', b'70368744178',
               b'9223372036854775808', b'1.5', b'68000000000'],
         'u': [b'0', b'-1', b'x', b'',
               b'70368744177663', b'70368744177664', b'9223372036854775807',
               b'-9223372036854775808', b'60000000000000'],
         'T': [b'4000000000', b'5000000000', b'1', b'0', b'-1', b'x',
               b'70368744177', b'70368744178'],
         'U': [b'4000000000000', b'4000000000001', b'5000000000000', b'1',
               b'0', b'-1', b'', b'70368744177663', b'70368744177664']}
CONDITIONS = [[], [], [], [b'NX'], [b'XX'], [b'gt'], [b'LT'], [b'FOO'],
              [b'NX', b'XX']]
# k a key, f fields with FIELDS and their number, v the same with values, p the
# option of HGETEX, q those of HSETEX, c a condition, n a field, w a value, i an
# integer, and times as above.
COMMANDS = """hexpire ktcf|hexpire ktcf|hpexpire kucf|hpexpire kucf|hexpireat kTcf
hpexpireat kUcf|hpexpireat kUcf|httl kf|hpttl kf|hexpiretime kf|hpexpiretime kf
hpersist kf|hpersist kf|hgetdel kf|hgetex kf|hgetex kpf|hgetex kpf|hsetex kv
hsetex kqv|hsetex kqv|hsetex kqqv|hset knw|hset knw|hsetnx knw|hset knwnw|hdel kn
hincrby kni|hincrbyfloat kni|hget kn|hmget knn|hgetall k|hkeys k|hvals k|hlen k
hexists kn|hstrlen kn|hscan kz|hrandfield kz|del k|exists k|type k|copy kk
rename kk|persist k|expire kh|hexpire kt|hgetex k|hsetex k|hgetdel kn|httl k
hpersist k|hsetex kvw|hgetex kf|hgetex kfp""".replace('\n', '|').split('|')
# What Redis does with fields that are due and were not swept: it counts them,
# HEXPIRE lets them live again, and KEEPTTL lets what is written end with them.
BLIND = [b'hlen', b'hdel', b'exists', b'type', b'del', b'hscan', b'hrandfield',
         b'copy', b'rename', b'persist', b'expire', b'hexpire', b'hpexpire',
         b'hexpireat', b'hpexpireat']
mode = {'short': False, 'due': False}


def fields(rng, values):
    count = rng.choice([1, 1, 2, 3])
    argv = [rng.choice([b'FIELDS', b'FIELDS', b'fields']), b'%d' % count]
    for _ in range(count):
        argv += [field(rng)] + ([rng.choice(VALUES)] if values else [])
    if rng.random() < 0.08:
        argv[1] = rng.choice([b'0', b'-1', b'x', b'2', b'4294967297', b'',
                              b'9223372036854775807', b'9223372036854775808'])
    if rng.random() < 0.04:
        argv[0] = rng.choice([b'FIELD', b'', b'NX'])
    if rng.random() < 0.03:
        argv.pop()
    return argv


def field(rng):
    return rng.choice(FIELDS) if rng.random() < 0.8 \
        else b'n%d' % rng.randrange(600)


def moment(rng, kind):
    times = TIMES[kind]
    if mode['short'] and kind == 'u' and rng.random() < 0.3:
        mode['due'] = True
        return b'1'
    if rng.random() < 0.4:
        return rng.choice(times)
    if kind in 'TU':
        return rng.choice(times[:3])
    # GT compares with a time that was relative, too: no two are the same.
    return b'%d' % (rng.randrange(1000, 10**6) * (1 if kind == 't' else 1001))


def option(rng):
    word, kind = rng.choice([('EX', 't'), ('PX', 'u'), ('EXAT', 'T'),
                             ('pxat', 'U')])
    argv = [word.encode(), moment(rng, kind)]
    return argv[:1] if rng.random() < 0.04 else argv


def arguments(rng, kind):
    if kind == 'k':
        return [rng.choices([b'h1', b'h2', b'h3', b's', b'none'],
                            [6, 6, 3, 1, 1])[0]]
    if kind in 'fv':
        return fields(rng, kind == 'v')
    if kind in TIMES:
        return [moment(rng, kind)]
    if kind == 'h':
        return [rng.choice([b'100', b'1000', b'-1'])]
    if kind == 'p':
        return option(rng) if rng.random() < 0.7 \
            else [rng.choice([b'PERSIST', b'persist', b'KEEPTTL', b'FNX'])]
    if kind == 'q':
        return option(rng) if rng.random() < 0.5 \
            else [rng.choice([b'KEEPTTL', b'FNX', b'fxx', b'FXX', b'NX',
                              b'PERSIST'])]
    if kind == 'c':
        return list(rng.choice(CONDITIONS))
    if kind == 'n':
        return [field(rng)]
    if kind == 'w':
        return [rng.choice(VALUES)]
    return [rng.choice([b'1', b'-1', b'10']) if kind == 'i' else b'0']


def command(rng):
    """After a time of a millisecond it is over for both servers."""
    if mode['due']:
        mode['due'] = False
        return redis_diff.PAUSE
    while True:
        name, _, kinds = rng.choice(COMMANDS).strip().partition(' ')
        argv = [name.encode()]
        for kind in kinds:
            argv += arguments(rng, kind)
        if not mode['short'] or \
                (argv[0] not in BLIND and b'KEEPTTL' not in argv):
            return argv
        mode['due'] = False


def begin(rng):
    mode.update(short=rng.random() < 0.2, due=False)
    found = [[b'SET', b's', b'text']]
    if rng.random() < 0.5:
        argv = [b'HSET', b'h1']
        for i in range(rng.choice([100, 520, 600])):
            argv += [b'n%d' % i, rng.choice(VALUES[:5])]
        found += [argv, [b'HPEXPIRE', b'h1', b'7000000', b'FIELDS', b'90'] +
                  [b'n%d' % i for i in range(90)]]
    return found


def same(argv, redis, vard):
    # Syntax is looked at before the log; the type of the key, and what a clock
    # has to tell, when applied.
    if redis[0] == '-' == vard[0] and \
            redis[1].startswith((b'WRONGTYPE', b'ERR invalid expire time in')):
        return True
    # HSET takes a field for an old one that is due and was not swept.
    if argv[0] == b'hset' and mode['short'] and redis[0] == ':' == vard[0]:
        return int(redis[1]) < int(vard[1])
    return family_hash.same(argv, redis, vard)
