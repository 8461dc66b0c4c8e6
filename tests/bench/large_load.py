#!/usr/bin/env python3
"""Clients of a large value, until SIGTERM: for large.sh.

    tests/bench/large_load.py set|get|ttl HOST:PORT CLIENTS BYTES

Each client asks for the key `large`, one request at a time, and looks at the
form and the length of the reply. Prints how many requests a second were
answered, and how many were answered wrongly or lost their connection; the first
of those is shown on standard error. Ends by itself after ten minutes.
"""
import os
import signal
import socket
import sys
import threading
import time

PIECE = 1 << 20
END_S = 600


def encode(*words):
    parts = [b'*%d\r\n' % len(words)]
    for word in words:
        parts += [b'$%d\r\n' % len(word), word, b'\r\n']
    return b''.join(parts)


class Client(threading.Thread):
    def __init__(self, op, address, size, value):
        super().__init__(daemon=True)
        host, port = address.rsplit(':', 1)
        self.op = op
        self.size = size
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request = encode(op.upper().encode(), b'large',
                              *([value] if op == 'set' else []))
        self.piece = bytearray(PIECE)
        self.answered = 0
        self.error = None

    def receive(self, count):
        """How many bytes came, `count` at most; they are in self.piece."""
        got = self.socket.recv_into(self.piece, min(count, PIECE))
        if got == 0:
            raise OSError('the connection was closed')
        return got

    def line(self):
        line = b''
        while not line.endswith(b'\r\n'):
            self.receive(1)
            line += self.piece[:1]
        return line[:-2]

    def check(self):
        line = self.line()
        expected = {'set': b'+OK', 'ttl': b':-1',
                    'get': b'$%d' % self.size}[self.op]
        if line != expected:
            raise OSError(f'answered {line[:100]!r}')
        left = self.size + 2 if self.op == 'get' else 0
        while left > 0:
            got = self.receive(left)
            left -= got
            if left == 0 and self.piece[got - 1:got] != b'\n':
                raise OSError('a reply has no end')

    def run(self):
        try:
            while True:
                self.socket.sendall(self.request)
                self.check()
                self.answered += 1
        except OSError as err:
            self.error = err


def main():
    op, address, count, size = sys.argv[1:]
    if op not in ('set', 'get', 'ttl'):
        sys.exit(f'no load is called {op}')
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    value = os.urandom(int(size)) if op == 'set' else b''
    clients = [Client(op, address, int(size), value)
               for _ in range(int(count))]
    begin = time.monotonic()
    for client in clients:
        client.start()
    stop.wait(END_S)
    seconds = time.monotonic() - begin
    failed = [client.error for client in clients if client.error]
    answered = sum(client.answered for client in clients)
    print(f'{answered / seconds:.2f} {len(failed)}')
    if failed:
        print(f'{op}: {failed[0]}', file=sys.stderr)
    sys.exit(1 if failed or not stop.is_set() else 0)


if __name__ == '__main__':
    main()
