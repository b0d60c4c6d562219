"""A wire between a client and a Neo4j server that breaks at the commit, and stays so if asked."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

COMMIT = b"\x00\x02\xb0\x12\x00\x00"  # the whole message of Bolt: its length, COMMIT, its end
_RESET = struct.pack("ii", 1, 0)


class Wire:
    """Forwards connections to a server.

    ``cut`` says what is to happen to the next commit: ``before``, it is not forwarded; ``sent``, it
    is, and nobody waits for what becomes of it; ``after``, it was answered, and the answer is not
    forwarded. Then the connection breaks. With `dark` no connection can be made afterwards until
    :meth:`mend`.
    """

    def __init__(self, uri: str) -> None:
        there = urlsplit(uri)
        self._there = there.hostname, there.port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.uri = f"bolt://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._mutex = threading.Lock()
        self.cut = ""
        self.dark = False
        self._broken = False
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def mend(self) -> None:
        """Let connections be made again."""
        self.dark = self._broken = False

    def close(self) -> None:
        """End all connections."""
        with suppress(OSError):  # wakes who accepts
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._mutex:
            for one in self._open:
                _broken(one)

    def _accept(self) -> None:
        while True:
            try:
                near = self._listener.accept()[0]
            except OSError:
                return
            if self._broken:
                _broken(near)
                continue
            try:
                far = socket.create_connection(self._there)
            except OSError:
                _broken(near)
                continue
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._mutex:
                self._open += [near, far]
            doomed = threading.Event()  # its next answer is not forwarded
            threading.Thread(target=self._out, args=(near, far, doomed), daemon=True).start()
            threading.Thread(target=self._back, args=(near, far, doomed), daemon=True).start()

    def _out(self, near: socket.socket, far: socket.socket, doomed: threading.Event) -> None:
        """Forward what the client says."""
        last = b""
        while data := _received(near):
            if self.cut and COMMIT in last + data:
                how, self.cut = self.cut, ""
                self.cuts += 1
                self._broken = self.dark
                if how == "after":
                    doomed.set()
                if how != "before":
                    _sent(far, data)
                if how != "after":
                    break
            else:
                _sent(far, data)
            last = data[-len(COMMIT) :]
        if not doomed.is_set():
            _broken(near)
            _ended(far)

    def _back(self, near: socket.socket, far: socket.socket, doomed: threading.Event) -> None:
        """Forward what the server answers."""
        while (data := _received(far)) and not doomed.is_set():
            _sent(near, data)
        for one in (near, far):
            _broken(one)


@contextmanager
def wire(uri: str) -> Iterator[Wire]:
    """Give a wire to a server."""
    made = Wire(uri)
    try:
        yield made
    finally:
        made.close()


def _received(one: socket.socket) -> bytes:
    try:
        return one.recv(1 << 16)
    except OSError:
        return b""


def _sent(one: socket.socket, data: bytes) -> None:
    with suppress(OSError):
        one.sendall(data)


def _ended(one: socket.socket) -> None:
    """Say that nothing more comes: what was sent before still arrives."""
    with suppress(OSError):
        one.shutdown(socket.SHUT_WR)


def _broken(one: socket.socket) -> None:
    """Break a connection as a network does: who waits at the other end learns of it."""
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        one.close()
