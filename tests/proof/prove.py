#!/usr/bin/env python3
"""Runs Frama-C WP over the functions listed in functions.txt.

"lemmas" in the place of a function stands for the lemmas that the file sees.

Every function must be proved to the last goal: its contract, its loops, its
calls, and the absence of run-time errors (-wp-rte). A goal that times out, a
function that is not found, a file that does not parse are failures. The
canaries of canaries.txt are faults put into a copy of the source; a canary
whose function is still proved shows that the proofs are blind. --open takes in what
functions.txt marks as not proved yet.

    prove.py --root DIR --work DIR [--all] [--open] [--cache] [--only WORD]
             [--timeout SECONDS]

Prints a table and, last, "N passed, N failed": functions and canaries.
"""
import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WORKERS = 2


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


class Prover:
    def __init__(self, args):
        self.args = args
        self.env = dict(os.environ,
                        WHY3CONFIG=os.path.join(args.work, 'why3.conf'))

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

    def run(self, root, source, functions, timeout=None):
        """{function: (goals, proved)}, seconds, output."""
        name = re.sub(r'\W', '_', root + source + functions[0])
        report = os.path.join(self.args.work, name[-100:] + '.json')
        if os.path.exists(report):
            os.remove(report)
        started = time.monotonic()
        done = subprocess.run(
            self.command(root, source, functions, report,
                         timeout or self.args.timeout),
            env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False)
        seconds = time.monotonic() - started
        counts = {function: (0, 0) for function in functions}
        lemmas = re.search(r'Proved goals: +(\d+) / (\d+)', done.stdout)
        if functions == ['lemmas'] and lemmas:
            counts['lemmas'] = (int(lemmas[2]), int(lemmas[1]))
        elif done.returncode == 0 and os.path.exists(report):
            with open(report, encoding='ascii') as f:
                counts.update(count_goals(json.load(f), functions))
        return counts, seconds, done.stdout


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


def prove_all(prover, wanted):
    """Prints the table; (passed, failed)."""
    by_file = {}
    for source, function, _ in wanted:
        key = (source, function == 'lemmas')
        by_file.setdefault(key, []).append(function)
    order = sorted(by_file, key=lambda key: -len(by_file[key]))
    passed = failed = total = 0
    print(f'{"function":34} {"goals":>6} {"proved":>6}')
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        jobs = {pool.submit(prover.run, prover.args.root, key[0],
                            by_file[key]): key[0] for key in order}
        for job in concurrent.futures.as_completed(jobs):
            counts, seconds, output = job.result()
            print(f'{jobs[job]} ({seconds:.0f} s)')
            bad = False
            for function, (goals, proved) in counts.items():
                good = goals > 0 and proved == goals
                passed += good
                failed += not good
                total += proved
                bad = bad or not good
                print(f'    {function:30} {goals:6} {proved:6}'
                      f'{"" if good else "  NOT PROVED"}')
            if bad:
                print('\n'.join(line for line in output.splitlines()
                                if 'rror' in line or '[Failed]' in line or
                                'Timeout' in line or 'Unknown' in line))
            sys.stdout.flush()
    print(f'{passed} functions, {total} goals proved')
    return passed, failed


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
    counts, _, output = prover.run(root, source, [function], timeout=3)
    goals, proved = counts[function]
    if goals == 0:
        return 'does not parse:\n' + output
    return 'NOT SEEN' if proved == goals else None


def try_canaries(prover, canaries):
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        results = pool.map(lambda c: try_canary(prover, c), canaries)
        for canary, error in zip(canaries, results):
            print(f'canary {canary[0]:27} {error or "seen"}')
            failed += error is not None
    return len(canaries) - failed, failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--root', required=True)
    parser.add_argument('--work', required=True)
    parser.add_argument('--all', action='store_true')
    parser.add_argument('--open', action='store_true')
    parser.add_argument('--cache', action='store_true')
    parser.add_argument('--only', default='')
    parser.add_argument('--timeout', type=int, default=20)
    args = parser.parse_args()
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
    passed, failed = prove_all(prover, functions)
    seen, unseen = try_canaries(prover, canaries)
    print(f'{passed + seen} passed, {failed + unseen} failed')
    return 1 if failed + unseen else 0


if __name__ == '__main__':
    sys.exit(main())
