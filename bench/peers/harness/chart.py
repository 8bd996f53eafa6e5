"""Draws the processor time per unit, from the lines of results.jsonl, as SVG. Needs matplotlib."""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plot  # noqa: E402

WORKLOADS = {
    "chain": "sequence,\nper step",
    "fan": "fan-out and join,\nper task",
    "runs": "runs of 3 steps,\nper run",
    "shell": "3 processes,\nper run",
    "cold": "cold start,\nfirst run done",
}
COLOURS = ["#1b7f5c", "#3b6fb6", "#8a5fb0", "#c9822b", "#c2504d", "#6b6f76", "#3f9fa8"]


def main(results, picture):
    rows = [json.loads(line) for line in Path(results).read_text().splitlines()]
    found = {(row["peer"], row["workload"]): row for row in rows if row.get("workload") in WORKLOADS and "error" not in row}
    peers = list(dict.fromkeys(peer for peer, _ in found))
    plot.rcParams |= {"svg.hashsalt": "peers", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10}
    figure, (cpu, wall) = plot.subplots(2, 1, figsize=(10, 8.4), layout="constrained")
    _bars(cpu, found, peers, "cpu_s", "processor time per unit, ms (log)")
    _bars(wall, found, peers, "wall_s", "wall clock per unit, ms (log)")
    figure.legend(*cpu.get_legend_handles_labels(), loc="outside upper center", ncols=len(peers), frameon=False)
    figure.savefig(picture, metadata={"Date": None, "Creator": None}, facecolor="white")


def _bars(axes, found, peers, figure, label):
    width = 0.84 / len(peers)
    for at, peer in enumerate(peers):
        bars = [(x, found.get((peer, workload))) for x, workload in enumerate(WORKLOADS)]
        bars = [(x, row[figure] / row["size"] * 1000) for x, row in bars if row]
        places = [x + (at - (len(peers) - 1) / 2) * width for x, _ in bars]
        drawn = axes.bar(places, [value for _, value in bars], width * 0.92, label=peer, color=COLOURS[at])
        axes.bar_label(drawn, [_short(value) for _, value in bars], fontsize=7, padding=1.5)
    axes.set_yscale("log")
    axes.margins(y=0.12)
    axes.set_xticks(range(len(WORKLOADS)), WORKLOADS.values())
    axes.set_ylabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    axes.set_axisbelow(True)


def _short(value):
    return f"{value:.2g}" if value < 10 else f"{value:.0f}" if value < 1000 else f"{value / 1000:.1f}k"


main(*sys.argv[1:])
