"""Parts that several docks are made of; they know no trade."""
