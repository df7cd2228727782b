"""HTTP clients for the servers of tests."""

import ssl
from typing import Any

import httpx

TLS = ssl.create_default_context()
"""Shared by all clients: creating a context reads every certificate authority of the machine, which takes 7 ms."""


def http_client(url: str, *, timeout: float = 90, **more: Any) -> httpx.Client:
    """A client for the server at this address."""
    return httpx.Client(base_url=url, timeout=timeout, trust_env=False, verify=TLS, **more)
