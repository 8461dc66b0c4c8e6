"""Commands of a family of redis_diff.py out of pools of arguments.

A family has COMMANDS, names and the kinds of their arguments as redis_diff.py
has them, and argument(rng, kind): one argument, a list of several, or None for
a kind that redis_diff.py knows.
"""
import redis_diff


def arguments(rng, kind, argument):
    made = argument(rng, kind)
    if made is None:
        made = redis_diff.argument(rng, kind)
    return made if isinstance(made, list) else [made]


def command(rng, commands, argument):
    name, _, kinds = rng.choice(commands).strip().partition(' ')
    argv = [n.encode() for n in name.split(':')] + \
        [a for k in kinds for a in arguments(rng, k, argument)]
    if rng.random() < 0.03:
        argv.append(rng.choice(redis_diff.WORDS))
    elif rng.random() < 0.03 and len(argv) > 1:
        argv.pop()
    return redis_diff.let_live(argv)
