"""Model servers: one module a kind, one protocol (`base`) for all."""
