"""Valid settings of a live installation."""

SECRETS = {
    "BILLING_DATABASE_URL": "postgresql://paper:db-password@127.0.0.1/paper",
    "BILLING_SECRET_KEY": "kR7!pW2@zX9#mN4$vB6%cL1^hJ8&gF3*",
    "BILLING_STRIPE_SECRET_KEY": "sk_live_4f9a8b7c6d5e",
    "BILLING_STRIPE_WEBHOOK_SECRETS": "whsec_first_one, whsec_second_one",
    "BILLING_SMTP_URL": "smtps://paper:smtp-password@relay.example",
}
LIVE = SECRETS | {
    "BILLING_ENVIRONMENT": "live",
    "BILLING_PUBLIC_URL": "https://accounts.paper.co.za/",
    "BILLING_MAIL_FROM": "hello@paper.co.za",
    "BILLING_NEWSLETTER_FROM": "letters@paper.co.za",
    "BILLING_PUBLISHER_NAME": "The Paper",
    "BILLING_PUBLISHER_LEGAL_NAME": "The Paper (Pty) Ltd",
    "BILLING_PUBLISHER_ADDRESS": "1 Long Street, Cape Town, 8001",
    "BILLING_PUBLISHER_VAT_NUMBER": "4123456789",
    "BILLING_PUBLISHER_PHONE": "+27 21 555 0199",
    "BILLING_PUBLISHER_REGISTRATION_NUMBER": "2019/123456/07",
    "BILLING_PUBLISHER_REGISTRATION_PLACE": "Pretoria, South Africa",
    "BILLING_PUBLISHER_DIRECTORS": "A. Adams, B. Botha",
    "BILLING_PROXY_COUNT": "1",
    "BILLING_JOURNAL_DIR": "/var/lib/masthead/journals",
}
