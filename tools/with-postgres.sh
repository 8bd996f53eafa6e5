#!/usr/bin/env bash
# Starts a PostgreSQL server of its own in a temporary folder, on a free port of the loopback interface, and runs a
# command beside it, which finds its URL in DRAWLOOM_TEST_POSTGRES. However the command ends, the server ends with it
# and nothing of it stays. Where DRAWLOOM_TEST_POSTGRES names a server already, the command gets that one.
# DRAWLOOM_TEST_POSTGRES_CTL is the beginning of a pg_ctl command for the server that was started.
#
#   tools/with-postgres.sh cargo nextest run -p drawloom-store-postgres
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
(($# > 0)) || { say "usage: tools/with-postgres.sh COMMAND…"; exit 2; }
[[ -z ${DRAWLOOM_TEST_POSTGRES:-} ]] || exec "$@"

# The newest of those that Debian keeps apart by version, or else what the path has.
binaries=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1 || true)
[[ -n $binaries ]] || binaries=$(dirname "$(command -v pg_ctl || true)")
[[ -x $binaries/initdb && -x $binaries/pg_ctl ]] || { say "PostgreSQL is missing: make setup installs it"; exit 1; }

folder=$(mktemp -d /tmp/drawloom-postgres.XXXXXX)
# PostgreSQL refuses to run as root.
as_user=()
if [[ $(id -u) == 0 ]]; then
  id postgres >/dev/null 2>&1 || { say "there is no user postgres to run the server as"; exit 1; }
  as_user=(setpriv --reuid postgres --regid postgres --init-groups)
  chown postgres "$folder"
fi
# The server's user may not look into the folder from which this was called.
in_folder() { (cd "$folder" && "${as_user[@]}" "$@"); }

stop() {
  trap - EXIT
  in_folder "$binaries/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

in_folder "$binaries/initdb" -D "$folder/data" -A trust -U postgres -E UTF8 --locale=C --no-sync >"$folder/initdb.log" 2>&1 ||
  { cat "$folder/initdb.log" >&2; exit 1; }
cat >>"$folder/data/postgresql.conf" <<SETTINGS
listen_addresses = '127.0.0.1'
unix_socket_directories = '$folder'
max_connections = 300
shared_buffers = 256MB
max_wal_size = 2GB
SETTINGS
# Somebody else may take a port between its choice and its use.
for _ in 1 2 3 4 5; do
  port=$((20000 + RANDOM % 12000))
  echo "port = $port" >>"$folder/data/postgresql.conf"
  if in_folder "$binaries/pg_ctl" -D "$folder/data" -w -t 60 -l "$folder/server.log" start >/dev/null 2>&1; then
    export DRAWLOOM_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres"
    export DRAWLOOM_TEST_POSTGRES_CTL="cd $folder && ${as_user[*]} $binaries/pg_ctl -D $folder/data -w -l $folder/server.log"
    status=0
    "$@" || status=$?
    exit "$status"
  fi
done
cat "$folder/server.log" >&2 || true
say "PostgreSQL did not start"
exit 1
