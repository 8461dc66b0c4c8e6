"""Bitmaps and bit fields."""
import pools

COMMANDS = '''setbit kob|setbit kob|setbit kob|getbit ko|getbit ko|bitcount k
bitcount krr|bitcount krr|bitcount krru|bitcount kr|bitcount krruu|bitpos kb
bitpos kbr|bitpos kbrr|bitpos kbrru|bitpos kbrru|bitpos kbrruu|bitop wkk
bitop wkk|bitop wkkk|bitop wkkkk|bitop wk|bitfield k|bitfield kF|bitfield kFF
bitfield kFFF|bitfield kFFFF|bitfield_ro kG|bitfield_ro kGG|bitfield_ro kF
bitfield_ro k|set kB|set kB|setrange krB|append kB|strlen k|get k|del k
getrange krr|set kv|incr k|expire kt|ttl k|exists kk
command:getkeysandflags:bitfield kFF'''.replace('\n', '|').split('|')
OFFSETS = [0, 1, 6, 7, 8, 9, 15, 16, 17, 63, 64, 65, 71, 127, 128, 1000, 131071,
           131072, 131073, 262143, 262144, 300000, -1, -8, 2**32, 2**40, 2**63 - 1,
           -2**63, 2**63]
TYPES = [b'i1', b'i2', b'i5', b'i8', b'i16', b'i31', b'i32', b'i63', b'i64',
         b'u1', b'u2', b'u7', b'u8', b'u9', b'u16', b'u32', b'u33', b'u63',
         b'i0', b'u0', b'u64', b'i65', b'i-1', b'u', b'', b'x8', b'I8', b'i8 ',
         b'i08', b'u8\x00z', b'i\x00', b'i 8', b'u+8']
NUMBERS = [0, 1, -1, 2, 7, 127, 128, 255, 256, -127, -128, -129, 32767, 65536,
           2**31, 2**32, 2**62, 2**63 - 1, -2**63, 2**63]
BAD = [b'', b'x', b'1.5', b' 1', b'01', b'-0', b'#', b'#-1', b'##1']


def number(rng, pool):
    if rng.random() < 0.06:
        return rng.choice(BAD)
    return b'%d' % rng.choice(pool)


def offset_of_field(rng):
    if rng.random() < 0.3:
        return b'#%d' % rng.choice([0, 1, 2, 3, 10, 100, 5000])
    return number(rng, OFFSETS)


def operation(rng, reads):
    verb = rng.choice([b'GET', b'get'] if reads else [
        b'GET', b'SET', b'SET', b'INCRBY', b'INCRBY', b'incrby', b'OVERFLOW',
        b'nosuch'])
    if verb == b'OVERFLOW':
        return [verb, rng.choice([b'WRAP', b'SAT', b'sat', b'FAIL', b'fail',
                                  b'none'])]
    argv = [verb, rng.choice(TYPES[:18] if rng.random() < 0.9 else TYPES),
            offset_of_field(rng)]
    if verb.upper() in (b'SET', b'INCRBY'):
        argv.append(number(rng, NUMBERS))
    return argv[:-1] if rng.random() < 0.03 else argv


def argument(rng, kind):
    if kind == 'o':
        return number(rng, OFFSETS)
    if kind == 'b':
        return rng.choice([b'0', b'1', b'0', b'1', b'2', b'-1', b'x', b''])
    if kind == 'r':
        return number(rng, [0, 1, -1, 2, -2, 3, -3, 7, 8, 9, -8, -9, 20, -20,
                            16383, 16384, 16385, 20000, 131072, -131072,
                            2**31, 2**62, -2**62, 2**63 - 1, -2**63])
    if kind == 'u':
        return rng.choice([b'BIT', b'BYTE', b'bit', b'byte', b'BITS', b''])
    if kind == 'w':
        return rng.choice([b'AND', b'OR', b'XOR', b'NOT', b'and', b'not',
                           b'ANDOR', b''])
    if kind in 'FG':
        return operation(rng, kind == 'G')
    if kind == 'B':
        return rng.choice([
            rng.randbytes(rng.randint(0, 20)), b'\x00' * rng.randint(0, 20),
            b'\xff' * rng.randint(0, 20), rng.randbytes(16384),
            rng.randbytes(rng.randint(16000, 17000)),
            b'\x00' * rng.randint(16300, 50000) + rng.randbytes(3),
            b'\xff' * rng.randint(16300, 50000)])
    return None


def begin(rng):
    return [[b'SET', b'a', rng.randbytes(rng.choice([3, 16, 16385]))],
            [b'SET', b'b', b'\xff' * rng.choice([3, 16, 16385])],
            [b'HSET', b'c', b'f', b'v']]


def command(rng):
    return pools.command(rng, COMMANDS, argument)


def same(argv, redis, vard):
    return False
