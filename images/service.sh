#!/bin/sh
# Runs inside the build of the service's image: "packages" installs what the lock names, "ours" the code that was copied in.
set -eu
if [ -s /run/secrets/settings ]; then set -a; . /run/secrets/settings; set +a; fi
if [ -s /run/secrets/certificates ]; then export SSL_CERT_FILE=/run/secrets/certificates; fi
export UV_LINK_MODE=copy UV_HTTP_TIMEOUT=300
install="/opt/uv/uv pip install --quiet --no-config --python /usr/local/bin/python3 --break-system-packages --no-deps"
case $1 in
packages)
    $install --compile-bytecode --only-binary :all: --require-hashes -r /recipe/requirements-service.lock
    ;;
ours)
    $install --no-cache --offline --no-build-isolation --editable /opt/tfmatrix
    python3 -m compileall -q /opt/tfmatrix
    chmod -R a+rX /opt/tfmatrix
    ;;
esac
