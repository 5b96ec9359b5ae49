"""The demo's supplier: what the systems of a plant in Puebla export and send."""
