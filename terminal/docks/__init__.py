"""One dock a file. Docks know values and models, emit signals, and never know each other or a socket."""
