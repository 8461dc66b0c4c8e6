#!/usr/bin/env python3
"""Three nodes, each on a file system of its own, some of which run short.

    short.py --build DIR --work DIR [--seed N] SCENARIO ...

one    the disk of a follower, then that of the leader, is taken by another
       process under load: clients of the other nodes see no error; when space
       is back, the node has all that was written
own    a disk that is smaller than the others fills with the data itself, and
       is made larger
two    the disks of two: writes are refused, reads go on, deletions work; when
       one has space again, so do writes

Each prints a line per failure and ends with "disk-short: N passed, N failed".
Needs the right to mount.
"""
import argparse
import re
import subprocess
import sys
import threading
import time

from nodes import Client, Failure, Node, Reply, Test, free_ports, take, \
    wait_ready

FLOOR_MB = 24
WAIT_S = 60
WRITERS = 4


class SlowNode(Node):
    """Patient, so that a busy machine is no failure; and it keeps its log."""

    def __init__(self, *args):
        super().__init__(*args)
        text = self.config.read_text()
        for name, value in [('election-timeout', '1000'),
                            ('heartbeat-interval', '100'),
                            ('disk-timeout', '20000'),
                            ('request-timeout', '30000'),
                            ('log-size', '32mb'), ('log-size-max', '1gb')]:
            text, count = re.subn(f'^{name} .*$', f'{name} {value}', text,
                                  flags=re.M)
            assert count == 1
        self.config.write_text(text)

    def info(self, field):
        for line in Client(self.port, WAIT_S).call('INFO').splitlines():
            if line.startswith(field.encode() + b':'):
                return line.split(b':', 1)[1].decode()
        raise Failure(f'INFO has no {field}')


def wait_for(what, condition):
    end = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > end:
            raise Failure(f'not within {WAIT_S} s: {what}')
        time.sleep(0.02)


def answer(node, *args):
    """The reply, or the error as a text that begins with '-'."""
    try:
        return Client(node.port, WAIT_S).call(*args)
    except Reply as e:
        return f'-{e}'


def refused(node, *args):
    return str(answer(node, *args)).startswith('-MISCONF')


class Load:
    """Writers at some nodes, each with keys of its own. No error may come."""

    def __init__(self, nodes, size, keys):
        self.stop = threading.Event()
        self.size, self.keys = size, keys
        self.acked, self.errors = {}, []
        self.counts = [0] * WRITERS
        self.threads = [threading.Thread(
            target=self.write, args=(w, nodes[w % len(nodes)].port))
            for w in range(WRITERS)]
        for t in self.threads:
            t.start()

    def write(self, w, port):
        try:
            client = Client(port, WAIT_S)
            while not self.stop.is_set():
                n = self.counts[w] + 1
                key = f'w{w}.{n % self.keys}'
                client.call('SET', key, b'%d ' % n + b'.' * self.size)
                self.acked[key] = n
                self.counts[w] = n
                time.sleep(0.002)
        except (OSError, Reply, ValueError) as e:
            self.errors.append(f'writer {w} at port {port}: {e}')

    def check(self):
        if self.errors:
            raise Failure(self.errors[0])

    def more(self, count):
        """Until each writer has done so many more."""
        goal = [n + count for n in self.counts]

        def done():
            self.check()
            return all(n >= g for n, g in zip(self.counts, goal))
        wait_for(f'{count} more writes by each', done)

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()


class ShortTest(Test):
    def __init__(self, args):
        super().__init__(args)
        self.floor = f'{FLOOR_MB}mb'
        self.mounts = []

    def mount(self, i, size_mb, *more):
        path = self.work / f'disk{i}'
        path.mkdir(exist_ok=True)
        return subprocess.run(
            ['mount', '-t', 'tmpfs', '-o', ','.join([f'size={size_mb}m', *more]),
             'none', path], capture_output=True).returncode == 0 and path

    def unmount(self):
        for path in self.mounts:
            subprocess.run(['umount', '-l', path], check=False)
        self.mounts = []

    def cluster(self, sizes_mb):
        self.mounts = [self.mount(i + 1, size)
                       for i, size in enumerate(sizes_mb)]
        ports = free_ports(3)
        nodes = [SlowNode(self, i + 1, ports, self.mounts[i] / 'data')
                 for i in range(3)]
        for node in nodes:
            node.said.unlink(missing_ok=True)
            node.start()
        wait_ready(nodes, WAIT_S).call('SET', 'ready', 'yes')
        wait_for('a leader', lambda: self.leader_of(nodes))
        for node in nodes:
            node.mount = self.mounts[node.number - 1]
            wait_for('a first read', lambda: answer(node, 'GET', 'ready')
                     == b'yes')
        return nodes

    def alive(self, nodes):
        for node in nodes:
            if node.process.poll() is not None:
                raise Failure(f'node {node.number} ended: '
                              f'{node.text()[-400:].strip()}')

    def equal(self, nodes, load):
        """All have what was acknowledged, and the same."""
        for node in nodes:
            wait_for(f'writes at node {node.number}', lambda: answer(
                node, 'SET', 'after', 'all') == b'OK')
        for key, n in load.acked.items():
            values = [answer(node, 'GET', key) for node in nodes]
            if len(set(values)) != 1 or int(values[0].split()[0]) < n:
                raise Failure(f'{key}, acknowledged with {n}: '
                              f'{[str(v)[:40] for v in values]}')

    def goes_on(self, nodes, short, load):
        """The short one is paused, and everybody else is served."""
        others = [n for n in nodes if n is not short]
        wait_for(f'node {short.number} refuses deletions, too',
                 lambda: load.check() or refused(short, 'DEL', 'nothing'))
        wait_for('another leader', lambda: self.leader_of(others))
        for node in nodes:
            wait_for('all know', lambda: node.info('disk_short_members') == '1')
        load.more(50)
        before = dict(load.acked)
        for key, n in before.items():
            value = answer(short, 'GET', key)
            if isinstance(value, str) and value.startswith('-CLUSTERDOWN'):
                break
            if int(value.split()[0]) < n:
                raise Failure(f'node {short.number} reads an old {key}')
        if not refused(short, 'SET', 'x', 'y'):
            raise Failure(f'node {short.number} takes writes')
        for node in others:
            if node.info('disk_writes_refused') != '0':
                raise Failure(f'node {node.number} refuses writes')
            if answer(node, 'DEL', f'nothing{node.number}') != 0:
                raise Failure(f'node {node.number} does not delete')
        load.more(50)
        self.alive(nodes)

    def comes_back(self, nodes, short, load):
        wait_for(f'node {short.number} takes writes again', lambda: answer(
            short, 'SET', 'back', str(short.number)) == b'OK')
        wait_for('nobody is short', lambda: all(
            node.info('disk_short_members') == '0' for node in nodes))
        load.more(20)

    def one(self):
        nodes = self.cluster([160, 160, 160])
        for leads in [False, True]:
            leader = self.leader_of(nodes)
            if leader is None:
                raise Failure('there is no leader')
            short = leader if leads else next(
                n for n in nodes if n is not leader)
            load = Load([n for n in nodes if n is not short], 700, 50)
            try:
                load.more(20)
                take(short.mount / 'filler', short.mount, 8 << 20)
                self.goes_on(nodes, short, load)
                (short.mount / 'filler').unlink()
                self.comes_back(nodes, short, load)
            finally:
                load.end()
            load.check()
            self.equal(nodes, load)
            print(f'short: node {short.number}, which '
                  f'{"led" if leads else "followed"}: {sum(load.counts)} '
                  'writes at the other nodes, no error')

    def own(self):
        """All keys are new, so what is written stays. Merges, and the log that
        is cut, give some space back, so the small one comes and goes."""
        nodes = self.cluster([400, 72, 400])
        short = nodes[1]
        load = Load([nodes[0], nodes[2]], 20000, 1000000)
        try:
            wait_for('the small one is paused', lambda: load.check() or any(
                f'node {short.number} is short of disk space' in node.text()
                for node in nodes))
            load.more(150)
            self.alive(nodes)
            if self.mount(short.number, 400, 'remount') is False:
                raise Failure('the file system cannot be made larger')
            self.comes_back(nodes, short, load)
        finally:
            load.end()
        load.check()
        self.equal(nodes, load)
        print(f'short: a smaller disk: {sum(load.counts)} writes, no error')

    def two(self):
        nodes = self.cluster([160, 160, 160])
        for n in range(30):
            answer(nodes[n % 3], 'SET', f'k{n}', 'before')
        short = nodes[:2]
        for node in short:
            take(node.mount / 'filler', node.mount, 8 << 20)
        for node in nodes:
            wait_for(f'node {node.number} refuses writes',
                     lambda: refused(node, 'SET', 'x', 'y'))
        for node in nodes:
            n = node.number
            if answer(node, 'GET', f'k{n}') != b'before':
                raise Failure(f'node {n} does not read')
            wait_for(f'node {n} deletes', lambda: answer(
                node, 'DEL', f'k{n}') == 1)
            for reader in nodes:
                if answer(reader, 'EXISTS', f'k{n}') != 0:
                    raise Failure(f'node {reader.number} has k{n} still')
            if not refused(node, 'SET', 'x', 'y'):
                raise Failure(f'node {n} takes writes')
        self.alive(nodes)
        (short[0].mount / 'filler').unlink()
        for node in [short[0], nodes[2]]:
            wait_for(f'node {node.number} takes writes', lambda: answer(
                node, 'SET', 'x', 'z') == b'OK')
        (short[1].mount / 'filler').unlink()
        wait_for('the last takes writes', lambda: answer(
            short[1], 'SET', 'x', 'last') == b'OK')
        for node in nodes:
            if answer(node, 'GET', 'x') != b'last':
                raise Failure(f'node {node.number} has another value')
        self.alive(nodes)

    def scenario(self, name):
        try:
            self.judge(f'short, {name}',
                       {'one': self.one, 'own': self.own, 'two': self.two}[name])
        finally:
            self.unmount()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', required=True)
    parser.add_argument('--work', required=True)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('scenarios', nargs='+', choices=['one', 'own', 'two'])
    args = parser.parse_args()
    test = ShortTest(args)
    test.work.mkdir(parents=True, exist_ok=True)
    if not test.mount(0, 1):
        print('short: no file system can be mounted here; not tried')
        return test.finish('disk-short')
    subprocess.run(['umount', '-l', test.work / 'disk0'], check=False)
    for name in args.scenarios:
        test.scenario(name)
    return 1 if test.finish('disk-short') else 0


if __name__ == '__main__':
    sys.exit(main())
