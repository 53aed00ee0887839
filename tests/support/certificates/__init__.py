"""Certificates for tests, and for nothing else: the key beside them is in the open on purpose.

`trusted.pem` is for this machine by its names and addresses, `elsewhere.pem` for another one. Both
sign themselves, and last for a hundred years. They were made by

    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 \\
        -keyout test-only-key.pem -out trusted.pem -subj "/CN=ccchat test server" \\
        -addext "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
"""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


def server_context(name: str = "trusted") -> ssl.SSLContext:
    """What a server with this certificate speaks TLS by."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FOLDER / f"{name}.pem", FOLDER / "test-only-key.pem")
    return context


def client_trusts(monkeypatch: pytest.MonkeyPatch, name: str = "trusted") -> None:
    """Let clients of this process trust a certificate, by the variable that people set too."""
    monkeypatch.setenv("SSL_CERT_FILE", str(FOLDER / f"{name}.pem"))
