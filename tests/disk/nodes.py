#!/usr/bin/env python3
"""Whole nodes on disks that fail.

    nodes.py --build DIR --work DIR [--seed N] SCENARIO[=COUNT] ...

power1=N   one node under load; N power cuts
power3=N   three nodes under load, one killed and started again meanwhile; N
           power cuts of all three at the same instant
call=N     one node, a call of which fails; N of them
hang       three nodes, the leader's disk hangs: another leads, and the old one
           comes back when its disk does
full       one node on a small file system: it refuses writes before the disk
           is full, reads, and writes again when there is room, also without a
           floor; at full speed it never ends, and deletions make room; another
           process takes all of the disk; a start on a full disk

Each prints a line per failure and ends with "NAME: N passed, N failed".
Load: writers of their own keys, each value a number that grows. After a
power cut a key must have a value at least as new as the last acknowledged
before it, and none that was not sent before it.
"""
import argparse
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

# Numbers of IMAGE_CUTS in image.h, the meanest first: all lost, torn, any
# sectors, a prefix, zeroes, names alone, one lost, data alone, all kept.
CUTS = [1, 7, 8, 5, 4, 2, 6, 3, 0]
SECTORS, ONE_LOST = 8, 6
VALUE_PAD = 700
START_S = 20
# Merges make room, with low priority.
ROOM_S = 60


# --- one node ---------------------------------------------------------------

class Reply(Exception):
    pass


class Client:
    def __init__(self, port, timeout=5):
        self.sock = socket.create_connection(('127.0.0.1', port), timeout)
        self.sock.settimeout(timeout)
        self.file = self.sock.makefile('rb')

    def call(self, *args):
        parts = [b'*%d\r\n' % len(args)]
        for a in args:
            a = a if isinstance(a, bytes) else str(a).encode()
            parts.append(b'$%d\r\n%s\r\n' % (len(a), a))
        self.sock.sendall(b''.join(parts))
        return self.reply()

    def reply(self):
        line = self.file.readline()
        if not line.endswith(b'\r\n'):
            raise OSError('closed')
        kind, rest = line[:1], line[1:-2]
        if kind == b'-':
            raise Reply(rest.decode())
        if kind == b'$':
            size = int(rest)
            return None if size < 0 else self.file.read(size + 2)[:-2]
        return int(rest) if kind == b':' else rest

    def close(self):
        self.sock.close()


def free_ports(count):
    """Pairs for clients and peers; below the range that the system gives to
    outgoing connections, which may come between."""
    ports = []
    while len(ports) < 2 * count:
        port = random.randrange(15000, 32000)
        with socket.socket() as s:
            try:
                s.bind(('127.0.0.1', port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
    return list(zip(ports[::2], ports[1::2]))


class Node:
    """A vard process, its configuration and its data directory."""

    def __init__(self, test, number, ports, data):
        self.test, self.number, self.data = test, number, data
        self.port = ports[number - 1][0]
        self.said = test.work / f'{data.name}-{number}.said'
        self.process = None
        members = ''.join(
            f'node {i + 1} 127.0.0.1:{peer} 127.0.0.1:{client}\n'
            for i, (client, peer) in enumerate(ports)) if len(ports) > 1 else ''
        self.config = test.work / f'{data.name}-{number}.conf'
        self.config.write_text(
            f'port {self.port}\nnode-id {number}\ndir {data}\n{members}'
            'cluster-id disk\nelection-timeout 200\nheartbeat-interval 40\n'
            'disk-timeout 600\nrequest-timeout 4000\nstate-memory 1mb\n'
            f'log-size 1mb\nlog-size-max 8mb\n'
            f'proto-max-bulk-len 1mb\n'
            f'min-free-disk {test.floor}\n')

    def start(self, **env):
        self.data.mkdir(parents=True, exist_ok=True)
        os.chmod(self.data, 0o700)
        out = open(self.said, 'ab')
        self.process = subprocess.Popen(
            [self.test.build / 'vard', self.config], stdout=out,
            stderr=out, env={**os.environ, **env})
        out.close()
        self.test.running.add(self)

    def journal_env(self, name, tape):
        t = self.test
        return {'LD_PRELOAD': str(t.build / 'tests/libjournal.so'),
                'DISK_ROOT': str(self.data), 'DISK_TAPE': str(tape),
                'DISK_CLOCK': str(t.work / f'{name}.clock'),
                'DISK_SYNC_US': '1000'}

    def end(self, how=signal.SIGKILL):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.test.running.discard(self)
        return self.process.returncode

    def text(self):
        return self.said.read_text(errors='replace')


def wait_ready(nodes, seconds=START_S):
    """A client of a node that answers reads, through a leader."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for node in nodes:
            if node.process.poll() is not None:
                raise Failure(f'node {node.number} ended: '
                              f'{node.text()[-600:].strip()}')
        for node in nodes:
            try:
                c = Client(node.port, 2)
                c.call('GET', 'ready?')
                return c
            except (OSError, Reply):
                pass
        time.sleep(0.02)
    raise Failure('no node answers')


class Failure(Exception):
    pass


# --- load -------------------------------------------------------------------

def write_key(port_of, key, log, stop):
    """Writes 1, 2, 3, ... to one key; notes what it sends and what is
    acknowledged. An unclear outcome is sent again, to the next node."""
    client, n, turn = None, 0, 0
    while not stop.is_set():
        n += 1
        os.write(log, f'S {key} {n}\n'.encode())
        while not stop.is_set():
            try:
                if client is None:
                    client = Client(port_of(turn), 3)
                client.call('SET', key, b'%d ' % n + b'.' * VALUE_PAD)
                os.write(log, f'A {key} {n}\n'.encode())
                break
            except (OSError, Reply, ValueError):
                turn += 1
                client = None
                time.sleep(0.01)


def load(argv):
    """nodes.py --load SECONDS WRITERS NOTES PORT...: runs with the journal,
    which numbers the notes together with the nodes' records."""
    seconds, writers, notes = float(argv[0]), int(argv[1]), argv[2]
    ports = [int(p) for p in argv[3:]]
    log = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    stop = threading.Event()
    threads = [threading.Thread(target=write_key, args=(
        lambda turn, w=w: ports[(w + turn) % len(ports)], f'key{w}', log,
        stop)) for w in range(writers)]
    for t in threads:
        t.start()
    time.sleep(seconds)
    stop.set()
    for t in threads:
        t.join()


class History:
    """Notes of a load, as far as they go."""

    def __init__(self, lines):
        self.events = []
        for line in lines:
            seq, kind, key, n = line.split()
            self.events.append((int(seq), kind, key, int(n)))

    def bounds(self, at):
        acked, sent = {}, {}
        for seq, kind, key, n in self.events:
            if seq > at:
                break
            (acked if kind == 'A' else sent)[key] = n
        return acked, sent


def check_values(client, acked, sent):
    for key, last in sent.items():
        low = acked.get(key, 0)
        value = client.call('GET', key)
        n = 0 if value is None else int(value.split()[0])
        if not low <= n <= last:
            raise Failure(f'{key} is {n}: acknowledged was {low}, sent {last}')


# --- scenarios --------------------------------------------------------------

class Test:
    def __init__(self, args):
        self.build = pathlib.Path(args.build).resolve()
        self.work = pathlib.Path(args.work).resolve()
        self.random = random.Random(args.seed)
        self.floor = '0'
        self.running = set()
        self.passed = self.failed = 0
        self.outcomes = {}

    def tool(self, *args):
        return subprocess.run([self.build / 'tests/disk_rebuild', *args],
                              check=True, capture_output=True, text=True,
                              timeout=60).stdout

    def judge(self, what, body):
        try:
            body()
            self.passed += 1
        except (Failure, OSError, Reply, subprocess.SubprocessError) as e:
            self.failed += 1
            print(f'{what}: {e}', flush=True)
        finally:
            for node in list(self.running):
                node.end()

    def finish(self, name):
        print(f'{name}: {self.passed} passed, {self.failed} failed',
              flush=True)
        failed, self.passed, self.failed = self.failed, 0, 0
        return failed

    # Power cuts.

    def record(self, name, count, seconds):
        """Nodes under load, one of them killed and started again."""
        ports = free_ports(count)
        nodes = [Node(self, i + 1, ports, self.work / f'{name}{i + 1}')
                 for i in range(count)]
        tapes = [self.work / f'{name}{i + 1}.tape' for i in range(count)]
        envs = [n.journal_env(name, t) for n, t in zip(nodes, tapes)]
        for node, env in zip(nodes, envs):
            node.start(**env)
        wait_ready(nodes).close()
        notes = self.work / f'{name}.notes'
        env = {**envs[0], 'DISK_ROOT': str(self.work / 'nothing'),
               'DISK_TAPE': str(self.work / f'{name}.load'),
               'DISK_NOTES': str(notes)}
        loader = subprocess.Popen(
            [sys.executable, __file__, '--load', str(seconds), '6',
             str(notes)] + [str(n.port) for n in nodes],
            env={**os.environ, **env})
        for turn in range(2):
            time.sleep(seconds / 3)
            victim = nodes[turn % count]
            victim.end()
            victim.start(**envs[turn % count])
        loader.wait(30)
        for node in nodes:
            node.end(signal.SIGTERM)
        for node, tape in zip(nodes, tapes):
            self.tool(tape, 'compare', node.data)
        history = History(
            self.tool(self.work / f'{name}.load', 'notes').splitlines())
        return tapes, history

    def cut(self, name, tapes, history, number):
        low, high = history.events[0][0], history.events[-1][0]
        at = self.random.randrange(low, high)
        cut = CUTS[number % len(CUTS)]
        model = self.random.choice(['posix', 'journal'])
        if cut == ONE_LOST:
            model = 'journal'  # see README.md: a refusal is allowed
        pick = self.random.randrange(1 << 30)
        acked, sent = history.bounds(at)

        def body():
            ports = free_ports(len(tapes))
            nodes = []
            for i, tape in enumerate(tapes):
                data = self.work / f'{name}-after{i + 1}'
                self.tool(tape, str(at), model, str(cut), str(pick), data)
                nodes.append(Node(self, i + 1, ports, data))
                nodes[-1].said.unlink(missing_ok=True)
            for node in nodes:
                node.start()
            try:
                client = wait_ready(nodes)
            except Failure as e:
                if cut == SECTORS and 'MANIFEST' in str(e) and \
                        'is damaged' in str(e):
                    print(f'{name} at {at}: refused (allowed): {e}')
                    return
                raise
            check_values(client, acked, sent)
            client.call('SET', 'after', 'the cut')

        self.judge(f'{name} at {at}, {model}, cut {cut}, pick {pick}', body)
        for i in range(len(tapes)):
            shutil.rmtree(self.work / f'{name}-after{i + 1}',
                          ignore_errors=True)

    def power(self, count, cuts):
        name = f'power{count}'
        recorded = []
        self.judge(f'{name}: recording', lambda: recorded.extend(
            self.record(name, count, 3.0)))
        if recorded:
            tapes, history = recorded
            acks = sum(e[1] == 'A' for e in history.events)
            print(f'{name}: {acks} writes acknowledged, records '
                  f'{history.events[0][0]} to {history.events[-1][0]}',
                  flush=True)
            for number in range(cuts):
                self.cut(name, tapes, history, number)
        return self.finish(f'disk-{name}')

    # Calls that fail.

    def call(self, count):
        rules = ['sync:{}:EIO', 'write:{}:EIO', 'write:{}+:ENOSPC',
                 'sync:{}+:EIO', 'open:{}+:EMFILE:.sst']
        for i in range(count):
            nth = self.random.randrange(1, 4) if 'open' in rules[i % 5] \
                else self.random.randrange(1, 200)
            rule = rules[i % len(rules)].format(nth)
            self.judge(f'call {rule}', lambda: self.one_call(rule))
            shutil.rmtree(self.work / 'call', ignore_errors=True)
        print('call: ' + ', '.join(f'{n} {what}' for what, n in
                                   sorted(self.outcomes.items())))
        return self.finish('disk-call')

    def one_call(self, rule):
        ports = free_ports(1)
        node = Node(self, 1, ports, self.work / 'call')
        node.said.unlink(missing_ok=True)
        env = node.journal_env('call', self.work / 'call.tape')
        node.start(DISK_FAULT=rule, **env)
        acked = sent = 0
        try:
            client = wait_ready([node], 10)
            end = time.monotonic() + 3
            while time.monotonic() < end and sent < 1500:
                sent += 1
                client.call('SET', 'key', b'%d ' % sent + b'.' * 4000)
                acked = sent
        except (OSError, Reply, Failure):
            pass
        try:
            status = node.process.wait(5)
        except subprocess.TimeoutExpired:
            status = None  # the fault did not strike, or did no harm
        text = node.text()
        node.end()
        if status == 0:
            raise Failure('ended as if nothing had happened')
        if status is not None and 'failed' not in text and \
                'cannot' not in text:
            raise Failure(f'ended with {status} and no word: {text[-300:]}')
        struck = 'running' if status is None else f'ended with {status}'
        self.outcomes[struck] = self.outcomes.get(struck, 0) + 1
        node.start()
        check_values(wait_ready([node]), {'key': acked}, {'key': sent})

    # A disk that hangs.

    def hang(self):
        self.judge('hang', self.one_hang)
        return self.finish('disk-hang')

    def leader_of(self, nodes):
        for node in nodes:
            try:
                if b'raft_role:leader' in Client(node.port, 1).call(
                        'INFO', 'raft'):
                    return node
            except (OSError, Reply):
                pass
        return None

    def one_hang(self):
        ports = free_ports(3)
        nodes = [Node(self, i + 1, ports, self.work / f'hang{i + 1}')
                 for i in range(3)]
        for node in nodes:
            env = node.journal_env('hang', self.work / f'{node.data}.tape')
            env['DISK_HANG'] = str(self.work / f'hang-{node.number}')
            node.start(**env)
        wait_ready(nodes).call('SET', 'key', 0)
        old = self.leader_of(nodes)
        if old is None:
            raise Failure('INFO names no leader')
        others = [n for n in nodes if n is not old]
        switch = self.work / f'hang-{old.number}'
        switch.write_text('')
        begin = last = time.monotonic()
        written, gap = 0, 0.0
        while self.leader_of(others) is None or written < 20:
            if time.monotonic() > begin + 15:
                raise Failure('no other leader while the leader\'s disk '
                              f'hangs ({written} writes)')
            try:
                Client(others[written % 2].port, 5).call(
                    'SET', 'key', written + 1)
                written += 1
                gap = max(gap, time.monotonic() - last)
                last = time.monotonic()
            except (OSError, Reply):
                pass
            time.sleep(0.02)
        took = time.monotonic() - begin
        if self.leader_of([old]) is not None:
            raise Failure('the old leader still thinks it leads')
        switch.unlink()
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                if Client(old.port, 2).call('GET', 'key') == \
                        str(written).encode():
                    print(f'hang: another leader {took:.2f} s after the '
                          'leader\'s disk began to hang (disk-timeout 0.6 s); '
                          f'{written} writes meanwhile, {gap:.2f} s apart at '
                          'most')
                    return
            except (OSError, Reply):
                pass
            time.sleep(0.05)
        raise Failure('the old leader does not come back')

    # A full disk.

    def full(self):
        mount = self.work / 'small'
        mount.mkdir()
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64m', 'none',
                           mount], capture_output=True).returncode != 0:
            print('full: no file system can be mounted here; not tried')
            return 0
        try:
            for name, floor, body in [
                    ('with a floor', '24mb', self.one_full),
                    ('without one', '0', self.no_floor),
                    ('at full speed, small values', '4mb',
                     lambda m: self.full_speed(m, 5000)),
                    ('at full speed, large values', '4mb',
                     lambda m: self.full_speed(m, 500000)),
                    ('at full speed, without a floor', '0',
                     lambda m: self.full_speed(m, 20000)),
                    ('taken by another process', '4mb', self.taken),
                    ('at the start', '4mb', self.start_full)]:
                self.floor = floor
                self.judge(f'full, {name}', lambda: body(mount))
                for entry in mount.iterdir():
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
                subprocess.run(['mount', '-o', 'remount,size=64m', mount],
                               check=True)
        finally:
            subprocess.run(['umount', '-l', mount], check=False)
        return self.finish('disk-full')

    def one_full(self, mount):
        node = Node(self, 1, free_ports(1), mount / 'data')
        node.start()
        client = wait_ready([node])
        client.call('SET', 'key', 'before')
        filler = mount / 'filler'
        filler.write_bytes(bytes(30 << 20))
        try:
            for _ in range(400):
                for n in range(10):
                    client.call('SET', f'big{n}', os.urandom(20000))
                time.sleep(0.01)
            raise Failure('writes are not refused')
        except Reply as e:
            if not str(e).startswith('MISCONF') or 'disk' not in str(e):
                raise Failure(f'refused with: {e}') from e
        if shutil.disk_usage(mount).free < 4 << 20:
            raise Failure('refused too late')
        if client.call('GET', 'key') != b'before':
            raise Failure('reads do not go on')
        filler.unlink()
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                client.call('SET', 'key', 'after')
                break
            except Reply:
                time.sleep(0.1)
        if client.call('GET', 'key') != b'after':
            raise Failure('does not recover when there is room')
        node.end(signal.SIGTERM)

    def no_floor(self, mount):
        node = Node(self, 1, free_ports(1), mount / 'data')
        node.start()
        client = wait_ready([node])
        take(mount / 'filler', mount, 20 << 20)
        acked = sent = 0
        try:
            while sent < 5000:
                sent += 1
                client.call('SET', f'key{sent}', os.urandom(20000))
                acked = sent
            raise Failure('writes are not refused')
        except Reply as e:
            if not str(e).startswith('MISCONF'):
                raise Failure(f'refused with: {e}') from e
        self.is_alive(node)
        if acked == 0 or client.call('EXISTS', f'key{acked}') != 1:
            raise Failure(f'{acked} writes, and reads do not go on')
        print(f'full: without a floor {acked} writes of 20 kB were taken')

    def is_alive(self, node):
        if node.process.poll() is not None:
            raise Failure(f'the node ended with {node.process.returncode}: '
                          f'{node.text()[-400:].strip()}')

    def fill(self, node, size, seconds, until):
        """SETs at full speed; ends when `until` were refused. How many were
        taken; their keys are k0, k1, ..."""
        client = Client(node.port, 20)
        pool = os.urandom(8 << 20)
        depth = max(1, (128 << 10) // size)
        taken = refused = sent = 0
        end = time.monotonic() + seconds
        while refused < until and time.monotonic() < end:
            parts = []
            for _ in range(depth):
                at = self.random.randrange(len(pool) - size)
                key = b'k%d' % sent
                sent += 1
                parts.append(b'*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n' %
                             (len(key), key, size))
                parts.append(pool[at:at + size] + b'\r\n')
            client.sock.sendall(b''.join(parts))
            for _ in range(depth):
                try:
                    client.reply()
                    taken += 1
                except Reply as e:
                    if not str(e).startswith(self.refusals()):
                        raise
                    refused += 1
            self.is_alive(node)
        if refused < until:
            raise Failure(f'{taken} writes were taken, {refused} refused')
        return taken, sent

    def refusals(self):
        """Without a floor a node may get so far that it can't apply what is
        committed before there is room, and says so."""
        kinds = ('MISCONF', 'UNKNOWN')
        return (*kinds, 'CLUSTERDOWN') if self.floor == '0' else kinds

    def wait_for_room(self, node, what):
        client = Client(node.port)
        end = time.monotonic() + ROOM_S
        while time.monotonic() < end:
            self.is_alive(node)
            try:
                client.call('SET', 'room', '1')
                return
            except (OSError, Reply):
                time.sleep(0.05)
                client = Client(node.port)
        raise Failure(f'no writes are taken after {what}')

    def insist(self, client, *args):
        """While merges have the last space, deletions have to wait, too. If
        there is no floor, the last merge may find no space to end: then
        somebody has to give the disk some."""
        end = time.monotonic() + ROOM_S / 2
        given = False
        while True:
            try:
                return client.call(*args)
            except Reply:
                if time.monotonic() > end and not given and self.floor == '0':
                    subprocess.run(['mount', '-o', 'remount,size=96m',
                                    self.work / 'small'], check=True)
                    print('full: without a floor deletions had to be helped')
                    given = True
                elif time.monotonic() > end + ROOM_S / 2:
                    raise
                time.sleep(0.02)

    def full_speed(self, mount, size):
        """Ten times as many refusals as it takes to hear of the first, so that
        what was written meanwhile has been merged."""
        node = Node(self, 1, free_ports(1), mount / 'data')
        node.start()
        wait_ready([node]).call('SET', 'kept', 'x')
        many = max(200, 10 * (128 << 10) // size)
        taken, sent = self.fill(node, size, 30, many)
        if taken * size < 4 << 20:
            raise Failure(f'{taken} writes are few')
        if self.floor != '0' and Client(node.port, 20).call(
                'GET', 'kept') != b'x':
            raise Failure('reads do not go on')
        again = self.make_room(node, size, sent, many)
        node.end()  # and the files are whole
        node.start()
        if wait_ready([node]).call('GET', 'room') != b'1':
            raise Failure('what was acknowledged is lost')
        print(f'full: {taken} values of {size} bytes fit, {again} again')

    def make_room(self, node, size, sent, many):
        """By deletions, twice; how many values fit in between."""
        client = Client(node.port, 20)
        for first in range(0, sent, 100):
            names = [f'k{first + n}' for n in range(100)]
            self.insist(client, 'DEL', *names)
        self.wait_for_room(node, 'DEL')
        again, _ = self.fill(node, size, 30, many)
        self.insist(client, 'FLUSHALL')
        self.wait_for_room(node, 'FLUSHALL')
        return again

    def taken(self, mount):
        """Another process takes all there is, at once, while writes come. The
        node may stand still until it gives some back, as with a disk that
        hangs, but it does not end, and loses nothing."""
        node = Node(self, 1, free_ports(1), mount / 'data')
        node.start()
        client = wait_ready([node])
        acked = 0
        for _ in range(300):
            acked += 1
            client.call('SET', f'k{acked}', os.urandom(20000))
        take(mount / 'filler', mount, 0)
        late = []
        end = time.monotonic() + 3
        while time.monotonic() < end:
            self.is_alive(node)
            try:
                name = f'late{len(late)}'
                client.call('SET', name, os.urandom(20000))
                late.append(name)
            except Reply as e:
                if not str(e).startswith(('MISCONF', 'UNKNOWN')):
                    raise
                time.sleep(0.02)
            except OSError:  # of what was under way the outcome is unknown
                client = Client(node.port, 0.5)
            take(mount / 'filler2', mount, 0)
        (mount / 'filler').unlink()
        (mount / 'filler2').unlink(missing_ok=True)
        self.wait_for_room(node, 'the disk was given back')
        client = Client(node.port)
        for name in [f'k{acked}', *late]:
            if client.call('EXISTS', name) != 1:
                raise Failure('what was acknowledged is lost')

    def start_full(self, mount):
        node = Node(self, 1, free_ports(1), mount / 'data')
        node.start()
        client = wait_ready([node])
        client.call('SET', 'key', os.urandom(20000))
        refused = 0
        for left in [0, 4096, 16384, 65536, 1 << 20, 3 << 20, 8 << 20]:
            node.end()
            (mount / 'data' / 'reserve').unlink(missing_ok=True)
            take(mount / 'filler', mount, left)
            node.said.unlink()
            node.start()
            try:
                client = wait_ready([node])
            except Failure:
                text = node.text()
                if node.process.wait(10) != 1 or 'MB are free' not in text or \
                        f'{mount}/data' not in text or 'Assert' in text:
                    raise
                refused += 1
            (mount / 'filler').unlink()
            if node.process.poll() is not None:
                node.start()
                client = wait_ready([node])
            if len(client.call('GET', 'key')) != 20000:
                raise Failure('what was acknowledged is lost')
            self.wait_for_room(node, f'a start with {left} bytes free')
        if not 5 <= refused <= 6:
            raise Failure(f'{refused} of 7 starts were refused')


def take(path, mount, left):
    """Takes the disk's space with this file, but for `left` bytes."""
    with open(path, 'ab') as f:
        for step in [1 << 20, 1 << 16, 4096]:
            while shutil.disk_usage(mount).free >= left + step:
                try:
                    os.posix_fallocate(f.fileno(), os.fstat(
                        f.fileno()).st_size, step)
                except OSError:
                    break


def main():
    if len(sys.argv) > 1 and sys.argv[1] == '--load':
        load(sys.argv[2:])
        return 0
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', required=True)
    parser.add_argument('--work', required=True)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('scenarios', nargs='+')
    args = parser.parse_args()
    test = Test(args)
    test.work.mkdir(parents=True, exist_ok=True)
    failed = 0
    for scenario in args.scenarios:
        name, _, count = scenario.partition('=')
        if name.startswith('power'):
            failed += test.power(int(name[5:]), int(count or 9))
        elif name == 'call':
            failed += test.call(int(count or 5))
        else:
            failed += {'hang': test.hang, 'full': test.full}[name]()
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
