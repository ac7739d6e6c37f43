#!/bin/sh
# Makes the secrets of infra/compose.yaml, each once, and says what is missing. The folder is for its owner only; the files in it are
# not, since each is read by another user in its container.
set -eu
cd "$(dirname "$0")"
umask 022
mkdir -p secrets
chmod 700 secrets
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
make() { [ -e "secrets/$1" ] || { printf '%s\n' "$2" > "secrets/$1.new" && mv "secrets/$1.new" "secrets/$1"; }; }

if [ ! -e secrets/redis_auth ] || [ ! -e secrets/redis_url ]; then
  password=$(random)
  rm -f secrets/redis_auth secrets/redis_url
  make redis_auth "requirepass $password"
  make redis_url "redis://:$password@redis:6379"
fi
make metrics_token "$(random)"
make grafana_password "$(random)"
if [ ! -e secrets/password_hash ]; then
  echo 'All but one: the password of the dashboard. Make it with' >&2
  echo '  veilcast-broadcaster hash-password > infra/compose/secrets/password_hash' >&2
  exit 1
fi
echo 'All secrets are there.'
