"""Processes that belong to a measurement: their processor time, their memory, and their end.

Every process that is started, however it detaches, stays a descendant of this one: as a child subreaper it inherits
orphans. So processor time is never lost when a process ends, and nothing is left running or ended by name.
"""

import ctypes
import os
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def adopt_orphans():
    """Makes this process the parent of every descendant whose own parent ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _stat(pid):
    """The fields of /proc/PID/stat after the name, which may hold anything; None once the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _table():
    stats = {int(name): _stat(name) for name in os.listdir("/proc") if name.isdigit()}
    return {pid: stat for pid, stat in stats.items() if stat}


def descendants(root):
    """The stat fields of all descendants of a process, by id."""
    table = _table()
    children = {}
    for pid, stat in table.items():
        children.setdefault(int(stat[1]), []).append(pid)
    found, left = {}, list(children.get(root, []))
    while left:
        pid = left.pop()
        found[pid] = table[pid]
        left.extend(children.get(pid, []))
    return found


def cpu_seconds():
    """User and system time of all processes this one ever started: those that ended, and those that live."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    living = sum(sum(int(field) for field in stat[11:15]) for stat in descendants(os.getpid()).values())
    return ended.ru_utime + ended.ru_stime + living / TICK


def memory_mib(without=()):
    """Memory of all descendants, pages that are shared counted once (PSS; RSS where PSS may not be read)."""
    total = 0
    for pid, stat in descendants(os.getpid()).items():
        if pid in without:
            continue
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
        except OSError:
            total += int(stat[21]) * PAGE
    return total / 2**20


def free_port():
    """A port of the loopback interface that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end(process, patience=15):
    """Ends a process and what it started: first asks, then kills. Only ids that descend from it are touched."""
    family = [process.pid, *descendants(process.pid)]
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pid in family[1:]:
        _kill_own(pid)


def end_all(patience=15):
    """Ends every descendant that is left."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + patience
        left = _living()
        for pid in left:
            _send(pid, how)
        while _living() and time.monotonic() < deadline:
            time.sleep(0.1)


def _living():
    return [pid for pid, stat in descendants(os.getpid()).items() if stat[0] != "Z"]


def _kill_own(pid):
    if pid in descendants(os.getpid()):
        _send(pid, signal.SIGKILL)


def _send(pid, how):
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        pass
