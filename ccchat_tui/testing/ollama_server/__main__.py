"""Run the test server by hand:

python -m ccchat_tui.testing.ollama_server --port 11434 --slots 4 --rate 50
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from math import inf

from ccchat_tui.testing.ollama_server import FAULTS, OllamaServer


async def serve(chosen: argparse.Namespace) -> None:
    """Serve until somebody interrupts."""
    server = OllamaServer(
        host=chosen.host,
        port=chosen.port,
        slots=chosen.slots,
        rate=chosen.rate or inf,
        first_token=chosen.first_token,
        load_seconds=chosen.load,
        tokens=chosen.tokens,
    )
    if chosen.fault:
        server.fail(chosen.fault, times=inf, after=chosen.after)
    async with server:
        sys.stdout.write(f"{server.url}; Ctrl+C stops it\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Read the command line, and serve."""
    names = "\n".join(f"  {name:22} {fault.words}" for name, fault in FAULTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m ccchat_tui.testing.ollama_server",
        description="An Ollama server without a model, for trying the app.",
        epilog=f"faults, also asked for by a message that says fault:NAME or "
        f"fault:NAME@LINES:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=11434)
    parser.add_argument("--slots", type=int, default=4, help="replies of one model at once")
    parser.add_argument("--rate", type=float, default=50.0, help="tokens a second; 0 for no pace")
    parser.add_argument("--first-token", type=float, default=0.3, metavar="S")
    parser.add_argument("--load", type=float, default=0.0, metavar="S", help="a load takes")
    parser.add_argument("--tokens", type=int, default=300, help="of a reply")
    parser.add_argument("--fault", choices=sorted(FAULTS), metavar="NAME", help="of all chats")
    parser.add_argument("--after", type=int, default=2, help="lines before a fault in mid-stream")
    chosen = parser.parse_args()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(chosen))
    except OSError as fault:
        sys.exit(f"cannot listen at {chosen.host}:{chosen.port}: {fault.strerror}")


if __name__ == "__main__":
    main()
