#!/usr/bin/env python3
"""Checks the rules of src/README.md and tests/README.md.

    tests/tidy/tidy.py [--root DIR] [--build DIR] [CHECK ...]

Each check is a function named check_...; it yields complaints, one line each.
Without names all checks run. The build directory is needed by those that look
at libraries with nm; without one they are skipped, and said to be.
selftest.sh shows that each check can fail.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
from pathlib import Path

import commands_page

# In src/, and in tests/, whose tables and worlds may be longer.
FILE_LINES_MAX = {'src': 600, 'tests': 1000}
FUNCTION_LINES_MAX = {'src': 50, 'tests': 70}
PARAMETERS_MAX = 5
NESTING_MAX = 4

# Rooms where a function has an assertion, on average: those that hold a
# state that others depend on.
ASSERTING_ROOMS = 'raft codec cmd node server'.split()

# Rooms that the simulator links: no event loop, no TLS, no RocksDB.
PURE_ROOMS = ('base config raft resp codec store journal page data type table '
              'cmd node').split()
FOREIGN_SYMBOL = re.compile(r'^(rocksdb_|ev_|SSL_|EVP_|HMAC|redis)')

# <...> headers that need no entry in src/LAYERS: C11, POSIX, Linux.
SYSTEM_HEADERS = set('''assert ctype dirent errno execinfo fcntl ftw getopt glob
grp ifaddrs inttypes limits locale math netdb poll pthread pwd sched
setjmp signal spawn stdalign stdarg stdatomic stdbool stddef stdint stdio
stdlib stdnoreturn string strings syslog termios time ucontext unistd
wchar'''.split())
SYSTEM_PREFIXES = ('sys/', 'linux/', 'netinet/', 'arpa/', 'net/')

BANNED = re.compile(r'(?<![\w.>])(strcpy|strcat|strncpy|strncat|sprintf|'
                    r'vsprintf|strtok|atoi|atol|atoll|atof|gets|rand|srand|'
                    r'random|time|localtime|gmtime|ctime|asctime|alloca)'
                    r'\s*\(')
BARE_ALLOCATION = re.compile(r'(?<![\w.>])(malloc|calloc|realloc|free|strdup|'
                             r'strndup|reallocarray|posix_memalign)\s*\(')
# base/hostport.c takes host:port apart, client/info.c the lines of INFO.
COLON_FILES = ('src/base/hostport.c', 'src/client/info.c')
COLON_SEARCH = re.compile(r'''(?:strr?chr|memr?chr|strc?spn|strsep)\s*\([^;]*?'''
                          r'''(?:':'|":")|[!=]=\s*':'|':'\s*[!=]=''')
# The first comment of a .c file, and the words in which it speaks of failures.
OPENING = re.compile(r'/\*.*?\*/', re.S)
FAILING = re.compile(r'\b[Ff]ail|\bERR_[A-Z]')
MACHINE_PATH = re.compile(r'(?<![\w.$}])/(work|root|home|Users)/')


class Tree:
    """The files of a checkout."""

    def __init__(self, root, build):
        self.root = Path(root).resolve()
        self.build = Path(build).resolve() if build else None
        self.exceptions = self._read_exceptions()

    def files(self, *folders, suffixes=('.c', '.h')):
        for folder in folders:
            for path in sorted((self.root / folder).rglob('*')):
                if path.is_file() and path.suffix in suffixes:
                    yield path

    def name(self, path):
        return str(path.relative_to(self.root))

    def _read_exceptions(self):
        """Lines 'what file[:function] number'; each must still be needed."""
        found = {}
        path = self.root / 'tests/tidy/exceptions'
        if path.exists():
            for line in path.read_text().splitlines():
                line = line.split('#')[0].split()
                if line:
                    found[line[0], line[1]] = int(line[2])
        return found


def read(path):
    return path.read_text(encoding='utf-8', errors='replace') \
        if path.exists() else ''


def blank(match):
    """Keeps line numbers when comments and strings are cut out."""
    return re.sub(r'[^\n]', ' ', match.group(0))


def code_of(text):
    """The text without comments, strings and character constants."""
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'
                  r"'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)


def without_comments(text):
    return re.sub(r'/\*.*?\*/|//[^\n]*|("(?:\\.|[^"\\\n])*")',
                  lambda m: m.group(1) or blank(m), text, flags=re.S)


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def run(*command):
    return subprocess.run(command, capture_output=True, text=True,
                          errors='replace')


# ---- layers -------------------------------------------------------------

def read_layers(tree):
    """What each room may include, who may include each foreign header, and
    the public headers of the rooms that name them."""
    rooms, foreign, public = {}, {}, {}
    for line in read(tree.root / 'src/LAYERS').splitlines():
        if line.startswith('#') or ':' not in line:
            continue
        room, _, rest = line.partition(':')
        if room == 'foreign':
            header, source = rest.split()
            foreign[header] = source
        elif room == 'public':
            for header in rest.split():
                public.setdefault(header.split('/')[0], set()).add(header)
        else:
            rooms[room] = rest.split()
    return rooms, foreign, public


def includes_of(path):
    text = without_comments(read(path))
    for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]',
                         text, flags=re.M):
        yield line_of(text, m.start()), m.group(1), m.group(2)


def is_public(header, public):
    """Other rooms may include this header of its room."""
    room = header.split('/')[0]
    if room in public:
        return header in public[room]
    return not header.endswith('_internal.h')


def check_order(tree):
    """src/LAYERS is in order: a room names only rooms above its own line; a
    public header exists."""
    rooms, _, public = read_layers(tree)
    above = set()
    for room, allowed in rooms.items():
        for name in allowed:
            if name.split('/')[0] not in above:
                yield f'src/LAYERS: {room} names {name}, which is not above it'
        above.add(room)
    for header in sorted(set().union(*public.values())):
        if not (tree.root / 'src' / header).exists():
            yield f'src/LAYERS: public header {header} does not exist'


def check_layers(tree):
    """Quoted includes name a room that src/LAYERS allows, and a header that
    is public there."""
    rooms, _, public = read_layers(tree)
    src = tree.root / 'src'
    for path in tree.files('src', suffixes=('.c', '.h', '.def')):
        room = path.relative_to(src).parts[0]
        where = tree.name(path)
        if room not in rooms:
            yield f'{where}: room {room} is not in src/LAYERS'
            continue
        allowed = [room] + rooms[room]
        for line, kind, header in includes_of(path):
            if kind != '"':
                continue
            if header.split('/')[0] not in allowed and header not in allowed:
                yield (f'{where}:{line}: {room} must not include "{header}" '
                       '(src/LAYERS)')
            elif not (src / header).exists():
                yield f'{where}:{line}: no file src/{header}'
            elif header.split('/')[0] != room and \
                    not is_public(header, public):
                yield (f'{where}:{line}: "{header}" is not public '
                       '(src/LAYERS)')


def check_foreign(tree):
    """A foreign header is included by the one file, or in the one folder,
    that LAYERS names."""
    _, foreign, _ = read_layers(tree)
    for path in tree.files('src'):
        where = tree.name(path)
        for line, kind, header in includes_of(path):
            base = header[:-2] if header.endswith('.h') else header
            if kind != '<' or base in SYSTEM_HEADERS \
                    or header.startswith(SYSTEM_PREFIXES):
                continue
            owner = foreign.get(header) or foreign.get(header.split('/')[0])
            if owner is None:
                yield f'{where}:{line}: <{header}> is not in src/LAYERS'
            elif owner != where and not (owner.endswith('/')
                                         and where.startswith(owner)):
                yield f'{where}:{line}: only {owner} may include <{header}>'


# ---- symbols ------------------------------------------------------------

def archives(tree):
    return {p.stem[3:]: p for p in sorted(tree.build.glob('lib*.a'))}


def symbols(archive, *flags):
    """(name, class, section) of each symbol of an archive: of its machine
    code, where the plugin would show the compiler's own form of it."""
    for line in run('nm', '--plugin=none', '--format=sysv', *flags,
                    str(archive)).stdout.splitlines():
        parts = [p.strip() for p in line.split('|')]
        if len(parts) == 7 and parts[0] != 'Name':
            yield parts[0], parts[2], parts[6]


def undefined(archive):
    wanted = {n for n, _, _ in symbols(archive, '-u')}
    return wanted - defined(archive)


def defined(archive):
    return {n for n, _, _ in symbols(archive, '--defined-only', '-g')}


def read_allowed(tree):
    allowed = {}
    for line in read(tree.root / 'tests/tidy/symbols').splitlines():
        name, colon, rest = line.split('#')[0].partition(':')
        if colon:
            allowed.setdefault(name, set()).update(rest.split())
    return allowed


def check_symbols(tree):
    """raft, codec and resp call nothing but what the list allows; no pure
    room refers to the event loop, TLS or RocksDB."""
    libs, allowed = archives(tree), read_allowed(tree)
    base = defined(libs['base']) - allowed.get('not-from-base', set())
    for room in ('raft', 'codec', 'resp'):
        if room not in libs:
            yield f'lib{room}.a: not in the build directory'
            continue
        permitted = set(allowed[room])
        if 'BASE' in permitted:
            permitted |= base
        if room == 'codec' and 'raft' in libs:
            permitted |= defined(libs['raft'])
        for name in sorted(undefined(libs[room]) - permitted):
            yield f'lib{room}.a: calls {name} (tests/tidy/symbols)'
    for room in PURE_ROOMS:
        for name in sorted(undefined(libs[room]) if room in libs else []):
            if FOREIGN_SYMBOL.match(name):
                yield f'lib{room}.a: calls {name}, which the simulator lacks'


def check_data(tree):
    """No hidden state: nothing in .data or .bss but what the list allows."""
    allowed = read_allowed(tree).get('data', set())
    used = set()
    for room, archive in archives(tree).items():
        for name, _, section in symbols(archive, '--defined-only'):
            if not re.match(r'\.(data|bss|tdata|tbss)|\*COM\*', section) \
                    or section.startswith('.data.rel.ro'):
                continue
            if f'{room}/{name}' in allowed:
                used.add(f'{room}/{name}')
            else:
                yield f'lib{room}.a: {name} in {section} is mutable state'
    for name in sorted(allowed - used):
        yield f'tests/tidy/symbols: data {name} is not needed any more'


def calls_between(archive):
    """For each object of an archive, the objects that it calls."""
    defines, wants = {}, {}
    for line in run('nm', '--plugin=none', '-A', str(archive)
                    ).stdout.splitlines():
        m = re.match(r'[^:]*:([^:]+):\s*[0-9a-fA-F]*\s+([TRDBVWU])\s+(\S+)$',
                     line)
        if m and m.group(2) == 'U':
            wants.setdefault(m.group(1), set()).add(m.group(3))
        elif m:
            defines[m.group(3)] = m.group(1)
    return {name: {defines[s] for s in symbols_ if s in defines} - {name}
            for name, symbols_ in wants.items()}


def way_back(calls, start):
    """A shortest way from an object over its calls to itself; or None."""
    before, todo = {}, [start]
    while todo and start not in before:
        name = todo.pop(0)
        for called in sorted(calls.get(name, ())):
            if called not in before:
                before[called] = name
                todo.append(called)
    if start not in before:
        return None
    way, name = [start], before[start]
    while name != start:
        way.append(name)
        name = before[name]
    return [start] + way[:0:-1] + [start]


def check_circles(tree):
    """The files of a room call each other in one direction."""
    for room, archive in archives(tree).items():
        calls, told = calls_between(archive), set()
        for start in sorted(calls):
            way = None if start in told else way_back(calls, start)
            if way:
                told.update(way)
                yield (f'src/{room}: a circle of files: ' +
                       ' -> '.join(w.removesuffix('.o') for w in way))


# ---- one file at a time -------------------------------------------------

def check_headers(tree):
    """Each header compiles alone, with both compilers."""
    jobs = []
    for path in tree.files('src', suffixes=('.h',)):
        for compiler in ('gcc', 'clang'):
            jobs.append((compiler, '-std=gnu11', '-D_GNU_SOURCE', '-Wall',
                         '-Wextra', '-Werror', '-Wno-pragma-once-outside-header',
                         '-Wno-unused-function', '-Wno-unknown-warning-option',
                         '-fsyntax-only', '-x', 'c',
                         '-I', str(tree.root / 'src'), str(path)))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for job, result in zip(jobs, pool.map(lambda j: run(*j), jobs)):
            if result.returncode != 0:
                first = (result.stderr.strip() or '?').splitlines()[0]
                yield f'{tree.name(Path(job[-1]))}: {job[0]}: {first}'


def check_banned(tree):
    """Banned calls; allocation outside base/alloc.c."""
    for path in tree.files('src', 'tests'):
        where, code = tree.name(path), code_of(read(path))
        for m in BANNED.finditer(code):
            yield f'{where}:{line_of(code, m.start())}: {m.group(1)} is banned'
        # Tests may want blocks of an exact size, for the sanitizers.
        if where == 'src/base/alloc.c' or where.startswith('tests/'):
            continue
        for m in BARE_ALLOCATION.finditer(code):
            yield (f'{where}:{line_of(code, m.start())}: {m.group(1)}: use '
                   'base/alloc.h')


def check_hostport(tree):
    """Nobody but base/hostport.c looks for the colon of "host:port"."""
    for path in tree.files('src', 'tests/tools'):
        where, text = tree.name(path), without_comments(read(path))
        if where in COLON_FILES:
            continue
        for m in COLON_SEARCH.finditer(text):
            yield (f'{where}:{line_of(text, m.start())}: searches for a '
                   'colon: use base/hostport.h')


ERROR_NAMES = re.compile(r'\b(rc|ret)\b(?!\()|'
                         r'\b(?:int|int64_t|ssize_t) (error|result)\b(?=[ ,;)=])')
WIDE_FORMAT = re.compile(r'%[-+ #0-9.*]*ll[udxi]')
WIDE_CAST = re.compile(r'\((?:unsigned )?long long(?: int)?\)|\(ull\)')


def check_names(tree):
    """In src/ a variable that holds an error is called err, and numbers of 64
    bits are printed with PRIu64 and its like. (A field may be `error`.)"""
    for path in tree.files('src', suffixes=('.c', '.h', '.def')):
        where, text = tree.name(path), read(path)
        code, strings = code_of(text), without_comments(text)
        for m in ERROR_NAMES.finditer(code):
            name = m.group(1) or m.group(2)
            if code[m.end():m.end() + 1] == ';' and where.endswith('.h'):
                continue
            yield (f'{where}:{line_of(code, m.start())}: {name}: an error is '
                   'called err')
        for m in WIDE_FORMAT.finditer(strings):
            yield (f'{where}:{line_of(strings, m.start())}: {m.group(0)}: use '
                   'PRIu64, PRId64')
        for m in WIDE_CAST.finditer(code):
            yield (f'{where}:{line_of(code, m.start())}: {m.group(0)}: use '
                   'PRIu64, PRId64')


def parameter_count(signature):
    """Of the last top-level (...) of what stands before a body."""
    depth, start, last = 0, 0, ''
    for i, c in enumerate(signature):
        if c == '(':
            depth += 1
            if depth == 1:
                start = i + 1
        elif c == ')':
            depth -= 1
            if depth == 0:
                last = signature[start:i]
    flat, depth = '', 0
    for c in last:
        depth -= c == ')'
        flat += c if depth == 0 else ' '
        depth += c == '('
    return 0 if flat.strip() in ('', 'void') else flat.count(',') + 1


def functions_of(code):
    """(name, first line, line count, parameters, nesting) of each function:
    a body opens and closes in column 0."""
    lines = code.split('\n')
    for i, line in enumerate(lines):
        if line.rstrip() != '{':
            continue
        top = i
        while top > 0 and lines[top - 1].strip() and not re.search(
                r'[;}\\]\s*$|^#', lines[top - 1]):
            top -= 1
        signature = ' '.join(lines[top:i])
        end = next((j for j in range(i, len(lines))
                    if lines[j].rstrip() == '}'), len(lines) - 1)
        name = re.search(r'(\w+)\s*\(', signature)
        depth = deepest = 0
        for c in '\n'.join(lines[i:end + 1]):
            depth += (c == '{') - (c == '}')
            deepest = max(deepest, depth)
        yield (name.group(1) if name else '?', top + 1, end - top + 1,
               parameter_count(signature), deepest - 1)


def check_sizes(tree):
    """Lines of files and functions, parameters, nesting."""
    unused = dict(tree.exceptions)

    def judge(what, where, value, limit):
        bound = unused.pop((what, where), None)
        if bound is None and value > limit:
            return f'{where}: {what} is {value}, at most {limit}'
        if bound is not None and value > bound:
            return f'{where}: {what} is {value}, its exception says {bound}'
        if bound is not None and value < bound:
            return (f'{where}: {what} is {value} now: lower (or remove) '
                    'its line in tests/tidy/exceptions')
        return None

    for path in tree.files('src', 'tests'):
        where, text = tree.name(path), read(path)
        top = where.split('/')[0]
        found = [judge('file-lines', where, text.count('\n'),
                       FILE_LINES_MAX[top])]
        for name, _, lines, parameters, nesting in functions_of(code_of(text)):
            place = f'{where}:{name}'
            found += [
                judge('function-lines', place, lines,
                      FUNCTION_LINES_MAX[top]),
                judge('parameters', place, parameters, PARAMETERS_MAX),
                judge('nesting', place, nesting, NESTING_MAX)]
        yield from filter(None, found)
    for what, where in unused:
        yield f'tests/tidy/exceptions: {what} {where} is not needed any more'


def check_assertions(tree):
    """Rooms that hold a state have one ASSERT() a function on average."""
    for room in ASSERTING_ROOMS:
        assertions = functions = 0
        for path in tree.files(f'src/{room}'):
            code = code_of(read(path))
            assertions += len(re.findall(r'\bASSERT\w*\s*\(', code))
            functions += len(list(functions_of(code)))
        if assertions < functions:
            yield (f'src/{room}: {assertions} assertions in {functions} '
                   'functions')


def check_format(tree):
    """clang-format has nothing to change."""
    paths = [str(p) for p in tree.files('src', 'tests')]
    for i in range(0, len(paths), 40):
        result = run('clang-format', '--dry-run', '-Werror', '--style=file',
                     *paths[i:i + 40])
        seen = set()
        for line in result.stderr.splitlines():
            m = re.match(r'(.*?):(\d+):\d+: error:', line)
            if m and m.group(1) not in seen:
                seen.add(m.group(1))
                yield f'{tree.name(Path(m.group(1)))}:{m.group(2)}: format'
        if result.returncode != 0 and not seen:
            yield f'clang-format: {result.stderr.strip()[:200]}'


# ---- the whole ----------------------------------------------------------

def read_rows(tree):
    """(id, name, head) of each row of the command table; the head has its
    flags. A subcommand's name is "container|name"."""
    for path in tree.files('src/table', suffixes=('.def',)):
        text = without_comments(read(path))
        for m in re.finditer(r'^(?:ROW\((\w+)|SUB\((\w+),\s*(\w+)),\s*'
                             r'"([^"]+)"([^.)]*)', text, flags=re.M):
            row, container, sub, name, head = m.groups()
            yield row or f'{container}_{sub}', name, head


def has_function(tree, ident, local):
    """The row's function, by the table of functions of its room."""
    room, macro = ('admin', 'LOCAL') if local else ('cmd', 'RUN|CHECKED')
    table = tree.root / 'src' / room / 'functions.def'
    bound = re.search(rf'^({macro})\({ident},.*?(\w+)\)', read(table),
                      flags=re.M) if table.exists() else None
    if not bound:
        return False
    name = bound.group(2)
    function = f'admin_{name}' if local else f'cmd_{name}_run'
    sources = '\n'.join(read(p) for p in tree.files(f'src/{room}'))
    return re.search(rf'^void {function}\(struct \w+ \*\w+\)\s*\{{',
                     sources, flags=re.M) is not None


def check_commands(tree):
    """Every command has a function and a Tcl test, and a line in the README,
    where a subcommand's container speaks for it."""
    tests = '\n'.join(read(p) for p in tree.files('tcl/tests',
                                                  suffixes=('.tcl',))).lower()
    documents = read(tree.root / 'README.md').lower()
    rows = list(read_rows(tree))
    if not rows:
        yield 'src/table: no commands'
    for ident, name, head in rows:
        words = r'\s+'.join(re.escape(w) for w in name.split('|'))
        word = re.compile(rf'(?<![\w-]){words}(?![\w-])')
        alone = not re.search('CMD_WRAPPER|CMD_MULTI', head) and (
            'CMD_CONTAINER' not in head or ' -1,' in head)
        if alone and not has_function(tree, ident, 'CMD_LOCAL' in head):
            yield f'command {name}: no function for {ident}'
        if 'CMD_INTERNAL' in head:
            continue  # no client can call it
        if not word.search(tests):
            yield f'command {name}: no test in tcl/tests'
        if '|' not in name and not word.search(documents):
            yield f'command {name}: not in README.md'


def read_levels(tree):
    """(name, level) of each row of the command table."""
    for path in tree.files('src/table', suffixes=('.def',)):
        rows = re.split(r'^(?=ROW\(|SUB\()', without_comments(read(path)),
                        flags=re.M)
        for row in rows[1:]:
            name = re.search(r'"([^"]+)"', row)
            level = re.search(r'\.level = (\w+)', row)
            yield name.group(1), level.group(1) if level else '1'


def check_levels(tree):
    """Every command came with a level, and that never changes: the list
    `levels` has both."""
    listed = {}
    path = tree.root / 'tests/tidy/levels'
    for line in read(path).splitlines():
        words = line.split('#')[0].split()
        if words:
            listed[words[1]] = words[0]
    for name, level in read_levels(tree):
        if name not in listed:
            yield (f'command {name}: not in tests/tidy/levels: what is new has '
                   'the level of its version (src/table/README.md)')
        elif listed.pop(name) != level:
            yield f'command {name}: of level {level}, and listed with another'
    for name in listed:
        yield f'tests/tidy/levels: there is no command {name} any more'


def check_page(tree):
    """src/table/COMMANDS.md is what commands_page.py writes."""
    yield from commands_page.defects(tree.root)
    if read(tree.root / commands_page.PAGE) != commands_page.page(tree.root):
        yield (f'{commands_page.PAGE} is not current: run '
               'python3 tests/tidy/commands_page.py')


def read_options(tree):
    """(name, field, how it is used) of each option in config.def."""
    text = without_comments(read(tree.root / 'src/config/config.def'))
    for m in re.finditer(r'^CONFIG_(\w+)\("([^"]+)",\s*(\w+),(.*?)\)\n', text,
                         flags=re.M | re.S):
        use = re.sub(r'"[^"]*"', '', m.group(4))
        yield m.group(2), m.group(3), set(re.findall(
            r'\b(START|PUSH|PULL|KEPT)\b', use))


def check_options(tree):
    """What CONFIG SET may change (config.def) reaches its use: what is PUSHed
    in server_config_changed(), what is PULLed elsewhere, in place; and what
    is only read at START is not pushed."""
    pushed = others = ''
    for path in tree.files('src'):
        if tree.name(path).startswith('src/config/'):
            continue
        code = code_of(read(path))
        lines = code.split('\n')
        for name, first, count, _, _ in functions_of(code):
            body = '\n'.join(lines[first - 1:first - 1 + count])
            if name == 'server_config_changed':
                pushed += body
            else:
                others += body
    for name, field, use in read_options(tree):
        word = re.compile(rf'config(->|\.){field}\b')
        if not use:
            yield f'option {name}: does not say how it reaches its use'
        if 'PUSH' in use and not word.search(pushed):
            yield f'option {name}: server_config_changed() does not push it'
        if 'PUSH' not in use and word.search(pushed):
            yield f'option {name}: is pushed, but config.def does not say so'
        if 'PULL' in use and not word.search(others):
            yield f'option {name}: nothing reads config->{field} in place'


def check_kinds(tree):
    """The letters of the kinds of rows stand in src/data/kinds.h alone: what
    sees rows compares with the constants. Each kind has its entry."""
    header = tree.root / 'src/data/kinds.h'
    kinds = dict(re.findall(r"\b(ROW_\w+) = '(.)'", read(header)))
    if not kinds:
        yield 'src/data/kinds.h: no letters'
        return
    table = code_of(read(tree.root / 'src/data/kinds.c'))
    for name in kinds:
        if not re.search(rf'\[{name}\] = ', table):
            yield f'src/data/kinds.c: no entry for {name}'
    letters = ''.join(kinds.values())
    letter = re.compile(rf"'[{letters}]'")
    compared = re.compile(rf"[!=]=\s*'[{letters}]'|'[{letters}]'\s*[!=]=|"
                          rf"case '[{letters}]':")
    for path in tree.files('src', 'tests'):
        where, text = tree.name(path), without_comments(read(path))
        in_room = where.startswith('src/data/')
        if path == header or not in_room and '#include "data/' not in text:
            continue
        for m in (letter if in_room else compared).finditer(text):
            yield (f'{where}:{line_of(text, m.start())}: {m.group(0)}: use '
                   'the constants of data/kinds.h')


METRIC_UNITS = {'NONE': '', 'BYTES': '_bytes', 'SECONDS': '_seconds'}


def read_metrics(tree):
    """(kind, section, name, ..., help) of each row of metrics.def."""
    text = without_comments(read(tree.root / 'src/metrics/metrics.def'))
    for m in re.finditer(r'^(COUNTER|GAUGE|TEXT|ROUNDED|CONSTANT)\((.*?)\)$', text,
                         flags=re.M | re.S):
        words = re.findall(r'((?:\s*"(?:\\.|[^"\\])*")+|[^,"]+)(?:,|$)',
                           m.group(2))
        yield m.group(1), *(''.join(re.findall(r'"((?:\\.|[^"\\])*)"', w)) or
                            w.strip() for w in words)


def exported_complaint(kind, unit, exported):
    """What is wrong with a name for Prometheus; None if nothing is."""
    name = exported.split('{')[0]
    if not re.match(r'(vard|process)_[a-z0-9_]*[a-z0-9]$', name):
        return 'begins with neither vard_ nor process_'
    if name.endswith('_total') != (kind == 'COUNTER'):
        return 'ends in _total if it is a counter, and only then'
    if unit not in METRIC_UNITS:
        return f'has an unknown unit {unit}'
    name = re.sub(r'_total$', '', name)
    for suffix in filter(None, METRIC_UNITS.values()):
        if name.endswith(suffix) != (METRIC_UNITS[unit] == suffix):
            return f'and its unit {unit} do not fit'
    return None


def check_units(tree):
    """Each room has unit tests. Each of them is in the folder of its room (or of
    a folder of tests/), has the name of the file that it tests or opens with
    what it tests, and says UNUSED(state) where it does not use it."""
    unit = tree.root / 'tests/unit'
    rooms = {p.name for p in (tree.root / 'src').iterdir() if any(
        p.glob('*.c'))}
    for room in sorted(rooms):
        if not any(unit.glob(f'{room}/test_*.c')):
            yield f'src/{room}: no test in tests/unit/{room}'
    for path in sorted(unit.rglob('*.c')):
        where, text = tree.name(path), read(path)
        room = path.parent.name
        if room not in rooms and not (tree.root / 'tests' / room).is_dir():
            yield f'{where}: no room {room}'
        if not path.name.startswith('test_'):
            yield f'{where}: is not named test_..., and not built'
        folder = tree.root / ('src' if room in rooms else 'tests') / room
        name = path.stem.replace('test_', '', 1)
        if not re.match(r'(// link:.*\n)*/\*', text) and \
                not any(folder.glob(f'{name}.[ch]')):
            yield f'{where}: is not named after a file of {tree.name(folder)}' \
                ', and does not say what it tests'
        if '(void)state' in text:
            yield f'{where}: (void)state: say UNUSED(state)'


def check_metrics(tree):
    """The table of values: names, units and helps; each value is set."""
    rows = list(read_metrics(tree))
    sources = '\n'.join(read(p) for p in tree.files('src'))
    is_set = set(re.findall(r'\bmetrics_(?:set|count|text)\(\s*&?\w+,\s*'
                            r'METRIC_(\w+)', sources))
    seen = set()
    if not rows:
        yield 'src/metrics/metrics.def: no rows'
    for kind, section, name, *rest in rows:
        where = f'metric {name}'
        if name in seen:
            yield f'{where}: twice in the table'
        seen.add(name)
        if not rest[-1].endswith('.'):
            yield f'{where}: its help does not end with a full stop'
        if kind not in ('ROUNDED', 'CONSTANT') and name not in is_set:
            yield f'{where}: nothing sets it'
        if kind in ('COUNTER', 'GAUGE'):
            problem = exported_complaint(kind, *rest[:2])
            if problem:
                yield f'{where}: {rest[1]} {problem}'


def check_openings(tree):
    """A .c file of a room opens with a comment that says how it fails, or
    that nothing there does."""
    for path in tree.files('src', suffixes=('.c',)):
        opening = OPENING.match(read(path))
        if not opening:
            yield f'{tree.name(path)}: does not open with a comment'
        elif not FAILING.search(opening.group(0)):
            yield f'{tree.name(path)}: its opening does not say how it fails'


def check_readmes(tree):
    """Every folder of the house says what it is; a room also what must never
    come in and in which order to read it. src/README.md has a row for each
    room."""
    src = tree.root / 'src'
    folders = [src] + [p for p in sorted(src.iterdir()) if p.is_dir()]
    folders += [tree.root / n for n in ('tests', 'tcl', 'conf', 'deps')]
    folders += [p for p in sorted((tree.root / 'tests').iterdir())
                if p.is_dir() and p.name != '__pycache__']
    for folder in folders:
        if not (folder / 'README.md').exists():
            yield f'{tree.name(folder)}: no README.md'
        elif folder.parent == src:
            text = read(folder / 'README.md')
            for words in ('What must never come in', 'Reading order'):
                if words not in text:
                    yield f'{tree.name(folder)}/README.md: no "{words}"'
    rows = read(src / 'README.md')
    for room in read_layers(tree)[0]:
        if f'| `{room}` |' not in rows:
            yield f'src/README.md: no row for room {room}'


def text_files(tree, *suffixes):
    """The files that people write; of all kinds without a suffix."""
    for path in sorted(tree.root.rglob('*')):
        parts = path.relative_to(tree.root).parts
        if {'.git', 'run', 'corpus'} & set(parts) \
                or parts[0].startswith('build') or not path.is_file() \
                or path.stat().st_size > 1 << 20:
            continue
        if not suffixes or path.suffix in suffixes:
            yield path


def check_words(tree):
    """No text says what tests/tidy/words lists: names of things that are not
    in the tree, and words that have been replaced."""
    banned = []
    for line in read(tree.root / 'tests/tidy/words').splitlines():
        pattern, colon, instead = line.partition(' : ')
        if colon and not line.startswith('#'):
            banned.append((re.compile(pattern.strip()), instead.strip()))
    for path in text_files(tree):
        where = tree.name(path)
        if where.startswith('tests/tidy/'):
            continue
        for number, line in enumerate(read(path).splitlines(), 1):
            for pattern, instead in banned:
                m = pattern.search(line)
                if m:
                    yield f'{where}:{number}: "{m.group(0)}": {instead}'


NAMED_FILE = re.compile(r'`([\w.-]+(?:/[\w.-]+)*\.(?:c|h|def|py|sh|tcl|txt|md|'
                        r'conf|service))`')
NAMED_CALL = re.compile(r'`(\w+)\(\)`')
NAMED_TEST = re.compile(r'`([a-z]+)/([a-z]\w*)`|`[^`]*[/.][^`]*`|([;|])|'
                        r'\b([a-z]+(?:_[a-z0-9]+)+)\b')


def tests_named(tree, line, words):
    """What a line of BUGS.md or SECURITY.md names in vain. `ROOM/FILE` is a
    unit test; what follows it, up to a semicolon, are functions in it; any
    other name with an underscore stands in src/ or tests/."""
    inside = None
    for room, file, end, name in NAMED_TEST.findall(line):
        if room and (tree.root / 'tests/unit' / room).is_dir():
            file = file if file.startswith('test_') else f'test_{file}'
            inside = tree.root / 'tests/unit' / room / f'{file}.c'
            if not inside.exists():
                yield f'no unit test {room}/{file}.c'
                inside = None
        elif end:
            inside = None
        elif name and inside and not re.search(rf'\b{name}\b', read(inside)):
            yield f'no {name} in {inside.parent.name}/{inside.name}'
        elif name and name not in words:
            yield f'nothing is called {name}'


def check_documents(tree):
    """What the documents call `FILE` exists: seen from the document's folder,
    the top, src/ or tests/, or, without a folder, anywhere; and so do the
    functions called `f()`, the tests that BUGS.md and SECURITY.md name, and
    the files of the lists of proofs."""
    names = {p.name for p in text_files(tree)}
    foreign = read_layers(tree)[1]
    words = set(re.findall(r'\w+', '\n'.join(
        read(p) for p in text_files(tree) if p.suffix in
        ('.c', '.h', '.py', '.sh', '.tcl', '.def', '.txt'))))
    for path in tree.root.glob('tests/proof/*.txt'):
        for number, line in enumerate(read(path).splitlines(), 1):
            for name in re.findall(r'\bsrc/\w+/\w+\.[ch]\b', line):
                if not (tree.root / name).exists():
                    yield f'{tree.name(path)}:{number}: no file {name}'
    for path in text_files(tree, '.md'):
        where = tree.name(path)
        bases = [path.parent, tree.root, tree.root / 'src',
                 tree.root / 'tests', path.parent.parent]
        lists_tests = where in ('tests/BUGS.md', 'tests/SECURITY.md')
        for number, line in enumerate(read(path).splitlines(), 1):
            complaints = [
                f'no file {name}' for name in NAMED_FILE.findall(line)
                if not (name in names or name in foreign
                        or re.search('FILE|NAME', name)
                        or any((base / name).exists() for base in bases))]
            complaints += [f'no function {name}()' for name in
                           NAMED_CALL.findall(line) if name not in words]
            if lists_tests:
                complaints += tests_named(tree, line, words)
            for complaint in complaints:
                yield f'{where}:{number}: {complaint}'


def check_paths(tree):
    """Nothing names a directory of somebody's machine."""
    skip = {'.git', 'run'}
    for path in sorted(tree.root.rglob('*')):
        parts = path.relative_to(tree.root).parts
        if skip & set(parts) or parts[0].startswith('build') \
                or not path.is_file() or path.stat().st_size > 1 << 20:
            continue
        for number, line in enumerate(read(path).splitlines(), 1):
            if MACHINE_PATH.search(line) and 'MACHINE_PATH' not in line:
                yield f'{tree.name(path)}:{number}: absolute path'


def main():
    checks = {n[6:]: f for n, f in globals().items() if n.startswith('check_')}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--root', default=Path(__file__).parents[2])
    parser.add_argument('--build')
    parser.add_argument('checks', nargs='*', metavar='CHECK')
    args = parser.parse_args()
    tree = Tree(args.root, args.build)
    passed = failed = 0
    for name in args.checks or checks:
        if name in ('symbols', 'data', 'circles') and tree.build is None:
            print(f'tidy {name}: skipped, no --build')
            continue
        complaints = list(checks[name](tree))
        for line in complaints:
            print(f'tidy {name}: {line}')
        passed += not complaints
        failed += bool(complaints)
    print(f'tidy: {passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
