# Every family of commands with ruby-redis. Called by run.py; see README.md.
require 'redis'

class Checks
  attr_reader :count, :bad

  def initialize
    @count = @bad = 0
  end

  def is(what, got, want)
    @count += 1
    return if got == want

    @bad += 1
    puts "differs: #{what}: got #{got.inspect[0, 300]}, " \
         "want #{want.inspect[0, 300]}"
  end

  def fails(what, begins)
    is(what, "no error: #{yield.inspect}", "an error #{begins}")
  rescue Redis::CommandError => e
    is(what, e.message[0, begins.size], begins)
  end
end

def numbers(from, to)
  (from...to).map(&:to_s)
end

def strings(r, c, n)
  c.is('set', r.set('s', 'v'), 'OK')
  c.is('get', r.get('s'), 'v')
  c.is('set nx', r.set('s', 'w', nx: true), false)
  c.is('getset', r.getset('s', 'x'), 'v')
  c.is('getdel', r.getdel('s'), 'x')
  c.is('get nothing', r.get('s'), nil)
  c.is('mapped_mset', r.mapped_mset('a' => 1, 'b' => 'zwei'), 'OK')
  c.is('mget', r.mget('a', 'none', 'b'), ['1', nil, 'zwei'])
  c.is('msetnx', r.msetnx('a', 2, 'c', 3), false)
  c.is('append', r.append('b', '!'), 5)
  c.is('strlen', r.strlen('b'), 5)
  c.is('getrange', r.getrange('b', 1, 3), 'wei')
  c.is('setrange', r.setrange('b', 1, 'WE'), 5)
  c.is('incrby', r.incrby('a', 41), 42)
  c.is('decr', r.decr('a'), 41)
  c.is('incrbyfloat', r.incrbyfloat('a', 0.5), 41.5)
  c.is('setex', r.setex('t', 100, 'x'), 'OK')
  c.is('ttl', (99..100).cover?(r.ttl('t')), true)
  c.is('getex', r.getex('t', persist: true), 'x')
  c.is('ttl none', r.ttl('t'), -1)
  c.is('lcs', r.call('LCS', 'b', 'b', 'LEN'), 5)
  big = (0..255).to_a.pack('C*') * 2000
  c.is('set of bytes', r.set("\0\xff".b, big), 'OK')
  c.is('bytes', r.get("\0\xff".b).b == big, true)
  c.fails('incr of text', 'ERR value is not an integer') { r.incr('b') }
end

def hashes(r, c, n)
  c.is('hset', r.hset('h', 'a' => 1, 'b' => 2), 2)
  c.is('hset again', r.hset('h', 'b', 3), 0)
  c.is('hget', r.hget('h', 'b'), '3')
  c.is('hmget', r.hmget('h', 'a', 'z'), ['1', nil])
  c.is('mapped_hmget', r.mapped_hmget('h', 'a'), { 'a' => '1' })
  c.is('hgetall', r.hgetall('h'), { 'a' => '1', 'b' => '3' })
  c.is('hgetall of nothing', r.hgetall('none'), {})
  c.is('hkeys', r.hkeys('h').sort, %w[a b])
  c.is('hvals', r.hvals('h').sort, %w[1 3])
  c.is('hlen', r.hlen('h'), 2)
  c.is('hexists', r.hexists('h', 'z'), false)
  c.is('hsetnx', r.hsetnx('h', 'c', 9), true)
  c.is('hstrlen', r.call('HSTRLEN', 'h', 'a'), 1)
  c.is('hincrby', r.hincrby('h', 'a', 5), 6)
  c.is('hincrbyfloat', r.hincrbyfloat('h', 'a', 0.5), 6.5)
  c.is('hdel', r.hdel('h', 'c', 'z'), 1)
  c.is('hrandfield', r.hrandfield('h', 5).sort, %w[a b])
  many = numbers(0, n).to_h { |i| ["f#{i}", i] }
  c.is('hset of many', r.hset('H', many), n)
  c.is('hscan_each', r.hscan_each('H', count: 17).to_h, many)
  c.fails('wrong type', 'WRONGTYPE') { r.lpush('h', 'x') }
end

def fields_that_expire(r, c, n)
  r.hset('e', 'a' => 1, 'b' => 2, 'c' => 3)
  c.is('hexpire', r.call('HEXPIRE', 'e', 100, 'FIELDS', 2, 'a', 'z'), [1, -2])
  c.is('httl', r.call('HTTL', 'e', 'FIELDS', 2, 'b', 'z'), [-1, -2])
  c.is('hpersist', r.call('HPERSIST', 'e', 'FIELDS', 1, 'a'), [1])
  c.is('hgetdel', r.call('HGETDEL', 'e', 'FIELDS', 1, 'c'), ['3'])
  c.is('hpexpire', r.call('HPEXPIRE', 'e', 20, 'FIELDS', 1, 'b'), [1])
  500.times { sleep 0.01 if r.hexists('e', 'b') }
  c.is('a field has gone', r.hgetall('e'), { 'a' => '1' })
end

def lists(r, c, n)
  c.is('rpush', r.rpush('l', %w[a b c]), 3)
  c.is('lpush', r.lpush('l', %w[z y]), 5)
  c.is('lrange', r.lrange('l', 0, -1), %w[y z a b c])
  c.is('lindex', r.lindex('l', -1), 'c')
  c.is('lset', r.lset('l', 0, 'x'), 'OK')
  c.is('linsert', r.linsert('l', 'BEFORE', 'z', 'i'), 6)
  c.is('lrem', r.lrem('l', 1, 'i'), 1)
  c.is('lpos', r.call('LPOS', 'l', 'b'), 3)
  c.is('ltrim', r.ltrim('l', 1, 3), 'OK')
  c.is('llen', r.llen('l'), 3)
  c.is('lpop', r.lpop('l'), 'z')
  c.is('rpop', r.rpop('l', 2), %w[b a])
  c.is('lpop of nothing', r.lpop('l'), nil)
  c.is('lpushx', r.lpushx('l', 'v'), 0)
  r.rpush('l', numbers(0, n))
  c.is('lmove', r.lmove('l', 'm', 'LEFT', 'RIGHT'), '0')
  c.is('rpoplpush', r.rpoplpush('l', 'm'), (n - 1).to_s)
  c.is('lmpop', r.call('LMPOP', 2, 'none', 'l', 'LEFT', 'COUNT', 2),
       ['l', %w[1 2]])
  c.is('long list', r.lrange('l', 0, -1), numbers(3, n - 1))
  c.fails('lset beyond', 'ERR index out of range') { r.lset('l', n, 'x') }
end

def sets(r, c, n)
  c.is('sadd', r.sadd('S', %w[a b c a]), 3)
  c.is('sismember', r.sismember('S', 'z'), false)
  c.is('smismember', r.smismember('S', 'a', 'z'), [true, false])
  c.is('smembers', r.smembers('S').sort, %w[a b c])
  c.is('srem', r.srem('S', %w[a z]), 1)
  r.sadd('T', %w[b d])
  c.is('sinter', r.sinter('S', 'T'), %w[b])
  c.is('sintercard', r.call('SINTERCARD', 2, 'S', 'T', 'LIMIT', 1), 1)
  c.is('sunion', r.sunion('S', 'T').sort, %w[b c d])
  c.is('sdiff', r.sdiff('S', 'T'), %w[c])
  c.is('sinterstore', r.sinterstore('U', 'S', 'T'), 1)
  c.is('sunionstore', r.sunionstore('U', 'S', 'T'), 3)
  c.is('sdiffstore', r.sdiffstore('U', 'T', 'S'), 1)
  c.is('smove', r.smove('S', 'U', 'c'), true)
  c.is('srandmember', r.srandmember('U', 9).sort, %w[c d])
  c.is('spop', r.spop('S'), 'b')
  c.is('spop of nothing', r.spop('S'), nil)
  c.is('sadd of many', r.sadd('S', numbers(0, n)), n)
  c.is('sscan_each', r.sscan_each('S', count: 17).to_a.uniq.sort,
       numbers(0, n).sort)
  c.is('scard', r.scard('S'), n)
end

def sorted_sets(r, c, n)
  c.is('zadd', r.zadd('z', [[1, 'a'], [2.5, 'b'], [3, 'c']]), 3)
  c.is('zadd gt ch', r.zadd('z', [[2, 'a'], [1, 'c']], gt: true, ch: true), 1)
  c.is('zadd incr', r.zadd('z', 1, 'a', incr: true), 3.0)
  c.is('zscore', r.zscore('z', 'b'), 2.5)
  c.is('zmscore', r.zmscore('z', 'b', 'none'), [2.5, nil])
  c.is('zcard', r.zcard('z'), 3)
  c.is('zrank', r.zrank('z', 'c'), 2)
  c.is('zrank of nothing', r.zrank('z', 'none'), nil)
  c.is('zrevrank', r.zrevrank('z', 'c'), 0)
  c.is('zrange', r.zrange('z', 0, -1, with_scores: true),
       [['b', 2.5], ['a', 3.0], ['c', 3.0]])
  c.is('zrange rev', r.zrange('z', 0, 0, rev: true), %w[c])
  c.is('zrange byscore', r.zrange('z', '(2.5', '+inf', by_score: true,
                                                       limit: [1, 1]), %w[c])
  c.is('zrangebyscore', r.zrangebyscore('z', '-inf', 2.5), %w[b])
  c.is('zcount', r.zcount('z', 3, '+inf'), 2)
  c.is('zincrby', r.zincrby('z', -0.5, 'b'), 2.0)
  r.zadd('x', 'abcdef'.chars.map { |m| [0, m] })
  c.is('zrangebylex', r.zrangebylex('x', '[b', '(d'), %w[b c])
  c.is('zlexcount', r.zlexcount('x', '-', '+'), 6)
  c.is('zremrangebylex', r.call('ZREMRANGEBYLEX', 'x', '[e', '+'), 2)
  c.is('zrangestore', r.zrangestore('y', 'x', 1, 2), 2)
  c.is('zunionstore', r.zunionstore('u', %w[x z], weights: [2, 3]), 4)
  c.is('its scores', r.zrange('u', 0, -1, with_scores: true),
       [['d', 0.0], ['b', 6.0], ['a', 9.0], ['c', 9.0]])
  c.is('zinterstore', r.zinterstore('u', %w[x z]), 3)
  c.is('zinter', r.zinter('x', 'y'), %w[b c])
  c.is('zdiff', r.zdiff('x', 'z'), %w[d])
  c.is('zintercard', r.call('ZINTERCARD', 2, 'x', 'y'), 2)
  c.is('zpopmin', r.zpopmin('z'), ['b', 2.0])
  c.is('zpopmax', r.zpopmax('z', 2), [['c', 3.0], ['a', 3.0]])
  c.is('zmpop', r.call('ZMPOP', 2, 'z', 'x', 'MIN'), ['x', [%w[a 0]]])
  c.is('zrandmember', r.zrandmember('y', 9).sort, %w[b c])
  c.is('zrem', r.zrem('x', %w[b none]), 1)
  r.zadd('z', (0...n).map { |i| [i / 2.0, "m#{i}"] })
  c.is('zscan_each', r.zscan_each('z', count: 17).to_h,
       (0...n).to_h { |i| ["m#{i}", i / 2.0] })
  c.is('rank within', r.zrank('z', "m#{n - 7}"), n - 7)
  c.is('zremrangebyscore', r.zremrangebyscore('z', 10, '(20'), 20)
  c.is('zremrangebyrank', r.zremrangebyrank('z', 0, 9), 10)
  c.is('zcard after', r.zcard('z'), n - 30)
end

def places(r, c, n)
  c.is('geoadd', r.geoadd('g', 13.361389, 38.115556, 'Palermo',
                          15.087269, 37.502669, 'Catania'), 2)
  c.is('geodist', r.geodist('g', 'Palermo', 'Catania', 'km'), '166.2742')
  c.is('geohash', r.geohash('g', 'Palermo'), ['sqc8b49rny0'])
  c.is('geopos', r.geopos('g', %w[Palermo none]),
       [%w[13.36138933897018433 38.11555639549629859], nil])
  c.is('georadius', r.georadius('g', 15, 37, 200, 'km', sort: 'ASC'),
       %w[Catania Palermo])
  c.is('geosearch', r.call(%w[GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km
                              ASC COUNT 1]), %w[Catania])
  c.is('geosearchstore', r.call(%w[GEOSEARCHSTORE G g FROMMEMBER Palermo
                                   BYRADIUS 100 km]), 1)
end

def streams(r, c, n)
  first = ['1-1', { 'f' => 'v' }]
  second = ['2-0', { 'f' => 'w', 'g' => 'u' }]
  c.is('xadd', r.xadd('X', { 'f' => 'v' }, id: '1-1'), '1-1')
  c.is('xadd next', r.xadd('X', { 'f' => 'w', 'g' => 'u' }, id: '2-0'), '2-0')
  c.is('xlen', r.xlen('X'), 2)
  c.is('xrange', r.xrange('X', count: 1), [first])
  c.is('xrevrange', r.xrevrange('X', count: 1), [second])
  c.is('xread', r.xread('X', '1-1'), { 'X' => [second] })
  c.is('xgroup', r.xgroup(:create, 'X', 'grp', '0'), 'OK')
  c.fails('again', 'BUSYGROUP') { r.xgroup(:create, 'X', 'grp', '0') }
  c.is('xreadgroup', r.xreadgroup('grp', 'c1', 'X', '>', count: 1),
       { 'X' => [first] })
  c.is('xpending', r.xpending('X', 'grp'),
       { 'size' => 1, 'min_entry_id' => '1-1', 'max_entry_id' => '1-1',
         'consumers' => { 'c1' => '1' } })
  c.is('xpending range', r.xpending('X', 'grp', '-', '+', 9)
    .map { |e| e.values_at('entry_id', 'consumer', 'count') },
       [['1-1', 'c1', 1]])
  c.is('xclaim', r.xclaim('X', 'grp', 'c2', 0, '1-1'), [first])
  c.is('xautoclaim', r.xautoclaim('X', 'grp', 'c3', 0, '0-0', justid: true)
    .values_at('next', 'entries'), ['0-0', ['1-1']])
  c.is('xack', r.xack('X', 'grp', '1-1', '9-9'), 1)
  c.is('xinfo', r.xinfo(:groups, 'X')[0]['consumers'], 3)
  c.is('xinfo stream', r.xinfo(:stream, 'X')['last-generated-id'], '2-0')
  c.is('xgroup destroy', r.xgroup(:destroy, 'X', 'grp'), 1)
  c.is('xdel', r.xdel('X', '1-1'), 1)
  ids = r.pipelined { |p| n.times { |i| p.xadd('X', { 'i' => i }) } }
  c.is('entries in order', r.xrange('X', ids[0]),
       ids.each_with_index.map { |id, i| [id, { 'i' => i.to_s }] })
  c.is('xtrim', r.xtrim('X', 10), n + 1 - 10)
end

def bits_and_counts(r, c, n)
  c.is('setbit', r.setbit('B', 7, 1), 0)
  c.is('getbit', r.getbit('B', 7), 1)
  c.is('bitcount', r.bitcount('B'), 1)
  c.is('bitpos', r.bitpos('B', 1), 7)
  r.set('C', "\xff\x0f".b)
  c.is('bitop', r.bitop('XOR', 'D', 'B', 'C'), 2)
  c.is('its bytes', r.get('D').unpack1('H*'), 'fe0f')
  c.is('bitfield', r.call(%w[BITFIELD F SET u8 0 200 OVERFLOW SAT
                             INCRBY u8 0 100 GET u4 0]), [0, 255, 15])
  c.is('pfadd', r.pfadd('p', numbers(0, 100)), true)
  c.is('pfcount', (95..105).cover?(r.pfcount('p')), true)
  r.pfadd('q', numbers(50, 150))
  c.is('pfmerge', r.pfmerge('p', 'q'), true)
  c.is('pfcount of both', (140..160).cover?(r.pfcount('p', 'q')), true)
end

def keys(r, c, n)
  r.flushdb
  got = r.pipelined do |p|
    n.times { |i| p.set("k:#{i}", i) }
    p.hset('h', 'f', 'v')
    p.rpush('l', [3, 1, 2])
    p.zadd('z', 1, 'm')
  end
  c.is('pipeline', got.last(3), [1, 3, true])
  c.is('dbsize', r.dbsize, n + 3)
  c.is('scan_each', r.scan_each(match: 'k:*', count: 13).to_a.uniq.sort,
       (0...n).map { |i| "k:#{i}" }.sort)
  c.is('scan_each type', r.scan_each(type: 'hash').to_a, %w[h])
  c.is('keys', r.keys('?').sort, %w[h l z])
  c.is('exists', r.exists('h', 'l', 'none', 'h'), 3)
  c.is('type', r.type('z'), 'zset')
  c.is('object', r.object('encoding', 'z'), 'listpack')
  c.is('randomkey', r.randomkey.nil?, false)
  c.is('touch', r.call('TOUCH', 'h', 'none'), 1)
  c.is('rename', r.rename('h', 'H'), 'OK')
  c.is('renamenx', r.renamenx('H', 'l'), false)
  c.is('copy', r.copy('H', 'h'), true)
  c.is('copy again', r.copy('H', 'h'), false)
  c.is('expire', r.expire('h', 100), true)
  c.is('expire gt', r.expire('h', 50, gt: true), false)
  c.is('pttl', (98_000..100_000).cover?(r.pttl('h')), true)
  c.is('persist', r.persist('h'), true)
  c.is('unlink', r.unlink('h', 'none'), 1)
  c.is('del', r.del('k:0', 'k:1', 'k:2'), 3)
  c.fails('rename of nothing', 'ERR no such key') { r.rename('none', 'x') }
  c.fails('an error in a pipeline', 'WRONGTYPE') do
    r.pipelined { |p| p.incr('z') && p.llen('l') }
  end
end

def blocking(r, c, n)
  r.rpush('w', %w[a b])
  c.is('blpop', r.blpop('none', 'w', timeout: 5), %w[w a])
  c.is('brpop', r.brpop('w', timeout: 5), %w[w b])
  c.is('blpop of nothing', r.blpop('w', timeout: 0.05), nil)
  r.zadd('wz', 1, 'm')
  c.is('bzpopmin', r.bzpopmin('wz', timeout: 5), ['wz', 'm', 1.0])
  r.rpush('w', 'c')
  c.is('blmove', r.blmove('w', 'v', 'LEFT', 'RIGHT', timeout: 5), 'c')
  c.is('xread block', r.xread('none', '$', block: 20), {})
end

FAMILIES = %i[strings hashes fields_that_expire lists sets sorted_sets places
              streams bits_and_counts keys blocking].freeze

def families(port, db, n, *without)
  c = Checks.new
  r = Redis.new(port: port.to_i, db: db.to_i, timeout: 60)
  r.flushdb
  FAMILIES.each do |family|
    send(family, r, c, n.to_i) unless without.include?(family.to_s)
  end
  r.flushdb
  puts "checks: #{c.count}"
  c.bad.zero?
end

# Adds members through both until standard input ends, and 20 more.
def failover(follower, leader, key)
  f = Redis.new(port: follower.to_i, timeout: 20, reconnect_attempts: 0)
  l = Redis.new(port: leader.to_i, timeout: 5)
  errors = i = 0
  left = 20
  while left.positive?
    f.zadd(key, i, "f#{i}")
    begin
      l.zadd(key, i, "l#{i}")
    rescue Redis::BaseError
      errors += 1
      sleep 0.05
      retry
    end
    i += 1
    if i == 20
      puts 'writing'
      $stdout.flush
    end
    left -= 1 if left < 20 || $stdin.wait_readable(0)
  end
  puts "acknowledged: #{i} errors: #{errors}"
  true
end

require 'io/wait'
exit(send(ARGV[0], *ARGV[1..]))
