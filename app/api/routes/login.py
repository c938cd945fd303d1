"""A key is exchanged for a cookie, so that a browser shows it with every link and picture by itself."""

from __future__ import annotations

from fastapi import Request, Response

from app.api.browsers import refuse_pages_of_others
from app.api.deps import RuntimeDep
from app.api.limits import KeyLimits
from app.api.login import Logins, give_cookie, take_cookie
from app.api.responses import LOGIN_ERRORS, LOGOUT_ERRORS, cookie, problems
from app.api.routing import open_router
from app.api.schemas.login import LoginRequest
from app.api.security import KeyRing

router = open_router("login")


@router.post(
    "/login",
    operation_id="log_in",
    summary="Exchange a key for a cookie",
    status_code=204,
    responses=cookie("the login; none where no keys are set") | problems(*LOGIN_ERRORS),
)
async def log_in(given: LoginRequest, request: Request, response: Response, runtime: RuntimeDep) -> None:
    """For browsers: a program sends its key with each request. Where no keys are set, there is nothing to do.

    The login has the scopes and the limits of its key and ends with it. It holds for 12 hours and is renewed
    while it is used, for 7 days at most. Pages of other origins can change nothing by it.
    """
    refuse_pages_of_others(request.headers, request.method)
    key_ring: KeyRing = request.app.state.key_ring
    if key_ring.is_empty:
        return
    limits: KeyLimits = request.app.state.limits
    with limits.logins.attempt(request.client.host if request.client else ""):
        key = key_ring.recognise(given.key.get_secret_value().strip())
    request.state.key_id = key.key_id
    logins = Logins(runtime.login_secret, key_ring)
    give_cookie(request, response, logins, logins.begin(key))


@router.post(
    "/logout",
    operation_id="log_out",
    summary="Have the browser forget its login",
    status_code=204,
    responses=cookie("an empty one, which takes the place of the login") | problems(*LOGOUT_ERRORS),
)
async def log_out(request: Request, response: Response) -> None:
    """Nothing is stored, so a copy of the cookie would hold until it expires or its key is taken out."""
    refuse_pages_of_others(request.headers, request.method)
    take_cookie(request, response)
