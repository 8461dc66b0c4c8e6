#!/usr/bin/env python3
"""Table and pictures of compare.sh.

    tests/bench/report.py DIR

Reads DIR/results.csv, prints the table as Markdown, the median of the rounds
in each cell; writes throughput.svg, cpu.svg and latency-WORK.svg with
gnuplot, if that is there.
"""
import csv
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

LATENCIES = [('p50_us', '50'), ('p90_us', '90'), ('p95_us', '95'),
             ('p99_us', '99'), ('p999_us', '99.9'), ('p9999_us', '99.99')]
# Work that only vard has a word for: the others' figures for it.
SAME_AS = {
    'set-1-leader': 'set-1',
    'get-256-leader': 'get-256',
    'get-256-followers': 'get-256',
}
COLOURS = ['#1b6ca8', '#d1495b', '#66a182', '#edae49']


class Results:
    """Medians over the rounds."""

    def __init__(self, path):
        self.rows = {}
        self.systems, self.works = [], []
        with path.open(newline='') as file:
            for row in csv.DictReader(file):
                key = row['work'], row['system']
                self.rows.setdefault(key, []).append(row)
                if row['system'] not in self.systems:
                    self.systems.append(row['system'])
                if row['work'] not in self.works:
                    self.works.append(row['work'])

    def has(self, work, system):
        return (work, system) in self.rows

    def values(self, work, system, column):
        return [float(r[column]) for r in self.rows[work, system]]

    def median(self, work, system, column):
        return statistics.median(self.values(work, system, column))

    def errors(self, work, system):
        return int(sum(self.values(work, system, 'errors')))


def ratio(results, work, system):
    """How often vard's throughput is this one's."""
    same = work if results.has(work, system) else SAME_AS.get(work, work)
    if system == 'vard' or not results.has(work, 'vard') \
            or not results.has(same, system):
        return ''
    other = results.median(same, system, 'ops_per_s')
    vard = results.median(work, 'vard', 'ops_per_s')
    return f'{vard / other:.2f}' if other > 0 else '-'


def spread(results, work, system):
    """Largest against smallest round: how far to trust the median."""
    values = results.values(work, system, 'ops_per_s')
    if len(values) < 2 or min(values) == 0:
        return ''
    return f'{max(values) / min(values):.2f}'


def print_table(results):
    print('| work | store | per s | vard is x times that | spread of rounds | '
          'p50 us | p99 us | p99.9 us | CPU us/op, all servers | '
          'peak MiB, all servers | errors |')
    print('| --- | --- ' + '| ---: ' * 9 + '|')
    for work in results.works:
        for system in results.systems:
            if not results.has(work, system):
                same = SAME_AS.get(work)
                print(f'| {work} | {system} | {"as " + same if same else "-"} '
                      f'| {ratio(results, work, system)} ' + '| - ' * 7 + '|')
                continue

            def cell(column, form='.0f'):
                return format(results.median(work, system, column), form)
            print(f'| {work} | {system} | {cell("ops_per_s")} '
                  f'| {ratio(results, work, system)} '
                  f'| {spread(results, work, system)} '
                  f'| {cell("p50_us")} | {cell("p99_us")} '
                  f'| {cell("p999_us")} '
                  f'| {cell("server_cpu_us_per_op", ".1f")} '
                  f'| {cell("servers_peak_mib")} '
                  f'| {results.errors(work, system)} |')


def print_misses(results):
    """What found nothing was cheap: such a row does not show its cost."""
    for work in results.works:
        for system in results.systems:
            if not results.has(work, system) or work.startswith('setnx'):
                continue
            missed = sum(results.values(work, system, 'misses'))
            asked = sum(results.values(work, system, 'ops'))
            if asked > 0 and missed > 0.01 * asked:
                print(f'\n{work}, {system}: {100 * missed / asked:.0f} % of '
                      'the requests found nothing')


def write_bars(results, folder, column):
    """One line a kind of work, one column a store; '?' where it has none."""
    path = folder / f'{column}.dat'
    with path.open('w') as file:
        print('work', *results.systems, file=file)
        for work in results.works:
            cells = [results.median(work, s, column)
                     if results.has(work, s) else '?'
                     for s in results.systems]
            print(work, *cells, file=file)
    return path


def gnuplot(script):
    result = subprocess.run(['gnuplot'], input=script, text=True,
                            capture_output=True)
    if result.returncode != 0:
        print(f'gnuplot: {result.stderr.strip()}', file=sys.stderr)


def quoted(path):
    return "'" + str(path).replace("'", "''") + "'"


def head(path, title, y_label):
    return (f'set terminal svg size 960,480 font "sans-serif,12"\n'
            f'set output {quoted(path)}\n'
            f'set title "{title}"\nset ylabel "{y_label}"\n'
            'set key outside right top\nset grid ytics\nset logscale y\n'
            'set datafile missing "?"\n')


def draw_bars(results, folder, column, name, title, y_label):
    data = write_bars(results, folder, column)
    bars = ', '.join(
        f'{quoted(data)} using {i + 2}:xtic(1) '
        f'title columnheader lc rgb "{COLOURS[i % len(COLOURS)]}"'
        for i in range(len(results.systems)))
    gnuplot(head(folder / name, title, y_label) +
            'set style data histogram\nset style histogram clustered gap 1\n'
            'set style fill solid 0.9\nset xtics rotate by -30\n'
            f'plot {bars}\n')


def draw_latency(results, folder, work):
    lines = []
    for i, system in enumerate(results.systems):
        if not results.has(work, system):
            continue
        data = folder / f'latency-{work}-{system}.dat'
        data.write_text(''.join(
            f'{n} {label} {results.median(work, system, column)}\n'
            for n, (column, label) in enumerate(LATENCIES)))
        lines.append(f'{quoted(data)} using 1:3:xtic(2) with linespoints '
                     f'lw 2 lc rgb "{COLOURS[i % len(COLOURS)]}" '
                     f'title "{system}"')
    gnuplot(head(folder / f'latency-{work}.svg', f'Latency: {work}',
                 'microseconds') +
            'set xlabel "percentile"\nplot ' + ', '.join(lines) + '\n')


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    path = folder / 'results.csv'
    if not path.exists():
        sys.exit(f'report.py: no {path}')
    results = Results(path)
    print_table(results)
    print_misses(results)
    if shutil.which('gnuplot') is None:
        print('report.py: no gnuplot (package gnuplot-nox), no pictures',
              file=sys.stderr)
        return
    draw_bars(results, folder, 'ops_per_s', 'throughput.svg',
              'Operations a second', 'per second')
    draw_bars(results, folder, 'server_cpu_us_per_op', 'cpu.svg',
              'Processor time of all servers', 'microseconds per operation')
    for work in results.works:
        draw_latency(results, folder, work)


if __name__ == '__main__':
    main()
