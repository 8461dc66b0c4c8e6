#!/usr/bin/env python3
"""Microseconds of one SET by node, thread and library.

    profile_report.py REPORT ROLES NAME OPS_PER_S CPU_US

REPORT: `perf report --sort pid,comm,dso --field-separator '|'` of the nodes.
ROLES: lines "pid role". CPU_US: of one SET, over all nodes; the report's shares
are taken of it. Followers are shown as one, the mean of all.
"""
import collections
import sys

PARTS = ["kernel", "vard", "C library", "RocksDB", "other"]
THREADS = [
    ("leader", "leader's loop"),
    ("follower", "a follower's loop"),
    ("disk", "disk threads, all nodes"),
    ("files", "tables and files, all nodes"),
]


def part_of(dso):
    if "kernel" in dso:
        return "kernel"
    for prefix, part in [("vard", "vard"), ("libc.", "C library"),
                         ("librocksdb", "RocksDB")]:
        if dso.startswith(prefix):
            return part
    return "other"


def thread_of(tid, comm, roles):
    """The loop is the thread whose number is the process's; RocksDB's threads
    and those that write tables have names of their own."""
    if tid in roles:
        return roles[tid]
    return "disk" if comm == "vard" else "files"


def read(report, roles):
    shares = collections.Counter()
    for line in open(report):
        fields = [field.strip() for field in line.split("|")]
        if line.startswith("#") or len(fields) < 4:
            continue
        share, tid, comm, dso = fields[:4]
        thread = thread_of(tid.split(":")[0], comm, roles)
        shares[thread, part_of(dso)] += float(share.rstrip("%")) / 100
    return shares


def main():
    report, roles_file, name, ops, cpu = sys.argv[1:]
    roles = dict(line.split() for line in open(roles_file))
    shares = read(report, roles)
    print(f"\n{name}: {float(ops):.0f}/s, {float(cpu):.1f} us a SET over all "
          "nodes\n")
    print("| us | all |", " | ".join(PARTS), "|")
    print("| --- |", " | ".join(["---:"] * (len(PARTS) + 1)), "|")
    for key, title in THREADS:
        count = list(roles.values()).count(key) or 1
        cells = [shares[key, part] * float(cpu) / count for part in PARTS]
        print(f"| {title} |", " | ".join(
            f"{cell:.1f}" for cell in [sum(cells)] + cells), "|")


main()
