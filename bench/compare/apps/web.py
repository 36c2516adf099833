"""The web side of all alternatives: Flask behind one proxy, limited by Flask-Limiter with its windows in Redis."""

from __future__ import annotations

import os
from collections.abc import Callable

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.middleware.proxy_fix import ProxyFix

from bench.compare.apps import record
from bench.compare.apps.lead import lead_of


def chat_app(queue: Callable[[dict[str, str]], object]) -> Flask:
    """The application.

    Args:
        queue: takes a lead for delivery; what it raises becomes a 500, so that the visitor knows.
    """
    app = Flask("compare")
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)  # type: ignore[method-assign] # as Flask's documentation has it
    # A limiter without its storage counts in memory meanwhile, as its documentation recommends.
    limiter = Limiter(
        get_remote_address,
        app=app,
        storage_uri=os.environ["COMPARE_REDIS_URL"],
        in_memory_fallback_enabled=True,
    )

    @app.post("/chat")
    @limiter.limit("30 per minute")
    def chat() -> ResponseReturnValue:
        try:
            lead = lead_of(request.get_json(silent=True))
        except ValueError as error:
            return jsonify({"detail": str(error)}), 400
        record.begin(lead)
        queue(lead)
        return jsonify({"response": "Thank you, we will be in touch.", "conversation_id": lead["id"]})

    return app
