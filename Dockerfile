# syntax=docker/dockerfile:1
# docker build .                          the service with the compact encoder, which needs no PyTorch
# docker build --build-arg EXTRAS=clip .  with PyTorch and open_clip too: to fetch, export and serve CLIP models
FROM python:3.11-slim-bookworm AS build
ARG EXTRAS=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1
WORKDIR /srv/binderlens
COPY constraints.txt ./
# The CPU builds, from PyTorch's own index and in a call of their own; see scripts/install.sh.
RUN python -m venv /opt/venv \
 && case "$EXTRAS" in *clip*|*quantise*) \
        torch="$(sed -n 's/^torch==//p' constraints.txt)" \
     && vision="$(sed -n 's/^torchvision==//p' constraints.txt)" \
     && /opt/venv/bin/pip install --no-deps --index-url https://download.pytorch.org/whl/cpu \
            "torch==${torch}" "torchvision==${vision}" ;; \
    esac
COPY pyproject.toml README.md ./
COPY scripts/slim.sh ./scripts/
COPY app ./app
# rapidocr carries the recogniser of card texts as a file; none of its code runs, so nothing it depends on comes.
RUN rapidocr="$(sed -n 's/^rapidocr==//p' constraints.txt)" \
 && /opt/venv/bin/pip install --constraint constraints.txt --editable ".${EXTRAS:+[$EXTRAS]}" \
 && /opt/venv/bin/pip install --no-deps "rapidocr==${rapidocr}" \
 && scripts/slim.sh /opt/venv "$EXTRAS"

FROM python:3.11-slim-bookworm
# glibc gives every thread an arena of its own; two are plenty here and keep memory flat.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/var/lib/binderlens \
    LOG_FORMAT=json
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/binderlens --create-home binderlens
WORKDIR /srv/binderlens
COPY --from=build /opt/venv /opt/venv
COPY pyproject.toml README.md LICENSE ./
COPY sql ./sql
COPY models ./models
COPY --from=build /srv/binderlens/app ./app
USER 10001
VOLUME /var/lib/binderlens
EXPOSE 8000
# Not /ready/startup: who replaces unhealthy containers would do so for as long as the database is away.
HEALTHCHECK --interval=30s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health', timeout=2)"]
CMD ["binderlens", "serve"]
