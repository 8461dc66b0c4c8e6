#!/usr/bin/env python3
"""Compares the replies of vard with those of redis-server 7.0.

    redis_diff.py --vard PROGRAM [--seconds N] [--commands N] [--seed N]
                  [--reference PROGRAM] [--family NAME,NAME... | --corners]

Starts one node of vard and one redis-server, each on a free port and in a
directory of its own, and sends both the same: pipelines of random commands
(right and wrong arguments, huge numbers, unknown commands), and raw bytes
that may be no requests at all, in pieces. Replies are compared byte by byte;
of times to live, which two clocks cannot share, the order of magnitude.

With --family, only pipelines, each of the commands that one of the families
makes, family_NAME.py:
begin(rng), the commands that each pipeline begins with; command(rng), another
one; same(argv, redis, vard), whether two decoded replies that differ say the
same, for what has no order or is random. PAUSE in place of a command lets times
pass. VERSION, if there, is the first redis-server that knows the commands: its
family needs a reference like that, while any other is compared with the
redis-server of the system.

With --corners, what corners.txt has, once in RESP2 and once in RESP3.

Differences that are meant stand in redis_exceptions, each with its reason.
What is found can be repeated with the seed that is printed. Ends with
"redis: N passed, N failed", counted in pipelines and connections.
"""
import argparse
import importlib
import os
import random
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TIMEOUT_S = 20
MAX_SHOWN = 10
RAW_BATCH = 16
RAW_TIMEOUT_S = 3
LIMIT = '64mb'  # of one value: vard's default, and then Redis's too

KEYS = [b'a', b'b', b'c', b'num', b'float', b'big', b'', b'k\x00\xff']
WORDS = [b'', b'0', b'1', b'-1', b'10', b'007', b'-0', b'+5', b' 7', b'7 ',
         b'3.5', b'-2.25', b'1e3', b'1e400', b'nan', b'inf', b'-inf', b'0x1A',
         b'1_0', b'abc', b'hello world', b'\x00\x01\xff', b'NX', b'XX', b'GET',
         b'EX', b'PX', b'EXAT', b'PXAT', b'KEEPTTL', b'PERSIST', b'GT', b'LT',
         b'100', b'100000', b'-100', b'9223372036854775807',
         b'-9223372036854775808', b'9223372036854775808',
         b'-9223372036854775809', b'18446744073709551616', b'4611686018427387904',
         b'4611686018427387', b'99999999999999999999999', b'ASYNC', b'SYNC',
         b'1.7976931348623157e308', b'4.9e-324', b'0.1', b'17179869184']
# Name (with a colon between its words), and the kinds of its arguments: k key,
# v value, i integer, f float,
# o offset, t seconds, m milliseconds, T and M the same as a point in time,
# x an option.
COMMANDS = '''set kv|set kvx|set kvxx|set kvxt|set kvxtx|setnx kv|setex ktv
psetex kmv|get k|getset kv|getdel k|getex k|getex kx|getex kxt|getex kxT
append kv|strlen k|setrange kov|getrange koo|substr koo|incr k|decr k
incrby ki|decrby ki|incrbyfloat kf|mget k|mget kk|mget kkk|mset kv|mset kvkv
mset kvk|msetnx kv|msetnx kvkv|del k|del kkk|unlink kk|exists k|exists kkk
touch kk|type k|expire kt|expire ktx|expire ktxx|pexpire km|pexpire kmx
expireat kT|expireat kTx|pexpireat kM|persist k|ttl k|pttl k|expiretime k
pexpiretime k|dbsize |flushdb |flushall |flushdb x|select i|echo v|ping |ping v
nosuch kv|get |get kk|set k|incrby k|mset |expire k|client:kill v
client:kill:addr v|client:kill:laddr v|client:setname v|client:getname
client:no-evict v|command:getkeys:mset kvkv|command:getkeysandflags:set kvx
command:getkeysandflags:getex kx|config:get v|auth v|set kvxtxx'''.replace(
    '\n', '|').split('|')
TIMES = re.compile(rb'(?i)^h?(ttl|pttl|expiretime|pexpiretime)$')
PAUSE = [b'PAUSE']
PAUSE_S = 0.02


class Server:
    """A process on a port of its own; gone when the block ends."""

    def __init__(self, name, command):
        self.name = name
        self.dir = tempfile.mkdtemp(prefix=f'fuzz-{name}-')
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.port = s.getsockname()[1]
        self.log = open(os.path.join(self.dir, 'log'), 'wb')
        self.process = subprocess.Popen(
            command(self.port, self.dir), cwd=self.dir, stdout=self.log,
            stderr=self.log, stdin=subprocess.DEVNULL)

    def __enter__(self):
        end = time.monotonic() + TIMEOUT_S
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with self.connect() as s:
                    s.sendall(b'SET ready 1\r\n')
                    if s.recv(100).startswith(b'+OK'):
                        return self
            except OSError:
                pass
            time.sleep(0.05)
        self.__exit__()
        raise SystemExit(f'redis_diff: {self.name} did not start')

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def connect(self):
        s = socket.create_connection(('127.0.0.1', self.port), TIMEOUT_S)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s


def vard_command(program):
    return lambda port, where: [program, '--port', str(port), '--dir', where,
                                '--bind', '127.0.0.1', '--loglevel', 'warning',
                                '--min-free-disk', '0']


def redis_command(program):
    return lambda port, where: [program, '--port', str(port), '--dir', where,
                                '--bind', '127.0.0.1', '--save', '',
                                '--appendonly', 'no', '--loglevel', 'warning',
                                '--proto-max-bulk-len', LIMIT]


# ---- replies --------------------------------------------------------------

class Replies:
    """Takes whole replies off a connection."""

    def __init__(self, sock):
        self.sock, self.data = sock, b''

    def more(self):
        piece = self.sock.recv(1 << 20)
        if not piece:
            raise EOFError
        self.data += piece

    def line_end(self, at):
        while (end := self.data.find(b'\r\n', at)) < 0:
            self.more()
        return end + 2

    def end_of(self, at):
        end = self.line_end(at)
        kind, rest = self.data[at:at + 1], self.data[at + 1:end - 2]
        if kind in b'$=' and int(rest) >= 0:
            while len(self.data) < end + int(rest) + 2:
                self.more()
            return end + int(rest) + 2
        if kind in b'*~%':
            for _ in range(max(0, int(rest)) * (2 if kind == b'%' else 1)):
                end = self.end_of(end)
        return end

    def next(self):
        end = self.end_of(0)
        reply, self.data = self.data[:end], self.data[end:]
        return reply


def decode(reply, at=0):
    """A whole reply as (kind, value), and where it ends."""
    end = reply.index(b'\r\n', at) + 2
    kind, rest = chr(reply[at]), reply[at + 1:end - 2]
    if kind in '$=':
        length = int(rest)
        if length < 0:
            return (kind, None), end
        return (kind, reply[end:end + length]), end + length + 2
    if kind not in '*~%' or int(rest) < 0:
        return (kind, rest), end
    found = []
    for _ in range(int(rest) * (2 if kind == '%' else 1)):
        one, end = decode(reply, end)
        found.append(one)
    return (kind, found), end


def integer_of(reply):
    m = re.fullmatch(rb':(-?\d+)\r\n', reply)
    return int(m.group(1)) if m else None


def near(name, a, b):
    """Times to live, or points in time, as two clocks see them; of fields, an
    array of them."""
    if a[:1] == b'*' == b[:1]:
        times, ours = decode(a)[0][1], decode(b)[0][1]
        return len(times) == len(ours) and \
            all(x == y or near(name, *(b':%s\r\n' % t[1] for t in (x, y)))
                for x, y in zip(times, ours))
    x, y = integer_of(a), integer_of(b)
    slack = 5000 if b'p' in name.lower()[:2] else 5
    return x is not None and y is not None and x > 0 and y > 0 \
        and abs(x - y) <= slack


# ---- what is sent ---------------------------------------------------------

def encode(argv):
    return b'*%d\r\n' % len(argv) + b''.join(
        b'$%d\r\n%s\r\n' % (len(a), a) for a in argv)


def argument(rng, kind):
    if rng.random() < 0.08:
        return rng.choice(WORDS)
    if kind == 'k':
        return rng.choice(KEYS)
    if kind == 'i':
        return rng.choice([b'%d' % rng.randint(-1000, 1000),
                           b'%d' % rng.randint(-2**63, 2**63 - 1),
                           rng.choice(WORDS)])
    if kind == 'f':
        return rng.choice([b'%d' % rng.randint(-1000, 1000),
                           repr(rng.uniform(-1e6, 1e6)).encode(),
                           repr(rng.uniform(-1, 1)).encode(),
                           b'%de%d' % (rng.randint(-99, 99),
                                       rng.randint(-30, 30)),
                           rng.choice(WORDS)])
    if kind == 'o':  # no offset that would make a huge value
        return b'%d' % rng.choice([rng.randint(-20, 300), 2**40, -2**40,
                                   2**26, 2**63 - 1, -2**63, 2**29 + 1])
    if kind == 't':  # far away, in the past, or not a time
        return b'%d' % rng.choice([1000, 5000, 100000, 0, -1, 2**40, 2**62,
                                   2**63 - 1, -2**63, 9223372036854775])
    if kind == 'm':
        return b'%d' % rng.choice([1000000, 5000000, 0, -1, 2**50, 2**62,
                                   2**63 - 1, -2**63])
    if kind == 'T':
        return b'%d' % rng.choice([4000000000, 1, 0, -1, 2**62, 5000000000])
    if kind == 'M':
        return b'%d' % rng.choice([4000000000000, 1, 0, -1, 2**62, 2**63 - 1])
    if kind == 'x':
        return rng.choice(WORDS[22:33])
    return rng.choice([rng.choice(WORDS), rng.randbytes(rng.randint(0, 20)),
                       b'%d' % rng.randint(-10**6, 10**6)])


def let_live(argv):
    """A key with a second to live may end on one side only."""
    for i in range(1, len(argv)):
        timed = argv[i - 1].upper() in (b'EX', b'PX') or \
            (i == 2 and re.fullmatch(rb'(?i)p?(setex|expire)', argv[0]))
        if timed and argv[i] in (b'1', b'10', b'100', b'1000'):
            argv[i] = b'100000'
    return argv


def random_command(rng):
    name, _, kinds = rng.choice(COMMANDS).strip().partition(' ')
    argv = [n.encode() for n in name.split(':')] + \
        [argument(rng, k) for k in kinds]
    if rng.random() < 0.03:
        argv.append(rng.choice(WORDS))
    elif rng.random() < 0.03 and len(argv) > 1:
        argv.pop()
    if rng.random() < 0.1:
        argv[0] = bytes(rng.choice([c, c ^ 32]) if chr(c).isalpha() else c
                        for c in argv[0])
    return let_live(argv)


FRAGMENTS = [b'\r\n', b'\n', b'\r', b'*', b'$', b'*1\r\n', b'*2\r\n', b'*0\r\n',
             b'*-1\r\n', b'*-5\r\n', b'*abc\r\n', b'*1048577\r\n',
             b'*2147483648\r\n', b'$0\r\n\r\n', b'$-1\r\n', b'$abc\r\n',
             b'$4\r\nPING\r\n', b'$4\r\nPINGxx', b'$67108865\r\n',
             b'$536870913\r\n', b'$99999999999999999999\r\n', b'+OK\r\n',
             b':1\r\n', b'PING\r\n', b'ping "a\\x41"\r\n', b"ECHO 'it''s'\r\n",
             b'ECHO "open\r\n', b"ECHO 'a'b\r\n", b'SET a "\\n\\r\\t"\r\n',
             b'GET a\r\n', b'  PING  \r\n', b'\tPING\r\n', b'nosuch a b\r\n',
             b'*1\r\n$4\r\nPING\r\n', b'*2\r\n$4\r\nECHO\r\n$2\r\n\r\n\r\n',
             b'*01\r\n$4\r\nPING\r\n', b'*1\r\n$04\r\nPING\r\n',
             b'*+1\r\n$4\r\nPING\r\n', b'*1 \r\n$4\r\nPING\r\n',
             b'*1\n$4\nPING\n', b'INCR num\r\n', b'QUIT\r\n', b'"PING"\r\n',
             b'*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n', b'E\x01\xff\r\n']


def random_bytes(rng):
    commands = [encode(c) for c in (random_command(rng) for _ in range(6))
                if c[0].lower() not in (b'flushall', b'select')]
    out = b''.join(rng.choice(FRAGMENTS) if rng.random() < 0.75 or not commands
                   else rng.choice(commands) for _ in range(rng.randint(1, 6)))
    if rng.random() < 0.3 and out:
        at = rng.randrange(len(out))
        out = out[:at] + bytes([rng.choice(b'0159-*$\r\nA"\' ')]) + out[at + 1:]
    return out.replace(b'\x00', b'0')  # see redis_exceptions


# ---- comparing ------------------------------------------------------------

class Talk:
    """A connection that sends raw bytes, and what came back."""

    def __init__(self, server, db):
        self.db, self.out, self.open = db, b'', True
        self.sock = server.connect()
        self.sock.sendall(b'SELECT %d\r\nFLUSHDB\r\n' % db)
        replies = Replies(self.sock)
        for _ in range(2):
            replies.next()
        self.sock.setblocking(False)

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            pass  # closed by the server; what it said can still be read

    def read(self):
        """True if anything happened."""
        try:
            piece = self.sock.recv(1 << 16)
        except BlockingIOError:
            return False
        except OSError:
            piece = b''
        self.out += piece
        self.open = bool(piece)
        return True

    def close(self):
        """Everything, and whether the server has closed."""
        self.sock.close()
        return self.out + (b'' if self.open else b'<closed>')


def settle(talks):
    """Reads until both sides say the same and nothing more comes; what still
    differs after a while is a difference."""
    end = time.monotonic() + RAW_TIMEOUT_S
    quiet = 0
    while time.monotonic() < end and quiet < 3:
        moved = [t.read() for t in sum(talks, []) if t.open]
        same = all(a.out == b.out and a.open == b.open for a, b in zip(*talks))
        quiet = quiet + 1 if same and not any(moved) else 0
        if not any(moved):
            time.sleep(0.02)


class Corner:
    """A section of corners.txt, as one server answers it."""

    def __init__(self, server, version):
        self.server = server
        self.socks = {n: server.connect() for n in '12'}
        self.replies = {n: Replies(s) for n, s in self.socks.items()}
        self.waiting = []
        self.send('2', [b'HELLO', version])
        self.send('1', [b'HELLO', version])
        self.send('1', [b'FLUSHALL'])

    def send(self, name, argv):
        self.socks[name].sendall(encode(argv))
        return self.replies[name].next()

    def wait_until_blocked(self):
        end = time.monotonic() + TIMEOUT_S
        while time.monotonic() < end:
            if b'\r\nblocked_clients:1\r\n' in \
                    self.send('1', [b'INFO', b'clients']):
                return
            time.sleep(0.01)
        raise EOFError(f'{self.server.name} does not wait')

    def play(self, line):
        """The command, and its reply; of one that waits none yet."""
        if line == '2<':
            return self.waiting, self.replies['2'].next()
        waits = line.startswith('2> ')
        argv = [w.encode().decode('unicode_escape').encode('latin1')
                for w in shlex.split(line[3:] if waits else line)]
        if not waits:
            return argv, self.send('1', argv)
        self.socks['2'].sendall(encode(argv))
        self.waiting = argv
        self.wait_until_blocked()
        return argv, b''

    def close(self):
        for s in self.socks.values():
            s.close()


def read_corners(path):
    """Titles and lines of its sections that are ready."""
    found = []
    for line in path.read_text().splitlines():
        if line.startswith('['):
            found.append((line, []))
        elif line and not line.startswith('#'):
            found[-1][1].append(line)
    return [f for f in found if '(not yet' not in f[0]]


class Diff:
    def __init__(self, servers, exceptions, families):
        self.servers, self.exceptions = servers, exceptions
        self.families, self.judges = families, []
        self.passed = self.failed = self.commands = self.excused = 0
        self.shown = 0

    def same(self, argv, redis, vard):
        if redis == vard:
            return True
        if argv and TIMES.match(argv[0]) and near(argv[0], redis, vard):
            return True
        if any(f.same(argv, decode(redis)[0], decode(vard)[0])
               for f in self.judges):
            return True
        sent = b' '.join(repr(a)[2:-1].encode() for a in argv)
        text = f'{sent.decode()} => {redis!r} | {vard!r}'
        if any(e.search(text) for e in self.exceptions):
            self.excused += 1
            return True
        if self.shown < MAX_SHOWN:
            print(f'redis_diff: sent  {sent.decode()[:300]}\n'
                  f'            redis {redis[:200]!r}\n'
                  f'            vard  {vard[:200]!r}')
        self.shown += 1
        return False

    def pipeline(self, rng):
        family = rng.choice(self.families) if self.families else None
        if family:
            self.judges = [family]
            commands = family.begin(rng) + \
                [family.command(rng) for _ in range(100)]
        else:
            commands = [random_command(rng) for _ in range(100)]
        hello = [b'HELLO', rng.choice([b'2', b'3'])]
        parts = [[[b'FLUSHALL'], hello]]
        for argv in commands:
            if argv == PAUSE:
                parts.append([])
            else:
                parts[-1].append(argv)
        commands = sum(parts, [])[2:]
        replies = []
        for server in self.servers:
            with server.connect() as s:
                r, found = Replies(s), []
                for part in parts:
                    time.sleep(PAUSE_S if found else 0)
                    s.sendall(b''.join(map(encode, part)))
                    found += [r.next() for _ in part]
                replies.append(found[2:])
        good = True
        for argv, redis, vard in zip(commands, *replies):
            excused = self.excused
            if not self.same(argv, redis, vard):
                good = False
                break  # what follows may differ for the same reason
            if self.excused > excused and argv[0].upper() == b'EXEC':
                break  # one of them has executed it, the other has not
        self.commands += len(commands)
        return good

    def corner(self, lines, version):
        sides = [Corner(s, version) for s in self.servers]
        good = True
        for line in lines:
            (argv, redis), (_, vard) = [s.play(line) for s in sides]
            good &= self.same(argv, redis, vard)
            self.commands += 1
        for s in sides:
            s.close()
        return good

    def corners(self, sections):
        self.judges = [importlib.import_module('family_group')]
        for version in (b'2', b'3'):
            for title, lines in sections:
                try:
                    good = self.corner(lines, version)
                except (OSError, EOFError, ValueError) as e:
                    print(f'redis_diff: {e!r}')
                    good = False
                if not good:
                    print(f'redis_diff: {title} in RESP{version.decode()}')
                self.passed += good
                self.failed += not good

    def raw(self, rng):
        """RAW_BATCH connections at a time, each in a database of its own."""
        inputs = [random_bytes(rng) for _ in range(RAW_BATCH)]
        cuts = [sorted(rng.randrange(len(d) + 1) for _ in range(2))
                for d in inputs]
        talks = [[Talk(s, db) for db in range(RAW_BATCH)]
                 for s in self.servers]
        for part in range(3):
            for talk in sum(talks, []):
                data, (a, b) = inputs[talk.db], cuts[talk.db]
                talk.send((data[:a], data[a:b], data[b:])[part])
        settle(talks)
        good = True
        for data, a, b in zip(inputs, *talks):
            good &= self.same([data], a.close(), b.close())
        return good

    def run(self, rng, seconds, commands):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.failed < MAX_SHOWN and \
                self.commands < commands:
            one = random.Random(rng.getrandbits(64))
            kind = self.pipeline if self.families or rng.random() < 0.5 \
                else self.raw
            try:
                good = kind(one)
            except (OSError, EOFError, ValueError) as e:
                print(f'redis_diff: {kind.__name__}: {e!r}')
                good = False
            self.passed += good
            self.failed += not good


def read_exceptions(path):
    """Lines "PATTERN  # reason"."""
    found = []
    for line in path.read_text().splitlines():
        pattern, _, reason = line.partition('  # ')
        if not pattern.strip() or pattern.startswith('#'):
            continue
        if not reason.strip():
            raise SystemExit(f'{path}: no reason: {line}')
        found.append(re.compile(pattern.strip(), re.S))
    return found


def require_version(server, needed):
    """What the reference must know."""
    with server.connect() as s:
        s.sendall(encode([b'INFO', b'server']))
        told = re.search(rb'redis_version:(\d+)\.(\d+)', Replies(s).next())
    if tuple(map(int, told.groups())) < needed:
        raise SystemExit('redis_diff: this family needs a redis-server of '
                         f'version {needed[0]}.{needed[1]}: --reference')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--vard', required=True)
    parser.add_argument('--reference', default='redis-server')
    parser.add_argument('--seconds', type=float, default=20)
    parser.add_argument('--commands', type=int, default=10**9)
    parser.add_argument('--family', default='')
    parser.add_argument('--corners', action='store_true')
    parser.add_argument('--seed', type=int)
    args = parser.parse_args()
    seed = random.SystemRandom().getrandbits(32) if args.seed is None \
        else args.seed
    here = Path(__file__).parent
    exceptions = read_exceptions(here / 'redis_exceptions')
    vard = str(Path(args.vard).resolve())
    families = [importlib.import_module('family_' + name)
                for name in args.family.split(',') if name]
    with Server('redis', redis_command(args.reference)) as redis, \
            Server('vard', vard_command(vard)) as node:
        require_version(redis, max(getattr(f, 'VERSION', (7, 0))
                                   for f in families or [None]))
        diff = Diff((redis, node), exceptions, families)
        if args.corners:
            diff.corners(read_corners(here / 'corners.txt'))
        else:
            diff.run(random.Random(seed), args.seconds, args.commands)
        for server in (redis, node):
            if server.process.poll() is not None:
                print(f'redis_diff: {server.name} has ended')
                diff.failed += 1
    print(f'redis_diff: seed {seed}, {diff.commands} commands in pipelines, '
          f'{diff.excused} differences excused')
    print(f'redis: {diff.passed} passed, {diff.failed} failed')
    return 1 if diff.failed or not diff.passed else 0


if __name__ == '__main__':
    sys.exit(main())
