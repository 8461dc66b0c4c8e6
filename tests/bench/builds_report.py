#!/usr/bin/env python3
"""Medians of two builds measured in turn, and of the ratios of pairs.

    tests/bench/builds_report.py builds.csv
"""
import csv
import statistics
import sys


def read(path):
    """{work: {round: {build: row}}}, works in the order they were run."""
    works = {}
    with open(path, newline='', encoding='utf-8') as file:
        for row in csv.DictReader(file):
            rounds = works.setdefault(row['work'], {})
            rounds.setdefault(row['round'], {})[row['build']] = row
    return works


def ratio_text(pairs, field):
    ratios = [float(p['after'][field]) / float(p['before'][field])
              for p in pairs if float(p['before'][field]) > 0]
    if not ratios:
        return '-'
    return (f'{statistics.median(ratios):.3f} '
            f'({min(ratios):.2f} to {max(ratios):.2f})')


def median(pairs, build, field):
    return statistics.median(float(p[build][field]) for p in pairs)


def main():
    print('| work | per s: before, after | ratio (of pairs) | '
          'CPU us/op: before, after | ratio (of pairs) | pairs |')
    print('| --- | ---: | ---: | ---: | ---: | ---: |')
    for work, rounds in read(sys.argv[1]).items():
        pairs = [p for p in rounds.values() if len(p) == 2]
        if not pairs:
            print(f'| {work} | - | - | - | - | 0 |')
            continue
        rates = [median(pairs, b, 'ops_per_s') for b in ('before', 'after')]
        costs = [median(pairs, b, 'cpu_us_per_op')
                 for b in ('before', 'after')]
        print(f'| {work} | {rates[0]:.0f}, {rates[1]:.0f} | '
              f'{ratio_text(pairs, "ops_per_s")} | '
              f'{costs[0]:.2f}, {costs[1]:.2f} | '
              f'{ratio_text(pairs, "cpu_us_per_op")} | {len(pairs)} |')


if __name__ == '__main__':
    main()
