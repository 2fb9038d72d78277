#!/bin/sh
# Runs inside the build, in one layer: install what the lock names, remove dead weight, prove that it still works.
set -eu
lock=$1
if [ -s /run/secrets/settings ]; then set -a; . /run/secrets/settings; set +a; fi
if [ -s /run/secrets/certificates ]; then export SSL_CERT_FILE=/run/secrets/certificates; fi
export UV_LINK_MODE=copy UV_HTTP_TIMEOUT=300
/opt/uv/uv pip install --quiet --no-config --python /usr/local/bin/python3 --break-system-packages \
    --require-hashes --no-deps --build-constraints /recipe/build-constraints.txt -r "$lock"
python3 /recipe/trim.py
# The canary's imports leave the bytecode of all that is imported when a model is saved, loaded and called:
# a quarter of all files, and all that matters. An import without bytecode costs 10 s of CPU, each time.
python3 /recipe/canary.py
rm -rf /tmp/* /root/.keras
