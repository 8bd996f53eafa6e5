"""Dagster's web server, its daemon and its code server, as `dagster dev` starts them."""

from pathlib import Path


def start(spawn, environment, free_port):
    """All three by one command."""
    port = free_port()
    environment["DAGSTER_HOME"] = environment["PEER_WORK"]
    environment["DAGSTER_PORT"] = str(port)
    settings = """
telemetry:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 50
"""
    Path(environment["PEER_WORK"], "dagster.yaml").write_text(settings)
    flows = Path(__file__).with_name("flows.py")
    spawn("dagster", "dev", "-h", "127.0.0.1", "-p", port, "-f", flows)
    yield f"http://127.0.0.1:{port}/server_info"


def driver(folder, environment):
    """The command of the driver."""
    return [f"{environment['PEER_HOME']}/venv/bin/python", folder / "driver.py"]
