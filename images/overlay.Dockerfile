# One recipe for every overlay: another Keras in a folder of its own, before the packages of the environment it stands on.
ARG BASE
FROM ${BASE}
ARG LOCK
ARG PACKAGE
ARG LEGACY
ENV PYTHONPATH=/overlay \
    TF_USE_LEGACY_KERAS=${LEGACY}
RUN --mount=type=bind,target=/recipe \
    --mount=type=bind,from=uv,target=/opt/uv \
    --mount=type=cache,id=tfmatrix-uv,target=/root/.cache/uv \
    --mount=type=secret,id=certificates \
    --mount=type=secret,id=settings \
    sh /recipe/overlay.sh "/recipe/${LOCK}" "${PACKAGE}"
