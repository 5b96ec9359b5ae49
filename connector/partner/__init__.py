"""The partners that we know: legal entity, identifier, and what their credentials attest."""
