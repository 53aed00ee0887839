"""Who may open the app in a browser: the same names, origins and tokens as for the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from ccchat_tui.api.doors import Names
from ccchat_tui.api.tokens import Caller, Tokens, TokensError

COOKIE: Final = "ccchat"
CALLER: Final = "ccchat.caller"
TOKEN: Final = "ccchat.token"  # noqa: S105 - the name under which it is kept

_OPEN: Final = ("/static/",)
"""What tells nothing about anybody."""
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Nothing is fetched from any other host, and no other page has this one in it."""
_ENTER: Final = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>ccchat</title>
<meta name="viewport" content="width=device-width">
<style>body { font: 16px monospace; background: #0c181f; color: #eee; margin: 20vh auto;
width: 34em; max-width: 90vw } input, button { font: inherit; padding: .4em; width: 100%%;
box-sizing: border-box; margin: .3em 0 }</style></head>
<body><h1>ccchat</h1><p role="status">%s</p>
<form method="post" action="/enter"><label>Token, as <code>ccchat token --user NAME</code> prints it
<input type="password" name="token" autofocus required autocomplete="current-password"></label>
<button>Enter</button></form></body></html>
"""


def door(tokens: Tokens, names: Iterable[str], *, any_ip: bool) -> Callable[..., Awaitable[object]]:
    """Lets in who may come in.

    Args:
        tokens: Who is known.
        names: Host names by which we are reached, beside those of this machine alone.
        any_ip: Whether any address is right as a host.
    """
    ours = Names(names, any_ip=any_ip)

    @web.middleware
    async def enter(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not ours.known(request.headers.getall("Host", [])):
            return _refuse(403, "this name is not one of ours; --allow-host NAME if it is")
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2].lower() != request.host.lower():
            return _refuse(403, "pages of other sites are not served")
        if request.path == "/enter" and request.method == "POST":
            return _let_in(tokens, str((await request.post()).get("token", "")))
        if request.path == "/" and "token" in request.query:
            return _by_link(tokens, request)
        if not request.path.startswith(_OPEN):
            token = request.cookies.get(COOKIE, "")
            caller = _who(tokens, token)
            if caller is None:
                return _ask("") if request.path == "/" else _refuse(401, "a token is needed")
            request[CALLER], request[TOKEN] = caller, token
        response = await handler(request)
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    return enter


def _by_link(tokens: Tokens, request: web.Request) -> web.Response:
    """Who follows one that was printed, and not one on another page: else that could have somebody
    write into conversations of its author's."""
    if request.headers.get("Sec-Fetch-Site", "").lower() in {"cross-site", "same-site"}:
        return _ask("A link on another page lets nobody in; give the token here.")
    return _let_in(tokens, request.query["token"])


def _let_in(tokens: Tokens, token: str) -> web.Response:
    """Remember a token in the browser, out of sight of pages, and show the app without it in the
    address."""
    if _who(tokens, token.strip()) is None:
        return _ask("That is nobody's token.")
    response = web.Response(status=303, headers={**_HEADERS, "Location": "/"})
    response.set_cookie(COOKIE, token.strip(), httponly=True, samesite="Strict", path="/")
    return response


def _who(tokens: Tokens, token: str) -> Caller | None:
    try:
        return tokens.who(token)
    except TokensError:
        return None  # `ccchat token` says why


def _ask(words: str) -> web.Response:
    return web.Response(text=_ENTER % words, status=401, headers=_HEADERS, content_type="text/html")


def _refuse(status: int, words: str) -> web.Response:
    return web.Response(text=f"{words}\n", status=status, headers=_HEADERS)
