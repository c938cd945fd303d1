"""The JSON of the contract, as strict models: exactly this goes out, and nothing else may come in."""
