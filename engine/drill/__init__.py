"""The fault drill: real processes, injected faults, and the exchange's own books to check the promises against."""
