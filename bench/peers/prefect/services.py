"""The Prefect server."""


def start(spawn, environment, free_port):
    """The server, which makes its database first."""
    port = free_port()
    environment["PREFECT_HOME"] = environment["PEER_WORK"]
    environment["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
    environment["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    environment["PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY"] = "false"
    spawn("prefect", "server", "start", "--host", "127.0.0.1", "--port", port)
    yield f"http://127.0.0.1:{port}/api/health"


def driver(folder, environment):
    """The command of the driver."""
    return [f"{environment['PEER_HOME']}/venv/bin/python", folder / "driver.py"]
