"""What the chat answers from."""

from __future__ import annotations

from dataclasses import dataclass

from shared.settings import kinds
from shared.settings.declaring import setting

_model = kinds.matching(r"[\x21-\x7e]{1,200}", "the model's name, visible ASCII characters")


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ChatSettings:
    """What the chat answers from."""

    knowledge_path: str | None = setting("KNOWLEDGE_PATH", "The knowledge file; by default the shipped sample.")
    hot_lead_score: int = setting(
        "HOT_LEAD_SCORE", "From this score on, 0 to 100, a lead is hot.", kinds.integer(0, 100), "80"
    )
    llm_base_url: str | None = setting(
        "LLM_BASE_URL", "An OpenAI-compatible API, up to and without /chat/completions.", kinds.base_url
    )
    llm_model: str | None = setting("LLM_MODEL", "The language model's name there.", _model)
    llm_api_key: str | None = setting("LLM_API_KEY", "The key for it, where it takes one.", kinds.token, secret=True)
    llm_deadline_seconds: float = setting(
        "LLM_DEADLINE_SECONDS", "How long a visitor waits for the model, in all.", kinds.number(0.5, 15), "8"
    )
