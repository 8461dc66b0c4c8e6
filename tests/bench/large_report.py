#!/usr/bin/env python3
"""What INCRs waited for beside large values, by load and build.

    tests/bench/large_report.py large.csv

Of the rounds: medians of rates, p50 and p99; the longest of all, the sum of
elections and errors.
"""
import csv
import statistics
import sys

PLACES = ('leader', 'follower')


def read(path):
    """{(load, build): rows}, in the order they were run."""
    groups = {}
    with open(path, newline='', encoding='utf-8') as file:
        for row in csv.DictReader(file):
            groups.setdefault((row['load'], row['build']), []).append(row)
    return groups


def median(rows, field):
    return statistics.median(float(row[field] or 0) for row in rows)


def place_text(rows, place):
    """p50, p99 and the longest of the nodes in one place, in ms."""
    rows = [row for row in rows if row['place'] == place]
    if not rows:
        return None
    longest = max(float(row['max_us'] or 0) for row in rows)
    return (f'{place} {median(rows, "p50_us") / 1e3:.1f}, '
            f'{median(rows, "p99_us") / 1e3:.0f}, {longest / 1e3:.0f}')


def total_rate(rows):
    """INCRs a second of all nodes, the median of rounds."""
    rounds = {}
    for row in rows:
        rounds.setdefault(row['round'], []).append(
            float(row['incr_per_s'] or 0))
    return statistics.median(sum(rates) for rates in rounds.values())


def sum_of_rounds(rows, field):
    """A field that all rows of a round share."""
    return sum({row['round']: int(row[field] or 0) for row in rows}.values())


def main():
    print('| load | build | large/s | INCR/s | '
          'p50, p99, longest by node, ms | elections | busy ms | errors |')
    print('| --- | --- | ---: | ---: | --- | ---: | ---: | ---: |')
    for (load, build), rows in read(sys.argv[1]).items():
        texts = [place_text(rows, place + asked)
                 for place in PLACES for asked in ('', ' asked')]
        busy = max(int(row['busy_ms'] or 0) for row in rows)
        errors = (sum(int(row['errors'] or 0) for row in rows) +
                  sum_of_rounds(rows, 'large_errors'))
        print(f'| {load} | {build} | {median(rows, "large_per_s"):.1f} | '
              f'{total_rate(rows):.0f} | '
              f'{"; ".join(text for text in texts if text)} | '
              f'{sum_of_rounds(rows, "elections")} | {busy} | {errors} |')


if __name__ == '__main__':
    main()
