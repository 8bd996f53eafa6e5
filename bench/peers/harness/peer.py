"""One peer while it is measured: its services, its database and its driver.

A peer is a folder beside this one with `services.py`, which names the servers to start (none for a library), and a
driver, which reads `WORKLOAD SIZE` lines on standard input, does that much the way a user would, and answers each
with one line of JSON: what came out of it. The driver's figures are taken from outside.
"""

import importlib.util
import json
import os
import select
import subprocess
import time
import urllib.request
from pathlib import Path

from . import install, processes

HERE = Path(__file__).resolve().parent.parent
REPOSITORY = HERE.parent.parent


class Failed(Exception):
    """A peer did not start, did not answer in time, or answered wrongly."""


class Peer:
    """Starts on entry, ends everything on exit."""

    def __init__(self, name, settings, work):
        self.name, self.settings, self.work = name, settings, work
        self.folder = HERE / settings.get("folder", name)
        self.log = open(work / "output.log", "ab")
        self.database = self.driver = None
        self.servers = []
        self.services = self._services()
        self.environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "DO_NOT_TRACK": "1",
            "PEER_HOME": str(install.folder(name)),
            "PEER_WORK": str(work),
            "PYTHONPATH": str(HERE / "shared"),
            **settings.get("environment", {}),
        }
        self.environment["PATH"] = f"{install.folder(name)}/venv/bin:{self.environment['PATH']}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.driver:
            processes.end(self.driver)
        if self.database:
            self.database.stdin.close()
            try:
                self.database.wait(20)
            except subprocess.TimeoutExpired:
                processes.end(self.database)
        processes.end_all()
        self.log.close()

    def start_database(self):
        """A PostgreSQL of its own, if the peer needs one."""
        if not self.settings.get("postgres"):
            return
        holder = [REPOSITORY / "tools/with-postgres.sh", "sh", "-c", 'echo "$DRAWLOOM_TEST_POSTGRES"; cat']
        self.database = subprocess.Popen(
            holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, env=self.environment, text=True
        )
        self.environment["DATABASE"] = _line(self.database, 90)

    def start_services(self):
        """The servers, until each answers."""
        for ready in self.services.start(self._spawn, self.environment, processes.free_port):
            _wait_for(ready, self.servers)

    def start_driver(self):
        """The driver, until it says that it is ready."""
        self.driver = subprocess.Popen(
            self.services.driver(self.folder, self.environment),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
            env=self.environment, cwd=self.work, text=True,
        )
        _line(self.driver, 180)

    def do(self, workload, size, limit):
        """Has the driver do it; returns its answer, wall seconds and processor seconds."""
        before, began = processes.cpu_seconds(), time.monotonic()
        self.driver.stdin.write(f"{workload} {size}\n")
        self.driver.stdin.flush()
        answer = json.loads(_line(self.driver, limit))
        return answer, time.monotonic() - began, processes.cpu_seconds() - before

    def _services(self):
        spec = importlib.util.spec_from_file_location(f"services_{self.folder.name}", self.folder / "services.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def _spawn(self, *command, wait=False):
        command = [str(part) for part in command]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=self.environment, cwd=self.work
        )
        if wait and process.wait(300) != 0:
            raise Failed(f"{' '.join(command)} ended with {process.returncode}")
        if not wait:
            self.servers.append(process)


def _line(process, limit):
    """The next line of a process; what it prints to that pipe is one line per question."""
    ready, _, _ = select.select([process.stdout], [], [], limit)
    if not ready:
        raise Failed(f"no answer within {limit:.0f} s")
    line = process.stdout.readline()
    if not line:
        raise Failed(f"ended with {process.wait(5)}")
    return line.strip()


def _wait_for(url, servers, limit=180):
    """Until the address answers, unless a server has ended or the time is over."""
    deadline = time.monotonic() + limit
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError as error:
            if time.monotonic() > deadline or any(server.poll() is not None for server in servers):
                raise Failed(f"{url}: {error}") from error
        time.sleep(0.05)
