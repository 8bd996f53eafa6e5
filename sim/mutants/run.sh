#!/bin/sh
# Shows that the simulator bites: puts each deliberate defect of this folder into a copy of the sources, and hunts.
# The checkout itself is not touched.
#
#   sim/mutants/run.sh [NAME...]      all, or these
#
# MINUTES (1) is how long each is hunted, WORK (a new temporary folder) where the copy and its target folder are.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${WORK:-$(mktemp -d)}
minutes=${MINUTES:-1}
export CARGO_TARGET_DIR="$work/target"
# Fast enough to hunt, and with the assertions that a release has not.
export CARGO_PROFILE_DEV_OPT_LEVEL=2
mkdir -p "$work/tree"
copy() { (cd "$root" && tar cf - --exclude=./target --exclude=./.git --exclude=./fuzz .) | tar xmf - -C "$work/tree"; }
copy
cd "$work/tree"
cp -r "$here" "$work/mutants"
names=${*:-$(cd "$work/mutants" && ls *.patch | sed 's/\.patch$//')}
missed=0
for name in $names; do
    patch="$work/mutants/$name.patch"
    if ! patch -sp1 <"$patch"; then
        echo "$name: the patch does not fit the sources any more"
        exit 2
    fi
    if cargo build -q -p sim >"$work/log" 2>&1; then
        binary=$(find "$CARGO_TARGET_DIR" -maxdepth 2 -name sim -type f | head -1)
        if "$binary" --seeds 0.. --minutes "$minutes" >"$work/log" 2>&1; then
            missed=$((missed + 1))
            echo "$name: NOT CAUGHT: $(tail -1 "$work/log")"
        else
            echo "$name: $(grep '^broken' "$work/log" | tail -1)  [$(grep '^seed' "$work/log" | tail -1 | sed 's/^seed [0-9]*: //' | cut -c1-160)]"
        fi
    else
        echo "$name: it does not compile"
        tail -20 "$work/log"
        missed=$((missed + 1))
    fi
    patch -sRp1 <"$patch"
done
echo "$missed not caught"
[ "$missed" = 0 ]
