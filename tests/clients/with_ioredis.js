// Every family of commands with ioredis. Called by run.py; see README.md.
'use strict';
const Redis = require('ioredis');
const common = require('./checks.js');

const range = (from, to) =>
    Array.from({length: to - from}, (_, i) => String(from + i));
const sorted = async list => (await list).sort();

async function all(stream) {
    const found = [];
    for await (const some of stream)
        found.push(...some);
    return found;
}

// Of a flat list of pairs.
const pairs = list => Object.fromEntries(range(0, list.length / 2)
    .map(i => [list[2 * i], list[2 * i + 1]]));

async function strings(r, c, n) {
    await c.is('set', r.set('s', 'v'), 'OK');
    await c.is('get', r.get('s'), 'v');
    await c.is('set nx', r.set('s', 'w', 'NX'), null);
    await c.is('set get', r.set('s', 'w', 'GET'), 'v');
    await c.is('getset', r.getset('s', 'x'), 'w');
    await c.is('getdel', r.getdel('s'), 'x');
    await c.is('mset', r.mset({a: 1, b: 'zwei'}), 'OK');
    await c.is('mget', r.mget('a', 'none', 'b'), ['1', null, 'zwei']);
    await c.is('msetnx', r.msetnx('a', 2, 'c', 3), 0);
    await c.is('append', r.append('b', '!'), 5);
    await c.is('strlen', r.strlen('b'), 5);
    await c.is('getrange', r.getrange('b', 1, 3), 'wei');
    await c.is('setrange', r.setrange('b', 1, 'WE'), 5);
    await c.is('incrby', r.incrby('a', 41), 42);
    await c.is('decr', r.decr('a'), 41);
    await c.is('incrbyfloat', r.incrbyfloat('a', 0.5), '41.5');
    await c.is('setex', r.setex('t', 100, 'x'), 'OK');
    await c.is('ttl', r.ttl('t').then(t => t >= 99 && t <= 100), true);
    await c.is('getex', r.getex('t', 'PERSIST'), 'x');
    await c.is('ttl none', r.ttl('t'), -1);
    await c.is('lcs', r.call('LCS', 'b', 'b', 'LEN'), 5);
    const big = Buffer.from(range(0, 500000).map(i => i % 256));
    await c.is('set of bytes', r.set(Buffer.from([0, 255]), big), 'OK');
    await c.is('bytes', r.getBuffer(Buffer.from([0, 255]))
        .then(b => b.equals(big)), true);
    await c.fails('incr of text', r.incr('b'), 'ERR value is not an integer');
}

async function hashes(r, c, n) {
    await c.is('hset', r.hset('h', {a: 1, b: 2}), 2);
    await c.is('hset again', r.hset('h', 'b', 3), 0);
    await c.is('hget', r.hget('h', 'b'), '3');
    await c.is('hmget', r.hmget('h', 'a', 'z'), ['1', null]);
    await c.is('hgetall', r.hgetall('h'), {a: '1', b: '3'});
    await c.is('hgetall of nothing', r.hgetall('none'), {});
    await c.is('hkeys', sorted(r.hkeys('h')), ['a', 'b']);
    await c.is('hvals', sorted(r.hvals('h')), ['1', '3']);
    await c.is('hlen', r.hlen('h'), 2);
    await c.is('hexists', r.hexists('h', 'z'), 0);
    await c.is('hsetnx', r.hsetnx('h', 'c', 9), 1);
    await c.is('hstrlen', r.hstrlen('h', 'a'), 1);
    await c.is('hincrby', r.hincrby('h', 'a', 5), 6);
    await c.is('hincrbyfloat', r.hincrbyfloat('h', 'a', 0.5), '6.5');
    await c.is('hdel', r.hdel('h', 'c', 'z'), 1);
    await c.is('hrandfield', sorted(r.hrandfield('h', 5)), ['a', 'b']);
    const many = Object.fromEntries(range(0, n).map(i => [`f${i}`, i]));
    await c.is('hset of many', r.hset('H', many), n);
    await c.is('hscanStream', all(r.hscanStream('H', {count: 17})).then(pairs),
        many);
    await c.fails('wrong type', r.lpush('h', 'x'), 'WRONGTYPE');
}

async function fieldsThatExpire(r, c, n) {
    await r.hset('e', {a: 1, b: 2, c: 3});
    await c.is('hexpire', r.call('HEXPIRE', 'e', 100, 'FIELDS', 2, 'a', 'z'),
        [1, -2]);
    await c.is('httl', r.call('HTTL', 'e', 'FIELDS', 2, 'b', 'z'), [-1, -2]);
    await c.is('hpersist', r.call('HPERSIST', 'e', 'FIELDS', 1, 'a'), [1]);
    await c.is('hgetdel', r.call('HGETDEL', 'e', 'FIELDS', 1, 'c'), ['3']);
    await c.is('hpexpire', r.call('HPEXPIRE', 'e', 20, 'FIELDS', 1, 'b'), [1]);
    for (let i = 0; i < 500 && await r.hexists('e', 'b'); i++)
        await common.sleep(10);
    await c.is('a field has gone', r.hgetall('e'), {a: '1'});
}

async function lists(r, c, n) {
    await c.is('rpush', r.rpush('l', 'a', 'b', 'c'), 3);
    await c.is('lpush', r.lpush('l', 'z', 'y'), 5);
    await c.is('lrange', r.lrange('l', 0, -1), ['y', 'z', 'a', 'b', 'c']);
    await c.is('lindex', r.lindex('l', -1), 'c');
    await c.is('lset', r.lset('l', 0, 'x'), 'OK');
    await c.is('linsert', r.linsert('l', 'BEFORE', 'z', 'i'), 6);
    await c.is('lrem', r.lrem('l', 1, 'i'), 1);
    await c.is('lpos', r.lpos('l', 'b'), 3);
    await c.is('ltrim', r.ltrim('l', 1, 3), 'OK');
    await c.is('llen', r.llen('l'), 3);
    await c.is('lpop', r.lpop('l'), 'z');
    await c.is('rpop', r.rpop('l', 2), ['b', 'a']);
    await c.is('lpop of nothing', r.lpop('l'), null);
    await c.is('lpushx', r.lpushx('l', 'v'), 0);
    await r.rpush('l', ...range(0, n));
    await c.is('lmove', r.lmove('l', 'm', 'LEFT', 'RIGHT'), '0');
    await c.is('rpoplpush', r.rpoplpush('l', 'm'), String(n - 1));
    await c.is('lmpop', r.lmpop(2, 'none', 'l', 'LEFT', 'COUNT', 2),
        ['l', ['1', '2']]);
    await c.is('long list', r.lrange('l', 0, -1), range(3, n - 1));
    await c.fails('lset beyond', r.lset('l', n, 'x'), 'ERR index out of range');
}

async function sets(r, c, n) {
    await c.is('sadd', r.sadd('S', 'a', 'b', 'c', 'a'), 3);
    await c.is('sismember', r.sismember('S', 'a'), 1);
    await c.is('smismember', r.smismember('S', 'a', 'z'), [1, 0]);
    await c.is('smembers', sorted(r.smembers('S')), ['a', 'b', 'c']);
    await c.is('srem', r.srem('S', 'a', 'z'), 1);
    await r.sadd('T', 'b', 'd');
    await c.is('sinter', r.sinter('S', 'T'), ['b']);
    await c.is('sintercard', r.sintercard(2, 'S', 'T', 'LIMIT', 1), 1);
    await c.is('sunion', sorted(r.sunion('S', 'T')), ['b', 'c', 'd']);
    await c.is('sdiff', r.sdiff('S', 'T'), ['c']);
    await c.is('sinterstore', r.sinterstore('U', 'S', 'T'), 1);
    await c.is('sunionstore', r.sunionstore('U', 'S', 'T'), 3);
    await c.is('sdiffstore', r.sdiffstore('U', 'T', 'S'), 1);
    await c.is('smove', r.smove('S', 'U', 'c'), 1);
    await c.is('srandmember', sorted(r.srandmember('U', 9)), ['c', 'd']);
    await c.is('spop', r.spop('S'), 'b');
    await c.is('spop of nothing', r.spop('S'), null);
    await c.is('sadd of many', r.sadd('S', ...range(0, n)), n);
    const seen = new Set(await all(r.sscanStream('S', {count: 17})));
    await c.is('sscanStream', [...seen].sort(), range(0, n).sort());
    await c.is('scard', r.scard('S'), n);
}

async function sortedSets(r, c, n) {
    await c.is('zadd', r.zadd('z', 1, 'a', 2.5, 'b', 3, 'c'), 3);
    await c.is('zadd gt ch', r.zadd('z', 'GT', 'CH', 2, 'a', 1, 'c'), 1);
    await c.is('zadd incr', r.zadd('z', 'INCR', 1, 'a'), '3');
    await c.is('zscore', r.zscore('z', 'b'), '2.5');
    await c.is('zmscore', r.zmscore('z', 'b', 'none'), ['2.5', null]);
    await c.is('zcard', r.zcard('z'), 3);
    await c.is('zrank', r.zrank('z', 'c'), 2);
    await c.is('zrank of nothing', r.zrank('z', 'none'), null);
    await c.is('zrevrank', r.zrevrank('z', 'c'), 0);
    await c.is('zrange', r.zrange('z', 0, -1, 'WITHSCORES'),
        ['b', '2.5', 'a', '3', 'c', '3']);
    await c.is('zrange rev', r.zrange('z', 0, 0, 'REV'), ['c']);
    await c.is('zrange byscore',
        r.zrange('z', '(2.5', '+inf', 'BYSCORE', 'LIMIT', 1, 1), ['c']);
    await c.is('zrangebyscore', r.zrangebyscore('z', '-inf', 2.5), ['b']);
    await c.is('zcount', r.zcount('z', 3, '+inf'), 2);
    await c.is('zincrby', r.zincrby('z', -0.5, 'b'), '2');
    await r.zadd('x', ...[...'abcdef'].flatMap(m => [0, m]));
    await c.is('zrangebylex', r.zrangebylex('x', '[b', '(d'), ['b', 'c']);
    await c.is('zlexcount', r.zlexcount('x', '-', '+'), 6);
    await c.is('zremrangebylex', r.zremrangebylex('x', '[e', '+'), 2);
    await c.is('zrangestore', r.zrangestore('y', 'x', 1, 2), 2);
    await c.is('zunionstore',
        r.zunionstore('u', 2, 'x', 'z', 'WEIGHTS', 2, 3), 4);
    await c.is('its scores', r.zrange('u', 0, -1, 'WITHSCORES'),
        ['d', '0', 'b', '6', 'a', '9', 'c', '9']);
    await c.is('zinterstore', r.zinterstore('u', 2, 'x', 'z'), 3);
    await c.is('zinter', r.zinter(2, 'x', 'y'), ['b', 'c']);
    await c.is('zdiff', r.zdiff(2, 'x', 'z'), ['d']);
    await c.is('zintercard', r.zintercard(2, 'x', 'y'), 2);
    await c.is('zpopmin', r.zpopmin('z'), ['b', '2']);
    await c.is('zpopmax', r.zpopmax('z', 2), ['c', '3', 'a', '3']);
    await c.is('zmpop', r.zmpop(2, 'z', 'x', 'MIN'), ['x', [['a', '0']]]);
    await c.is('zrandmember', sorted(r.zrandmember('y', 9)), ['b', 'c']);
    await c.is('zrem', r.zrem('x', 'b', 'none'), 1);
    await r.zadd('z', ...range(0, n).flatMap(i => [i / 2, `m${i}`]));
    await c.is('zscanStream',
        all(r.zscanStream('z', {count: 17})).then(pairs),
        Object.fromEntries(range(0, n).map(i => [`m${i}`, String(i / 2)])));
    await c.is('rank within', r.zrank('z', `m${n - 7}`), n - 7);
    await c.is('zremrangebyscore', r.zremrangebyscore('z', 10, '(20'), 20);
    await c.is('zremrangebyrank', r.zremrangebyrank('z', 0, 9), 10);
    await c.is('zcard after', r.zcard('z'), n - 30);
    await c.fails('zadd of no number', r.zadd('z', 'x', 'm'),
        'ERR value is not a valid float');
}

async function places(r, c, n) {
    await c.is('geoadd', r.geoadd('g', 13.361389, 38.115556, 'Palermo',
        15.087269, 37.502669, 'Catania'), 2);
    await c.is('geodist', r.geodist('g', 'Palermo', 'Catania', 'km'),
        '166.2742');
    await c.is('geohash', r.geohash('g', 'Palermo'), ['sqc8b49rny0']);
    await c.is('geopos', r.geopos('g', 'Palermo', 'none'),
        [['13.36138933897018433', '38.11555639549629859'], null]);
    await c.is('georadius', r.georadius('g', 15, 37, 200, 'km', 'WITHDIST',
        'ASC'), [['Catania', '56.4413'], ['Palermo', '190.4424']]);
    await c.is('geosearch', r.geosearch('g', 'FROMLONLAT', 15, 37, 'BYBOX',
        400, 400, 'km', 'ASC', 'COUNT', 1), ['Catania']);
    await c.is('geosearchstore', r.geosearchstore('G', 'g', 'FROMMEMBER',
        'Palermo', 'BYRADIUS', 100, 'km'), 1);
}

async function streams(r, c, n) {
    const first = ['1-1', ['f', 'v']], second = ['2-0', ['f', 'w', 'g', 'u']];
    await c.is('xadd', r.xadd('X', '1-1', 'f', 'v'), '1-1');
    await c.is('xadd next', r.xadd('X', '2-0', 'f', 'w', 'g', 'u'), '2-0');
    await c.is('xlen', r.xlen('X'), 2);
    await c.is('xrange', r.xrange('X', '-', '+', 'COUNT', 1), [first]);
    await c.is('xrevrange', r.xrevrange('X', '+', '-', 'COUNT', 1), [second]);
    await c.is('xread', r.xread('STREAMS', 'X', '1-1'), [['X', [second]]]);
    await c.is('xgroup', r.xgroup('CREATE', 'X', 'grp', 0), 'OK');
    await c.fails('again', r.xgroup('CREATE', 'X', 'grp', 0), 'BUSYGROUP');
    await c.is('xreadgroup', r.xreadgroup('GROUP', 'grp', 'c1', 'COUNT', 1,
        'STREAMS', 'X', '>'), [['X', [first]]]);
    await c.is('xpending', r.xpending('X', 'grp'),
        [1, '1-1', '1-1', [['c1', '1']]]);
    await c.is('xpending range', r.xpending('X', 'grp', '-', '+', 9)
        .then(p => p.map(e => [e[0], e[1], e[3]])), [['1-1', 'c1', 1]]);
    await c.is('xclaim', r.xclaim('X', 'grp', 'c2', 0, '1-1'), [first]);
    await c.is('xautoclaim', r.xautoclaim('X', 'grp', 'c3', 0, '0-0', 'JUSTID'),
        ['0-0', ['1-1'], []]);
    await c.is('xack', r.xack('X', 'grp', '1-1', '9-9'), 1);
    await c.is('xinfo groups', r.xinfo('GROUPS', 'X')
        .then(g => pairs(g[0]).consumers), 3);
    await c.is('xinfo stream', r.xinfo('STREAM', 'X')
        .then(s => pairs(s)['last-generated-id']), '2-0');
    await c.is('xgroup destroy', r.xgroup('DESTROY', 'X', 'grp'), 1);
    await c.is('xdel', r.xdel('X', '1-1'), 1);
    // Sent at once, as ioredis does with what is not awaited.
    const ids = await Promise.all(
        range(0, n).map(i => r.xadd('X', '*', 'i', i)));
    await c.is('entries in order', r.xrange('X', ids[0], '+')
        .then(e => e.map(([id, f]) => `${id} ${f[1]}`)),
        ids.map((id, i) => `${id} ${i}`));
    await c.is('xtrim', r.xtrim('X', 'MAXLEN', 10), n + 1 - 10);
}

async function bitsAndCounts(r, c, n) {
    await c.is('setbit', r.setbit('B', 7, 1), 0);
    await c.is('getbit', r.getbit('B', 7), 1);
    await c.is('bitcount', r.bitcount('B'), 1);
    await c.is('bitpos', r.bitpos('B', 1), 7);
    await r.set('C', Buffer.from([255, 15]));
    await c.is('bitop', r.bitop('XOR', 'D', 'B', 'C'), 2);
    await c.is('its bytes', r.getBuffer('D').then(b => b.toString('hex')),
        'fe0f');
    await c.is('bitfield', r.bitfield('F', 'SET', 'u8', 0, 200, 'OVERFLOW',
        'SAT', 'INCRBY', 'u8', 0, 100, 'GET', 'u4', 0), [0, 255, 15]);
    await c.is('pfadd', r.pfadd('p', ...range(0, 100)), 1);
    await c.is('pfcount', r.pfcount('p').then(k => k >= 95 && k <= 105), true);
    await r.pfadd('q', ...range(50, 150));
    await c.is('pfmerge', r.pfmerge('p', 'q'), 'OK');
    await c.is('pfcount of both',
        r.pfcount('p', 'q').then(k => k >= 140 && k <= 160), true);
}

async function keys(r, c, n) {
    await r.flushdb();
    const p = r.pipeline();
    for (let i = 0; i < n; i++)
        p.set(`k:${i}`, i);
    p.hset('h', 'f', 'v').rpush('l', 3, 1, 2).zadd('z', 1, 'm');
    await c.is('pipeline', p.exec().then(got => got.slice(-3)),
        [[null, 1], [null, 3], [null, 1]]);
    await c.is('dbsize', r.dbsize(), n + 3);
    const seen = new Set(await all(r.scanStream({match: 'k:*', count: 13})));
    await c.is('scanStream', [...seen].sort(),
        range(0, n).map(i => `k:${i}`).sort());
    await c.is('scanStream type', all(r.scanStream({type: 'hash'})), ['h']);
    await c.is('keys', sorted(r.keys('?')), ['h', 'l', 'z']);
    await c.is('exists', r.exists('h', 'l', 'none', 'h'), 3);
    await c.is('type', r.type('z'), 'zset');
    await c.is('object', r.object('ENCODING', 'z'), 'listpack');
    await c.is('randomkey', r.randomkey().then(k => k !== null), true);
    await c.is('touch', r.touch('h', 'none'), 1);
    await c.is('rename', r.rename('h', 'H'), 'OK');
    await c.is('renamenx', r.renamenx('H', 'l'), 0);
    await c.is('copy', r.copy('H', 'h'), 1);
    await c.is('copy again', r.copy('H', 'h'), 0);
    await c.is('expire', r.expire('h', 100), 1);
    await c.is('expire gt', r.expire('h', 50, 'GT'), 0);
    await c.is('pttl', r.pttl('h').then(t => t > 98000 && t <= 100000), true);
    await c.is('persist', r.persist('h'), 1);
    await c.is('unlink', r.unlink('h', 'none'), 1);
    await c.is('del', r.del('k:0', 'k:1', 'k:2'), 3);
    await c.fails('rename of nothing', r.rename('none', 'x'),
        'ERR no such key');
    const [[error], [, length]] = await r.pipeline().incr('l').llen('l').exec();
    await c.is('an error in a pipeline', [error.name, length],
        ['ReplyError', 3]);
}

async function blocking(r, c, n) {
    await r.rpush('w', 'a', 'b');
    await c.is('blpop', r.blpop('none', 'w', 5), ['w', 'a']);
    await c.is('brpop', r.brpop('w', 5), ['w', 'b']);
    await c.is('blpop of nothing', r.blpop('w', 0.05), null);
    const other = r.duplicate();
    const waits = other.blmove('w', 'v', 'LEFT', 'RIGHT', 20);
    await r.rpush('w', 'c');
    await c.is('blmove that waits', waits, 'c');
    other.disconnect();
    await r.zadd('wz', 1, 'm');
    await c.is('bzpopmin', r.bzpopmin('wz', 5), ['wz', 'm', '1']);
    await c.is('xread block', r.xread('BLOCK', 20, 'STREAMS', 'none', '$'),
        null);
}

async function main(what, ...args) {
    const at = (port, db, more) => {
        const r = new Redis({port: Number(port), db: Number(db), ...more});
        r.on('error', () => {}); // it connects again by itself
        return r;
    };
    if (what === 'families') {
        const [port, db, n, ...without] = args;
        const r = at(port, db);
        await r.flushdb();
        const status = await common.families(
            [strings, hashes, fieldsThatExpire, lists, sets, sortedSets,
                places, streams, bitsAndCounts, keys, blocking],
            r, Number(n), without);
        await r.flushdb();
        return status;
    }
    const [follower, leader, key] = args;
    const f = at(follower, 0), l = at(leader, 0,
        {maxRetriesPerRequest: null, retryStrategy: () => 100});
    return common.failover({
        follower: (m, i) => f.zadd(key, i, m),
        leader: (m, i) => l.zadd(key, i, m),
    });
}

main(...process.argv.slice(2)).then(status => process.exit(status), e => {
    console.log(e);
    process.exit(1);
});
