"""Mail: a row first (outbox), sent by another job (deliver); bounces and suppressions."""
