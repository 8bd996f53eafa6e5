#!/usr/bin/env bash
# Installs what building and testing need and this machine lacks: a C compiler (SQLite and QuickJS are C), the
# formatter and linter of Rust, what some examples call, and PostgreSQL, of which the tests start a server of their own
# (the package may start one too; it is not used). Does nothing, quickly, where all is there.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }

packages=()
has cc || packages+=(build-essential)
has python3 || packages+=(python3)
has pg_ctl || compgen -G '/usr/lib/postgresql/*/bin/pg_ctl' >/dev/null || packages+=(postgresql)
if ((${#packages[@]} > 0)); then
  has apt-get || { say "please install: ${packages[*]}"; exit 1; }
  as_root=()
  if [[ $(id -u) != 0 ]]; then
    has sudo || { say "please install, as root: apt-get install ${packages[*]}"; exit 1; }
    as_root=(sudo)
  fi
  say "installing ${packages[*]}"
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

has cargo || { say "Rust is missing: see https://rustup.rs"; exit 1; }
missing=()
cargo fmt --version >/dev/null 2>&1 || missing+=(rustfmt)
cargo clippy --version >/dev/null 2>&1 || missing+=(clippy)
if ((${#missing[@]} > 0)); then
  has rustup || { say "please install the Rust components: ${missing[*]}"; exit 1; }
  say "installing ${missing[*]}"
  rustup component add "${missing[@]}"
fi
