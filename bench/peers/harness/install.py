"""Installs a peer into a folder of its own under $PEERS_HOME, from PyPI or npm, at the versions of peers.toml."""

import json
import os
import subprocess
import sys
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
HOME = Path(os.environ.get("PEERS_HOME") or CACHE / "drawloom" / "peers")
LIMIT = 1800


def folder(name):
    """Where a peer is installed."""
    return HOME / name


def install(name, peer, uv_version):
    """Installs what is missing or of another version; a second call does nothing."""
    wanted = json.dumps([peer.get("pypi"), peer.get("npm")])
    stamp = folder(name) / "installed.json"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    folder(name).mkdir(parents=True, exist_ok=True)
    if peer.get("pypi"):
        _from_pypi(folder(name), peer["pypi"], _uv(uv_version))
    if peer.get("npm"):
        _from_npm(folder(name), peer["npm"])
    stamp.write_text(wanted)


def _uv(version):
    """pip takes very long to choose among Airflow's many dependencies; uv, itself from PyPI, does not."""
    uv = folder("uv") / "bin" / "uv"
    if not uv.exists():
        _run([sys.executable, "-m", "venv", folder("uv")])
        _run([folder("uv") / "bin" / "pip", "install", "-q", f"uv=={version}"])
    return uv


def _from_pypi(target, packages, uv):
    _run([uv, "venv", "-q", "--clear", "--python", sys.executable, target / "venv"])
    # Compiled now, so that the first start does not pay for it.
    _run([uv, "pip", "install", "-q", "--compile-bytecode", "--python", target / "venv" / "bin" / "python", *packages])


def _from_npm(target, packages):
    (target / "package.json").write_text('{"private": true, "type": "module"}\n')
    _run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", *packages], cwd=target)


def _run(command, cwd=None):
    subprocess.run([str(part) for part in command], check=True, timeout=LIMIT, cwd=cwd, stdout=sys.stderr)
