# Every family of commands with Perl's Redis. Called by run.py; see README.md.
use strict;
use warnings;
use Redis;
use JSON::PP;
use Time::HiRes qw(sleep);

my ($count, $bad) = (0, 0);

sub show { return substr(JSON::PP->new->canonical->encode([@_]), 0, 300) }

# Numbers and texts are one in Perl: what is compared is how they print.
sub same {
    my ($x) = @_;
    return ref $x eq 'ARRAY' ? [map { same($_) } @$x]
        : ref $x eq 'HASH' ? {map { $_ => same($x->{$_}) } keys %$x}
        : defined $x ? "$x" : undef;
}

sub is {
    my ($what, $got, $want) = @_;
    $count++;
    return if show(same($got)) eq show(same($want));
    $bad++;
    print "differs: $what: got ", show($got), ', want ', show($want), "\n";
}

sub fails {
    my ($what, $begins, $run) = @_;
    my $got = eval { $run->(); 'no error' } // $@;
    is($what, index($got, $begins) >= 0 ? $begins : $got, $begins);
}

sub sorted { return [sort @_] }

sub strings {
    my ($r, $n) = @_;
    is('set', $r->set('s', 'v'), 'OK');
    is('get', $r->get('s'), 'v');
    is('set nx', $r->set('s', 'w', 'NX'), undef);
    is('getset', $r->getset('s', 'x'), 'v');
    is('getdel', $r->getdel('s'), 'x');
    is('mset', $r->mset('a', 1, 'b', 'zwei'), 'OK');
    is('mget', [$r->mget('a', 'none', 'b')], ['1', undef, 'zwei']);
    is('append', $r->append('b', '!'), 5);
    is('strlen', $r->strlen('b'), 5);
    is('getrange', $r->getrange('b', 1, 3), 'wei');
    is('setrange', $r->setrange('b', 1, 'WE'), 5);
    is('incrby', $r->incrby('a', 41), 42);
    is('decr', $r->decr('a'), 41);
    is('incrbyfloat', $r->incrbyfloat('a', 0.5), '41.5');
    is('setex', $r->setex('t', 100, 'x'), 'OK');
    is('getex', $r->getex('t', 'PERSIST'), 'x');
    is('ttl', $r->ttl('t'), -1);
    is('lcs', $r->lcs('b', 'b', 'LEN'), 5);
    my $big = join('', map { chr } 0 .. 255) x 2000;
    is('set of bytes', $r->set("\0\xff", $big), 'OK');
    is('bytes', $r->get("\0\xff") eq $big, 1);
    fails('incr of text', 'ERR value is not an integer', sub { $r->incr('b') });
}

sub hashes {
    my ($r, $n) = @_;
    is('hset', $r->hset('h', a => 1, b => 2), 2);
    is('hget', $r->hget('h', 'b'), 2);
    is('hmget', [$r->hmget('h', 'a', 'z')], [1, undef]);
    is('hgetall', {$r->hgetall('h')}, {a => 1, b => 2});
    is('hgetall of nothing', {$r->hgetall('none')}, {});
    is('hkeys', sorted($r->hkeys('h')), ['a', 'b']);
    is('hvals', sorted($r->hvals('h')), [1, 2]);
    is('hlen', $r->hlen('h'), 2);
    is('hexists', $r->hexists('h', 'z'), 0);
    is('hsetnx', $r->hsetnx('h', 'c', 9), 1);
    is('hstrlen', $r->hstrlen('h', 'a'), 1);
    is('hincrby', $r->hincrby('h', 'a', 5), 6);
    is('hincrbyfloat', $r->hincrbyfloat('h', 'a', 0.5), '6.5');
    is('hdel', $r->hdel('h', 'c', 'z'), 1);
    is('hrandfield', sorted($r->hrandfield('h', 5)), ['a', 'b']);
    my %many = map { ("f$_" => $_) } 0 .. $n - 1;
    is('hset of many', $r->hset('H', %many), $n);
    my ($at, %seen) = (0);
    do {
        ($at, my $some) = $r->hscan('H', $at, 'COUNT', 17);
        %seen = (%seen, @$some);
    } while ($at);
    is('hscan', \%seen, \%many);
    fails('wrong type', 'WRONGTYPE', sub { $r->lpush('h', 'x') });
}

sub fields_that_expire {
    my ($r, $n) = @_;
    $r->hset('e', a => 1, b => 2, c => 3);
    is('hexpire', [$r->hexpire('e', 100, 'FIELDS', 2, 'a', 'z')], [1, -2]);
    is('httl', [$r->httl('e', 'FIELDS', 2, 'b', 'z')], [-1, -2]);
    is('hpersist', [$r->hpersist('e', 'FIELDS', 1, 'a')], [1]);
    is('hgetdel', [$r->hgetdel('e', 'FIELDS', 1, 'c')], [3]);
    is('hpexpire', [$r->hpexpire('e', 20, 'FIELDS', 1, 'b')], [1]);
    for (1 .. 500) { sleep 0.01 if $r->hexists('e', 'b') }
    is('a field has gone', {$r->hgetall('e')}, {a => 1});
}

sub lists {
    my ($r, $n) = @_;
    is('rpush', $r->rpush('l', 'a', 'b', 'c'), 3);
    is('lpush', $r->lpush('l', 'z', 'y'), 5);
    is('lrange', [$r->lrange('l', 0, -1)], ['y', 'z', 'a', 'b', 'c']);
    is('lindex', $r->lindex('l', -1), 'c');
    is('lset', $r->lset('l', 0, 'x'), 'OK');
    is('linsert', $r->linsert('l', 'BEFORE', 'z', 'i'), 6);
    is('lrem', $r->lrem('l', 1, 'i'), 1);
    is('lpos', $r->lpos('l', 'b'), 3);
    is('ltrim', $r->ltrim('l', 1, 3), 'OK');
    is('llen', $r->llen('l'), 3);
    is('lpop', $r->lpop('l'), 'z');
    is('rpop', [$r->rpop('l', 2)], ['b', 'a']);
    is('lpop of nothing', $r->lpop('l'), undef);
    $r->rpush('l', 0 .. $n - 1);
    is('lmove', $r->lmove('l', 'm', 'LEFT', 'RIGHT'), 0);
    is('rpoplpush', $r->rpoplpush('l', 'm'), $n - 1);
    is('lmpop', [$r->lmpop(2, 'none', 'l', 'LEFT', 'COUNT', 2)],
        ['l', [1, 2]]);
    is('long list', [$r->lrange('l', 0, -1)], [3 .. $n - 2]);
    fails('lset beyond', 'ERR index out of range',
        sub { $r->lset('l', $n, 'x') });
}

sub sets {
    my ($r, $n) = @_;
    is('sadd', $r->sadd('S', 'a', 'b', 'c', 'a'), 3);
    is('sismember', $r->sismember('S', 'z'), 0);
    is('smismember', [$r->smismember('S', 'a', 'z')], [1, 0]);
    is('smembers', sorted($r->smembers('S')), ['a', 'b', 'c']);
    is('srem', $r->srem('S', 'a', 'z'), 1);
    $r->sadd('T', 'b', 'd');
    is('sinter', [$r->sinter('S', 'T')], ['b']);
    is('sintercard', $r->sintercard(2, 'S', 'T', 'LIMIT', 1), 1);
    is('sunion', sorted($r->sunion('S', 'T')), ['b', 'c', 'd']);
    is('sdiff', [$r->sdiff('S', 'T')], ['c']);
    is('sunionstore', $r->sunionstore('U', 'S', 'T'), 3);
    is('smove', $r->smove('S', 'U', 'c'), 1);
    is('srandmember', sorted($r->srandmember('U', 9)), ['b', 'c', 'd']);
    is('spop', $r->spop('S'), 'b');
    is('spop of nothing', $r->spop('S'), undef);
    is('sadd of many', $r->sadd('S', 0 .. $n - 1), $n);
    my ($at, %seen) = (0);
    do {
        ($at, my $some) = $r->sscan('S', $at, 'COUNT', 17);
        $seen{$_} = 1 for @$some;
    } while ($at);
    is('sscan', sorted(keys %seen), sorted(0 .. $n - 1));
    is('scard', $r->scard('S'), $n);
}

sub sorted_sets {
    my ($r, $n) = @_;
    is('zadd', $r->zadd('z', 1, 'a', 2.5, 'b', 3, 'c'), 3);
    is('zadd gt ch', $r->zadd('z', 'GT', 'CH', 2, 'a', 1, 'c'), 1);
    is('zadd incr', $r->zadd('z', 'INCR', 1, 'a'), 3);
    is('zscore', $r->zscore('z', 'b'), '2.5');
    is('zmscore', [$r->zmscore('z', 'b', 'none')], ['2.5', undef]);
    is('zrank', $r->zrank('z', 'c'), 2);
    is('zrank of nothing', $r->zrank('z', 'none'), undef);
    is('zrevrank', $r->zrevrank('z', 'c'), 0);
    is('zrange', [$r->zrange('z', 0, -1, 'WITHSCORES')],
        ['b', '2.5', 'a', 3, 'c', 3]);
    is('zrange rev', [$r->zrange('z', 0, 0, 'REV')], ['c']);
    is('zrangebyscore', [$r->zrangebyscore('z', '(2.5', '+inf')], ['a', 'c']);
    is('zcount', $r->zcount('z', 3, '+inf'), 2);
    is('zincrby', $r->zincrby('z', -0.5, 'b'), 2);
    $r->zadd('x', map { (0, $_) } 'a' .. 'f');
    is('zrangebylex', [$r->zrangebylex('x', '[b', '(d')], ['b', 'c']);
    is('zlexcount', $r->zlexcount('x', '-', '+'), 6);
    is('zremrangebylex', $r->zremrangebylex('x', '[e', '+'), 2);
    is('zrangestore', $r->zrangestore('y', 'x', 1, 2), 2);
    is('zunionstore', $r->zunionstore('u', 2, 'x', 'z', 'WEIGHTS', 2, 3), 4);
    is('its scores', [$r->zrange('u', 0, -1, 'WITHSCORES')],
        ['d', 0, 'b', 6, 'a', 9, 'c', 9]);
    is('zinter', [$r->zinter(2, 'x', 'y')], ['b', 'c']);
    is('zdiff', [$r->zdiff(2, 'x', 'z')], ['d']);
    is('zpopmin', [$r->zpopmin('z')], ['b', 2]);
    is('zpopmax', [$r->zpopmax('z', 2)], ['c', 3, 'a', 3]);
    is('zmpop', [$r->zmpop(2, 'z', 'x', 'MIN')], ['x', [['a', 0]]]);
    is('zrandmember', sorted($r->zrandmember('y', 9)), ['b', 'c']);
    is('zrem', $r->zrem('x', 'b', 'none'), 1);
    my %many = map { ("m$_" => $_ / 2) } 0 .. $n - 1;
    is('zadd of many', $r->zadd('z', reverse %many), $n);
    my ($at, %seen) = (0);
    do {
        ($at, my $some) = $r->zscan('z', $at, 'COUNT', 17);
        %seen = (%seen, @$some);
    } while ($at);
    is('zscan', \%seen, \%many);
    is('rank within', $r->zrank('z', 'm' . ($n - 7)), $n - 7);
    is('zremrangebyscore', $r->zremrangebyscore('z', 10, '(20'), 20);
    is('zremrangebyrank', $r->zremrangebyrank('z', 0, 9), 10);
    is('zcard', $r->zcard('z'), $n - 30);
}

sub places {
    my ($r, $n) = @_;
    is('geoadd', $r->geoadd('g', 13.361389, 38.115556, 'Palermo',
        15.087269, 37.502669, 'Catania'), 2);
    is('geodist', $r->geodist('g', 'Palermo', 'Catania', 'km'), '166.2742');
    is('geohash', [$r->geohash('g', 'Palermo')], ['sqc8b49rny0']);
    is('geopos', [$r->geopos('g', 'Palermo', 'none')],
        [['13.36138933897018433', '38.11555639549629859'], undef]);
    is('geosearch', [$r->geosearch('g', qw(FROMLONLAT 15 37 BYBOX 400 400 km
        ASC COUNT 1))], ['Catania']);
    is('geosearchstore', $r->geosearchstore('G', 'g', qw(FROMMEMBER Palermo
        BYRADIUS 100 km)), 1);
}

sub streams {
    my ($r, $n) = @_;
    my $first = ['1-1', ['f', 'v']];
    my $second = ['2-0', ['f', 'w', 'g', 'u']];
    is('xadd', $r->xadd('X', '1-1', 'f', 'v'), '1-1');
    is('xadd next', $r->xadd('X', '2-0', 'f', 'w', 'g', 'u'), '2-0');
    is('xlen', $r->xlen('X'), 2);
    is('xrange', [$r->xrange('X', '-', '+', 'COUNT', 1)], [$first]);
    is('xrevrange', [$r->xrevrange('X', '+', '-', 'COUNT', 1)], [$second]);
    is('xread', [$r->xread('STREAMS', 'X', '1-1')], [['X', [$second]]]);
    is('xgroup', $r->xgroup('CREATE', 'X', 'grp', 0), 'OK');
    fails('again', 'BUSYGROUP', sub { $r->xgroup('CREATE', 'X', 'grp', 0) });
    is('xreadgroup', [$r->xreadgroup(qw(GROUP grp c1 COUNT 1 STREAMS X >))],
        [['X', [$first]]]);
    is('xpending', [$r->xpending('X', 'grp')], [1, '1-1', '1-1', [['c1', 1]]]);
    is('xclaim', [$r->xclaim('X', 'grp', 'c2', 0, '1-1')], [$first]);
    is('xautoclaim', [$r->xautoclaim('X', 'grp', 'c3', 0, '0-0', 'JUSTID')],
        ['0-0', ['1-1'], []]);
    is('xack', $r->xack('X', 'grp', '1-1', '9-9'), 1);
    is('xinfo', {$r->xinfo('STREAM', 'X')}->{'last-generated-id'}, '2-0');
    is('xgroup destroy', $r->xgroup('DESTROY', 'X', 'grp'), 1);
    is('xdel', $r->xdel('X', '1-1'), 1);
    my @ids;
    for my $i (0 .. $n - 1) {
        $r->xadd('X', '*', 'i', $i, sub { push @ids, $_[0] });
    }
    $r->wait_all_responses;
    is('entries in order', [map { "$_->[0] $_->[1][1]" }
        $r->xrange('X', $ids[0], '+')], [map { "$ids[$_] $_" } 0 .. $n - 1]);
    is('xtrim', $r->xtrim('X', 'MAXLEN', 10), $n + 1 - 10);
}

sub bits_and_counts {
    my ($r, $n) = @_;
    is('setbit', $r->setbit('B', 7, 1), 0);
    is('getbit', $r->getbit('B', 7), 1);
    is('bitcount', $r->bitcount('B'), 1);
    is('bitpos', $r->bitpos('B', 1), 7);
    $r->set('C', "\xff\x0f");
    is('bitop', $r->bitop('XOR', 'D', 'B', 'C'), 2);
    is('its bytes', unpack('H*', $r->get('D')), 'fe0f');
    is('bitfield', [$r->bitfield(qw(F SET u8 0 200 OVERFLOW SAT
        INCRBY u8 0 100 GET u4 0))], [0, 255, 15]);
    is('pfadd', $r->pfadd('p', 0 .. 99), 1);
    my $k = $r->pfcount('p');
    is('pfcount', $k >= 95 && $k <= 105, 1);
    $r->pfadd('q', 50 .. 149);
    is('pfmerge', $r->pfmerge('p', 'q'), 'OK');
    $k = $r->pfcount('p', 'q');
    is('pfcount of both', $k >= 140 && $k <= 160, 1);
}

sub keyspace {
    my ($r, $n) = @_;
    $r->flushdb;
    my @errors;
    for my $i (0 .. $n - 1) {
        $r->set("k:$i", $i, sub { push @errors, $_[1] if defined $_[1] });
    }
    $r->hset('h', 'f', 'v', sub { });
    $r->rpush('l', 3, 1, 2, sub { });
    $r->incr('l', sub { push @errors, $_[1] });
    $r->zadd('z', 1, 'm', sub { });
    $r->wait_all_responses;
    is('an error in a pipeline', [map { substr($_, 0, 9) } @errors],
        ['WRONGTYPE']);
    is('dbsize', $r->dbsize, $n + 3);
    my ($at, %seen) = (0);
    do {
        ($at, my $some) = $r->scan($at, 'MATCH', 'k:*', 'COUNT', 13);
        $seen{$_} = 1 for @$some;
    } while ($at);
    is('scan', sorted(keys %seen), sorted(map { "k:$_" } 0 .. $n - 1));
    is('keys', sorted($r->keys('?')), ['h', 'l', 'z']);
    is('exists', $r->exists('h', 'l', 'none', 'h'), 3);
    is('type', $r->type('z'), 'zset');
    is('object', $r->object('ENCODING', 'z'), 'listpack');
    is('randomkey', defined $r->randomkey, 1);
    is('touch', $r->touch('h', 'none'), 1);
    is('rename', $r->rename('h', 'H'), 'OK');
    is('renamenx', $r->renamenx('H', 'l'), 0);
    is('copy', $r->copy('H', 'h'), 1);
    is('expire', $r->expire('h', 100), 1);
    is('expire gt', $r->expire('h', 50, 'GT'), 0);
    is('pttl', $r->pttl('h') > 98000, 1);
    is('persist', $r->persist('h'), 1);
    is('unlink', $r->unlink('h', 'none'), 1);
    is('del', $r->del('k:0', 'k:1', 'k:2'), 3);
    fails('rename of nothing', 'ERR no such key',
        sub { $r->rename('none', 'x') });
}

sub blocking {
    my ($r, $n) = @_;
    $r->rpush('w', 'a', 'b');
    is('blpop', [$r->blpop('none', 'w', 5)], ['w', 'a']);
    is('brpop', [$r->brpop('w', 5)], ['w', 'b']);
    is('blpop of nothing', scalar($r->blpop('w', 0.05)), undef);
    $r->zadd('wz', 1, 'm');
    is('bzpopmin', [$r->bzpopmin('wz', 5)], ['wz', 'm', 1]);
    $r->rpush('w', 'c');
    is('blmove', $r->blmove('w', 'v', 'LEFT', 'RIGHT', 5), 'c');
}

sub at {
    my ($port, $db, @more) = @_;
    # It forgets the database when it connects again by itself.
    my $select = sub { $_[0]->select($db) };
    return Redis->new(server => "127.0.0.1:$port", on_connect => $select,
        read_timeout => 60, @more);
}

sub families {
    my ($port, $db, $n, @without) = @_;
    my $r = at($port, $db);
    $r->flushdb;
    my %without = map { $_ => 1 } @without;
    my @families = (strings => \&strings, hashes => \&hashes,
        fields_that_expire => \&fields_that_expire, lists => \&lists,
        sets => \&sets, sorted_sets => \&sorted_sets, places => \&places,
        streams => \&streams, bits_and_counts => \&bits_and_counts,
        keys => \&keyspace, blocking => \&blocking);
    while (my ($name, $family) = splice(@families, 0, 2)) {
        $family->($r, $n) unless $without{$name};
    }
    $r->flushdb;
    print "checks: $count\n";
    return $bad ? 1 : 0;
}

# Adds members through both until standard input ends, and 20 more.
sub failover {
    my ($follower, $leader, $key) = @_;
    my $f = at($follower, 0);
    my $l = at($leader, 0);
    my ($errors, $left, $i) = (0, 20, 0);
    for (; $left > 0; $i++) {
        $f->zadd($key, $i, "f$i");
        until (eval { $l->zadd($key, $i, "l$i"); 1 }) {
            $errors++;
            sleep 0.05;
            # The library gives up on a connection that was refused.
            eval { $l = at($leader, 0) } unless eval { $l->ping };
        }
        print "writing\n" if $i == 20;
        vec(my $in = '', fileno(STDIN), 1) = 1;
        $left-- if $left < 20 || select($in, undef, undef, 0) > 0;
    }
    print "acknowledged: $i errors: $errors\n";
    return 0;
}

$| = 1;
my %what = (families => \&families, failover => \&failover);
my $run = $what{shift @ARGV} or die "families or failover?\n";
exit $run->(@ARGV);
