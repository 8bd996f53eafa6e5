#!/usr/bin/env bash
# Runs the fuzz targets one after the other, each for MINUTES minutes (1 unless said): tools/fuzz.sh [TARGET…]
# Findings end up in fuzz/artifacts; see fuzz/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=${MINUTES:-1}
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(documents expressions facts blueprints foreign)

if ! cargo fuzz --version >/dev/null 2>&1; then
  cargo install cargo-fuzz --locked
fi

# The fuzzer's instrumentation is behind a flag that a stable compiler has too. The sources hold no unsafe code, so that
# no sanitizer is needed to see what goes wrong: a panic, a timeout or too much memory.
export RUSTC_BOOTSTRAP=1
found=0
for target in "${targets[@]}"; do
  mkdir -p "fuzz/corpus/$target"
  dictionary=()
  case $target in
    expressions) dictionary=(-dict=fuzz/dictionaries/expressions.dict) ;;
    documents | foreign) dictionary=(-dict=fuzz/dictionaries/documents.dict) ;;
  esac
  cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
    -fork=1 -ignore_crashes=1 -ignore_timeouts=1 -ignore_ooms=1 -timeout=10 -rss_limit_mb=2048 -max_len=8192 \
    -max_total_time=$((minutes * 60)) "${dictionary[@]}" 2>&1 | tail -n 20
  if compgen -G "fuzz/artifacts/$target/*" >/dev/null; then
    echo "$target: findings in fuzz/artifacts/$target" >&2
    found=1
  fi
done
exit $found
