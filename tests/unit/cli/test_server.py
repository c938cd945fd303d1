"""The HTTP server believes the proxies that the settings name, wherever these are read from."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request

from app.cli.server import build_server
from app.settings import Settings

FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}


async def seen_from(peer: str, settings: Settings) -> list[str]:
    """The scheme and the client's address of a request that ``peer`` forwarded."""
    application = FastAPI()

    @application.get("/")
    def who(request: Request) -> list[str]:
        return [request.url.scheme, request.client.host if request.client else ""]

    config = build_server(application, settings).config
    config.load()
    transport = httpx.ASGITransport(config.loaded_app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://cards") as client:
        return (await client.get("/", headers=FORWARDED)).json()


@pytest.fixture
def env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    return tmp_path / ".env"


async def test_a_proxy_named_in_the_env_file_is_believed_and_no_other(env_file: Path) -> None:
    env_file.write_text("FORWARDED_ALLOW_IPS=192.0.2.1, 198.51.100.0/24\n")
    for proxy in ("192.0.2.1", "198.51.100.77"):
        assert await seen_from(proxy, Settings()) == ["https", "203.0.113.9"]
    assert await seen_from("192.0.2.2", Settings()) == ["http", "192.0.2.2"]


@pytest.mark.parametrize(("text", "stranger"), [("", "http"), ("FORWARDED_ALLOW_IPS=*\n", "https")])
async def test_this_host_alone_is_believed_where_nothing_is_said(
    text: str, stranger: str, env_file: Path
) -> None:
    env_file.write_text(text)
    assert (await seen_from("127.0.0.1", Settings()))[0] == "https"
    assert (await seen_from("192.0.2.2", Settings()))[0] == stranger


@pytest.mark.parametrize("wrong", ["proxy.example", "*, 192.0.2.1", "192.0.2.1/24"])
def test_what_can_be_no_proxys_address_is_refused(wrong: str, env_file: Path) -> None:
    env_file.write_text(f"FORWARDED_ALLOW_IPS={wrong}\n")
    with pytest.raises(ValueError, match="FORWARDED_ALLOW_IPS has"):
        Settings()
