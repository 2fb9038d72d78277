#!/bin/sh
# Runs inside the build of the inspector's image: installs what the lock names.
set -eu
if [ -s /run/secrets/settings ]; then set -a; . /run/secrets/settings; set +a; fi
if [ -s /run/secrets/certificates ]; then export SSL_CERT_FILE=/run/secrets/certificates; fi
export UV_LINK_MODE=copy UV_HTTP_TIMEOUT=300
/opt/uv/uv pip install --quiet --no-config --python /usr/local/bin/python3 --break-system-packages --no-deps \
    --compile-bytecode --only-binary :all: --require-hashes -r /recipe/requirements.lock
