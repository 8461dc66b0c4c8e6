#!/usr/bin/env python3
"""Table and pictures of scaling.sh.

    tests/bench/scaling_report.py DIR

Reads DIR/scaling.csv, prints a table in Markdown for each sweep; writes
SWEEP.svg for each with gnuplot, if that is there: throughput and processor
time by operation over what grows.
"""
import csv
import shutil
import sys
from pathlib import Path

from report import COLOURS, gnuplot, head, quoted

X_LABELS = {
    'connections': 'connections, over all nodes',
    'size': 'bytes of a value',
    'keys': 'keys of 128 bytes',
    'nodes': 'nodes',
    'pipeline': 'requests sent at once on a connection',
}
COLUMNS = [
    ('{op}', 'op'), ('{connections}', 'connections'),
    ('{ops_per_s:.0f}', 'per s'), ('{p50_us:.0f}', 'p50 us'),
    ('{p99_us:.0f}', 'p99 us'),
    ('{server_cpu_us_per_op:.1f}', 'CPU us/op, all nodes'),
    ('{client_cpu_us_per_op:.1f}', 'CPU us/op, client'),
    ('{server_peak_mib:.0f}', 'peak MiB, largest node'),
    ('{peak_mib_each}', 'peak MiB, each'),
    ('{data_mib:.0f}', 'MiB on disk, largest node'),
    ('{errors:.0f}', 'errors'),
]
WORDS = ('sweep', 'op', 'x', 'connections', 'peak_mib_each')


def read_sweeps(path):
    """Rows by sweep, in the order measured."""
    sweeps = {}
    with path.open(newline='') as file:
        for row in csv.DictReader(file):
            row = {name: text if name in WORDS else float(text)
                   for name, text in row.items()}
            sweeps.setdefault(row['sweep'], []).append(row)
    return sweeps


def print_table(sweep, rows):
    print(f'\n| {sweep} | ' + ' | '.join(title for _, title in COLUMNS) +
          ' |')
    print('| ---: | --- ' + '| ---: ' * (len(COLUMNS) - 1) + '|')
    for row in rows:
        cells = (form.format(**row) for form, _ in COLUMNS)
        print(f'| {row["x"]} | ' + ' | '.join(cells) + ' |')


def draw(folder, sweep, rows):
    """Throughput on the left axis, processor time on the right one."""
    lines = []
    ops = [op for op in ('set', 'get') if any(r['op'] == op for r in rows)]
    for op, colour in zip(ops, COLOURS):
        data = folder / f'{sweep}-{op}.dat'
        data.write_text(''.join(
            f'{r["x"]} {r["ops_per_s"]} {r["server_cpu_us_per_op"]}\n'
            for r in rows if r['op'] == op))
        style = f'with linespoints lw 2 lc rgb "{colour}"'
        lines.append(f'{quoted(data)} using 1:2 axes x1y1 {style} pt 7 '
                     f'title "{op.upper()}, per second"')
        lines.append(f'{quoted(data)} using 1:3 axes x1y2 {style} pt 6 '
                     f'dt 2 title "{op.upper()}, CPU"')
    script = head(folder / f'{sweep}.svg', f'vard by {sweep}', 'per second')
    if sweep != 'nodes':
        script += 'set logscale x\n'
    points = sorted({int(r['x']) for r in rows})
    gnuplot(script +
            'set xtics (' + ', '.join(map(str, points)) + ')\n'
            f'set xrange [{points[0] * 0.8}:{points[-1] * 1.1}]\n'
            f'set xlabel "{X_LABELS[sweep]}"\n'
            'set ytics nomirror\nset logscale y2\nset y2tics\n'
            'set y2label "microseconds per operation, all nodes"\n'
            'plot ' + ', '.join(lines) + '\n')


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    sweeps = read_sweeps(folder / 'scaling.csv')
    for sweep, rows in sweeps.items():
        print_table(sweep, rows)
    if shutil.which('gnuplot') is None:
        print('scaling_report.py: no gnuplot (package gnuplot-nox), no '
              'pictures', file=sys.stderr)
        return
    for sweep, rows in sweeps.items():
        draw(folder, sweep, rows)


if __name__ == '__main__':
    main()
