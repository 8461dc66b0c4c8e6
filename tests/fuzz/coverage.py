#!/usr/bin/env python3
"""Lines per room, from what llvm-cov exports: coverage.py FILE SRC"""
import json
import sys
from pathlib import Path

rooms = {}
src = Path(sys.argv[2])
for file in json.loads(Path(sys.argv[1]).read_text())['data'][0]['files']:
    path = Path(file['filename'])
    if src not in path.parents:
        continue
    lines = file['summary']['lines']
    room = rooms.setdefault(path.relative_to(src).parts[0], [0, 0])
    room[0] += lines['covered']
    room[1] += lines['count']
print('| room | lines reached |\n| --- | --- |')
for name, (covered, count) in sorted(rooms.items()):
    print(f'| {name} | {covered} of {count}, '
          f'{100 * covered / max(count, 1):.0f} % |')
