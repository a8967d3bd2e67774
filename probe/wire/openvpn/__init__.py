"""OpenVPN's control channel, as a client speaks it up to the server's certificate, and beyond it.

**Theory.** Each packet begins with a byte (opcode << 3 | key id) and the sender's session id,
8 random bytes. Then, on the control channel, a list of acknowledged message numbers, if there are
any with the session id that they were heard from; the packet's own number; and a piece of a TLS
conversation. Over TCP a length of two bytes stands before each packet; over UDP packets are
numbered, acknowledged and repeated in the same way.

1. The client sends a *hard reset*, number 0, without a payload.
2. The server answers by its own hard reset, which acknowledges number 0 and **repeats the client's
   session id**: that binds the answer to the question, and nobody off the path can guess it. Since
   2.6 a server keeps no state until the client repeats *its* session id.
3. TLS follows in ``control`` packets. A client without a certificate comes as far as the server's:
   under TLS 1.3 its handshake is then complete, under 1.2 the server's key has signed.

4. Whoever has credentials goes on inside that TLS: a key exchange (``key_exchange``), and options
   that the server pushes (``push``). Then packets of ``data`` may follow.

Three **wrappings** hide or authenticate that, each by a key that all clients of a server share:

- *tls-auth*: an HMAC and a replay id (number, time) stand behind the session id. The digest is the
  server's ``auth``; which half of the key file serves which direction is its ``key-direction``.
- *tls-crypt*: the same place holds replay id, tag and everything else encrypted: SIV made of
  HMAC-SHA256 and AES-256-CTR (the tag's first 16 bytes are the counter's start).
- *tls-crypt-v2*: a key for each client, with the key itself, wrapped for the server (WKc), behind
  the reset. A server that asks for a cookie wants the WKc once more behind the first TLS packet,
  and answers only clients whose first replay number 0x0f000001 says that they know this.

**A server with a wrapping is silent to everybody without its key** (over TCP it closes), and to a
wrong digest, direction or key. A server without one ignores what stands behind a reset: it answers
a tls-auth reset over UDP, in plain.

Sources: the chapter "OpenVPN's network protocol" of OpenVPN's developer documentation
(src/openvpn/ssl_pkt.h, ssl_pkt.c, reliable.c, tls_crypt.c, packet_id.h of OpenVPN 2.6),
doc/tls-crypt-v2.txt in its repository, and the draft specification "OpenVPN wire protocol"
(github.com/openvpn/openvpn-rfc). Proven against OpenVPN 2.6 by tests/vpn/test_openvpn.py.
"""
