#!/usr/bin/env python3
"""Mechanical mutants of the core and the codec: are all of them noticed?

    mechanical.py [--build DIR] [--jobs N] WHAT [--only FILE]
        --sample N [--seed S]   N mutants, drawn by the seed: what CI runs
        --all                   every mutant
        --again REPORT          those that a report says survived
        --list                  only names them
        --name NAME             one, and shows it
    --report FILE               one line per mutant: verdict, killer, name
    --quick                     without the slow killers, for everyone

Each mutant is one small fault (c_mutants.py). The changed file is compiled,
put before its library in the link of a test program of a finished build, and
the programs are run, cheapest first, until one fails or does not end.
A mutant whose object code equals that of the code without a fault, or of another
mutant, is not counted; neither is one that does not compile.

mechanical-argued.txt holds those that cannot be noticed, with the reason. It
only shrinks: an entry whose text is gone from the code, or whose mutant is
killed, fails. An argued mutant is tried with the quick killers only.
"""
import argparse
import collections
import concurrent.futures
import glob
import hashlib
import json
import os
import random
import re
import resource
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import c_mutants  # noqa: E402

ARGUED = os.path.join(HERE, 'mechanical-argued.txt')
# Nothing but assertions: what holds in the core cannot be seen to be missing.
LEFT_OUT = {'raft_check.c'}

TRAPS = ('-fsanitize=undefined', '-fsanitize-undefined-trap-on-error')
# Out of the order of their names: later, or among the slow ones.
SLOW_UNITS = ('test_clean', 'test_lag', 'test_random')

Killer = collections.namedtuple('Killer', 'name target args quick')


def scripts():
    found = sorted(glob.glob(os.path.join(ROOT, 'tests/script/*.txt')))
    return [f for f in found if not f.endswith('CMakeLists.txt')]


def unit_tests(room, but=()):
    names = [os.path.basename(f)[:-2] for f in
             sorted(glob.glob(os.path.join(ROOT, 'tests/unit', room,
                                           'test_*.c')))]
    return [Killer('%s/%s' % (room, n), 'tests/%s_%s' % (room, n), [], True)
            for n in names if n not in but]


def sim(seeds, quick):
    return Killer('sim %s' % seeds, 'tests/simulate',
                  ['--seeds', seeds, '--seconds', '100'], quick)


def model(config, seconds, *more):
    return Killer('model ' + ' '.join((config,) + more), 'tests/model/model',
                  [config, *more, '--seconds', str(seconds), '--memory-mb',
                   '1024'], False)


def killers_of(room):
    """In the order in which they are tried."""
    if room == 'raft':
        return ([Killer('scripts', 'tests/run_scripts', scripts(), True)] +
                unit_tests('raft', SLOW_UNITS) +
                [Killer('raft/test_clean', 'tests/raft_test_clean', [], True),
                 sim('1..10', False),
                 Killer('raft/test_lag', 'tests/raft_test_lag', [], False),
                 Killer('raft/test_random', 'tests/raft_test_random', [],
                        False),
                 sim('1..100', False),
                 model('X-A', 60), model('X-E', 20), model('X-B', 20),
                 model('X-K2', 60), model('X-T', 20),
                 model('X-F', 40, '--walk', '1', '--steps', '3000000')])
    return (unit_tests('codec') +
            [Killer('journal/test_journal', 'tests/journal_test_journal', [],
                    True),
             Killer('journal/test_watermark', 'tests/journal_test_watermark', [],
                    True),
             Killer('peer/test_peer_auth', 'tests/peer_test_peer_auth', [],
                    True),
             Killer('peer/test_peer_hostile', 'tests/peer_test_peer_hostile',
                    [], True),
             Killer('node/test_node', 'tests/node_test_node', [], False),
             sim('1..10', False)])


def run(command, seconds, **more):
    """Exit status, or None if it had to be ended."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL,
                               start_new_session=True, **more)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


class Build:
    """A finished build: how its objects are compiled and programs linked."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        with open(os.path.join(path, 'compile_commands.json')) as f:
            self.compiles = json.load(f)
        self.links = {}
        self.lock = threading.Lock()

    def compile_command(self, source, unit, to):
        """For the object of library `unit` (raft, or model); no debugging
        information and no form for the linker's optimizer, so that equal code
        is an equal file; undefined behaviour traps, as it does in the
        sanitized build of the same tests."""
        for entry in self.compiles:
            output = re.search(r' -o (\S+)', entry['command']).group(1)
            if entry['file'] == source and '/%s.dir/' % unit in output:
                words = shlex.split(entry['command'])
                at = words.index('-o')
                return (words[:at] + ['-w', '-g0', '-O1', '-fno-lto', *TRAPS, '-o', to,
                                      '-c'], output)
        raise SystemExit('%s is not part of this build' % source)

    def objects(self, unit):
        found = [re.search(r' -o (\S+)', entry['command']).group(1)
                 for entry in self.compiles]
        return [os.path.join(self.path, o) for o in found
                if '/%s.dir/' % unit in o and '/src/%s/' % unit in o]

    def link_command(self, target):
        with self.lock:
            if target not in self.links:
                text = subprocess.run(
                    ['ninja', '-C', self.path, '-t', 'commands', '-s',
                     target], check=True, capture_output=True,
                    text=True).stdout
                line = [t for t in text.splitlines() if ' -o ' in t][-1]
                self.links[target] = re.sub(r'^: && | && :$', '',
                                            line.strip())
        return self.links[target]


class Bench:
    """Where one job compiles, links and runs. The room under test is a shared
    library here, so that a program is linked once and not for each mutant;
    only the explorer, which has its own limits, is linked anew."""

    def __init__(self, build, room, directory):
        self.build, self.room, self.directory = build, room, directory
        self.library = os.path.join(directory, 'lib%s.so' % room)
        self.programs = {}
        os.makedirs(directory, exist_ok=True)

    def compile(self, name, text, unit):
        """(object, its place in the build); None if the compiler refuses. The
        text is always at the same place, as its name is in the code."""
        original = os.path.join(ROOT, 'src', self.room, name)
        source = os.path.join(self.directory, name)
        to = os.path.join(self.directory, '%s.%s.o' % (name, unit))
        with open(source, 'w') as f:
            f.write(text)
        command, output = self.build.compile_command(original, unit, to)
        if run(command + [source], 60, cwd=self.build.path) != 0:
            return None
        return to, os.path.join(self.build.path, output)

    def link_library(self, object_):
        """Of the build's objects, but this one of the mutant."""
        own, output = object_
        others = [o for o in self.build.objects(self.room) if o != output]
        # What the room needs, but for what the program itself brings.
        self.checked(['cc', '-shared', '-fno-lto', '-o', self.library, own] + others +
                     [os.path.join(self.build.path, 'libbase.a'),
                      '-lxxhash'])

    def checked(self, command):
        if run(command, 60, cwd=self.build.path) != 0:
            raise SystemExit('cannot link: ' + ' '.join(command))

    def link(self, killer, name, text):
        """The program of a killer."""
        to = os.path.join(self.directory, os.path.basename(killer.target))
        command = self.build.link_command(killer.target)
        command = re.sub(r' -o \S+', ' -Wl,-S -o ' + to, command, count=1)
        if killer.target.endswith('/model'):
            own, output = self.compile(name, text, 'model')
            output = os.path.relpath(output, self.build.path)
            command = command.replace(output, own)
            self.checked(shlex.split(command))
            return to
        if killer.target not in self.programs:
            command = re.sub(r'(?<= )\S*lib%s\.a' % self.room, self.library,
                             command)
            self.checked(shlex.split(command))
            self.programs[killer.target] = to
        return to

    def survives(self, killer, name, text, seconds):
        program = self.link(killer, name, text)
        status = run([program] + killer.args, seconds, cwd=self.directory)
        return status == 0


class Campaign:
    def __init__(self, options, room, directory):
        self.room, self.options = room, options
        self.build = Build(options.build)
        self.directory = directory
        self.benches = threading.local()
        self.killers = killers_of(room)
        self.codes, self.seconds = {}, {}
        self.lock = threading.Lock()

    def bench(self):
        if not hasattr(self.benches, 'own'):
            name = '%s-%d' % (self.room, threading.get_ident())
            self.benches.own = Bench(self.build, self.room,
                                     os.path.join(self.directory, name))
        return self.benches.own

    def code(self, object_):
        """What the object does: without where it was compiled."""
        with open(object_[0], 'rb') as f:
            data = f.read()
        here = self.bench().directory.encode()
        return hashlib.sha256(data.replace(here, b'')).digest()

    def prepare(self, names):
        """The code of the originals; every killer must pass on them, and
        that tells how long it may take."""
        bench = self.bench()
        for name in names:
            text = read(self.room, name)
            object_ = bench.compile(name, text, self.room)
            self.codes[self.code(object_)] = None
        bench.link_library(object_)
        for killer in self.killers:
            if self.options.quick and not killer.quick:
                continue
            if killer.quick:
                started = time.monotonic()
                if not bench.survives(killer, name, text, 100):
                    raise SystemExit('%s fails without a fault' % killer.name)
                spent = time.monotonic() - started
                self.seconds[killer.name] = 4 + 8 * spent
            else:
                self.seconds[killer.name] = 200

    def order(self, name):
        """The killers, but the unit test of the same name first."""
        own = '/test_' + name[:-2]
        return sorted(self.killers, key=lambda k: not k.name.endswith(own))

    def judge(self, mutant, argued):
        """(verdict, killer)."""
        bench = self.bench()
        text = mutant.apply(read(self.room, mutant.file))
        object_ = bench.compile(mutant.file, text, self.room)
        if object_ is None:
            return 'refused', '-'
        code = self.code(object_)
        with self.lock:
            if code in self.codes:
                same = self.codes[code]
                return ('same', '-') if same is None else ('double', same)
            self.codes[code] = mutant.name
        bench.link_library(object_)
        for killer in self.order(mutant.file):
            if not killer.quick and (argued or self.options.quick):
                continue
            if not bench.survives(killer, mutant.file, text,
                                  self.seconds[killer.name]):
                return 'killed', killer.name
        return 'survived', '-'


def read(room, name):
    with open(os.path.join(ROOT, 'src', room, name)) as f:
        return f.read()


def read_argued():
    """{key: reason}. An entry: "FILE FUNCTION", "- line", "+ line", and the
    reason; then an empty line."""
    argued = {}
    with open(ARGUED) as f:
        blocks = re.split(r'\n\s*\n', f.read())
    for block in blocks:
        lines = [t for t in block.splitlines() if not t.startswith('#')]
        if not lines:
            continue
        if len(lines) < 4 or lines[1][:2] != '- ' or lines[2][:2] != '+ ':
            raise SystemExit('%s: not an entry:\n%s' % (ARGUED, block))
        file, function = lines[0].split()
        key = (file, function, lines[1][2:], lines[2][2:])
        argued[key] = ' '.join(lines[3:])
    return argued


def all_mutants():
    """{room: {file: [mutant]}}"""
    rooms = {}
    for room in ('raft', 'codec'):
        files = sorted(glob.glob(os.path.join(ROOT, 'src', room, '*.c')))
        names = [os.path.basename(f) for f in files]
        rooms[room] = {n: c_mutants.mutants_of(n, read(room, n))
                       for n in names if n not in LEFT_OUT}
    return rooms


def show(mutant):
    return '%s (%s)\n    - %s\n    + %s' % (mutant.name, mutant.function,
                                           mutant.before, mutant.after)


def chosen(options, rooms, argued):
    """[(room, mutant)] as the options want it."""
    found = [(room, m) for room in rooms for name in rooms[room]
             for m in rooms[room][name]
             if options.only in (None, name, room)]
    if options.name:
        return [(r, m) for r, m in found if m.name == options.name]
    if options.again:
        with open(options.again) as f:
            keys = {tuple(line.rstrip('\n').split('\t')[3:]) for line in f
                    if line.startswith('survived')}
        return [(r, m) for r, m in found if m.key() in keys]
    if options.sample:
        # One that was argued later stays in what is drawn from, or all the
        # others would be others; it is not tried.
        later = {k for k, why in argued.items() if why.startswith('Later: ')}
        found = [(r, m) for r, m in found
                 if m.key() not in argued or m.key() in later]
        drawn = random.Random(options.seed).sample(
            found, min(options.sample, len(found)))
        return [(r, m) for r, m in drawn if m.key() not in argued]
    return found


def campaign(options, work, argued, directory):
    """[(verdict, killer, mutant)] in the order of `work`."""
    results = []
    report = open(options.report, 'a') if options.report else None
    pool = concurrent.futures.ThreadPoolExecutor(options.jobs)
    for room in ('raft', 'codec'):
        mutants = [m for r, m in work if r == room]
        if not mutants:
            continue
        runs = Campaign(options, room, directory)
        runs.prepare(sorted({m.file for m in mutants}))
        verdicts = pool.map(
            lambda m, runs=runs: runs.judge(m, m.key() in argued), mutants)
        for mutant, (verdict, killer) in zip(mutants, verdicts):
            results.append((verdict, killer, mutant))
            if verdict == 'survived' and mutant.key() not in argued:
                print('survived: ' + show(mutant), flush=True)
            if report:
                print(verdict, killer, mutant.name, *mutant.key(), sep='\t',
                      file=report, flush=True)
    return results


def stale(rooms, argued, results):
    """Complaints about the argued ones that need not be."""
    there = {m.key() for files in rooms.values() for ms in files.values()
             for m in ms}
    for key in argued:
        if key not in there:
            yield 'argued, but not in the code: %s %s: %s' % key[:3]
    for verdict, killer, mutant in results:
        if verdict != 'survived' and mutant.key() in argued:
            yield 'argued, but %s by %s: %s' % (verdict, killer, show(mutant))


def summary(results, argued, complaints):
    count = collections.Counter(verdict for verdict, _, _ in results)
    open_ = sum(1 for v, _, m in results
                if v == 'survived' and m.key() not in argued)
    by = collections.Counter(k for v, k, _ in results if v == 'killed')
    for killer, number in by.most_common():
        print('%6d killed by %s' % (number, killer))
    for line in complaints:
        print(line)
    decided = count['killed'] + open_
    print('%d mutants: %d killed, %d survived, %d argued; not counted: '
          '%d refused by the compiler, %d with the same code, %d with '
          'the code of another'
          % (len(results), count['killed'], open_,
             count['survived'] - open_, count['refused'], count['same'],
             count['double']))
    print('kill rate %.1f %%; with the argued ones counted as survivors '
          '%.1f %%' % (100 * count['killed'] / max(1, decided),
                       100 * count['killed'] /
                       max(1, count['killed'] + count['survived'])))
    failed = open_ + len(complaints)
    print('mechanical: %d passed, %d failed' % (count['killed'], failed))
    return failed == 0 and count['killed'] > 0


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument('--build', default=os.path.join(ROOT, 'build'))
    parser.add_argument('--jobs', type=int, default=1)
    parser.add_argument('--sample', type=int)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--all', action='store_true')
    parser.add_argument('--again')
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--name')
    parser.add_argument('--only')
    parser.add_argument('--report')
    parser.add_argument('--quick', action='store_true')
    options = parser.parse_args()
    if not (options.sample or options.all or options.again or options.list or
            options.name):
        parser.error('which mutants? see the head of this file')
    return options


def main():
    options = parse()
    rooms, argued = all_mutants(), read_argued()
    work = chosen(options, rooms, argued)
    if options.list or options.name:
        for _, mutant in work:
            print(show(mutant))
    if options.list:
        return 0
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as directory:
        results = campaign(options, work, argued, directory)
    complaints = list(stale(rooms, argued, results))
    return 0 if summary(results, argued, complaints) else 1


if __name__ == '__main__':
    sys.exit(main())
