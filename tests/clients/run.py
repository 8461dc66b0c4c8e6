"""Runs the programs of this folder; see README.md and run.sh.

How it fails: what a program prints of a difference is passed on; a program that
does not end in time, or a library that is not installed, is a failure. Only
what npm has is left out, with a line that says so, if npm is not there or cannot
be reached.
"""
import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PATIENCE = 120  # seconds that anything here may take on a busy machine
DEBIAN_NODE = '/usr/share/nodejs'


class Client:
    """How the program of a library is called, and what it needs."""

    def __init__(self, name, program, command, npm=None, **env):
        self.name, self.npm, self.env = name, npm, env
        self.command = [*command, str(HERE / program)]

    def start(self, *args):
        return subprocess.Popen(
            self.command + [str(a) for a in args], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env={**os.environ, **self.env})


def clients(npm):
    return [
        Client('python3-redis', 'with_redis_py.py', ['/usr/bin/python3']),
        Client('php-redis', 'with_php_redis.php', ['php']),
        Client('ruby-redis', 'with_redis_rb.rb', ['ruby']),
        Client('libredis-perl', 'with_perl_redis.pl', ['perl']),
        Client('node-redis', 'with_node_redis.js', ['node'],
               NODE_PATH=DEBIAN_NODE),
        Client('@redis/client', 'with_node_redis.js', ['node'], npm=npm,
               NODE_PATH=str(npm), NODE_REDIS='@redis/client'),
        Client('ioredis', 'with_ioredis.js', ['node'], npm=npm,
               NODE_PATH=str(npm)),
    ]


# ---- servers ----------------------------------------------------------------

class Reply(Exception):
    """An error that a server answered with."""


def read_reply(stream):
    line = stream.readline()
    if not line.endswith(b'\r\n'):
        raise OSError('the connection ended')
    kind, rest = line[:1], line[1:-2].decode()
    if kind == b'-':
        raise Reply(rest)
    if kind == b'+':
        return rest
    if kind == b':':
        return int(rest)
    if int(rest) < 0:
        return None
    if kind == b'$':
        return stream.read(int(rest) + 2)[:-2].decode()
    return [read_reply(stream) for _ in range(int(rest))]


def ask(port, *words):
    """One command on a connection of its own."""
    with socket.create_connection(('127.0.0.1', port), 10) as s:
        parts = [str(w).encode() for w in words]
        s.sendall(b'*%d\r\n' % len(parts) + b''.join(
            b'$%d\r\n%s\r\n' % (len(p), p) for p in parts))
        return read_reply(s.makefile('rb'))


def wait_for(what, condition):
    """The first true answer of `condition`, which may fail meanwhile."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            answer = condition()
            if answer:
                return answer
        except (OSError, Reply, ValueError):
            pass
        time.sleep(0.05)
    raise TimeoutError(f'waited {PATIENCE} s for {what}')


def free_ports(count):
    """Nobody listens there; below the ports that the system gives out."""
    ports = []
    while len(ports) < count:
        port = random.randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(('127.0.0.1', port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
    return ports


class Server:
    def __init__(self, command, folder, port):
        self.command, self.port = command, port
        self.log = folder / f'{port}.log'
        self.process = None
        self.start()

    def start(self):
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


class Cluster:
    """Three nodes of vard, or one redis-server."""

    def __init__(self, build, folder, redis):
        self.servers = []
        if redis:
            [port] = free_ports(1)
            self.servers = [Server(
                ['redis-server', '--port', str(port), '--bind', '127.0.0.1',
                 '--save', '', '--dir', str(folder)], folder, port)]
            wait_for('redis-server', lambda: ask(port, 'PING'))
            return
        ports = free_ports(6)
        nodes = ''.join(f'node {i} 127.0.0.1:{ports[i + 2]} '
                        f'127.0.0.1:{ports[i - 1]}\n' for i in (1, 2, 3))
        for i in (1, 2, 3):
            (folder / str(i)).mkdir()
            config = folder / f'{i}.conf'
            config.write_text(f'node-id {i}\nbind 127.0.0.1\n'
                              f'port {ports[i - 1]}\ndir {folder / str(i)}\n'
                              + nodes)
            self.servers.append(Server([str(build / 'vard'), str(config)],
                                       folder, ports[i - 1]))
        for server in self.servers:
            self.wait_ready(server)

    def wait_ready(self, server):
        wait_for('a write through each node',
                 lambda: ask(server.port, 'SET', 'ready', 1))

    def leader(self):
        """The server that leads, when all that answer agree."""
        def agreed():
            live = [s for s in self.servers if s.process.poll() is None]
            ids = {line.split(':')[1] for s in live
                   for line in ask(s.port, 'INFO', 'raft').splitlines()
                   if line.startswith('raft_leader_id:')}
            led = int(ids.pop()) if len(ids) == 1 else 0
            return led if led and self.servers[led - 1] in live else 0
        return self.servers[wait_for('a leader', agreed) - 1]

    def stop(self):
        for server in self.servers:
            server.stop()

    def logs(self):
        for server in self.servers:
            lines = server.log.read_text(errors='replace').splitlines()
            print(f'--- the end of the log of {server.port}')
            print('\n'.join(lines[-15:]))


# ---- what npm has -----------------------------------------------------------

def install_npm(folder):
    """What npm/package-lock.json says, into the build. '' or why not."""
    lock = (HERE / 'npm/package-lock.json').read_bytes()
    stamp = folder / 'installed'
    if stamp.exists() and stamp.read_bytes() == lock:
        return ''
    if not shutil.which('npm'):
        return 'there is no npm'
    folder.mkdir(parents=True, exist_ok=True)
    for name in ('package.json', 'package-lock.json'):
        shutil.copy(HERE / 'npm' / name, folder)
    for _ in range(2):
        try:
            done = subprocess.run(
                ['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts',
                 '--prefer-offline', '--silent'], cwd=folder, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=60, check=False)
        except subprocess.TimeoutExpired:
            continue
        if done.returncode == 0:
            stamp.write_bytes(lock)
            return ''
    return 'npm ci did not succeed'


# ---- runs -------------------------------------------------------------------

class Run:
    def __init__(self, cluster, chosen):
        self.cluster, self.clients = cluster, chosen
        self.passed = self.failed = 0

    def result(self, good, text, output=''):
        if good:
            self.passed += 1
            print(f'[ok] {text}', flush=True)
        else:
            self.failed += 1
            print(f'[err] {text}\n{output[-3000:]}', flush=True)

    def without(self):
        known = ask(self.cluster.servers[0].port, 'COMMAND', 'LIST')
        names = []
        if 'hexpire' not in known:
            names += ['fields_that_expire', 'fieldsThatExpire']
        if 'blpop' not in known:
            names += ['blocking']
        return names

    def finish(self, jobs):
        """Ends their input; by name, whether each is good, and its output."""
        done = {}
        for _, job in jobs:
            job.stdin.close()
            job.stdin = None
        for client, job in jobs:
            try:
                output, _ = job.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                job.kill()
                output, _ = job.communicate()
                output += f'\nnot done after {PATIENCE} s'
            done[client.name] = (job.returncode == 0, output)
        return done

    def families(self, elements):
        """All at once, each in a database of its own."""
        servers = self.cluster.servers
        target = servers[0]
        if len(servers) > 1:
            leader = self.cluster.leader()
            target = next(s for s in servers if s is not leader)
        jobs = [(c, c.start('families', target.port, db, elements,
                            *self.without()))
                for db, c in enumerate(self.clients, 1)]
        for name, (good, output) in self.finish(jobs).items():
            lines = output.splitlines()
            last = lines[-1] if lines else ''
            # A program that checked nothing has not passed.
            good = good and last.startswith('checks: ') and \
                int(last.split()[1]) >= 100
            self.result(good, f'{name}: {last}', output)

    def failover(self):
        """The leader is killed while all write, through it and a follower."""
        leader = self.cluster.leader()
        others = [s for s in self.cluster.servers if s is not leader]
        ask(others[0].port, 'FLUSHALL')
        jobs = [(c, c.start('failover', others[0].port, leader.port, c.name))
                for c in self.clients]
        begun = [threading.Thread(target=lambda j=job: self.wait_writing(j))
                 for _, job in jobs]
        for thread in begun:
            thread.start()
        for thread in begun:
            thread.join(PATIENCE)
        leader.kill()
        self.cluster.leader()
        leader.start()
        self.cluster.wait_ready(leader)
        done = self.finish(jobs)
        for name, (good, output) in done.items():
            self.judge(name, good, output)

    @staticmethod
    def wait_writing(job):
        while True:
            line = job.stdout.readline()
            if line in ('', 'writing\n'):
                return

    def judge(self, name, good, output):
        words = output.split()
        if not good or 'acknowledged:' not in words:
            self.result(False, f'{name}: the leader is killed', output)
            return
        count = int(words[words.index('acknowledged:') + 1])
        wanted = {f'{way}{i}' for way in 'fl' for i in range(count)}
        lost = self.lost(name, wanted)
        self.result(not lost, f'{name}: the leader is killed: {count} '
                    f'acknowledged each way, {len(lost)} lost', str(lost))
        if lost:
            return
        # The check itself: what is taken away is missed.
        ask(self.cluster.servers[0].port, 'ZREM', name, 'f0')
        if self.lost(name, wanted) != {'f0'}:
            self.result(False, f'{name}: a lost write was not noticed')

    def lost(self, key, wanted):
        lost = set()
        for server in self.cluster.servers:
            lost |= wanted - set(ask(server.port, 'ZRANGE', key, 0, -1))
        return lost


def choose(options, build):
    """The libraries to run, and how many were left out."""
    folder = build / 'clients-npm'
    chosen = [c for c in clients(folder / 'node_modules')
              if options.only in c.name]
    why = ''
    if any(c.npm for c in chosen):
        why = install_npm(folder)
    if why:
        for client in chosen:
            if client.npm:
                print(f'[skip] {client.name}: {why}')
        chosen = [c for c in chosen if not c.npm]
    return chosen


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--build', default=str(ROOT / 'build'))
    parser.add_argument('--campaign', type=float, default=0)
    parser.add_argument('--redis', action='store_true')
    parser.add_argument('--only', default='')
    options = parser.parse_args()
    build = Path(options.build).resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    run = Run(None, choose(options, build))
    if not run.clients:
        print('clients: 0 passed, 1 failed')
        return 1
    with tempfile.TemporaryDirectory(prefix='vard-clients.') as folder:
        run.cluster = Cluster(build, Path(folder), options.redis)
        try:
            end = time.monotonic() + options.campaign
            while True:
                run.families(20000 if options.campaign else 300)
                if not options.redis:
                    run.failover()
                if time.monotonic() >= end:
                    break
        except TimeoutError as e:
            run.result(False, str(e))
        finally:
            if run.failed:
                run.cluster.logs()
            run.cluster.stop()
    print(f'clients: {run.passed} passed, {run.failed} failed')
    return 1 if run.failed or not run.passed else 0


if __name__ == '__main__':
    sys.exit(main())
