"""The dashboard: a small page of ours that anybody may load, and that shows what a token may see.

It has no build step and takes nothing from anywhere else. What it shows it asks for over the
control API, as every other client does; the files themselves tell nothing about anybody.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_KINDS: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOLDER: Final = Path(__file__).with_name("page")
_PAGE: Final = "index.html"
FILES: Final = {
    "/" if file.name == _PAGE else f"/page/{file.name}": file
    for file in sorted(_FOLDER.iterdir())
    if file.suffix in _KINDS
}
"""What there is, by its path."""

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "img", "connect")),
        *(f"{kind} 'none'" for kind in ("base-uri", "form-action", "frame-ancestors")),
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Only our own files, only our own API, in nobody's frame, and no markup out of text."""
_HEADERS: Final = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def routes() -> list[Route]:
    """Where they are."""
    return [
        Route("/", _file, methods=["GET"]),
        Route("/page/{name}", _file, methods=["GET"]),
    ]


def _file(request: Request) -> Response:
    # By name among those there are: nothing that is asked for becomes a path.
    file = FILES.get(request.scope["path"])
    if file is None:
        raise HTTPException(404, "there is no such page")
    return Response(file.read_bytes(), headers=_HEADERS, media_type=_KINDS[file.suffix])
