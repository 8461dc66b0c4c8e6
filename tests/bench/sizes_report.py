#!/usr/bin/env python3
"""Tables and pictures of sizes.sh.

    tests/bench/sizes_report.py DIR

Reads DIR/sizes.csv, prints in Markdown what each operation costs in collections
of each size, and by how much that grows; writes TYPE.svg with gnuplot, if that
is there.
"""
import csv
import math
import shutil
import sys
from pathlib import Path

from report import COLOURS, gnuplot, head, quoted

COST = 'server_cpu_us_per_op'


def read_rows(path):
    """The cost by (type, work), then system, then size, in order."""
    found = {}
    with path.open(newline='') as file:
        for row in csv.DictReader(file):
            systems = found.setdefault((row['type'], row['work']), {})
            sizes = systems.setdefault(row['system'], {})
            sizes[int(row['elements'])] = row
    return found


def growth(costs):
    """Last by first cost, and what a logarithm would grow by."""
    sizes = sorted(costs)
    first, last = costs[sizes[0]], costs[sizes[-1]]
    if len(sizes) < 2 or first <= 0:
        return None
    return last / first, math.log(sizes[-1]) / math.log(sizes[0])


def print_table(found):
    sizes = sorted({n for systems in found.values()
                    for rows in systems.values() for n in rows})
    print('CPU us/op of all servers; of setup, for a command of up to 100 '
          'elements (of streams, one).\n')
    print('| type | operation | store | ' + ' | '.join(map(str, sizes)) +
          ' | grows by | log n | p99 us, largest | misses |')
    print('| --- | --- | --- ' + '| ---: ' * (len(sizes) + 4) + '|')
    for (kind, work), systems in found.items():
        for system, rows in systems.items():
            costs = {n: float(r[COST]) for n, r in rows.items()}
            cells = [f'{costs[n]:.1f}' if n in costs else '-' for n in sizes]
            grown = growth(costs)
            last = rows[max(rows)]
            misses = sum(int(r['misses']) for r in rows.values())
            print(f'| {kind} | {work} | {system} | ' + ' | '.join(cells) +
                  (f' | {grown[0]:.2f} | {grown[1]:.2f}' if grown
                   else ' | - | -') +
                  f' | {float(last["p99_us"]):.0f} | {misses} |')


def draw(folder, kind, found):
    lines, points = [], set()
    for (of, work), systems in found.items():
        if of != kind or work == 'setup':
            continue
        for system, rows in systems.items():
            data = folder / f'sizes-{work}-{system}.dat'
            data.write_text(''.join(f'{n} {rows[n][COST]}\n'
                                    for n in sorted(rows)))
            points.update(rows)
            dash = 1 if system == 'vard' else 2
            lines.append(
                f'{quoted(data)} using 1:2 with linespoints lw 2 dt {dash} '
                f'lc rgb "{COLOURS[len(lines) // len(systems) % 4]}" '
                f'title "{work}, {system}"')
    if not lines:
        return
    gnuplot(head(folder / f'sizes-{kind}.svg', f'One {kind}',
                 'microseconds of CPU per operation') +
            'unset logscale y\nset yrange [0:*]\nset logscale x\n'
            f'set xtics ({", ".join(map(str, sorted(points)))})\n'
            'set xlabel "elements"\nplot ' + ', '.join(lines) + '\n')


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    found = read_rows(folder / 'sizes.csv')
    print_table(found)
    if shutil.which('gnuplot') is None:
        print('sizes_report.py: no gnuplot (package gnuplot-nox), no pictures',
              file=sys.stderr)
        return
    for kind in dict.fromkeys(kind for kind, _ in found):
        draw(folder, kind, found)


if __name__ == '__main__':
    main()
