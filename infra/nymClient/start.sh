#!/bin/sh
# Makes the client's identity at the first start, and runs it. NYM_GATEWAY: the gateway's identity key (default: Nym's choice).
# Whoever reaches the websocket sends and reads as this client: only the broadcaster may.
set -eu
id=veilcast
if [ ! -e "$HOME/.nym/clients/$id/config/config.toml" ]; then
  nym-client --no-banner init --id "$id" --host 0.0.0.0 ${NYM_GATEWAY:+--gateway "$NYM_GATEWAY"}
fi
exec nym-client --no-banner run --id "$id" --host 0.0.0.0
