"""DKIM signature headers as relays write them. They are not valid signatures."""

SIGNED = "From:To:Reply-To:Subject:Date:Message-ID:List-Id:\r\n\tList-Unsubscribe:List-Unsubscribe-Post:Feedback-ID"


def signature(domain: str = "news.paper.example", covers: str = SIGNED, more: str = "") -> str:
    """The header, without the line break at its end."""
    return (
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain};\r\n\ts=s2027; t=1803880800;{more}"
        f"\r\n\th={covers};\r\n\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n\tb=dGhpcyBpcyBu\r\n\t b3Qgb25l"
    )
