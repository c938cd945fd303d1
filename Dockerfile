# syntax=docker/dockerfile:1
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /srv/binderlens
COPY constraints.txt ./
# The CPU builds of both, from PyTorch's own index and in a call of their own; see scripts/install.sh.
RUN python -m venv /opt/venv \
 && torch="$(sed -n 's/^torch==//p' constraints.txt)" \
 && vision="$(sed -n 's/^torchvision==//p' constraints.txt)" \
 && /opt/venv/bin/pip install --no-deps --index-url https://download.pytorch.org/whl/cpu \
        "torch==${torch}" "torchvision==${vision}"
COPY pyproject.toml README.md ./
COPY app ./app
RUN /opt/venv/bin/pip install --constraint constraints.txt --editable .

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
RUN useradd --system --uid 10001 --home-dir /var/lib/binderlens --create-home binderlens
WORKDIR /srv/binderlens
COPY --from=build /opt/venv /opt/venv
COPY pyproject.toml README.md LICENSE ./
COPY app ./app
COPY models ./models
COPY sql ./sql
USER binderlens
VOLUME /var/lib/binderlens
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health', timeout=2)"]
ENTRYPOINT ["binderlens"]
CMD ["serve"]
