<?php
// Every family of commands with php-redis. Called by run.py; see README.md.

class Checks
{
    public int $count = 0;
    public int $bad = 0;

    public function is(string $what, $got, $want): void
    {
        $this->count++;
        if ($got !== $want) {
            $this->bad++;
            $show = fn($x) => substr(json_encode($x,
                JSON_PARTIAL_OUTPUT_ON_ERROR), 0, 300);
            echo "differs: $what: got {$show($got)}, want {$show($want)}\n";
        }
    }

    // php-redis returns false, and keeps what the server said.
    public function fails(string $what, Redis $r, $got, string $begins): void
    {
        $text = (string)$r->getLastError();
        $this->is($what, [$got, substr($text, 0, strlen($begins))],
            [false, $begins]);
        $r->clearLastError();
    }
}

function sorted(array $list): array
{
    sort($list);
    return $list;
}

function numbers(int $from, int $to): array
{
    return array_map('strval', range($from, $to - 1));
}

function strings(Redis $r, Checks $c, int $n): void
{
    $c->is('set', $r->set('s', 'v'), true);
    $c->is('get', $r->get('s'), 'v');
    $c->is('set nx', $r->set('s', 'w', ['nx']), false);
    $c->is('getSet', $r->getSet('s', 'x'), 'v');
    $c->is('getdel', $r->rawCommand('GETDEL', 's'), 'x');
    $c->is('get nothing', $r->get('s'), false);
    $c->is('mSet', $r->mSet(['a' => 1, 'b' => 'zwei']), true);
    $c->is('mGet', $r->mGet(['a', 'none', 'b']), ['1', false, 'zwei']);
    $c->is('mSetNx', $r->mSetNx(['a' => 2, 'c' => 3]), false);
    $c->is('append', $r->append('b', '!'), 5);
    $c->is('strLen', $r->strLen('b'), 5);
    $c->is('getRange', $r->getRange('b', 1, 3), 'wei');
    $c->is('setRange', $r->setRange('b', 1, 'WE'), 5);
    $c->is('incrBy', $r->incrBy('a', 41), 42);
    $c->is('decr', $r->decr('a'), 41);
    $c->is('incrByFloat', $r->incrByFloat('a', 0.5), 41.5);
    $c->is('setEx', $r->setEx('t', 100, 'x'), true);
    $ttl = $r->ttl('t');
    $c->is('ttl', $ttl >= 99 && $ttl <= 100, true);
    $c->is('getex', $r->rawCommand('GETEX', 't', 'PERSIST'), 'x');
    $c->is('ttl none', $r->ttl('t'), -1);
    $c->is('lcs', $r->rawCommand('LCS', 'b', 'b', 'LEN'), 5);
    $big = str_repeat(implode('', array_map('chr', range(0, 255))), 2000);
    $c->is('set of bytes', $r->set("\0\xff", $big), true);
    $c->is('bytes', $r->get("\0\xff") === $big, true);
    $c->fails('incr of text', $r, $r->incr('b'),
        'ERR value is not an integer');
}

function hashes(Redis $r, Checks $c, int $n): void
{
    $c->is('hSet', $r->hSet('h', 'a', '1'), 1);
    $c->is('hMSet', $r->hMSet('h', ['b' => 3]), true);
    $c->is('hGet', $r->hGet('h', 'b'), '3');
    $c->is('hGet nothing', $r->hGet('h', 'z'), false);
    $c->is('hMGet', $r->hMGet('h', ['a', 'z']), ['a' => '1', 'z' => false]);
    $c->is('hGetAll', $r->hGetAll('h'), ['a' => '1', 'b' => '3']);
    $c->is('hGetAll of nothing', $r->hGetAll('none'), []);
    $c->is('hKeys', sorted($r->hKeys('h')), ['a', 'b']);
    $c->is('hVals', sorted($r->hVals('h')), ['1', '3']);
    $c->is('hLen', $r->hLen('h'), 2);
    $c->is('hExists', $r->hExists('h', 'z'), false);
    $c->is('hSetNx', $r->hSetNx('h', 'c', '9'), true);
    $c->is('hStrLen', $r->hStrLen('h', 'a'), 1);
    $c->is('hIncrBy', $r->hIncrBy('h', 'a', 5), 6);
    $c->is('hIncrByFloat', $r->hIncrByFloat('h', 'a', 0.5), 6.5);
    $c->is('hDel', $r->hDel('h', 'c', 'z'), 1);
    $c->is('hRandField', sorted($r->rawCommand('HRANDFIELD', 'h', 5)),
        ['a', 'b']);
    $many = [];
    for ($i = 0; $i < $n; $i++)
        $many["f$i"] = (string)$i;
    $r->hMSet('H', $many);
    $seen = [];
    $at = null;
    while (($some = $r->hScan('H', $at, '*', 17)) !== false)
        $seen += $some;
    ksort($seen);
    ksort($many);
    $c->is('hScan', $seen, $many);
    $c->fails('wrong type', $r, $r->lPush('h', 'x'), 'WRONGTYPE');
}

function fields_that_expire(Redis $r, Checks $c, int $n): void
{
    $r->hMSet('e', ['a' => 1, 'b' => 2, 'c' => 3]);
    $x = fn(...$words) => $r->rawCommand(...$words);
    $c->is('hexpire', $x('HEXPIRE', 'e', 100, 'FIELDS', 2, 'a', 'z'), [1, -2]);
    $c->is('httl', $x('HTTL', 'e', 'FIELDS', 2, 'b', 'z'), [-1, -2]);
    $c->is('hpersist', $x('HPERSIST', 'e', 'FIELDS', 1, 'a'), [1]);
    $c->is('hgetdel', $x('HGETDEL', 'e', 'FIELDS', 1, 'c'), ['3']);
    $c->is('hpexpire', $x('HPEXPIRE', 'e', 20, 'FIELDS', 1, 'b'), [1]);
    for ($i = 0; $i < 500 && $r->hExists('e', 'b'); $i++)
        usleep(10000);
    $c->is('a field has gone', $r->hGetAll('e'), ['a' => '1']);
}

function lists(Redis $r, Checks $c, int $n): void
{
    $c->is('rPush', $r->rPush('l', 'a', 'b', 'c'), 3);
    $c->is('lPush', $r->lPush('l', 'z', 'y'), 5);
    $c->is('lRange', $r->lRange('l', 0, -1), ['y', 'z', 'a', 'b', 'c']);
    $c->is('lIndex', $r->lIndex('l', -1), 'c');
    $c->is('lSet', $r->lSet('l', 0, 'x'), true);
    $c->is('lInsert', $r->lInsert('l', Redis::BEFORE, 'z', 'i'), 6);
    $c->is('lRem', $r->lRem('l', 'i', 1), 1);
    $c->is('lpos', $r->rawCommand('LPOS', 'l', 'b'), 3);
    $c->is('lTrim', $r->lTrim('l', 1, 3), true);
    $c->is('lLen', $r->lLen('l'), 3);
    $c->is('lPop', $r->lPop('l'), 'z');
    $c->is('rpop', $r->rawCommand('RPOP', 'l', 2), ['b', 'a']);
    $c->is('lPop of nothing', $r->lPop('l'), false);
    $c->is('lPushx', $r->lPushx('l', 'v'), 0);
    $r->rPush('l', ...numbers(0, $n));
    $c->is('lmove', $r->rawCommand('LMOVE', 'l', 'm', 'LEFT', 'RIGHT'), '0');
    $c->is('rPopLPush', $r->rPopLPush('l', 'm'), (string)($n - 1));
    $c->is('lmpop', $r->rawCommand('LMPOP', 2, 'none', 'l', 'LEFT', 'COUNT', 2),
        ['l', ['1', '2']]);
    $c->is('long list', $r->lRange('l', 0, -1), numbers(3, $n - 1));
    $c->fails('lSet beyond', $r, $r->lSet('l', $n, 'x'),
        'ERR index out of range');
}

function sets(Redis $r, Checks $c, int $n): void
{
    $c->is('sAdd', $r->sAdd('S', 'a', 'b', 'c', 'a'), 3);
    $c->is('sIsMember', $r->sIsMember('S', 'z'), false);
    $c->is('sMisMember', $r->sMisMember('S', 'a', 'z'), [1, 0]);
    $c->is('sMembers', sorted($r->sMembers('S')), ['a', 'b', 'c']);
    $c->is('sRem', $r->sRem('S', 'a', 'z'), 1);
    $r->sAdd('T', 'b', 'd');
    $c->is('sInter', $r->sInter('S', 'T'), ['b']);
    $c->is('sintercard', $r->rawCommand('SINTERCARD', 2, 'S', 'T'), 1);
    $c->is('sUnion', sorted($r->sUnion('S', 'T')), ['b', 'c', 'd']);
    $c->is('sDiff', $r->sDiff('S', 'T'), ['c']);
    $c->is('sInterStore', $r->sInterStore('U', 'S', 'T'), 1);
    $c->is('sUnionStore', $r->sUnionStore('U', 'S', 'T'), 3);
    $c->is('sDiffStore', $r->sDiffStore('U', 'T', 'S'), 1);
    $c->is('sMove', $r->sMove('S', 'U', 'c'), true);
    $c->is('sRandMember', sorted($r->sRandMember('U', 9)), ['c', 'd']);
    $c->is('sPop', $r->sPop('S'), 'b');
    $c->is('sPop of nothing', $r->sPop('S'), false);
    $c->is('sAddArray', $r->sAddArray('S', numbers(0, $n)), $n);
    $seen = [];
    $at = null;
    while (($some = $r->sScan('S', $at, '*', 17)) !== false)
        $seen = array_merge($seen, $some);
    $seen = array_map('intval', array_unique($seen));
    $c->is('sScan', sorted($seen), range(0, $n - 1));
    $c->is('sCard', $r->sCard('S'), $n);
}

function sorted_sets(Redis $r, Checks $c, int $n): void
{
    $c->is('zAdd', $r->zAdd('z', 1, 'a', 2.5, 'b', 3, 'c'), 3);
    $c->is('zadd gt ch', $r->rawCommand('ZADD', 'z', 'GT', 'CH', 2, 'a', 1,
        'c'), 1);
    $c->is('zadd incr', $r->rawCommand('ZADD', 'z', 'INCR', 1, 'a'), '3');
    $c->is('zScore', $r->zScore('z', 'b'), 2.5);
    $c->is('zmscore', $r->rawCommand('ZMSCORE', 'z', 'b', 'none'),
        ['2.5', false]);
    $c->is('zCard', $r->zCard('z'), 3);
    $c->is('zRank', $r->zRank('z', 'c'), 2);
    $c->is('zRank of nothing', $r->zRank('z', 'none'), false);
    $c->is('zRevRank', $r->zRevRank('z', 'c'), 0);
    $c->is('zRange', $r->zRange('z', 0, -1, true),
        ['b' => 2.5, 'a' => 3.0, 'c' => 3.0]);
    $c->is('zRevRange', $r->zRevRange('z', 0, 1), ['c', 'a']);
    $c->is('zrange byscore', $r->rawCommand('ZRANGE', 'z', '(2.5', '+inf',
        'BYSCORE', 'LIMIT', 1, 1), ['c']);
    $c->is('zRangeByScore', $r->zRangeByScore('z', '-inf', '2.5',
        ['withscores' => true]), ['b' => 2.5]);
    $c->is('zCount', $r->zCount('z', '3', '+inf'), 2);
    $c->is('zIncrBy', $r->zIncrBy('z', -0.5, 'b'), 2.0);
    foreach (str_split('abcdef') as $member)
        $r->zAdd('x', 0, $member);
    $c->is('zRangeByLex', $r->zRangeByLex('x', '[b', '(d'), ['b', 'c']);
    $c->is('zLexCount', $r->zLexCount('x', '-', '+'), 6);
    $c->is('zRemRangeByLex', $r->zRemRangeByLex('x', '[e', '+'), 2);
    $c->is('zrangestore', $r->rawCommand('ZRANGESTORE', 'y', 'x', 1, 2), 2);
    $c->is('zUnionStore', $r->zUnionStore('u', ['x', 'z'], [2, 3]), 4);
    $c->is('its scores', $r->zRange('u', 0, -1, true),
        ['d' => 0.0, 'b' => 6.0, 'a' => 9.0, 'c' => 9.0]);
    $c->is('zInterStore', $r->zInterStore('u', ['x', 'z']), 3);
    $c->is('zinter', $r->rawCommand('ZINTER', 2, 'x', 'y'), ['b', 'c']);
    $c->is('zdiff', $r->rawCommand('ZDIFF', 2, 'x', 'z'), ['d']);
    $c->is('zPopMin', $r->zPopMin('z'), ['b' => 2.0]);
    $c->is('zPopMax', $r->zPopMax('z', 2), ['c' => 3.0, 'a' => 3.0]);
    $c->is('zmpop', $r->rawCommand('ZMPOP', 2, 'z', 'x', 'MIN'),
        ['x', [['a', '0']]]);
    $c->is('zrandmember', sorted($r->rawCommand('ZRANDMEMBER', 'y', 9)),
        ['b', 'c']);
    $c->is('zRem', $r->zRem('x', 'b', 'none'), 1);
    $want = [];
    $p = $r->multi(Redis::PIPELINE);
    for ($i = 0; $i < $n; $i++) {
        $p->zAdd('z', $i / 2, "m$i");
        $want["m$i"] = (float)($i / 2);
    }
    $p->exec();
    $seen = [];
    $at = null;
    while (($some = $r->zScan('z', $at, '*', 17)) !== false)
        $seen += $some;
    ksort($seen);
    ksort($want);
    $c->is('zScan', $seen, $want);
    $c->is('rank within', $r->zRank('z', 'm' . ($n - 7)), $n - 7);
    $c->is('zRemRangeByScore', $r->zRemRangeByScore('z', '10', '(20'), 20);
    $c->is('zRemRangeByRank', $r->zRemRangeByRank('z', 0, 9), 10);
    $c->is('zCard after', $r->zCard('z'), $n - 30);
}

function places(Redis $r, Checks $c, int $n): void
{
    $c->is('geoAdd', $r->geoAdd('g', 13.361389, 38.115556, 'Palermo',
        15.087269, 37.502669, 'Catania'), 2);
    $c->is('geoDist', $r->geoDist('g', 'Palermo', 'Catania', 'km'), 166.2742);
    $c->is('geoHash', $r->geoHash('g', 'Palermo'), ['sqc8b49rny0']);
    $at = $r->geoPos('g', 'Palermo')[0];
    $c->is('geoPos', [round((float)$at[0], 4), round((float)$at[1], 4)],
        [13.3614, 38.1156]);
    $c->is('geoRadius', $r->geoRadius('g', 15, 37, 200, 'km',
        ['WITHDIST', 'ASC']),
        [['Catania', '56.4413'], ['Palermo', '190.4424']]);
    $c->is('geosearch', $r->rawCommand('GEOSEARCH', 'g', 'FROMLONLAT', 15, 37,
        'BYBOX', 400, 400, 'km', 'ASC', 'COUNT', 1), ['Catania']);
    $c->is('geosearchstore', $r->rawCommand('GEOSEARCHSTORE', 'G', 'g',
        'FROMMEMBER', 'Palermo', 'BYRADIUS', 100, 'km'), 1);
}

function streams(Redis $r, Checks $c, int $n): void
{
    $first = ['1-1' => ['f' => 'v']];
    $second = ['2-0' => ['f' => 'w', 'g' => 'u']];
    $c->is('xAdd', $r->xAdd('X', '1-1', ['f' => 'v']), '1-1');
    $c->is('xAdd next', $r->xAdd('X', '2-0', ['f' => 'w', 'g' => 'u']), '2-0');
    $c->is('xLen', $r->xLen('X'), 2);
    $c->is('xRange', $r->xRange('X', '-', '+', 1), $first);
    $c->is('xRevRange', $r->xRevRange('X', '+', '-', 1), $second);
    $c->is('xRead', $r->xRead(['X' => '1-1']), ['X' => $second]);
    $c->is('xGroup', $r->xGroup('CREATE', 'X', 'grp', '0'), true);
    $c->fails('again', $r, $r->xGroup('CREATE', 'X', 'grp', '0'), 'BUSYGROUP');
    $c->is('xReadGroup', $r->xReadGroup('grp', 'c1', ['X' => '>'], 1),
        ['X' => $first]);
    $c->is('xPending', $r->xPending('X', 'grp'),
        [1, '1-1', '1-1', [['c1', '1']]]);
    $pending = $r->xPending('X', 'grp', '-', '+', 9);
    $c->is('xPending range', [count($pending), $pending[0][0], $pending[0][1]],
        [1, '1-1', 'c1']);
    $c->is('xClaim', $r->xClaim('X', 'grp', 'c2', 0, ['1-1'], []), $first);
    $c->is('xautoclaim', $r->rawCommand('XAUTOCLAIM', 'X', 'grp', 'c3', 0,
        '0-0', 'JUSTID'), ['0-0', ['1-1'], []]);
    $c->is('xAck', $r->xAck('X', 'grp', ['1-1', '9-9']), 1);
    $c->is('xInfo', $r->xInfo('GROUPS', 'X')[0]['consumers'], 3);
    $c->is('xInfo stream', $r->xInfo('STREAM', 'X')['last-generated-id'],
        '2-0');
    $c->is('xGroup destroy', $r->xGroup('DESTROY', 'X', 'grp'), 1);
    $c->is('xDel', $r->xDel('X', ['1-1']), 1);
    $p = $r->multi(Redis::PIPELINE);
    for ($i = 0; $i < $n; $i++)
        $p->xAdd('X', '*', ['i' => $i]);
    $ids = $p->exec();
    $want = [];
    foreach ($ids as $i => $id)
        $want[$id] = ['i' => (string)$i];
    $c->is('entries in order', $r->xRange('X', $ids[0], '+'), $want);
    $c->is('xTrim', $r->xTrim('X', 10), $n + 1 - 10);
}

function bits_and_counts(Redis $r, Checks $c, int $n): void
{
    $c->is('setBit', $r->setBit('B', 7, true), 0);
    $c->is('getBit', $r->getBit('B', 7), 1);
    $c->is('bitCount', $r->bitCount('B'), 1);
    $c->is('bitPos', $r->bitpos('B', 1), 7);
    $r->set('C', "\xff\x0f");
    $c->is('bitOp', $r->bitOp('XOR', 'D', 'B', 'C'), 2);
    $c->is('its bytes', bin2hex($r->get('D')), 'fe0f');
    $c->is('bitfield', $r->rawCommand('BITFIELD', 'F', 'SET', 'u8', 0, 200,
        'OVERFLOW', 'SAT', 'INCRBY', 'u8', 0, 100, 'GET', 'u4', 0),
        [0, 255, 15]);
    $c->is('pfAdd', (int)$r->pfAdd('p', numbers(0, 100)), 1);
    $k = $r->pfCount('p');
    $c->is('pfCount', $k >= 95 && $k <= 105, true);
    $r->pfAdd('q', numbers(50, 150));
    $c->is('pfMerge', $r->pfMerge('p', ['p', 'q']), true);
    $k = $r->pfCount(['p', 'q']);
    $c->is('pfCount of both', $k >= 140 && $k <= 160, true);
}

function keys(Redis $r, Checks $c, int $n): void
{
    $r->flushDB();
    $p = $r->multi(Redis::PIPELINE);
    for ($i = 0; $i < $n; $i++)
        $p->set("k:$i", $i);
    $p->hSet('h', 'f', 'v')->rPush('l', 3, 1, 2)->zAdd('z', 1, 'm');
    $c->is('pipeline', array_slice($p->exec(), -3), [1, 3, 1]);
    $c->is('dbSize', $r->dbSize(), $n + 3);
    $r->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
    $seen = [];
    $at = null;
    while (($some = $r->scan($at, 'k:*', 13)) !== false)
        $seen = array_merge($seen, $some);
    $c->is('scan', sorted(array_unique($seen)),
        sorted(array_map(fn($i) => "k:$i", range(0, $n - 1))));
    $c->is('keys', sorted($r->keys('?')), ['h', 'l', 'z']);
    $c->is('exists', $r->exists('h', 'l', 'none', 'h'), 3);
    $c->is('type', $r->type('z'), Redis::REDIS_ZSET);
    $c->is('object', $r->object('encoding', 'z'), 'listpack');
    $c->is('randomKey', is_string($r->randomKey()), true);
    $c->is('touch', $r->rawCommand('TOUCH', 'h', 'none'), 1);
    $c->is('rename', $r->rename('h', 'H'), true);
    $c->is('renameNx', $r->renameNx('H', 'l'), false);
    $c->is('copy', $r->rawCommand('COPY', 'H', 'h'), 1);
    $c->is('copy again', $r->rawCommand('COPY', 'H', 'h'), 0);
    $c->is('expire', $r->expire('h', 100), true);
    $c->is('expire gt', $r->rawCommand('EXPIRE', 'h', 50, 'GT'), 0);
    $ttl = $r->pttl('h');
    $c->is('pttl', $ttl > 98000 && $ttl <= 100000, true);
    $c->is('persist', $r->persist('h'), true);
    $c->is('unlink', $r->unlink('h', 'none'), 1);
    $c->is('del', $r->del('k:0', 'k:1', 'k:2'), 3);
    $c->fails('rename of nothing', $r, $r->rename('none', 'x'),
        'ERR no such key');
    $got = $r->multi(Redis::PIPELINE)->incr('l')->lLen('l')->exec();
    $c->is('an error in a pipeline', $got, [false, 3]);
}

function blocking(Redis $r, Checks $c, int $n): void
{
    $r->rPush('w', 'a', 'b');
    $c->is('blPop', $r->blPop(['none', 'w'], 5), ['w', 'a']);
    $c->is('brPop', $r->brPop(['w'], 5), ['w', 'b']);
    $c->is('blPop of nothing', $r->rawCommand('BLPOP', 'w', '0.05'), []);
    $r->zAdd('wz', 1, 'm');
    $c->is('bzPopMin', $r->bzPopMin('wz', 5), ['wz', 'm', '1']);
    $r->rPush('w', 'c');
    $c->is('brpoplpush', $r->brpoplpush('w', 'v', 5), 'c');
    $c->is('xRead block', $r->xRead(['none' => '$'], 1, 20), []);
}

function at(string $port, string $db): Redis
{
    $r = new Redis();
    $r->connect('127.0.0.1', (int)$port, 20);
    $r->setOption(Redis::OPT_READ_TIMEOUT, 60);
    $r->select((int)$db);
    return $r;
}

function families(string $port, string $db, string $n, string ...$without): int
{
    $c = new Checks();
    $r = at($port, $db);
    $r->flushDB();
    foreach (['strings', 'hashes', 'fields_that_expire', 'lists', 'sets',
        'sorted_sets', 'places', 'streams', 'bits_and_counts', 'keys',
        'blocking'] as $family)
        if (!in_array($family, $without))
            $family($r, $c, (int)$n);
    $r->flushDB();
    echo "checks: $c->count\n";
    return $c->bad > 0 ? 1 : 0;
}

// Adds members through both until standard input ends, and 20 more.
function failover(string $follower, string $leader, string $key): int
{
    $f = at($follower, '0');
    $l = at($leader, '0');
    $errors = 0;
    for ($i = 0, $left = 20; $left > 0; $i++) {
        if ($f->zAdd($key, $i, "f$i") === false)
            throw new RedisException($f->getLastError());
        for ($done = false; !$done;) {
            try {
                // It gives up when a connection is refused.
                $l ??= at($leader, '0');
                $done = $l->zAdd($key, $i, "l$i") !== false;
            } catch (RedisException $e) {
                $l = null;
            }
            if (!$done) {
                $errors++;
                usleep(50000);
            }
        }
        if ($i === 20)
            echo "writing\n";
        $in = [STDIN];
        $out = $except = null;
        if ($left < 20 || stream_select($in, $out, $except, 0) > 0)
            $left--;
    }
    echo "acknowledged: $i errors: $errors\n";
    return 0;
}

exit($argv[1](...array_slice($argv, 2)));
