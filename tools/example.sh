#!/usr/bin/env bash
# Runs the main example with the drawloom that is given: a flow over HTTP, shell, a map and code. The HTTP API is a
# small shop that is started here, on a free port of the loopback interface, with the data in examples/data.
set -euo pipefail
cd "$(dirname "$0")/.."
drawloom=${1:?usage: tools/example.sh DRAWLOOM}

address_file=$(mktemp)
python3 examples/shop.py --port 0 >"$address_file" &
shop=$!
trap 'kill "$shop" 2>/dev/null || true; rm -f "$address_file"' EXIT
for _ in $(seq 100); do
  address=$(head -n 1 "$address_file")
  [[ -n $address ]] && break
  kill -0 "$shop" 2>/dev/null || { echo "the example's shop did not start" >&2; exit 1; }
  sleep 0.1
done
[[ -n $address ]] || { echo "the example's shop did not answer" >&2; exit 1; }

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[[ -t 1 && -z ${NO_COLOR:-} ]] || say() { printf '\n%s\n' "$*"; }
# Loopback is refused to flows unless somebody allows it.
export DRAWLOOM_HTTP_ALLOW=127.0.0.1

say "\$ drawloom validate examples/flows/etl.yaml"
"$drawloom" validate examples/flows/etl.yaml

say "\$ drawloom run examples/flows/etl.yaml --input shop=$address"
"$drawloom" run examples/flows/etl.yaml --input "shop=$address"

run=$("$drawloom" runs list --flow etl --json |
  python3 -c 'import json, sys; runs = json.load(sys.stdin); print(runs[0]["run"])')
say "\$ drawloom runs show $run        # its timeline, read from the journal"
"$drawloom" runs show "$run"

say "What to try next (the program is $drawloom)"
cat <<NEXT
  drawloom init hello && drawloom run hello.yaml     a flow of your own
  drawloom runs list                                 what ran; nothing is lost between starts
  drawloom runs facts last                           every fact of this run, one by one
  drawloom runs fork last --from table --dry-run     what would be kept if it went on from there
  drawloom run examples/flows/approval.yaml          waits for you, and says how to answer
  examples/README.md                                 more flows, each showing one thing
  docs/src/SUMMARY.md                                the book
NEXT
