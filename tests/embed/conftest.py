"""Servers in this process, with clients of other threads; what a test leaves open fails it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import pytest

from simulator.client import Client
from simulator.embed import ModbusServer, threads

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 30
PROGRAM_S = 60


def wait_until(condition: Callable[[], object], what: str = "it") -> None:
    """Look again and again until it is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.002)


def descriptors() -> list[str]:
    """What this process has open, without the descriptor that looks."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}").split(":")[0])
        except FileNotFoundError:
            continue
    return sorted(found)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Every socket, epoll and thread is given back."""
    threads.ensure_running()
    threads.run(lambda: threads.the_reactor().getThreadPool())
    resource_tracker.ensure_running()
    gc.collect()
    before, running = descriptors(), set(threading.enumerate())
    yield
    gc.collect()
    deadline = time.monotonic() + 5
    while (descriptors() != before) and time.monotonic() < deadline:
        time.sleep(0.01)
        gc.collect()
    assert descriptors() == before
    pool = threads.the_reactor().getThreadPool().threads
    assert [
        each for each in set(threading.enumerate()) - running if each not in pool and not each.daemon
    ] == []


@pytest.fixture
def serve() -> Iterator[Callable[..., ModbusServer]]:
    """``serve(...)``: a server that runs on a free port and is stopped in the end."""
    servers: list[ModbusServer] = []

    def start(*arguments: Any, **settings: Any) -> ModbusServer:
        server = ModbusServer(*(arguments or ("127.0.0.1", 0)), **settings)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def client() -> Iterator[Callable[..., Client]]:
    """``client(server, unit=1)``: a blocking client, closed in the end."""
    clients: list[Client] = []

    def connect(server: ModbusServer | str, **options: Any) -> Client:
        url = server if isinstance(server, str) else server.url
        clients.append(Client(url, **{"timeout": PATIENCE_S, **options}))
        return clients[-1]

    yield connect
    for each in clients:
        each.close()


@pytest.fixture(name="wait_until")
def wait_until_fixture() -> Callable[..., None]:
    return wait_until


def program(text: str, *arguments: str) -> str:
    """What a program of its own prints; it must end by itself, well, and say nothing else."""
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", text, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(name="program")
def program_fixture() -> Callable[..., str]:
    return program
