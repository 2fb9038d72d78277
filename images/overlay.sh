#!/bin/sh
# Runs inside the build of an overlay, in one layer: install what its lock names, prove that it works and is the one used.
set -eu
lock=$1 package=$2
if [ -s /run/secrets/settings ]; then set -a; . /run/secrets/settings; set +a; fi
if [ -s /run/secrets/certificates ]; then export SSL_CERT_FILE=/run/secrets/certificates; fi
export UV_LINK_MODE=copy UV_HTTP_TIMEOUT=300
# Wheels only: nothing in an overlay needs building, so nothing that builds has to be pinned.
/opt/uv/uv pip install --quiet --no-config --python /usr/local/bin/python3 --target "$PYTHONPATH" \
    --require-hashes --no-deps --only-binary :all: -r "$lock"
rm -rf "$PYTHONPATH/bin" "$PYTHONPATH/.lock"
# As for the environments: the canary leaves the bytecode of what is imported.
python3 /recipe/overlay_canary.py "$PYTHONPATH" "$package"
rm -rf /tmp/* /root/.keras
