#!/usr/bin/env python3
"""Runs Frama-C WP over the functions listed in functions.txt.

"lemmas" in the place of a function stands for the lemmas that the file sees.

Every function must be proved to the last goal: its contract, its loops, its
calls, and the absence of run-time errors (-wp-rte). A goal that times out, a
function that is not found, a file that does not parse are failures. The
canaries of canaries.txt are faults put into a copy of the source; a canary
whose function is still proved shows that the proofs are blind. --open takes in
what functions.txt marks as not proved yet.

    prove.py --root DIR --work DIR [--all] [--open] [--cache] [--only WORD]
             [--timeout SECONDS] [--within SECONDS [--partly]]
             [--table FILE]

Every run ends within the time of --within: what was not done by then has
failed, or with --partly has only not been tried. Prints a table, the seconds
by the clock and of the processor that all of it took, provers included, and
last "N passed, N failed": functions and canaries. --table writes it down, one
line for each function.
"""
import argparse
import concurrent.futures
import contextlib
import ctypes
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WORKERS = 2
TIMEOUT_FIRST = 3  # seconds; then --timeout
GROUP_MAX = 5  # functions for one run of Frama-C
PR_SET_CHILD_SUBREAPER = 36


def read_functions(path, with_open):
    """[(file, function, is_long)] from lines "FILE FUNCTION [long]"."""
    found = []
    with open(path, encoding='ascii') as lines:
        for line in lines:
            if with_open and line.startswith('#? '):
                line = line[3:]
            words = line.split('#')[0].split()
            if words:
                found.append((words[0], words[1], 'long' in words[2:]))
    return found


def read_canaries(path):
    """[(name, file, function, is_long, sed)]."""
    found = []
    with open(path, encoding='ascii') as lines:
        for line in lines:
            if line.strip() and not line.startswith('#'):
                name, source, function, when, script = line.split(None, 4)
                found.append((name, source, function, when == 'long',
                              script.strip()))
    return found


class OutOfTime(Exception):
    pass


class Prover:
    def __init__(self, args):
        self.args = args
        self.deadline = time.monotonic() + args.within
        self.env = dict(os.environ,
                        WHY3CONFIG=os.path.join(args.work, 'why3.conf'))

    def call(self, command, log):
        """Output and seconds by the clock; provers die with Frama-C."""
        started = time.monotonic()
        left = self.deadline - time.monotonic()
        if left <= 1:
            raise OutOfTime
        with open(log, 'wb') as out:
            child = subprocess.Popen(command, env=self.env, stdout=out,
                                     stderr=subprocess.STDOUT,
                                     stdin=subprocess.DEVNULL,
                                     start_new_session=True)
        late = threading.Event()

        def stop():
            late.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)

        timer = threading.Timer(left, stop)
        timer.start()
        child.wait()
        timer.cancel()
        if late.is_set():
            raise OutOfTime
        with open(log, encoding='utf-8', errors='replace') as text:
            return text.read(), time.monotonic() - started

    def detect(self):
        conf = self.env['WHY3CONFIG']
        if not os.path.exists(conf):
            subprocess.run(['why3', 'config', 'detect'], env=self.env,
                           check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)

    def command(self, root, source, functions, report, timeout):
        room = source.split('/')[1]
        include = ['-I' + os.path.join(root, 'src'),
                   '-I' + os.path.join(HERE, 'stubs'),
                   '-DPROOF_ROOM_' + room,
                   '-include ' + os.path.join(HERE, 'stubs', 'trusted.h')]
        what = ['-wp-fct', ','.join(functions)]
        if functions == ['lemmas']:
            what = ['-wp-prop=@lemma']
        command = ['frama-c', '-c11', '-cpp-extra-args=' + ' '.join(include),
                   '-wp', '-wp-rte', '-wp-model', 'Typed+cast',
                   '-wp-prover', 'z3,cvc4', '-wp-timeout', str(timeout),
                   '-wp-par', '1', '-wp-report-json', report] + what
        if self.args.cache and root == self.args.root:
            command += ['-wp-cache', 'update', '-wp-cache-dir',
                        os.path.join(self.args.work, 'cache')]
        return command + [os.path.join(root, source)]

    def run(self, root, source, functions):
        """{function: (goals, proved)}, seconds, output. A goal that only one
        of the provers finds takes the whole time of the other: it gets a
        little, and all of it only where that was too little."""
        spent = 0
        for timeout in (TIMEOUT_FIRST, self.args.timeout):
            counts, seconds, output = self.run_once(root, source, functions,
                                                    timeout)
            spent += seconds
            if all(goals == proved for goals, proved in counts.values()):
                break
        return counts, spent, output

    def run_once(self, root, source, functions, timeout):
        """The same, with one limit for each prover and goal."""
        name = re.sub(r'\W', '_', root + source + functions[0])[-100:]
        report = os.path.join(self.args.work, name + '.json')
        if os.path.exists(report):
            os.remove(report)
        output, seconds = self.call(
            self.command(root, source, functions, report, timeout),
            os.path.join(self.args.work, name + '.log'))
        counts = {function: (0, 0) for function in functions}
        lemmas = re.search(r'Proved goals: +(\d+) / (\d+)', output)
        if functions == ['lemmas'] and lemmas:
            counts['lemmas'] = (int(lemmas[2]), int(lemmas[1]))
        elif os.path.exists(report):
            with open(report, encoding='ascii') as f:
                counts.update(count_goals(json.load(f), functions))
        return counts, seconds, output


def count_goals(report, functions):
    counts = {}
    for function in functions:
        goals = proved = 0
        section = report.get('wp:functions', {}).get(function, {})
        for name, entry in section.items():
            if name != 'wp:section':
                goals += entry['wp:main'].get('total', 0)
                proved += entry['wp:main'].get('valid', 0)
        counts[function] = (goals, proved)
    return counts


def groups_of(wanted):
    """[(file, functions)]; lemmas, which take longest, stand alone, and come
    first, and then the largest."""
    by_file = {}
    for source, function, _ in wanted:
        key = (source, function == 'lemmas')
        by_file.setdefault(key, []).append(function)
    groups = []
    for (source, _), functions in by_file.items():
        for i in range(0, len(functions), GROUP_MAX):
            groups.append((source, functions[i:i + GROUP_MAX]))
    return sorted(groups, key=lambda group: (group[1] != ['lemmas'],
                                             -len(group[1])))


def print_group(source, counts, seconds, output):
    """(passed, failed, proved goals)."""
    print(f'{source} ({seconds:.0f} s)')
    passed = 0
    for function, (goals, proved) in counts.items():
        good = 0 < goals == proved
        passed += good
        print(f'    {function:30} {goals:6} {proved:6}'
              f'{"" if good else "  NOT PROVED"}')
    if passed < len(counts):
        print('\n'.join(line for line in output.splitlines()
                        if 'rror' in line or '[Failed]' in line or
                        'Timeout' in line or 'Unknown' in line))
    sys.stdout.flush()
    return (passed, len(counts) - passed,
            sum(proved for _, proved in counts.values()))


def write_table(path, wanted, counts):
    """In the order of functions.txt; counts: {(file, function): counts}."""
    goals = sum(goals for goals, _ in counts.values())
    proved = sum(proved for _, proved in counts.values())
    with open(path, 'w', encoding='ascii') as out:
        out.write('# Proof goals of each function\n\n'
                  'Written by `prove.py --table`, in one run without cache '
                  'unless it says\notherwise where it is quoted.\n\n'
                  '| file | function | goals | proved |\n'
                  '| --- | --- | ---: | ---: |\n')
        for source, function, _ in wanted:
            row = counts.get((source, function), ('not tried', ''))
            out.write(f'| {source} | {function} | {row[0]} | {row[1]} |\n')
        out.write(f'\n{len(counts)} functions, {goals} goals, '
                  f'{proved} proved.\n')


def prove_all(prover, wanted, jobs):
    """Prints the table; (passed, failed)."""
    passed = failed = total = missed = 0
    table = {}
    print(f'{"function":34} {"goals":>6} {"proved":>6}')
    for job in concurrent.futures.as_completed(jobs):
        source, functions = jobs[job]
        try:
            counts, seconds, output = job.result()
        except OutOfTime:
            missed += len(functions)
            continue
        good, bad, proved = print_group(source, counts, seconds, output)
        for function, count in counts.items():
            table[source, function] = count
        passed += good
        failed += bad
        total += proved
    print(f'{passed} functions, {total} goals proved')
    if prover.args.table:
        write_table(prover.args.table, wanted, table)
    if missed > 0:
        print(f'out of time: {missed} functions')
    return passed, failed + (0 if prover.args.partly else missed)


def try_canary(prover, canary):
    """An error, or None when the fault was seen."""
    name, source, function, _, script = canary
    root = os.path.join(prover.args.work, 'canary', name)
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(os.path.join(prover.args.root, 'src'),
                    os.path.join(root, 'src'))
    path = os.path.join(root, source)
    subprocess.run(['sed', '-i', '-e', script, path], check=True)
    with open(path, 'rb') as new, \
            open(os.path.join(prover.args.root, source), 'rb') as old:
        if new.read() == old.read():
            return 'the fault does not apply'
    try:
        counts, _, output = prover.run_once(root, source, [function],
                                            timeout=3)
    except OutOfTime:
        return 'out of time'
    goals, proved = counts[function]
    if goals == 0:
        return 'does not parse:\n' + output
    return 'NOT SEEN' if proved == goals else None


def try_canaries(prover, canaries, jobs):
    failed = missed = 0
    for canary, job in zip(canaries, jobs):
        error = job.result()
        print(f'canary {canary[0]:27} {error or "seen"}')
        failed += error is not None and error != 'out of time'
        missed += error == 'out of time'
    return (len(canaries) - failed - missed,
            failed + (0 if prover.args.partly else missed))


def adopt_orphans():
    """The server of the provers outlives Frama-C; only a parent that waits
    for it learns what it has cost."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def processor_seconds():
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--root', required=True)
    parser.add_argument('--work', required=True)
    parser.add_argument('--all', action='store_true')
    parser.add_argument('--open', action='store_true')
    parser.add_argument('--cache', action='store_true')
    parser.add_argument('--only', default='')
    parser.add_argument('--timeout', type=int, default=30)
    parser.add_argument('--within', type=int, default=3600)
    parser.add_argument('--partly', action='store_true')
    parser.add_argument('--table', default='')
    args = parser.parse_args()
    started = time.monotonic()
    args.root = os.path.abspath(args.root)
    args.work = os.path.abspath(args.work)
    os.makedirs(args.work, exist_ok=True)
    for program in ('frama-c', 'why3', 'z3', 'cvc4'):
        if shutil.which(program) is None:
            print(f'{program} is missing: see deps/install.sh --tests')
            print('0 passed, 1 failed')
            return 1
    prover = Prover(args)
    prover.detect()
    functions = [f for f in read_functions(os.path.join(HERE, 'functions.txt'),
                                            args.open)
                 if (args.all or not f[2]) and args.only in f[0] + ' ' + f[1]]
    canaries = [c for c in read_canaries(os.path.join(HERE, 'canaries.txt'))
                if (args.all or not c[3]) and args.only in c[1] + ' ' + c[2]]
    proved = {(f[0], f[1]) for f in functions}
    for canary in canaries:
        if (canary[1], canary[2]) not in proved:
            print(f'canary {canary[0]}: {canary[2]} is not in functions.txt')
            print('0 passed, 1 failed')
            return 1
    adopt_orphans()
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        proofs = {pool.submit(prover.run, args.root, *group): group
                  for group in groups_of(functions)}
        faults = [pool.submit(try_canary, prover, c) for c in canaries]
        passed, failed = prove_all(prover, functions, proofs)
        seen, unseen = try_canaries(prover, canaries, faults)
    print(f'{time.monotonic() - started:.0f} s by the clock, '
          f'{processor_seconds():.0f} s of the processor')
    print(f'{passed + seen} passed, {failed + unseen} failed')
    return 1 if failed + unseen else 0


if __name__ == '__main__':
    sys.exit(main())
