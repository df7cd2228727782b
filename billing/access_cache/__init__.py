"""Answers from memory, before the framework, what article pages ask on every view; and keeps that memory true."""
