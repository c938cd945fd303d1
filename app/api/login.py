"""The login cookie: what a browser shows in the place of a key, so that links and pictures work.

It is ``SINCE.EXPIRES.KEY_ID.SEAL``, and nothing is stored for it. The seal is an HMAC-SHA256 under the secret
of the database and the hash of the key: every replica knows it, also after a restart, and it ends with
the key. Neither is enough by itself: who reads a hash out of a configuration still cannot make a cookie.
Scopes and limits are those of the key at the time of each request.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fastapi import Request, Response

from app.api.browsers import refuse_pages_of_others
from app.api.deps import get_runtime
from app.api.security import ApiKey, KeyRing
from app.domain.errors import Unauthenticated

COOKIE_NAME: Final = "binderlens_login"
#: A login ends so many seconds after its last renewal.
LIFETIME_S: Final = 12 * 3600
#: A cookie is renewed on use once less than this is left of it, in seconds.
_RENEW_BELOW_S: Final = LIFETIME_S // 2
#: However often it is renewed, a login ends so many seconds after the key was given.
LONGEST_S: Final = 7 * 86_400

_TOKEN: Final = re.compile(
    r"(?P<body>(?P<since>[0-9]{1,12})\.(?P<expires>[0-9]{1,12})\.(?P<key_id>[A-Za-z0-9._-]{1,64}))"
    r"\.(?P<seal>[A-Za-z0-9_-]{43})"
)
#: Sealed with where no key has the id that a cookie names, so that this takes as long as any other.
_NO_KEY: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who gave a key; both moments in seconds since 1970."""

    key: ApiKey
    since_s: int
    expires_s: int


class Logins:
    """Makes and reads the tokens of login cookies.

    Args:
        secret: Of the database.
        ring: The keys that are known now.
        clock: Seconds since 1970.
    """

    def __init__(self, secret: bytes, ring: KeyRing, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._ring = ring
        self._clock = clock

    def begin(self, key: ApiKey) -> Login:
        """The login of somebody who has just given this key."""
        now_s = int(self._clock())
        return Login(key, now_s, now_s + LIFETIME_S)

    def token(self, login: Login) -> str:
        """What the browser keeps."""
        body = f"{login.since_s}.{login.expires_s}.{login.key.key_id}"
        return f"{body}.{self._seal(body, login.key.key_sha256)}"

    def read(self, token: str) -> Login:
        """Whose login this is.

        Raises:
            Unauthenticated: the token is not ours, has expired, or its key is not known any more.
        """
        match = _TOKEN.fullmatch(token)
        login = None if match is None else self._unseal(match)
        if login is None or login.expires_s <= self._clock():
            raise Unauthenticated("this login has ended; log in again")
        return login

    def renewed(self, login: Login) -> Login | None:
        """The login with a later end; None while it has long enough to live, or must end."""
        now_s = int(self._clock())
        expires_s = min(now_s + LIFETIME_S, login.since_s + LONGEST_S)
        if login.expires_s - now_s >= _RENEW_BELOW_S or expires_s <= login.expires_s:
            return None
        return Login(login.key, login.since_s, expires_s)

    def seconds_left(self, login: Login) -> int:
        """How long the login still holds."""
        return max(0, login.expires_s - int(self._clock()))

    def _unseal(self, match: re.Match[str]) -> Login | None:
        # Several keys may have one id while one takes the place of the other.
        keys = [key for key in self._ring.keys if key.key_id == match["key_id"]]
        if not keys:
            self._seal(match["body"], _NO_KEY)
        found = None
        for key in keys:
            if hmac.compare_digest(self._seal(match["body"], key.key_sha256), match["seal"]):
                found = Login(key, int(match["since"]), int(match["expires"]))
        return found

    def _seal(self, body: str, key_sha256: bytes) -> str:
        """43 characters of URL-safe base64; compared as text, since other texts decode to the same bytes."""
        own = hmac.digest(self._secret, b"login cookie " + key_sha256, hashlib.sha256)
        sealed = hmac.digest(own, body.encode("ascii"), hashlib.sha256)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that a login cookie let in."""

    request: Request
    logins: Logins
    login: Login

    @classmethod
    def by(cls, token: str, request: Request, ring: KeyRing) -> Visit:
        """Whose request this is.

        Raises:
            Unauthenticated: the token is not ours, has expired, or its key is not known any more.
            CrossSiteRequest: the page of another origin asks for a change.
            NotReady: the secret is not known yet, since start-up has not finished.
        """
        refuse_pages_of_others(request.headers, request.method)
        logins = Logins(get_runtime(request).login_secret, ring)
        return cls(request, logins, logins.read(token))

    def renew(self, response: Response) -> None:
        """Has the browser keep its login for longer, where that is due."""
        if (renewed := self.logins.renewed(self.login)) is not None:
            give_cookie(self.request, response, self.logins, renewed)


def give_cookie(request: Request, response: Response, logins: Logins, login: Login) -> None:
    """Has the browser keep a login."""
    response.set_cookie(
        COOKIE_NAME,
        logins.token(login),
        max_age=logins.seconds_left(login),
        path=_path(request),
        secure=_is_encrypted(request),
        httponly=True,
        samesite="strict",
    )


def take_cookie(request: Request, response: Response) -> None:
    """Has the browser forget its login."""
    response.delete_cookie(
        COOKIE_NAME, path=_path(request), secure=_is_encrypted(request), httponly=True, samesite="strict"
    )


def _path(request: Request) -> str:
    return str(request.scope.get("root_path") or "/")


def _is_encrypted(request: Request) -> bool:
    return request.url.scheme == "https"
