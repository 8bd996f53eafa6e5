"""DBOS is a library: its driver is the whole of it, beside PostgreSQL."""


def start(_spawn, _environment, _free_port):
    """Nothing to start."""
    return []


def driver(folder, environment):
    """The command of the driver."""
    return [f"{environment['PEER_HOME']}/venv/bin/python", folder / "driver.py"]
