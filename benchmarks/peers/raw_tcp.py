"""The floor of a large call: sockets that take a body and send one of the same size.

`python raw_tcp.py PORT`. Heads are those of HTTP, so that the same client can call it.
"""

import re
import socket
import sys


def main(port: int) -> None:
    """Answer the requests of one connection after another."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            connection, _ = listener.accept()
            with connection:
                answer(connection)


def answer(connection: socket.socket) -> None:
    """Answer requests until the client hangs up."""
    buffer = bytearray()
    while head := connection.recv(65536):
        head, _, first = head.partition(b"\r\n\r\n")
        found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        size = int(found[1]) if found else 0
        if len(buffer) != size:
            buffer = bytearray(size)
        view, read = memoryview(buffer), len(first)
        view[:read] = first
        while read < size:
            read += connection.recv_into(view[read:])
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        connection.sendall(buffer)


main(int(sys.argv[1]))
