#!/usr/bin/env python3
"""Writes src/table/COMMANDS.md: which commands of Redis 7.0.15 there are.

    python3 tests/tidy/commands_page.py [ROOT]

What there is comes from the rows of src/table/*.def, what Redis has and the
notes from tests/tidy/redis7. `tidy page` complains when the page is not what
this would write, when a command that is missing has no reason, and when one
that is there has one.
"""
import re
import sys
from pathlib import Path

PAGE = 'src/table/COMMANDS.md'
HEAD = '''# The commands, beside those of Redis 7.0.15

Written by `tests/tidy/commands_page.py` from the rows of this folder and from
`tests/tidy/redis7`; do not edit it. `COMMAND COUNT` answers {count}.
'''


def read_rows(root):
    """Names of commands and subcommands that clients may use."""
    names = set()
    for path in sorted((root / 'src/table').glob('*.def')):
        if path.name == 'internal.def':
            continue
        names |= set(re.findall(r'^(?:ROW\(\w+|SUB\(\w+, *\w+),\s*"([^"]+)"',
                                path.read_text(), flags=re.M))
    return names


def read_redis(root):
    """{name: note}, in the order of the file."""
    found = {}
    for line in (root / 'tests/tidy/redis7').read_text().splitlines():
        name, _, note = line.partition(': ')
        if name and not name.startswith('#'):
            found[name] = note
    return found


def reason(redis, name):
    note = redis.get(name, '')
    if not note.startswith('no, '):
        note = redis.get(name.split('|')[0], '')
    return note[4:] if note.startswith('no, ') else ''


def defects(root):
    here, redis = read_rows(root), read_redis(root)
    for name, note in redis.items():
        if name in here and note.startswith('no, '):
            yield f'{name}: it is there; tests/tidy/redis7 says why it is not'
        if name not in here and not reason(redis, name):
            yield f'{name}: not there, and tests/tidy/redis7 has no reason'


def names_of(names):
    return ' '.join(f'`{n.upper().replace("|", " ")}`' for n in names)


def table(title, rows):
    yield f'\n## {title}\n'
    yield '| | |\n| --- | --- |'
    for name, text in rows:
        yield f'| {names_of([name])} | {text} |'


def page(root):
    here, redis = read_rows(root), read_redis(root)
    both = [n for n in redis if n in here]
    gone = [n for n in redis if n not in here]
    containers = {n.split('|')[0] for n in gone if '|' not in n}
    out = [HEAD.format(count=sum('|' not in n for n in here))]
    out.append('## The same\n')
    out.append(names_of(n for n in both if redis[n][:1] not in ('+', '~')))
    for sign, title in (('+', 'Stronger'), ('~', 'Different')):
        out += table(title, ((n, redis[n][2:]) for n in both
                             if redis[n][:1] == sign))
    out += table('Not there', ((n, reason(redis, n)) for n in gone
                               if '|' not in n or
                               n.split('|')[0] not in containers))
    out.append('\n## Not in Redis 7.0\n')
    out.append(names_of(sorted(here - set(redis))))
    return '\n'.join(out) + '\n'


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else \
        Path(__file__).resolve().parents[2]
    (root / PAGE).write_text(page(root))
    for text in defects(root):
        print(f'commands_page: {text}')
    return 1 if any(defects(root)) else 0


if __name__ == '__main__':
    sys.exit(main())
