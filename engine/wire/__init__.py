"""The wire: message types, codec, keys and sockets. The only package that knows ZeroMQ and msgpack."""
