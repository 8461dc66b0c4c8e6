"""Every family of commands with redis-py. Called by run.py; see README.md."""
import sys
import time

import redis

R = redis.Redis


class Checks:
    def __init__(self):
        self.count = 0
        self.bad = 0

    def __call__(self, what, got, want):
        self.count += 1
        if got != want:
            self.bad += 1
            print(f'differs: {what}: got {got!r}, want {want!r}')

    def error(self, what, begins, f, *args, **more):
        try:
            self(what, f(*args, **more), f'an error {begins}')
        except redis.ResponseError as e:
            self(what, str(e)[:len(begins)], begins)


def strings(r, is_, n):
    is_('set', r.set('s', 'v'), True)
    is_('get', r.get('s'), b'v')
    is_('set nx', r.set('s', 'w', nx=True), None)
    is_('set get', r.set('s', 'w', get=True), b'v')
    is_('getset', r.getset('s', 'x'), b'w')
    is_('getdel', r.getdel('s'), b'x')
    is_('get nothing', r.get('s'), None)
    is_('mset', r.mset({'a': 1, 'b': 'zwei'}), True)
    is_('mget', r.mget('a', 'none', 'b'), [b'1', None, b'zwei'])
    is_('msetnx', r.msetnx({'a': 2, 'c': 3}), False)
    is_('append', r.append('b', '!'), 5)
    is_('strlen', r.strlen('b'), 5)
    is_('getrange', r.getrange('b', 1, 3), b'wei')
    is_('setrange', r.setrange('b', 1, 'WE'), 5)
    is_('get b', r.get('b'), b'zWEi!')
    is_('incr', r.incr('a', 41), 42)
    is_('decr', r.decr('a'), 41)
    is_('incrbyfloat', r.incrbyfloat('a', 0.5), 41.5)
    is_('setex', r.setex('t', 100, 'x'), True)
    is_('ttl', 99 <= r.ttl('t') <= 100, True)
    is_('getex', r.getex('t', persist=True), b'x')
    is_('ttl none', r.ttl('t'), -1)
    is_('lcs', r.execute_command('LCS', 'b', 'b', 'LEN'), 5)
    every = bytes(range(256))
    is_('binary', (r.set(b'\0\xff', every * 4000),
                   r.get(b'\0\xff') == every * 4000), (True, True))
    is_.error('incr of text', 'value is not an integer', r.incr, 'b')


def hashes(r, is_, n):
    is_('hset', r.hset('h', mapping={'a': 1, 'b': 2}), 2)
    is_('hset again', r.hset('h', 'b', 3), 0)
    is_('hget', r.hget('h', 'b'), b'3')
    is_('hget nothing', r.hget('h', 'z'), None)
    is_('hmget', r.hmget('h', 'a', 'z'), [b'1', None])
    is_('hgetall', r.hgetall('h'), {b'a': b'1', b'b': b'3'})
    is_('hgetall of nothing', r.hgetall('none'), {})
    is_('hkeys', sorted(r.hkeys('h')), [b'a', b'b'])
    is_('hvals', sorted(r.hvals('h')), [b'1', b'3'])
    is_('hlen', r.hlen('h'), 2)
    is_('hexists', (r.hexists('h', 'a'), r.hexists('h', 'z')), (True, False))
    is_('hsetnx', (r.hsetnx('h', 'a', 9), r.hsetnx('h', 'c', 9)), (0, 1))
    is_('hstrlen', r.hstrlen('h', 'a'), 1)
    is_('hincrby', r.hincrby('h', 'a', 5), 6)
    is_('hincrbyfloat', r.hincrbyfloat('h', 'a', .5), 6.5)
    is_('hdel', r.hdel('h', 'c', 'z'), 1)
    is_('hrandfield', sorted(r.hrandfield('h', 5)), [b'a', b'b'])
    is_('hrandfield values', r.hrandfield('h', -3, withvalues=True)[0]
        in (b'a', b'b'), True)
    r.hset('H', mapping={f'f{i}': i for i in range(n)})
    is_('hscan_iter', {k: int(v) for k, v in r.hscan_iter('H', count=17)},
        {b'f%d' % i: i for i in range(n)})
    is_.error('wrong type', 'WRONGTYPE', r.lpush, 'h', 'x')


def fields_that_expire(r, is_, n):
    x = r.execute_command
    r.hset('e', mapping={'a': 1, 'b': 2, 'c': 3})
    is_('hexpire', x('HEXPIRE', 'e', 100, 'FIELDS', 2, 'a', 'z'), [1, -2])
    is_('httl', x('HTTL', 'e', 'FIELDS', 2, 'b', 'z'), [-1, -2])
    is_('hpttl', 98000 < x('HPTTL', 'e', 'FIELDS', 1, 'a')[0] <= 100000, True)
    is_('hpersist', x('HPERSIST', 'e', 'FIELDS', 2, 'a', 'b'), [1, -1])
    is_('hpexpire of 0', x('HPEXPIRE', 'e', 0, 'FIELDS', 1, 'b'), [2])
    is_('hgetex', x('HGETEX', 'e', 'EX', 100, 'FIELDS', 1, 'a'), [b'1'])
    is_('hgetdel', x('HGETDEL', 'e', 'FIELDS', 2, 'c', 'b'), [b'3', None])
    is_('hsetex', x('HSETEX', 'e', 'PX', 30, 'FIELDS', 1, 'k', 'v'), 1)
    end = time.monotonic() + 10
    while r.hexists('e', 'k') and time.monotonic() < end:
        time.sleep(0.01)
    is_('a field has gone', r.hgetall('e'), {b'a': b'1'})


def lists(r, is_, n):
    is_('rpush', r.rpush('l', 'a', 'b', 'c'), 3)
    is_('lpush', r.lpush('l', 'z', 'y'), 5)
    is_('lrange', r.lrange('l', 0, -1), [b'y', b'z', b'a', b'b', b'c'])
    is_('lindex', r.lindex('l', -1), b'c')
    is_('lset', r.lset('l', 0, 'x'), True)
    is_('linsert', r.linsert('l', 'before', 'z', 'i'), 6)
    is_('lrem', r.lrem('l', 1, 'i'), 1)
    is_('lpos', r.lpos('l', 'b'), 3)
    is_('lpos none', r.lpos('l', 'none'), None)
    is_('ltrim', r.ltrim('l', 1, 3), True)
    is_('llen', r.llen('l'), 3)
    is_('lpop', r.lpop('l'), b'z')
    is_('rpop', r.rpop('l', 2), [b'b', b'a'])
    is_('lpop of nothing', r.lpop('l'), None)
    is_('lpushx', r.lpushx('l', 'v'), 0)
    r.rpush('l', *range(n))
    is_('lmove', r.lmove('l', 'm', 'LEFT', 'RIGHT'), b'0')
    is_('rpoplpush', r.rpoplpush('l', 'm'), b'%d' % (n - 1))
    is_('lmpop', r.lmpop(2, 'none', 'l', direction='LEFT', count=2),
        [b'l', [b'1', b'2']])
    is_('long list', r.lrange('l', 0, -1), [b'%d' % i for i in range(3, n - 1)])
    is_('lindex within', r.lindex('l', n // 2), b'%d' % (3 + n // 2))
    is_.error('lset beyond', 'index out of range', r.lset, 'l', n, 'x')


def sets(r, is_, n):
    is_('sadd', r.sadd('S', 'a', 'b', 'c', 'a'), 3)
    is_('sismember', (bool(r.sismember('S', 'a')), bool(r.sismember('S', 'z'))),
        (True, False))
    is_('smismember', r.smismember('S', 'a', 'z'), [1, 0])
    is_('smembers', r.smembers('S'), {b'a', b'b', b'c'})
    is_('scard', r.scard('S'), 3)
    is_('srem', r.srem('S', 'a', 'z'), 1)
    r.sadd('T', 'b', 'd')
    is_('sinter', r.sinter('S', 'T'), {b'b'})
    is_('sintercard', r.sintercard(2, ['S', 'T'], limit=1), 1)
    is_('sunion', r.sunion('S', 'T'), {b'b', b'c', b'd'})
    is_('sdiff', r.sdiff('S', 'T'), {b'c'})
    is_('sinterstore', r.sinterstore('U', 'S', 'T'), 1)
    is_('sunionstore', r.sunionstore('U', 'S', 'T'), 3)
    is_('sdiffstore', r.sdiffstore('U', 'T', 'S'), 1)
    is_('smove', (r.smove('S', 'U', 'c'), r.smove('S', 'U', 'c')), (True, False))
    is_('srandmember', set(r.srandmember('U', 9)), {b'c', b'd'})
    is_('spop', r.spop('S'), b'b')
    is_('spop of nothing', r.spop('S'), None)
    r.sadd('S', *range(n))
    is_('sscan_iter', {int(m) for m in r.sscan_iter('S', count=17)},
        set(range(n)))
    is_('spop some', len(set(r.spop('S', n // 2))), n // 2)
    is_('scard after', r.scard('S'), n - n // 2)


def sorted_sets(r, is_, n):
    is_('zadd', r.zadd('z', {'a': 1, 'b': 2.5, 'c': 3}), 3)
    is_('zadd gt ch', r.zadd('z', {'a': 2, 'c': 1}, gt=True, ch=True), 1)
    is_('zadd incr', r.zadd('z', {'a': 1}, incr=True), 3.0)
    is_('zscore', (r.zscore('z', 'b'), r.zscore('z', 'none')), (2.5, None))
    is_('zmscore', r.zmscore('z', ['b', 'none']), [2.5, None])
    is_('zcard', r.zcard('z'), 3)
    is_('zrank', (r.zrank('z', 'c'), r.zrank('z', 'none')), (2, None))
    is_('zrevrank', r.zrevrank('z', 'c'), 0)
    is_('zrange', r.zrange('z', 0, -1, withscores=True),
        [(b'b', 2.5), (b'a', 3.0), (b'c', 3.0)])
    is_('zrange rev', r.zrange('z', 0, 0, desc=True), [b'c'])
    is_('zrange byscore', r.zrange('z', '(2.5', '+inf', byscore=True,
                                   offset=1, num=1), [b'c'])
    is_('zrevrange', r.zrevrange('z', 0, 1), [b'c', b'a'])
    is_('zrangebyscore', r.zrangebyscore('z', '-inf', 2.5, withscores=True),
        [(b'b', 2.5)])
    is_('zcount', r.zcount('z', 3, '+inf'), 2)
    is_('zincrby', r.zincrby('z', -.5, 'b'), 2.0)
    r.zadd('x', {c: 0 for c in 'abcdef'})
    is_('zrangebylex', r.zrangebylex('x', '[b', '(d'), [b'b', b'c'])
    is_('zlexcount', r.zlexcount('x', '-', '+'), 6)
    is_('zremrangebylex', r.zremrangebylex('x', '[e', '+'), 2)
    is_('zrangestore', r.zrangestore('y', 'x', 1, 2), 2)
    is_('zunionstore', r.zunionstore('u', {'x': 2, 'z': 3}), 4)
    is_('its scores', r.zrange('u', 0, -1, withscores=True),
        [(b'd', 0.0), (b'b', 6.0), (b'a', 9.0), (b'c', 9.0)])
    is_('zinterstore', r.zinterstore('u', ['x', 'z'], aggregate='MAX'), 3)
    is_('zinter', r.zinter(['x', 'y'], withscores=True), [(b'b', 0.), (b'c', 0.)])
    is_('zunion', len(r.zunion(['x', 'z'])), 4)
    is_('zdiff', r.zdiff(['x', 'z']), [b'd'])
    is_('zintercard', r.zintercard(2, ['x', 'y']), 2)
    is_('zpopmin', r.zpopmin('z'), [(b'b', 2.0)])
    is_('zpopmax', r.zpopmax('z', 2), [(b'c', 3.0), (b'a', 3.0)])
    is_('zmpop', r.zmpop(2, ['z', 'x'], min=True), [b'x', [[b'a', b'0']]])
    is_('zrandmember', r.zrandmember('y', 9) in ([b'b', b'c'], [b'c', b'b']),
        True)
    is_('zrem', r.zrem('x', 'b', 'none'), 1)
    r.zadd('z', {f'm{i}': i / 2 for i in range(n)})
    is_('zscan_iter', dict(r.zscan_iter('z', count=17)),
        {b'm%d' % i: i / 2 for i in range(n)})
    is_('rank within', r.zrank('z', f'm{n // 3}'), n // 3)
    is_('range within', r.zrange('z', n // 2, n // 2 + 1),
        [b'm%d' % (n // 2), b'm%d' % (n // 2 + 1)])
    is_('zremrangebyscore', r.zremrangebyscore('z', 10, '(20'), 20)
    is_('zremrangebyrank', r.zremrangebyrank('z', 0, 9), 10)
    is_('zcard after', r.zcard('z'), n - 30)
    is_.error('zadd of no number', 'value is not a valid float', r.zadd, 'z',
              {'m': 'x'})


def places(r, is_, n):
    sicily = (13.361389, 38.115556, 'Palermo', 15.087269, 37.502669, 'Catania')
    is_('geoadd', r.geoadd('g', sicily), 2)
    is_('geodist', r.geodist('g', 'Palermo', 'Catania', 'km'), 166.2742)
    is_('geohash', r.geohash('g', 'Palermo'), ['sqc8b49rny0'])
    is_('geopos', [p and (round(p[0], 4), round(p[1], 4))
                   for p in r.geopos('g', 'Palermo', 'none')],
        [(13.3614, 38.1156), None])
    is_('georadius', r.georadius('g', 15, 37, 200, unit='km', withdist=True,
                                 sort='ASC'),
        [[b'Catania', 56.4413], [b'Palermo', 190.4424]])
    is_('georadiusbymember', sorted(r.georadiusbymember('g', 'Palermo', 200,
                                                        unit='km')),
        [b'Catania', b'Palermo'])
    is_('geosearch', r.geosearch('g', longitude=15, latitude=37, width=400,
                                 height=400, unit='km', sort='ASC', count=1),
        [b'Catania'])
    is_('geosearchstore', r.geosearchstore('G', 'g', member='Palermo',
                                           radius=100, unit='km'), 1)


def streams(r, is_, n):
    is_('xadd', r.xadd('X', {'f': 'v'}, id='1-1'), b'1-1')
    is_('xadd next', r.xadd('X', {'f': 'w', 'g': 'u'}, id='2-0'), b'2-0')
    is_('xlen', r.xlen('X'), 2)
    is_('xrange', r.xrange('X', count=1), [(b'1-1', {b'f': b'v'})])
    is_('xrevrange', r.xrevrange('X', count=1),
        [(b'2-0', {b'f': b'w', b'g': b'u'})])
    is_('xread', r.xread({'X': '1-1'}),
        [[b'X', [(b'2-0', {b'f': b'w', b'g': b'u'})]]])
    is_('xgroup_create', r.xgroup_create('X', 'grp', 0), True)
    is_.error('again', 'BUSYGROUP', r.xgroup_create, 'X', 'grp', 0)
    is_('xreadgroup', r.xreadgroup('grp', 'c1', {'X': '>'}, count=1),
        [[b'X', [(b'1-1', {b'f': b'v'})]]])
    is_('xpending', r.xpending('X', 'grp'),
        {'pending': 1, 'min': b'1-1', 'max': b'1-1',
         'consumers': [{'name': b'c1', 'pending': 1}]})
    is_('xpending_range', [(p['message_id'], p['consumer'],
                            p['times_delivered'])
                           for p in r.xpending_range('X', 'grp', '-', '+', 9)],
        [(b'1-1', b'c1', 1)])
    is_('xclaim', r.xclaim('X', 'grp', 'c2', 0, ['1-1']),
        [(b'1-1', {b'f': b'v'})])
    is_('xautoclaim', r.xautoclaim('X', 'grp', 'c3', 0, '0-0', justid=True),
        [b'1-1'])
    is_('xack', r.xack('X', 'grp', '1-1', '9-9'), 1)
    is_('xreadgroup all', r.xreadgroup('grp', 'c1', {'X': '>'}),
        [[b'X', [(b'2-0', {b'f': b'w', b'g': b'u'})]]])
    is_('xinfo_groups', [(g['name'], g['consumers'], g['pending'])
                         for g in r.xinfo_groups('X')], [(b'grp', 3, 1)])
    is_('xinfo_consumers', [c['name'] for c in r.xinfo_consumers('X', 'grp')],
        [b'c1', b'c2', b'c3'])
    is_('xinfo_stream', r.xinfo_stream('X')['last-generated-id'], b'2-0')
    is_('xgroup_delconsumer', r.xgroup_delconsumer('X', 'grp', 'c1'), 1)
    is_('xgroup_setid', r.xgroup_setid('X', 'grp', 0), True)
    is_('xgroup_destroy', r.xgroup_destroy('X', 'grp'), True)
    is_('xdel', r.xdel('X', '1-1'), 1)
    p = r.pipeline(transaction=False)
    for i in range(n):
        p.xadd('X', {'i': i})
    ids = p.execute()
    is_('ids ascend', sorted(ids, key=lambda i: tuple(map(int, i.split(b'-')))),
        ids)
    is_('entries', [int(e[1][b'i']) for e in r.xrange('X', min=ids[0])],
        list(range(n)))
    is_('xtrim', r.xtrim('X', maxlen=10, approximate=False), n + 1 - 10)


def bits_and_counts(r, is_, n):
    is_('setbit', (r.setbit('B', 7, 1), r.setbit('B', 7, 1)), (0, 1))
    is_('getbit', (r.getbit('B', 7), r.getbit('B', 800)), (1, 0))
    is_('bitcount', r.bitcount('B'), 1)
    is_('bitpos', r.bitpos('B', 1), 7)
    r.set('C', b'\xff\x0f')
    is_('bitop', (r.bitop('XOR', 'D', 'B', 'C'), r.get('D')),
        (2, b'\xfe\x0f'))
    is_('bitfield', r.bitfield('F').set('u8', 0, 200).incrby('u8', 0, 100, 'SAT')
        .get('u4', 0).execute(), [0, 255, 15])
    is_('pfadd', (r.pfadd('p', *range(100)), r.pfadd('p', 5)), (1, 0))
    is_('pfcount', 95 <= r.pfcount('p') <= 105, True)
    r.pfadd('q', *range(50, 150))
    is_('pfmerge', r.pfmerge('p', 'q'), True)
    is_('pfcount of both', 140 <= r.pfcount('p', 'q') <= 160, True)


def keys(r, is_, n):
    r.flushdb()
    p = r.pipeline(transaction=False)
    for i in range(n):
        p.set(f'k:{i}', i)
    p.hset('h', 'f', 'v')
    p.rpush('l', 3, 1, 2)
    p.zadd('z', {'m': 1})
    is_('pipeline', p.execute()[-3:], [1, 3, 1])
    is_('dbsize', r.dbsize(), n + 3)
    is_('scan_iter', {k for k in r.scan_iter('k:*', count=13)},
        {b'k:%d' % i for i in range(n)})
    is_('scan_iter type', list(r.scan_iter(_type='hash')), [b'h'])
    is_('keys', sorted(r.keys('?')), [b'h', b'l', b'z'])
    is_('exists', r.exists('h', 'l', 'none', 'h'), 3)
    is_('type', (r.type('z'), r.type('none')), (b'zset', b'none'))
    is_('object', r.object('encoding', 'z'), b'listpack')
    is_('randomkey', r.randomkey() is not None, True)
    is_('touch', r.touch('h', 'none'), 1)
    is_('rename', r.rename('h', 'H'), True)
    is_('renamenx', r.renamenx('H', 'l'), False)
    is_('copy', (r.copy('H', 'h'), r.copy('H', 'h'),
                 r.copy('H', 'h', replace=True)), (True, False, True))
    is_('expire', (r.expire('h', 100), r.expire('none', 100)), (True, False))
    is_('expire gt', r.execute_command('EXPIRE', 'h', 50, 'GT'), False)
    is_('pttl', 98000 < r.pttl('h') <= 100000, True)
    is_('expireat', r.expireat('h', int(time.time()) + 1000), True)
    is_('persist', (r.persist('h'), r.persist('h')), (True, False))
    is_('unlink', r.unlink('h', 'none'), 1)
    is_('delete', r.delete('k:0', 'k:1', 'k:2'), 3)
    is_.error('rename of nothing', 'no such key', r.rename, 'none', 'x')
    p = r.pipeline(transaction=False)
    p.incr('l').llen('l')
    got = p.execute(raise_on_error=False)
    is_('an error in a pipeline', (isinstance(got[0], redis.ResponseError),
                                   got[1]), (True, 3))


def blocking(r, is_, n):
    r.rpush('w', 'a', 'b')
    is_('blpop', r.blpop(['none', 'w'], timeout=5), (b'w', b'a'))
    is_('brpop', r.brpop('w', timeout=5), (b'w', b'b'))
    is_('blpop of nothing', r.blpop('w', timeout=0.05), None)
    r.zadd('wz', {'m': 1})
    is_('bzpopmin', r.bzpopmin('wz', timeout=5), (b'wz', b'm', 1.0))
    r.rpush('w', 'c')
    is_('blmove', r.blmove('w', 'v', 5, 'LEFT', 'RIGHT'), b'c')
    is_('xread block', r.xread({'none': '$'}, block=20), [])


FAMILIES = [strings, hashes, fields_that_expire, lists, sets, sorted_sets,
            places, streams, bits_and_counts, keys, blocking]


def families(port, db, n, *without):
    r = R(port=int(port), db=int(db), socket_timeout=60)
    r.flushdb()
    is_ = Checks()
    for family in FAMILIES:
        if family.__name__ not in without:
            family(r, is_, int(n))
    r.flushdb()
    print('checks:', is_.count)
    return 1 if is_.bad else 0


def failover(follower, leader, key):
    """Adds members through both until standard input ends, and 20 more."""
    from select import select
    names = {'f': R(port=int(follower), socket_timeout=20),
             'l': R(port=int(leader), socket_timeout=5)}
    left, i, errors = 20, 0, 0
    while left > 0:
        for name, r in names.items():
            while True:
                try:
                    r.zadd(key, {f'{name}{i}': i})
                    break
                except redis.RedisError:
                    if name == 'f':
                        raise
                    errors += 1
                    time.sleep(0.05)
        i += 1
        if i == 20:
            print('writing', flush=True)
        if left < 20 or select([sys.stdin], [], [], 0)[0]:
            left -= 1
    print('acknowledged:', i, 'errors:', errors)
    return 0


if __name__ == '__main__':
    run = {'families': families, 'failover': failover}[sys.argv[1]]
    sys.exit(run(*sys.argv[2:]))
