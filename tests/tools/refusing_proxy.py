"""refusing_proxy.py LISTEN-PORT NODE-PORT ID

Hands requests of each connection to a node, and its replies back, one after the
other. The first ONCE with this id is refused for now, as a node without a leader
would; those behind it are taken. Ends by a signal.
"""
import socket
import sys
import threading

REFUSAL = b'-CLUSTERDOWN no leader is known; the command was not executed\r\n'


def request(stream):
    """Its bytes and its arguments; none at the end."""
    raw = stream.readline()
    args = []
    for _ in range(int(raw[1:]) if raw else 0):
        head = stream.readline()
        body = stream.read(int(head[1:]) + 2)
        raw += head + body
        args.append(body[:-2])
    return raw, args


def reply(stream):
    raw = stream.readline()
    if raw[:1] == b'$' and int(raw[1:]) >= 0:
        raw += stream.read(int(raw[1:]) + 2)
    elif raw[:1] == b'*':
        for _ in range(int(raw[1:])):
            raw += reply(stream)
    return raw


def serve(client, node_port, refused):
    node = socket.create_connection(('127.0.0.1', node_port))
    requests, replies = client.makefile('rb'), node.makefile('rb')
    try:
        while True:
            raw, args = request(requests)
            if not raw:
                return
            if args[0] == b'ONCE' and args[2] in refused:
                refused.remove(args[2])
                client.sendall(REFUSAL)
                continue
            node.sendall(raw)
            client.sendall(reply(replies))
    except OSError:
        return
    finally:
        node.close()
        client.close()


def main():
    listen_port, node_port = int(sys.argv[1]), int(sys.argv[2])
    refused = {sys.argv[3].encode()}
    server = socket.create_server(('127.0.0.1', listen_port))
    print('ready', flush=True)
    while True:
        client, _ = server.accept()
        threading.Thread(target=serve, args=(client, node_port, refused),
                         daemon=True).start()


main()
