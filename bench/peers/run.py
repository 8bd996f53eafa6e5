#!/usr/bin/env python3
"""Measures Drawloom beside what a user would pick instead, and writes down what came out.

    bench/peers/run.py                    all of them
    bench/peers/run.py prefect dbos       these; the figures of the others stay
    bench/peers/run.py --report           only the table and the chart, from the figures that are there
"""

import json
import os
import signal
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

from harness import install, processes, report
from harness.measure import measure

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.jsonl"


def main(arguments):
    settings = tomllib.loads((HERE / "peers.toml").read_text())
    peers = settings["peers"]
    rows = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    if "--report" not in arguments:
        names = arguments or list(peers)
        if unknown := [name for name in names if name not in peers]:
            sys.exit(f"unknown: {', '.join(unknown)}; there are {', '.join(peers)}")
        processes.adopt_orphans()
        # Ended from outside, it still ends what it started.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        for name in names:
            fresh = _measure(name, peers[name], settings)
            rows = [row for row in rows if row["peer"] != name] + fresh
            order = list(peers)
            rows.sort(key=lambda row: order.index(row["peer"]))
            RESULTS.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report.write(settings, rows)
    _chart(settings)


def _measure(name, peer, settings):
    """The rows of one peer; what went wrong is a row as well."""
    rows = []
    about = {"version": _version(peer), "date": date.today().isoformat(), "load": os.getloadavg()[2]}
    try:
        _note(f"{name}: install")
        install.install(name, peer, settings["uv"])
        for row in measure(name, peer, settings["sizes"], _note):
            rows.append(row | about)
            _note(json.dumps(row))
    except (subprocess.SubprocessError, OSError) as error:
        rows.append({"peer": name, "error": str(error)} | about)
        _note(json.dumps(rows[-1]))
    finally:
        processes.end_all()
    return rows


def _version(peer):
    packages = peer.get("pypi", []) + peer.get("npm", [])
    if packages:
        return ", ".join(packages)
    told = subprocess.run([os.environ["DRAWLOOM"], "--version"], capture_output=True, text=True, check=True)
    return told.stdout.strip()


def _chart(settings):
    """Matplotlib is not part of Python: it is installed as the peers are."""
    install.install("chart", {"pypi": [f"matplotlib=={settings['matplotlib']}"]}, settings["uv"])
    python = install.folder("chart") / "venv" / "bin" / "python"
    subprocess.run([python, HERE / "harness" / "chart.py", RESULTS, HERE / "chart.svg"], check=True, timeout=300)


def _note(text):
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
