"""Slack's stand-in, which remembers when it accepted each message and may take its time to answer."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from bench.compare.judge import Shown, emails_in
from infra.local.standins.http_standin import Answer
from infra.local.standins.slack import SlackStandIn
from shared.adapters.alert_text import REPEATED


class TimedSlack(SlackStandIn):
    """One system's Slack.

    Attributes:
        shown: the messages, oldest first.
        latency: seconds that every answer takes, half of them before the message is accepted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Shown] = []
        self.latency = 0.0

    def accept(self, request: web.BaseRequest, body: bytes) -> Answer:
        """As Slack does, and remember when."""
        answer = super().accept(request, body)
        for message in self.received[len(self.shown) :]:
            self.shown.append(Shown(time.monotonic(), emails_in(message), REPEATED in str(message)))
        return answer

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(self.latency / 2)
        answer = await super()._serve(request)
        await asyncio.sleep(self.latency / 2)
        return answer
