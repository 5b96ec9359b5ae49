"""The BPN-DID resolution service of a data space: which legal entity has which identifier."""
