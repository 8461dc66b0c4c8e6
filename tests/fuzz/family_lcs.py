"""LCS."""
import pools

COMMANDS = '''lcs kk|lcs kkL|lcs kkLL|lcs kkLLL|lcs kkLLLL|lcs kk|lcs k
set kS|set kS|set kS|append kS|del k|incr k|set kv
command:getkeys:lcs kkL'''.replace('\n', '|').split('|')


def argument(rng, kind):
    if kind == 'L':
        word = rng.choice([b'LEN', b'IDX', b'IDX', b'WITHMATCHLEN', b'idx',
                           b'MINMATCHLEN', b'MINMATCHLEN', b'nosuch', b''])
        if word != b'MINMATCHLEN':
            return word
        return [word, rng.choice([b'0', b'1', b'2', b'3', b'4', b'-1', b'x',
                                  b'100', b'9223372036854775807'])]
    if kind == 'S':
        letters = rng.choice([b'ab', b'abc', b'abcdefgh', bytes(range(256))])
        return bytes(rng.choice(letters)
                     for _ in range(rng.choice([0, 1, 2, 7, 30, 30, 120])))
    return None


def begin(rng):
    return [[b'SET', b'a', b'ohmytext'], [b'SET', b'b', b'mynewtext'],
            [b'HSET', b'c', b'f', b'v']]


def command(rng):
    return pools.command(rng, COMMANDS, argument)


def same(argv, redis, vard):
    return False
