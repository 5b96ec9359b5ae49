"""The Dataspace Protocol 2025-1 over HTTPS: catalog, negotiation and transfer, both roles."""
