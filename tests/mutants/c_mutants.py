"""Generates mutants of a C file: one small fault in each.

The file is cut into tokens, the bodies of its functions into statements and
expressions; no compiler is asked. What does not compile is thrown away later.
Left alone: assertions, comments, strings, the preprocessor, types, case
labels, what is outside functions, and a lone constant that initialises a
variable whose address is taken afterwards (a value for an output that the
compiler wants to see set).
"""
import re

TOKEN = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)'
    r'|(?P<macro>^[ \t]*\#(?:\\\n|[^\n])*)'
    r'|(?P<string>"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\')'
    r'|(?P<number>\d[\w.]*)'
    r'|(?P<name>[A-Za-z_]\w*)'
    r'|(?P<punct><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\|'
    r'|[-+*/%&|^]=|[^\s\w])',
    re.S | re.M)

SWAPS = {
    '<': ('<=', '>='), '<=': ('<', '>'), '>': ('>=', '<='), '>=': ('>', '<'),
    '==': ('!=',), '!=': ('==',), '&&': ('||',), '||': ('&&',),
    '++': ('--',), '--': ('++',), '+=': ('-=',), '-=': ('+=',),
    '|=': ('&=',), '&=': ('|=',), '<<': ('>>',), '>>': ('<<',),
    'true': ('false',), 'false': ('true',), 'MIN': ('MAX',), 'MAX': ('MIN',),
}
COMPARISONS = {'<', '<=', '>', '>=', '==', '!='}
ASSIGNMENTS = {'=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=',
               '>>='}
SKIPPED_CALLS = {'ASSERT', '_Static_assert', 'sizeof', 'STATIC_ASSERT'}
TYPES = re.compile(r'^(struct|enum|union|const|static|unsigned|signed|int|'
                   r'char|bool|long|short|float|double|void|size_t|ssize_t|'
                   r'u?int\d+_t|node_id|raft_(term|index)|_Static_assert)$')
OPEN, CLOSE = {'(': ')', '[': ']', '{': '}'}, {')', ']', '}'}


class Token:
    def __init__(self, match):
        self.kind = match.lastgroup
        self.text = match.group()
        self.start, self.end = match.span()


class Mutant:
    """Text [start, end) of the file becomes `new`."""

    def __init__(self, start, end, new, operator):
        self.start, self.end, self.new = start, end, new
        self.operator = operator
        self.file = self.function = self.name = None
        self.before = self.after = None

    def apply(self, text):
        # Lines stay where they are: they are in the assertions' messages.
        lost = text[self.start:self.end].count('\n')
        return (text[:self.start] + self.new + '\n' * lost +
                text[self.end:])

    def key(self):
        return (self.file, self.function, self.before, self.after)


class Source:
    """One C file and its mutants, in the order of the text."""

    def __init__(self, name, text):
        self.name, self.text = name, text
        self.tokens = [t for t in map(Token, TOKEN.finditer(text))
                       if t.kind not in ('comment', 'macro')]
        self.pair = self.match_brackets()
        self.mutants = []
        for begin, end in self.bodies():
            self.body(begin, end)

    def match_brackets(self):
        pair, stack = {}, []
        for i, token in enumerate(self.tokens):
            if token.kind != 'punct':
                continue
            if token.text in OPEN:
                stack.append(i)
            elif token.text in CLOSE:
                pair[i] = stack.pop()
                pair[pair[i]] = i
        return pair

    def bodies(self):
        """(first token of the declaration, opening brace) of each function."""
        i = first = 0
        while i < len(self.tokens):
            text = self.tokens[i].text
            if text == '{':
                if self.tokens[i - 1].text == ')':
                    yield first, i
                    first = self.pair[i] + 1
                i = self.pair[i]
            elif text == '(':
                i = self.pair[i]
            elif text == ';':
                first = i + 1
            i += 1

    def body(self, first, brace):
        name = self.pair[brace - 1] - 1
        before = [t.text for t in self.tokens[first:name]]
        self.function = self.tokens[name].text
        self.returns = ('other' if '*' in before or 'struct' in before
                        else 'void' if 'void' in before
                        else 'bool' if 'bool' in before else 'number')
        end = self.pair[brace]
        self.outputs = set(re.findall(
            r'&\s*(\w+)\b(?!\s*(?:->|\.|\[))',
            self.text[self.tokens[brace].start:self.tokens[end].end]))
        self.found = []
        self.statement(brace)
        self.found.sort(key=lambda m: (m.start, m.end, m.new))
        seen = set()
        for mutant in self.found:
            what = (mutant.start, mutant.end, mutant.new)
            if what not in seen:
                seen.add(what)
                self.name_mutant(mutant)
                self.mutants.append(mutant)

    def name_mutant(self, m):
        line = self.text.count('\n', 0, m.start) + 1
        left = self.text.rfind('\n', 0, m.start) + 1
        right = self.text.find('\n', m.end)
        m.file, m.function = self.name, self.function
        m.name = '%s:%d:%d:%s' % (self.name, line, m.start - left + 1,
                                  m.operator)
        m.before = ' '.join(self.text[left:right].split())
        m.after = ' '.join((self.text[left:m.start] + m.new +
                            self.text[m.end:right]).split())

    def add(self, a, b, new, operator):
        """Tokens [a, b) become `new`."""
        self.found.append(Mutant(self.tokens[a].start, self.tokens[b - 1].end,
                                 new, operator))

    # Statements. Each returns the token after it.

    def statement(self, i):
        text = self.tokens[i].text
        if text == '{':
            end = self.pair[i]
            i += 1
            while i < end:
                i = self.statement(i)
            return end + 1
        if text in ('if', 'while', 'switch'):
            return self.guarded(i)
        if text == 'for':
            return self.loop(i)
        if text == 'do':
            i = self.statement(i + 1) + 1
            self.condition(i + 1, self.pair[i], 'while')
            return self.pair[i] + 2
        if text in ('case', 'default'):
            while self.tokens[i].text != ':':
                i += 1
            return i + 1
        return self.simple(i)

    def guarded(self, i):
        close = self.pair[i + 1]
        keyword = self.tokens[i].text
        if keyword == 'switch':
            self.expression(i + 2, close)
        else:
            self.condition(i + 2, close, keyword)
        i = self.statement(close + 1)
        if keyword == 'if' and self.tokens[i].text == 'else':
            i = self.statement(i + 1)
        return i

    def loop(self, i):
        close = self.pair[i + 1]
        parts, begin = [], i + 2
        for at in self.outside(i + 2, close):
            if self.tokens[at].text == ';':
                parts.append((begin, at))
                begin = at + 1
        (init, init_end), (cond, cond_end) = parts
        self.declaration(init, init_end)
        self.condition(cond, cond_end, 'while')
        self.expression(begin, close)
        return self.statement(close + 1)

    def simple(self, i):
        """What ends with a semicolon."""
        end = next(at for at in self.outside(i, len(self.tokens))
                   if self.tokens[at].text == ';')
        text = self.tokens[i].text
        if text in ('break', 'continue', 'goto'):
            self.add(i, end + 1, ';', 'del')
        elif text == 'return':
            self.returned(i, end)
        elif self.is_declaration(i, end):
            self.declaration(i, end)
        elif i < end and text not in SKIPPED_CALLS:
            self.add(i, end + 1, ';', 'del')
            self.expression(i, end)
        return end + 1

    def is_declaration(self, i, end):
        if TYPES.match(self.tokens[i].text):
            return True
        while i + 1 < end and self.tokens[i + 1].text == '*':
            i += 1
        return (self.tokens[i].text in '* ' or
                self.tokens[i].kind == 'name') and \
            self.tokens[i + 1].kind == 'name'

    def declaration(self, i, end):
        """Only what stands after a `=`."""
        parts = [i] + [at for at in self.outside(i, end)
                       if self.tokens[at].text in ('=', ',')] + [end]
        for begin, stop in zip(parts, parts[1:]):
            if self.tokens[begin].text != '=':
                continue
            lone = stop == begin + 2
            if not lone or self.tokens[begin - 1].text not in self.outputs:
                self.expression(begin + 1, stop)

    def returned(self, i, end):
        if end == i + 1:
            self.add(i, end + 1, ';', 'del')
            return
        self.expression(i + 1, end)
        value = self.slice(i + 1, end)
        if self.returns == 'bool' and not self.is_plain(i + 1, end):
            self.add(i + 1, end, '!(%s)' % value, 'return')
        if self.returns == 'bool' and end > i + 2:
            self.add(i + 1, end, 'true', 'return')
            self.add(i + 1, end, 'false', 'return')
        if self.returns == 'number' and self.tokens[i + 1].kind != 'number':
            self.add(i + 1, end, '(%s) + 1' % value, 'return')
            self.add(i + 1, end, '0', 'return')

    # Expressions: tokens [i, end).

    def slice(self, i, end):
        return self.text[self.tokens[i].start:self.tokens[end - 1].end]

    def outside(self, i, end):
        """Tokens in no bracket."""
        while i < end:
            yield i
            i = self.pair[i] + 1 if self.tokens[i].text in OPEN else i + 1

    def is_plain(self, i, end):
        """Has a mutant by its own operator that is its negation."""
        texts = [self.tokens[at].text for at in self.outside(i, end)]
        return (sum(t in COMPARISONS for t in texts) == 1 and
                not {'&&', '||', '?'} & set(texts)) or \
            texts[0] in ('!', 'true', 'false') and \
            not {'&&', '||', '?'} & set(texts)

    def condition(self, i, end, keyword):
        if i == end:
            return
        self.expression(i, end)
        if keyword == 'if':
            self.add(i, end, 'true', 'cond')
        self.add(i, end, 'false', 'cond')
        if not self.is_plain(i, end):
            self.add(i, end, '!(%s)' % self.slice(i, end), 'cond')

    def expression(self, i, end):
        for at in range(i, end):
            if not self.is_skipped(i, at):
                self.token(i, at)
        self.clauses(i, end)

    def is_skipped(self, i, at):
        """Within sizeof(...) or the like."""
        return any(self.tokens[begin - 1].text in SKIPPED_CALLS and
                   begin < at < self.pair[begin]
                   for begin in range(max(i, 1), at)
                   if self.tokens[begin].text == '(')

    def token(self, i, at):
        t = self.tokens[at]
        for new in SWAPS.get(t.text, ()):
            if t.kind in ('punct', 'name'):
                self.add(at, at + 1, new, t.text)
        if t.kind == 'number':
            self.number(at)
        elif t.text == '!':
            self.add(at, at + 1, '', 'not')
        elif t.text in '+-' and at > i and t.kind == 'punct':
            before = self.tokens[at - 1]
            if before.kind in ('name', 'number') or before.text in ')]':
                self.add(at, at + 1, '-' if t.text == '+' else '+', t.text)

    def number(self, at):
        match = re.match(r'^(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)$',
                         self.tokens[at].text)
        if not match:
            return
        value = int(match.group(1), 0)
        for new in (value + 1, value - 1):
            if new >= 0:
                self.add(at, at + 1, '%d%s' % (new, match.group(2)), 'const')

    def clauses(self, i, end):
        """Clauses of && and ||, and conditions of ?:, made constant."""
        for a, b in self.split(i, end, ASSIGNMENTS | {',', ':', 'return'}):
            parts = self.split(a, b, {'?'})
            if len(parts) > 1 and parts[0][0] < parts[0][1]:
                self.add(*parts[0], 'true', 'cond')
                self.add(*parts[0], 'false', 'cond')
            for c, d in parts:
                self.clauses_of_or(c, d)

    def clauses_of_or(self, i, end):
        parts = self.split(i, end, {'||'})
        for a, b in parts:
            if len(parts) > 1:
                self.add(a, b, 'false', 'clause')
            inner = self.split(a, b, {'&&'})
            for c, d in inner:
                if len(inner) > 1:
                    self.add(c, d, 'true', 'clause')
                for at in self.outside(c, d):
                    if self.tokens[at].text in OPEN and \
                            self.tokens[at - 1].text not in SKIPPED_CALLS:
                        self.clauses(at + 1, self.pair[at])

    def split(self, i, end, separators):
        parts, begin = [], i
        for at in self.outside(i, end):
            if self.tokens[at].text in separators:
                parts.append((begin, at))
                begin = at + 1
        parts.append((begin, end))
        return [(a, b) for a, b in parts if a < b]


def mutants_of(name, text):
    """All mutants of a file; equal keys get a number, so that each is one."""
    mutants = Source(name, text).mutants
    seen = {}
    for m in mutants:
        seen[m.key()] = seen.get(m.key(), 0) + 1
        if seen[m.key()] > 1:
            m.after += '  (%d)' % seen[m.key()]
    return mutants
