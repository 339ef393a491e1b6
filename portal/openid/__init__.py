"""Signing in by the practice's own OpenID Connect provider (OpenID Connect Core 1.0, RFC 7636)."""
