# The image of web, runner and nightly. images/service_image.py lays out the context and names the image by its digest.
ARG BASE
FROM ${BASE}
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# Packages in a layer of their own: a changed line of ours does not install them anew.
RUN --mount=type=bind,source=requirements-service.lock,target=/recipe/requirements-service.lock \
    --mount=type=bind,source=images/service.sh,target=/recipe/service.sh \
    --mount=type=bind,from=uv,target=/opt/uv \
    --mount=type=cache,id=tfmatrix-uv,target=/root/.cache/uv \
    --mount=type=secret,id=certificates \
    --mount=type=secret,id=settings \
    sh /recipe/service.sh packages
COPY . /opt/tfmatrix/
RUN --mount=type=bind,from=uv,target=/opt/uv sh /opt/tfmatrix/images/service.sh ours
WORKDIR /opt/tfmatrix
CMD ["tfmatrix", "--help"]
