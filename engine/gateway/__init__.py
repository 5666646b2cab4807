"""The one door to the broker: ledger, risk, tick publisher and the server of commands."""
