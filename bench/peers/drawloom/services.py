"""Drawloom has no server yet: the command line is all there is to start."""

import sys


def start(_spawn, _environment, _free_port):
    """Nothing to start."""
    return []


def driver(folder, _environment):
    """The command of the driver."""
    return [sys.executable, folder / "driver.py"]
