"""What a visitor is told once the day's budget is used up: what a contact form would say. No model is asked."""

from __future__ import annotations

from shared.domain.contact import ContactDetails
from shared.domain.conversation import Conversation
from shared.domain.knowledge import Knowledge, detect_language
from shared.domain.reply import Reply


def contact_form(knowledge: Knowledge, conversation: Conversation | None, message: str, given: ContactDetails) -> Reply:
    """The reply of a form: thanks for contact details, or a request for them.

    True only if new contact details are saved with their alert in the reply's commit.

    Args:
        knowledge: whose sentences are said.
        conversation: as it stands, None for a new one.
        message: as written.
        given: details that came beside it.
    """
    language = conversation.language if conversation else detect_language(message, knowledge.languages)
    if language not in knowledge.languages:
        language = knowledge.default_language
    phrases = knowledge.phrases[language]
    before = conversation.details if conversation else ContactDetails()
    after = before.merged_with(ContactDetails.found(message, knowledge.phone_region).merged_with(given))
    if (after.email, after.phone) != (before.email, before.phone):
        return Reply(phrases.thanks_lead, language, "lead", answered="?" not in message)
    text = phrases.noted if after.has_contact else phrases.ask_contact
    return Reply(text, language, "unknown", answered=False)
