"""Who asks, and whether that one may upload or delete: addresses, tokens, and forms that other sites send.

Three kinds of request reach an upload. A program sends a bearer token, or, where the site is open, nothing. A person's
browser sends our own form. And another site may make that browser send a form of its own, with files of that site's choice:

- Every browser marks a POST with ``Origin``, and since 2020 with ``Sec-Fetch-Site``, and no page can leave them out or forge
  them; a program sends neither. So what is marked has to come from this very site, at both addresses: that is the proof
  that ``/api/uploads`` asks for where it is open. No cookie counts there.
- Our form carries a token that is also in a cookie of this site (``HttpOnly``, ``SameSite=Strict``), and both have to be equal.
- Where the site is open to this machine alone, it has to be named as this machine: a name of another site that was made to
  lead here would make that site's pages pages of this site.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request, Response

from matrix.config import Settings
from service.problems import Forbidden, NoToken
from service.uploads.policy import Policy, is_loopback

FORM_COOKIE: Final = "tfmatrix_form"
DELETION_COOKIE: Final = "tfmatrix_deletion"
"""Below an upload's own address: the browser that handed it in may delete it without typing."""

SAME_SITE: Final = frozenset({"same-origin", "none"})  # none: a person typed the address, or sent a form again

_SALT: Final = secrets.token_bytes(16)
_BROWSER: Final = "Open the page of this site and send its own form; or use `curl -F model=@FILE`."


def address_of(request: Request, settings: Settings) -> str:
    """Return the address of who asks, as the proxies tell it that are trusted to."""
    address = request.client.host if request.client else ""
    told = request.headers.get("x-forwarded-for", "").split(",")
    while told and _is_trusted(address, settings):
        address = told.pop().strip() or address
    return address


def network_of(address: str) -> str:
    """Return what stands for one sender: an address, of IPv6 the network that a household gets."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def owner_of(network: str) -> str:
    """Return a name by which turns are shared out fairly. It lasts as long as this process, and leads back to nobody."""
    return hashlib.sha256(_SALT + network.encode()).hexdigest()[:16]


def is_secure(request: Request, settings: Settings) -> bool:
    """Whether the browser speaks TLS, to us or to a trusted proxy before us."""
    address = request.client.host if request.client else ""
    proxied = request.headers.get("x-forwarded-proto", "") if _is_trusted(address, settings) else ""
    return "https" in {request.url.scheme, proxied}


def refuse_strangers(request: Request, policy: Policy) -> None:
    """Refuse where nobody may upload, and what another site made a browser send.

    Raises:
        Forbidden: It is refused.
    """
    if policy is Policy.OFF:
        raise Forbidden(
            "This site takes no uploads.",
            next_step="Check the file with tfmatrix on a machine of your own; the matrix is here for everybody.",
        )
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    if policy is Policy.LOCAL and not is_loopback(host):
        raise Forbidden(
            f"This site takes uploads of this machine alone, and was asked as {host[:80]!r}.",
            next_step="Open it as localhost; or set TFMATRIX_UPLOAD_TOKEN, or TFMATRIX_UPLOADS=open (docs/settings.md).",
        )
    refuse_other_sites(request)


def refuse_other_sites(request: Request) -> None:
    """Refuse what a page of another site made a browser send.

    Raises:
        Forbidden: It did.
    """
    fetched, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if fetched is not None:
        ours = fetched in SAME_SITE
    else:
        ours = origin is None or urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
    if not ours:
        raise Forbidden("Another site sent this.", next_step=_BROWSER)


def bearer_of(request: Request) -> str:
    """Return the token that a program sent, or nothing."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def refuse_without_token(policy: Policy, settings: Settings, given: str) -> None:
    """Refuse who does not know the token, where one is asked for.

    Raises:
        NoToken: It is not the token.
    """
    wanted = settings.upload_token.get_secret_value()
    if policy is Policy.TOKEN and not secrets.compare_digest(given.encode(), wanted.encode()):
        raise NoToken(
            "Who uploads here has to know the token." if not given else "This is not the token.",
            next_step="Ask whoever runs this site for it. Programs send it as `Authorization: Bearer TOKEN`.",
        )


def form_token(request: Request) -> str:
    """Return what our forms carry for this browser: what its cookie says, or something new."""
    kept = request.cookies.get(FORM_COOKIE, "")
    return kept if 32 <= len(kept) <= 64 and kept.isalnum() else secrets.token_hex(16)  # noqa: PLR2004


def keep_form_token(response: Response, token: str, *, path: str, secure: bool) -> None:
    """Let the browser send the token back with our forms, and with nobody else's."""
    response.set_cookie(FORM_COOKIE, token, path=path, secure=secure, httponly=True, samesite="strict")


def refuse_foreign_forms(request: Request, fields: Mapping[str, str]) -> None:
    """Refuse a form that is not ours, or of another browser.

    Raises:
        Forbidden: It is.
    """
    kept, sent = request.cookies.get(FORM_COOKIE, ""), fields.get("csrf", "")
    if not kept or not secrets.compare_digest(kept.encode(), sent.encode()):
        raise Forbidden(
            "This form is not of this browser, or too old.",
            next_step="Load the page again and send the form again; it needs a cookie of this site.",
        )


def _is_trusted(address: str, settings: Settings) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in settings.proxies)
