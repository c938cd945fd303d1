"""The pages load nothing from elsewhere, and what they load is there."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import httpx
import pytest


@pytest.mark.parametrize("path", ["/", "/docs", "/dashboard"])
async def test_a_page_loads_only_what_this_service_serves(path: str, client: httpx.AsyncClient) -> None:
    page = await client.get(path)
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "script-src" not in page.headers["content-security-policy"]
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert loaded
    for reference in loaded:
        assert "//" not in reference
        # Relative, so that the pages also work below a path of a proxy.
        assert not reference.startswith("/")
        file = await client.get(urljoin(path, reference))
        assert file.status_code == 200, reference
        assert len(file.content) > 50


@pytest.mark.parametrize("path", ["/", "/docs", "/dashboard"])
async def test_a_page_has_no_script_or_style_of_its_own(path: str, client: httpx.AsyncClient) -> None:
    page = (await client.get(path)).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bon\w+=|javascript:", page)


async def test_swagger_ui_comes_whole_and_may_be_kept(client: httpx.AsyncClient) -> None:
    script = await client.get("/static/swagger-ui/swagger-ui-bundle.js")
    assert script.headers["content-type"].startswith(("text/javascript", "application/javascript"))
    assert "SwaggerUIBundle" in script.text
    assert "max-age" in script.headers["cache-control"]
    assert (await client.get("/static/swagger-ui/..%2F__init__.py")).status_code in (404, 422)
    assert (await client.get("/static/swagger-ui/redoc.standalone.js")).status_code == 422


@pytest.mark.parametrize("path", ["/", "/docs", "/dashboard"])
async def test_files_of_a_page_may_be_kept_for_good_and_the_page_is_asked_for_again(
    path: str, client: httpx.AsyncClient
) -> None:
    page = await client.get(path)
    assert page.headers["cache-control"] == "no-cache"
    own = re.findall(r'(?:src|href)="(static/(?!swagger-ui)[^"]+)"', page.text)
    assert own
    for reference in own:
        file = await client.get(urljoin(path, reference))
        assert "immutable" in file.headers["cache-control"], reference


@pytest.mark.parametrize("version", ["", "0123456789ab/"])
async def test_a_file_of_no_version_or_another_is_the_present_one_and_is_asked_about(
    version: str, client: httpx.AsyncClient
) -> None:
    style = await client.get(f"/static/{version}style.css")
    assert (style.status_code, style.headers["cache-control"]) == (200, "no-cache")
    again = await client.get("/static/style.css", headers={"If-None-Match": style.headers["etag"]})
    assert again.status_code == 304
    assert (await client.get(f"/static/{version}{version or 'a'}/style.css")).status_code == 404
