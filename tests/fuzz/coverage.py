#!/usr/bin/env python3
"""What the inputs reach, from what llvm-cov exports as lcov:
coverage.py FILE SRC. A row for each room; for the rooms that read what
strangers send also one for each file, and the lines that no input reaches."""
import sys
from pathlib import Path

DECODERS = ('codec', 'resp', 'config')


class Counts:
    def __init__(self):
        self.lines, self.functions = {}, {}

    def add(self, other, name=''):
        self.lines.update({(name, k): v for k, v in other.lines.items()})
        self.functions.update(
            {(name, k): v for k, v in other.functions.items()})

    def mend(self, text):
        """clang 14 counts the line behind an assertion as never reached: it is
        reached as often as the assertion."""
        assertion, ended = None, False
        for number, line in enumerate(text.splitlines(), 1):
            if ended:
                if self.lines.get(number) == 0 and 'ASSERT(' not in line:
                    self.lines[number] = self.lines.get(assertion, 0)
                assertion, ended = None, False
            if 'ASSERT(' in line:
                assertion = number
            if assertion:
                ended = line.rstrip().endswith(';')

    def missed(self):
        """Line numbers in runs: 3, 7-9."""
        runs, before = [], None
        for line in sorted(self.lines):
            if self.lines[line] > 0:
                before = None
                continue
            if before is None:
                runs.append([line, line])
            runs[-1][1] = before = line
        return ', '.join(f'{a}' if a == b else f'{a}-{b}' for a, b in runs)


def read(path, src):
    """{file: Counts}; a file built twice has what either reaches."""
    files, counts = {}, None
    for record in path.read_text().splitlines():
        kind, _, value = record.partition(':')
        if kind == 'SF':
            name = Path(value)
            inside = src in name.parents
            counts = Counts()
            if inside:
                counts = files.setdefault(str(name.relative_to(src)), counts)
        elif kind == 'DA':
            line, number = value.split(',')[:2]
            counts.lines[int(line)] = (counts.lines.get(int(line), 0) +
                                       int(number))
        elif kind == 'FNDA':
            number, function = value.split(',', 1)
            # An inline one of a header is there once for each .c file.
            function = function.rpartition(':')[2]
            counts.functions[function] = (counts.functions.get(function, 0) +
                                          int(number))
    for name, counts in files.items():
        counts.mend((src / name).read_text())
    return files


def share(counts):
    reached = sum(1 for n in counts.values() if n > 0)
    return f'{reached} of {len(counts)}, {100 * reached / len(counts):.1f} %'


def table(title, rows):
    print(f'| {title} | lines | functions |\n| --- | --- | --- |')
    for name, counts in sorted(rows.items()):
        if counts.lines and counts.functions:
            print(f'| {name} | {share(counts.lines)} | '
                  f'{share(counts.functions)} |')


def main():
    files = read(Path(sys.argv[1]), Path(sys.argv[2]))
    rooms, decoders = {}, {}
    for name, counts in files.items():
        room = name.split('/')[0]
        rooms.setdefault(room, Counts()).add(counts, name)
        if room in DECODERS:
            decoders[name] = counts
    table('room', rooms)
    table('file', decoders)
    for name, counts in sorted(decoders.items()):
        if counts.missed():
            print(f'{name}: no input reaches {counts.missed()}')


if __name__ == '__main__':
    main()
