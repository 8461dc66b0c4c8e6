// Every family of commands with node-redis: Debian's (4), or, if NODE_REDIS
// says @redis/client, npm's (5, which speaks RESP3 here). Called by run.py; see
// README.md.
'use strict';
const name = process.env.NODE_REDIS || 'redis';
const {createClient} = require(name);
const five = name !== 'redis';
const common = require('./checks.js');

const range = (from, to) =>
    Array.from({length: to - from}, (_, i) => String(from + i));
const sorted = async list => [...await list].sort();

// Iterators of 4 give what those of 5 give several of.
async function all(iterator) {
    const found = [];
    for await (const some of iterator)
        found.push(...(five ? some : [some]));
    return found;
}

async function strings(r, c, n) {
    await c.is('set', r.set('s', 'v'), 'OK');
    await c.is('get', r.get('s'), 'v');
    await c.is('set nx', r.set('s', 'w', {NX: true}), null);
    await c.is('set get', r.set('s', 'w', {GET: true}), 'v');
    await c.is('getSet', r.getSet('s', 'x'), 'w');
    await c.is('getDel', r.getDel('s'), 'x');
    await c.is('mSet', r.mSet({a: '1', b: 'zwei'}), 'OK');
    await c.is('mGet', r.mGet(['a', 'none', 'b']), ['1', null, 'zwei']);
    await c.is('mSetNX', r.mSetNX({a: '2', c: '3'}), five ? 0 : false);
    await c.is('append', r.append('b', '!'), 5);
    await c.is('strLen', r.strLen('b'), 5);
    await c.is('getRange', r.getRange('b', 1, 3), 'wei');
    await c.is('setRange', r.setRange('b', 1, 'WE'), 5);
    await c.is('incrBy', r.incrBy('a', 41), 42);
    await c.is('decr', r.decr('a'), 41);
    await c.is('incrByFloat', r.incrByFloat('a', 0.5), '41.5');
    await c.is('setEx', r.setEx('t', 100, 'x'), 'OK');
    await c.is('ttl', r.ttl('t').then(t => t >= 99 && t <= 100), true);
    await c.is('persist', r.persist('t'), five ? 1 : true);
    await c.is('lcsLen', r.lcsLen('b', 'b'), 5);
    const big = 'ä€\0'.repeat(100000);
    await c.is('big', r.set('big', big).then(() => r.get('big'))
        .then(v => v === big), true);
    await c.fails('incr of text', r.incr('b'), 'ERR value is not an integer');
}

async function hashes(r, c, n) {
    await c.is('hSet', r.hSet('h', {a: 1, b: 2}), 2);
    await c.is('hSet again', r.hSet('h', 'b', 3), 0);
    await c.is('hGet', r.hGet('h', 'b'), '3');
    await c.is('hmGet', r.hmGet('h', ['a', 'z']), ['1', null]);
    await c.is('hGetAll', r.hGetAll('h'), {a: '1', b: '3'});
    await c.is('hKeys', sorted(r.hKeys('h')), ['a', 'b']);
    await c.is('hVals', sorted(r.hVals('h')), ['1', '3']);
    await c.is('hLen', r.hLen('h'), 2);
    await c.is('hExists', r.hExists('h', 'z'), five ? 0 : false);
    await c.is('hSetNX', r.hSetNX('h', 'c', '9'), five ? 1 : true);
    await c.is('hStrLen', r.hStrLen('h', 'a'), 1);
    await c.is('hIncrBy', r.hIncrBy('h', 'a', 5), 6);
    await c.is('hIncrByFloat', r.hIncrByFloat('h', 'a', 0.5), '6.5');
    await c.is('hDel', r.hDel('h', ['c', 'z']), 1);
    await c.is('hRandFieldCount', sorted(r.hRandFieldCount('h', 5)),
        ['a', 'b']);
    const many = Object.fromEntries(range(0, n).map(i => [`f${i}`, i]));
    await c.is('hSet of many', r.hSet('H', many), n);
    const seen = await all(r.hScanIterator('H', {COUNT: 17}));
    await c.is('hScanIterator', Object.fromEntries(
        seen.map(e => [e.field, e.value])), many);
    await c.fails('wrong type', r.lPush('h', 'x'), 'WRONGTYPE');
}

// Node-redis 4 has no functions for these.
async function fieldsThatExpire(r, c, n) {
    await r.hSet('e', {a: 1, b: 2, c: 3});
    const send = (...words) => r.sendCommand(words);
    await c.is('hExpire', five ? r.hExpire('e', ['a', 'z'], 100) :
        send('HEXPIRE', 'e', '100', 'FIELDS', '2', 'a', 'z'), [1, -2]);
    await c.is('hTTL', five ? r.hTTL('e', ['b', 'z']) :
        send('HTTL', 'e', 'FIELDS', '2', 'b', 'z'), [-1, -2]);
    await c.is('hPersist', five ? r.hPersist('e', 'a') :
        send('HPERSIST', 'e', 'FIELDS', '1', 'a'), [1]);
    await c.is('hGetDel', five ? r.hGetDel('e', 'c') :
        send('HGETDEL', 'e', 'FIELDS', '1', 'c'), ['3']);
    await c.is('hpExpire', five ? r.hpExpire('e', 'b', 20) :
        send('HPEXPIRE', 'e', '20', 'FIELDS', '1', 'b'), [1]);
    for (let i = 0; i < 500 && await r.hExists('e', 'b'); i++)
        await common.sleep(10);
    await c.is('a field has gone', r.hGetAll('e'), {a: '1'});
}

async function lists(r, c, n) {
    await c.is('rPush', r.rPush('l', ['a', 'b', 'c']), 3);
    await c.is('lPush', r.lPush('l', ['z', 'y']), 5);
    await c.is('lRange', r.lRange('l', 0, -1), ['y', 'z', 'a', 'b', 'c']);
    await c.is('lIndex', r.lIndex('l', -1), 'c');
    await c.is('lSet', r.lSet('l', 0, 'x'), 'OK');
    await c.is('lInsert', r.lInsert('l', 'BEFORE', 'z', 'i'), 6);
    await c.is('lRem', r.lRem('l', 1, 'i'), 1);
    await c.is('lPos', r.lPos('l', 'b'), 3);
    await c.is('lTrim', r.lTrim('l', 1, 3), 'OK');
    await c.is('lLen', r.lLen('l'), 3);
    await c.is('lPop', r.lPop('l'), 'z');
    await c.is('rPopCount', r.rPopCount('l', 2), ['b', 'a']);
    await c.is('lPop of nothing', r.lPop('l'), null);
    await c.is('lPushX', r.lPushX('l', 'v'), 0);
    await r.rPush('l', range(0, n));
    await c.is('lMove', r.lMove('l', 'm', 'LEFT', 'RIGHT'), '0');
    await c.is('rPopLPush', r.rPopLPush('l', 'm'), String(n - 1));
    await c.is('lmPop', r.lmPop(['none', 'l'], 'LEFT', {COUNT: 2}),
        ['l', ['1', '2']]);
    await c.is('long list', r.lRange('l', 0, -1), range(3, n - 1));
    await c.fails('lSet beyond', r.lSet('l', n, 'x'), 'ERR index out of range');
}

async function sets(r, c, n) {
    await c.is('sAdd', r.sAdd('S', ['a', 'b', 'c', 'a']), 3);
    await c.is('sIsMember', r.sIsMember('S', 'a'), five ? 1 : true);
    await c.is('smIsMember', r.smIsMember('S', ['a', 'z']),
        five ? [1, 0] : [true, false]);
    await c.is('sMembers', sorted(r.sMembers('S')), ['a', 'b', 'c']);
    await c.is('sRem', r.sRem('S', ['a', 'z']), 1);
    await r.sAdd('T', ['b', 'd']);
    await c.is('sInter', r.sInter(['S', 'T']), ['b']);
    await c.is('sInterCard', r.sInterCard(['S', 'T'], 1), 1);
    await c.is('sUnion', sorted(r.sUnion(['S', 'T'])), ['b', 'c', 'd']);
    await c.is('sDiff', r.sDiff(['S', 'T']), ['c']);
    await c.is('sInterStore', r.sInterStore('U', ['S', 'T']), 1);
    await c.is('sUnionStore', r.sUnionStore('U', ['S', 'T']), 3);
    await c.is('sDiffStore', r.sDiffStore('U', ['T', 'S']), 1);
    await c.is('sMove', r.sMove('S', 'U', 'c'), five ? 1 : true);
    await c.is('sRandMemberCount', sorted(r.sRandMemberCount('U', 9)),
        ['c', 'd']);
    await c.is('sPop', r.sPop('S'), 'b');
    await c.is('sPop of nothing', r.sPop('S'), null);
    await c.is('sAdd of many', r.sAdd('S', range(0, n)), n);
    const seen = new Set(await all(r.sScanIterator('S', {COUNT: 17})));
    await c.is('sScanIterator', [...seen].sort(), range(0, n).sort());
    await c.is('sCard', r.sCard('S'), n);
}

async function sortedSets(r, c, n) {
    const add = o => Object.entries(o).map(([value, score]) =>
        ({value, score}));
    await c.is('zAdd', r.zAdd('z', add({a: 1, b: 2.5, c: 3})), 3);
    await c.is('zAdd gt ch', r.zAdd('z', add({a: 2, c: 1}),
        {GT: true, CH: true}), 1);
    await c.is('zAdd incr', five ? r.zAddIncr('z', add({a: 1})) :
        r.zAdd('z', add({a: 1}), {INCR: true}), 3);
    await c.is('zScore', r.zScore('z', 'b'), 2.5);
    await c.is('zmScore', r.zmScore('z', ['b', 'none']), [2.5, null]);
    await c.is('zCard', r.zCard('z'), 3);
    await c.is('zRank', r.zRank('z', 'c'), 2);
    await c.is('zRank of nothing', r.zRank('z', 'none'), null);
    await c.is('zRevRank', r.zRevRank('z', 'c'), 0);
    await c.is('zRangeWithScores', r.zRangeWithScores('z', 0, -1),
        add({b: 2.5, a: 3, c: 3}));
    await c.is('zRange rev', r.zRange('z', 0, 0, {REV: true}), ['c']);
    await c.is('zRange byscore', r.zRange('z', '(2.5', '+inf',
        {BY: 'SCORE', LIMIT: {offset: 1, count: 1}}), ['c']);
    await c.is('zRangeByScore', r.zRangeByScore('z', '-inf', 2.5), ['b']);
    await c.is('zCount', r.zCount('z', 3, '+inf'), 2);
    await c.is('zIncrBy', r.zIncrBy('z', -0.5, 'b'), 2);
    await r.zAdd('x', [...'abcdef'].map(value => ({value, score: 0})));
    await c.is('zRangeByLex', r.zRangeByLex('x', '[b', '(d'), ['b', 'c']);
    await c.is('zLexCount', r.zLexCount('x', '-', '+'), 6);
    await c.is('zRemRangeByLex', r.zRemRangeByLex('x', '[e', '+'), 2);
    await c.is('zRangeStore', r.zRangeStore('y', 'x', 1, 2), 2);
    await c.is('zUnionStore', r.zUnionStore('u', five ?
        [{key: 'x', weight: 2}, {key: 'z', weight: 3}] : ['x', 'z'],
        five ? {} : {WEIGHTS: [2, 3]}), 4);
    await c.is('its scores', r.zRangeWithScores('u', 0, -1),
        add({d: 0, b: 6, a: 9, c: 9}));
    await c.is('zInterStore', r.zInterStore('u', ['x', 'z']), 3);
    await c.is('zInter', r.zInter(['x', 'y']), ['b', 'c']);
    await c.is('zDiff', r.zDiff(['x', 'z']), ['d']);
    await c.is('zInterCard', r.zInterCard(['x', 'y']), 2);
    await c.is('zPopMin', r.zPopMin('z'), {value: 'b', score: 2});
    await c.is('zPopMaxCount', r.zPopMaxCount('z', 2),
        [{value: 'c', score: 3}, {value: 'a', score: 3}]);
    await c.is('zmPop', five ? r.zmPop(['z', 'x'], 'MIN') :
        r.zmPop(['z', 'x'], 'MIN').then(p => ({key: p.key,
            members: p.elements})), {key: 'x', members: add({a: 0})});
    await c.is('zRandMemberCount', sorted(r.zRandMemberCount('y', 9)),
        ['b', 'c']);
    await c.is('zRem', r.zRem('x', ['b', 'none']), 1);
    await r.zAdd('z', range(0, n).map(i => ({value: `m${i}`, score: i / 2})));
    const seen = await all(r.zScanIterator('z', {COUNT: 17}));
    await c.is('zScanIterator', Object.fromEntries(
        seen.map(e => [e.value, e.score])),
        Object.fromEntries(range(0, n).map(i => [`m${i}`, i / 2])));
    await c.is('rank within', r.zRank('z', `m${n - 7}`), n - 7);
    await c.is('zRemRangeByScore', r.zRemRangeByScore('z', 10, '(20'), 20);
    await c.is('zRemRangeByRank', r.zRemRangeByRank('z', 0, 9), 10);
    await c.is('zCard after', r.zCard('z'), n - 30);
}

async function places(r, c, n) {
    const at = {longitude: 15, latitude: 37};
    await c.is('geoAdd', r.geoAdd('g', [
        {longitude: 13.361389, latitude: 38.115556, member: 'Palermo'},
        {longitude: 15.087269, latitude: 37.502669, member: 'Catania'}]), 2);
    await c.is('geoDist', r.geoDist('g', 'Palermo', 'Catania', 'km'),
        166.2742);
    await c.is('geoHash', r.geoHash('g', 'Palermo'), ['sqc8b49rny0']);
    await c.is('geoPos', r.geoPos('g', ['Palermo', 'none']).then(p =>
        [Number(p[0].longitude).toFixed(4), p[1]]), ['13.3614', null]);
    await c.is('geoRadius', sorted(r.geoRadius('g', at, 200, 'km')),
        ['Catania', 'Palermo']);
    await c.is('geoSearch', r.geoSearch('g', at,
        {width: 400, height: 400, unit: 'km'}, {SORT: 'ASC', COUNT: 1}),
        ['Catania']);
    await c.is('geoSearchStore', r.geoSearchStore('G', 'g', 'Palermo',
        {radius: 100, unit: 'km'}), 1);
}

async function streams(r, c, n) {
    const first = {id: '1-1', message: {f: 'v'}};
    const second = {id: '2-0', message: {f: 'w', g: 'u'}};
    const read = answer =>
        answer.then(a => a.map(s => [s.name, strip(s.messages)]));
    const strip = list => list.map(e => ({id: e.id, message: e.message}));
    await c.is('xAdd', r.xAdd('X', '1-1', {f: 'v'}), '1-1');
    await c.is('xAdd next', r.xAdd('X', '2-0', {f: 'w', g: 'u'}), '2-0');
    await c.is('xLen', r.xLen('X'), 2);
    await c.is('xRange', r.xRange('X', '-', '+', {COUNT: 1}).then(strip),
        [first]);
    await c.is('xRevRange', r.xRevRange('X', '+', '-', {COUNT: 1}).then(strip),
        [second]);
    await c.is('xRead', read(r.xRead({key: 'X', id: '1-1'})),
        [['X', [second]]]);
    await c.is('xGroupCreate', r.xGroupCreate('X', 'grp', '0'), 'OK');
    await c.fails('again', r.xGroupCreate('X', 'grp', '0'), 'BUSYGROUP');
    await c.is('xReadGroup', read(r.xReadGroup('grp', 'c1',
        {key: 'X', id: '>'}, {COUNT: 1})), [['X', [first]]]);
    await c.is('xPending', r.xPending('X', 'grp').then(p =>
        [p.pending, p.firstId, p.lastId, p.consumers[0].name]),
        [1, '1-1', '1-1', 'c1']);
    await c.is('xPendingRange', r.xPendingRange('X', 'grp', '-', '+', 9)
        .then(p => p.map(e => [e.id, e.consumer ?? e.owner])), [['1-1', 'c1']]);
    await c.is('xClaim', r.xClaim('X', 'grp', 'c2', 0, '1-1').then(strip),
        [first]);
    await c.is('xAutoClaimJustId',
        r.xAutoClaimJustId('X', 'grp', 'c3', 0, '0-0')
            .then(a => [a.nextId, a.messages]), ['0-0', ['1-1']]);
    await c.is('xAck', r.xAck('X', 'grp', ['1-1', '9-9']), 1);
    await c.is('xInfoGroups', r.xInfoGroups('X').then(g => g[0].consumers), 3);
    await c.is('xInfoStream', r.xInfoStream('X').then(s => s.length), 2);
    await c.is('xGroupDestroy', r.xGroupDestroy('X', 'grp'), five ? 1 : true);
    await c.is('xDel', r.xDel('X', '1-1'), 1);
    // Sent at once, as node-redis does with what is not awaited.
    const ids = await Promise.all(
        range(0, n).map(i => r.xAdd('X', '*', {i})));
    await c.is('entries in order', r.xRange('X', ids[0], '+')
        .then(e => e.map(({id, message}) => `${id} ${message.i}`)),
        ids.map((id, i) => `${id} ${i}`));
    await c.is('xTrim', r.xTrim('X', 'MAXLEN', 10), n + 1 - 10);
}

async function bitsAndCounts(r, c, n) {
    await c.is('setBit', r.setBit('B', 7, 1), 0);
    await c.is('getBit', r.getBit('B', 7), 1);
    await c.is('bitCount', r.bitCount('B'), 1);
    await c.is('bitPos', r.bitPos('B', 1), 7);
    await r.set('C', 'AB');
    await c.is('bitOp', r.bitOp('XOR', 'D', ['B', 'C']), 2);
    await c.is('its bytes', r.get('D'), '@B');
    await c.is('bitField', r.bitField('F', [
        {operation: 'SET', encoding: 'u8', offset: 0, value: 200},
        {operation: 'OVERFLOW', behavior: 'SAT'},
        {operation: 'INCRBY', encoding: 'u8', offset: 0, increment: 100},
        {operation: 'GET', encoding: 'u4', offset: 0}]), [0, 255, 15]);
    await c.is('pfAdd', r.pfAdd('p', range(0, 100)), five ? 1 : true);
    await c.is('pfCount', r.pfCount('p').then(k => k >= 95 && k <= 105), true);
    await r.pfAdd('q', range(50, 150));
    await c.is('pfMerge', r.pfMerge('p', ['p', 'q']), 'OK');
    await c.is('pfCount of both',
        r.pfCount(['p', 'q']).then(k => k >= 140 && k <= 160), true);
}

async function keys(r, c, n) {
    await r.flushDb();
    const p = r.multi();
    for (let i = 0; i < n; i++)
        p.set(`k:${i}`, String(i));
    p.hSet('h', 'f', 'v').rPush('l', ['3', '1', '2']);
    await c.is('pipeline', p.zAdd('z', {value: 'm', score: 1})
        .execAsPipeline().then(got => got.slice(-3)), [1, 3, 1]);
    await c.is('dbSize', r.dbSize(), n + 3);
    const seen = new Set(await all(r.scanIterator({MATCH: 'k:*', COUNT: 13})));
    await c.is('scanIterator', [...seen].sort(),
        range(0, n).map(i => `k:${i}`).sort());
    await c.is('scanIterator type', all(r.scanIterator({TYPE: 'hash'})), ['h']);
    await c.is('keys', sorted(r.keys('?')), ['h', 'l', 'z']);
    await c.is('exists', r.exists(['h', 'l', 'none', 'h']), 3);
    await c.is('type', r.type('z'), 'zset');
    await c.is('objectEncoding', r.objectEncoding('z'), 'listpack');
    await c.is('randomKey', r.randomKey().then(k => k !== null), true);
    await c.is('touch', r.touch(['h', 'none']), 1);
    await c.is('rename', r.rename('h', 'H'), 'OK');
    await c.is('renameNX', r.renameNX('H', 'l'), five ? 0 : false);
    await c.is('copy', r.copy('H', 'h').then(Number), 1);
    await c.is('copy again', r.copy('H', 'h').then(Number), 0);
    await c.is('expire', r.expire('h', 100), five ? 1 : true);
    await c.is('expire gt', r.expire('h', 50, 'GT'), five ? 0 : false);
    await c.is('pTTL', r.pTTL('h').then(t => t > 98000 && t <= 100000), true);
    await c.is('persist', r.persist('h'), five ? 1 : true);
    await c.is('unlink', r.unlink(['h', 'none']), 1);
    await c.is('del', r.del(['k:0', 'k:1', 'k:2']), 3);
    await c.fails('rename of nothing', r.rename('none', 'x'),
        'ERR no such key');
}

async function blocking(r, c, n) {
    await r.rPush('w', ['a', 'b']);
    await c.is('blPop', r.blPop(['none', 'w'], 5), {key: 'w', element: 'a'});
    await c.is('brPop', r.brPop('w', 5), {key: 'w', element: 'b'});
    await c.is('blPop of nothing', r.blPop('w', 0.05), null);
    const other = r.duplicate();
    await other.connect();
    const waits = other.blMove('w', 'v', 'LEFT', 'RIGHT', 20);
    await r.rPush('w', 'c');
    await c.is('blMove that waits', waits, 'c');
    await (five ? other.close() : other.quit());
    await r.zAdd('wz', {value: 'm', score: 1});
    await c.is('bzPopMin', r.bzPopMin('wz', 5),
        {key: 'wz', value: 'm', score: 1});
    await c.is('xRead block', r.xRead({key: 'none', id: '$'}, {BLOCK: 20}),
        null);
}

async function at(port, db, resp) {
    const r = createClient({socket: {port: Number(port), host: '127.0.0.1',
        reconnectStrategy: () => 100}, database: Number(db),
        ...(five ? {RESP: resp} : {})});
    r.on('error', () => {}); // it connects again by itself
    await r.connect();
    return r;
}

async function main(what, ...args) {
    if (what === 'families') {
        const [port, db, n, ...without] = args;
        const r = await at(port, db, 3);
        // Node-redis 5 does not read streams in RESP3.
        const r2 = await at(port, db, 2);
        await r.flushDb();
        const inResp2 = async (_, c) => {
            await streams(r2, c, Number(n));
            if (!without.includes('blocking'))
                await blocking(r2, c, Number(n));
        };
        const status = await common.families(
            [strings, hashes, fieldsThatExpire, lists, sets, sortedSets,
                places, inResp2, bitsAndCounts, keys],
            r, Number(n), without);
        await r.flushDb();
        return status;
    }
    const [follower, leader, key] = args;
    const f = await at(follower, 0, 3), l = await at(leader, 0, 3);
    return common.failover({
        follower: (value, score) => f.zAdd(key, {value, score}),
        leader: (value, score) => l.zAdd(key, {value, score}),
    });
}

main(...process.argv.slice(2)).then(status => process.exit(status), e => {
    console.log(e);
    process.exit(1);
});
