"""The one rule set of the secret engine: rows of facts, their derivation, and the filter on raw matches."""
