"""A port that is held until somebody listens on it."""

import socket
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from infra.local.ports import HOST, Port, held_urls


def test_a_held_port_is_nobody_else_s() -> None:
    """Nobody answers on it, and it is bound by nobody who does not say that they share it."""
    with Port() as held:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, held.number))
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind((HOST, held.number))


def test_a_server_of_ours_listens_on_it_again_and_again() -> None:
    """Also while it is held, and what listens goes on once it is let go."""
    held = Port()
    for _ in range(2):
        with socket.create_server((HOST, held.number)), socket.create_connection((HOST, held.number)):
            pass
    with socket.create_server((HOST, held.number)):
        held.release()
        held.release()
        with socket.create_connection((HOST, held.number)):
            pass
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((HOST, held.number))


def test_each_name_has_a_url_of_its_own_until_the_end() -> None:
    """Fifty names, fifty ports; all are let go."""
    with ExitStack() as ending:
        urls = held_urls([str(number) for number in range(50)], ending)
        ports = {urlsplit(url).port for url in urls.values()}
        assert len(ports) == 50
    for port in ports:
        with socket.create_server((HOST, int(port or 0))):
            pass
