"""A valid body for each route that reads one."""

from typing import Any

CONSENT = {
    "text_version": "app-1",
    "accepted_at": "2027-03-01T08:00:00Z",
    "ip": "196.25.1.9",
    "user_agent": "App/1",
}
GOOD: dict[str, dict[str, Any]] = {
    "PUT /v1/articles/{article_id}": {
        "title": "Rain",
        "url": "https://paper.example/rain",
        "section": "News",
        "access": "free",
        "published_at": "2027-03-01T08:00:00+02:00",
    },
    "POST /v1/articles/{article_id}/open": {"until": "2027-12-01T00:00:00Z", "reason": "floods"},
    "POST /v1/openings": {"section": "Town", "until": "2027-12-01T00:00:00Z", "reason": "floods"},
    "PUT /v1/sections/{section}": {"access": "metered"},
    "POST /v1/articles/{article_id}/gifts": {"reader_id": "rdr_00000000000000000000000000"},
    "POST /v1/trials": {"email": "new@example.com", "payment_method": "pm_card_visa", "consent": CONSENT},
    "POST /v1/access": {"articles": ["the-water-nobody-counted"]},
    "POST /access/v1/evaluation": {
        "subject": {"type": "anonymous", "id": "x"},
        "action": {"name": "read"},
        "resource": {"type": "article", "id": "the-water-nobody-counted"},
    },
    "POST /access/v1/evaluations": {
        "evaluations": [{"resource": {"type": "article", "id": "the-water-nobody-counted"}}],
    },
    "POST /v1/subscriptions/{subscription_id}/cancel": {"reason": "price", "when": "period_end"},
    "POST /v1/subscriptions/{subscription_id}/withdraw": {"reason": "changed my mind"},
    "POST /v1/subscriptions/{subscription_id}/resume": {"reason": "rang to say so"},
    "POST /v1/payments/{payment_id}/refunds": {"amount": 100, "reason": "goodwill"},
    "POST /v1/clock/advance": {"seconds": 1},
    "POST /v1/subscriptions/{subscription_id}/extend": {"days": 3, "reason": "goodwill"},
    "POST /v1/subscriptions/{subscription_id}/charge-day": {"day": 25, "reason": "asked on the phone"},
    "POST /v1/subscriptions/{subscription_id}/charge-day/undo": {"reason": "asked again"},
    "POST /v1/readers/{reader_id}/grants": {"days": 3, "reason": "goodwill"},
    "POST /v1/readers/{reader_id}/trial-exceptions": {"reason": "goodwill"},
    "POST /v1/readers/{reader_id}/address": {"email": "new@elsewhere.example", "reason": "asked by phone"},
    "POST /v1/readers/{reader_id}/erase": {"reason": "asked by letter"},
    "POST /v1/readers/{reader_id}/merge": {"other": "rdr_00000000000000000000000000", "reason": "one person"},
    "POST /v1/readers/{reader_id}/notes": {"words": "called about the delivery of mails"},
}
